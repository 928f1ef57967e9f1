//! The write path against a plain map, over a disk that fails (contract section 5: the last write
//! of each field wins; design section 8: acknowledged <= recovered <= sent).
//!
//! A run is a list of operations that proptest makes up and shrinks: writes of good, clashing and
//! broken lines, faults of the disk, power cuts and clean stops. After each operation everything
//! that is stored is exported as line protocol, read back and held against the model: what was
//! acknowledged must be there, what was rejected must not, and a write that was answered with an
//! error may be there in part, until the log has taken a later one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

#[path = "model/lines.rs"]
mod lines;
#[path = "model/points.rs"]
mod points;
#[path = "model/world.rs"]
mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate::storage::fault::Fault;
use tidegate::storage::{FaultStorage, Operation};

use lines::Line;
use points::{Cell, Points, Value};
use world::World;

/// The operations on the write path.
#[derive(Clone, Debug)]
enum Step {
    Write {
        lines: Vec<Line>,
        accept_partial: bool,
    },
    /// The operation that comes after `after` good ones of its kind fails.
    Fail {
        operation: Operation,
        after: u64,
        fault: Fault,
    },
    /// The disk is full, or the power goes, from some time on.
    FailAlways {
        operation: Operation,
        fault: Fault,
    },
    CutPower {
        after: u64,
    },
    /// The disk works again, and the log may find out.
    Heal,
    Crash,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let operation = prop_oneof![
        4 => Just(Operation::Sync),
        4 => Just(Operation::Write),
        1 => Just(Operation::Create),
        1 => Just(Operation::Rename),
        1 => Just(Operation::SyncDir),
        1 => Just(Operation::SetLen),
    ];
    let fault = prop_oneof![
        Just(Fault::Io),
        Just(Fault::Full),
        Just(Fault::ShortIo),
        Just(Fault::ShortFull)
    ];
    let write = (
        prop::collection::vec(lines::line(), 1..8),
        prop::bool::weighted(0.7),
    );
    let write = write.prop_map(|(lines, accept_partial)| Step::Write {
        lines,
        accept_partial,
    });
    let fail = (operation.clone(), 0..3_u64, fault.clone());
    let fail = fail.prop_map(|(operation, after, fault)| Step::Fail {
        operation,
        after,
        fault,
    });
    let always =
        (operation, fault).prop_map(|(operation, fault)| Step::FailAlways { operation, fault });
    prop_oneof![
        12 => write,
        5 => fail,
        1 => always,
        1 => (0..6_u64).prop_map(|after| Step::CutPower { after }),
        2 => Just(Step::Heal),
        2 => Just(Step::Crash),
        2 => Just(Step::Restart),
    ]
}

/// The points that must be stored, and those that may be.
#[derive(Default)]
struct Model {
    stored: Points,
    /// Cells of writes that were not acknowledged, each with every value that was tried.
    perhaps: BTreeMap<Cell, Vec<Value>>,
}

impl Model {
    /// Takes a write, and returns what it should come to if it worked.
    fn expect(&self, lines: &[Line]) -> (Points, lines::Verdict) {
        let mut stored = self.stored.clone();
        let verdict = lines::apply(lines, &mut stored);
        (stored, verdict)
    }

    fn unanswered(&mut self, lines: &[Line]) {
        let accepted = lines::accepted(lines, &self.stored);
        for (cell, value) in accepted {
            self.perhaps.entry(cell).or_default().push(value);
        }
    }

    /// Holds what is stored against what must and may be. From then on this is the expected state.
    fn check(&mut self, found: Points, context: &str) {
        for (cell, value) in &self.stored.0 {
            let there = found.0.get(cell);
            let overwritten = there.is_some_and(|there| {
                self.perhaps
                    .get(cell)
                    .is_some_and(|tried| tried.contains(there))
            });
            assert!(
                there == Some(value) || overwritten,
                "{context}: {cell:?} was {value:?}, is {there:?}"
            );
        }
        for (cell, value) in &found.0 {
            let known = self.stored.0.get(cell) == Some(value);
            let tried = self
                .perhaps
                .get(cell)
                .is_some_and(|tried| tried.contains(value));
            assert!(
                known || tried,
                "{context}: {cell:?} = {value:?} was never written"
            );
        }
        self.stored = found;
    }
}

async fn run(steps: Vec<Step>) {
    let mut world = World::open(FaultStorage::new(7));
    let mut model = Model::default();
    for (number, step) in steps.into_iter().enumerate() {
        let context = format!("step {number}");
        match step {
            Step::Write {
                lines,
                accept_partial,
            } => write(&world, &mut model, &lines, accept_partial, &context).await,
            Step::Fail {
                operation,
                after,
                fault,
            } => world.storage.fail(operation, after, fault),
            Step::FailAlways { operation, fault } => world.storage.fail_always(operation, fault),
            Step::CutPower { after } => world.storage.cut_power_after(after),
            Step::Heal => world.heal().await,
            Step::Crash => {
                world = world.crash();
                model.check(world.stored().await, &context);
                model.perhaps.clear();
            }
            Step::Restart => {
                world = world.restart().await;
                model.check(world.stored().await, &context);
                model.perhaps.clear();
            }
        }
        model.check(world.stored().await, &context);
    }
    // At last: what is there survives one more power cut, and an export is all there is to it.
    let world = world.crash();
    model.check(world.stored().await, "the end");
    let copy = World::open(FaultStorage::new(8));
    copy.copy(&world.export().await).await;
    assert_eq!(copy.export().await, world.export().await);
}

async fn write(
    world: &World,
    model: &mut Model,
    lines: &[Line],
    accept_partial: bool,
    context: &str,
) {
    world.wait_until_healthy(10).await;
    let (stored, verdict) = model.expect(lines);
    match world.write(lines, accept_partial).await {
        Ok(outcome) => {
            let refused = !accept_partial && verdict.has_reports();
            let accepted = if refused { 0 } else { verdict.accepted };
            assert_eq!(
                (outcome.accepted, outcome.rejected),
                (accepted, verdict.rejected),
                "{context}: {lines:?} {outcome:?}"
            );
            assert_eq!(
                outcome.reports.is_empty(),
                !verdict.has_reports(),
                "{context}"
            );
            if !refused {
                model.stored = stored;
            }
            if accepted > 0 {
                // What failed before is not on the disk, or the log would have said so.
                model.perhaps.clear();
            }
        }
        Err(_) => model.unanswered(lines),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_what_is_stored(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        runtime.block_on(run(steps));
    }
}
