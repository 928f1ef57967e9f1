//! Random flushes, overwrites and compactions of several nodes, against a map.

use std::sync::Arc;

use super::cluster::{Cell, Cluster, Step};
use super::world::{cases, options};
use crate::clock::Clock;
use crate::lake::options::JoinLimits;
use crate::lake::{Options, Upkeep};
use crate::merge::DAY_NS;
use crate::telemetry::UpkeepCounts;

/// Cases of every run of the tests.
const FEW: u64 = 200;

/// Cases of a long run, unless [`cases`] says otherwise.
const MANY: u64 = 10_000;

/// Now; the days 3 and 9 are over.
pub(super) const NOW_NS: i64 = 10 * DAY_NS + DAY_NS / 2;

/// Numbers that differ from case to case and are the same for each run of it.
pub(super) struct Random {
    state: u64,
    values: f64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            values: 0.0,
        }
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("below a length")
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    pub(super) fn cells(&mut self) -> Vec<Cell> {
        let first = self.below(40);
        let hosts = self.of(&[1, 2, 5, 30]);
        let day = self.of(&[3, 3, 3, 9, 10]);
        let time = self.of(&[0, 0, 0, 1, 2, 50, 900]);
        let times = self.of(&[1, 1, 2, 3]);
        let field = self.of(&["v", "v", "w"]);
        let mut cells = Vec::new();
        for host in first..first + hosts {
            for time in time..time + times {
                // No value stands twice: an old one is told from a new one.
                self.values += 1.0;
                cells.push(Cell {
                    host,
                    time_ns: day * DAY_NS + time,
                    field,
                    value: self.values,
                });
            }
        }
        cells
    }

    fn step(&mut self, node: usize, nodes: usize, is_meanwhile: bool) -> Step {
        let meanwhile = |random: &mut Self| match is_meanwhile || nodes < 2 {
            true => Vec::new(),
            false => random.meanwhile(node, nodes),
        };
        match self.below(20) {
            0..9 => Step::Write {
                node,
                cells: self.cells(),
            },
            9..15 => {
                let steps = meanwhile(self);
                let meanwhile = self.during_flush(steps, node, nodes);
                Step::Flush { node, meanwhile }
            }
            // While others are at work their new files are too young for it.
            15 if !is_meanwhile && self.below(3) == 0 => Step::Upkeep {
                node,
                what: Upkeep::Vacuum,
                meanwhile: Vec::new(),
            },
            15..18 => Step::Upkeep {
                node,
                what: self.of(&[Upkeep::Routine, Upkeep::Compact]),
                meanwhile: meanwhile(self),
            },
            18 if !is_meanwhile && self.below(2) == 0 => Step::Delete { node },
            18 => Step::Reload { node },
            // Old programs do not come back while newer ones are at work.
            _ if !is_meanwhile => Step::Age,
            _ => Step::Reload { node },
        }
    }

    /// The same, and now and then one of them deletes the bucket.
    fn during_flush(&mut self, mut steps: Vec<Step>, node: usize, nodes: usize) -> Vec<Step> {
        if !steps.is_empty() && self.below(4) == 0 {
            let at = self.index(steps.len() + 1);
            let node = (node + 1 + self.index(nodes - 1)) % nodes;
            steps.insert(at, Step::Delete { node });
        }
        steps
    }

    /// The steps of the other nodes in the meantime.
    fn meanwhile(&mut self, node: usize, nodes: usize) -> Vec<Step> {
        let steps = self.of(&[0, 1, 3, 6]);
        let steps = (0..steps).map(|_| {
            let other = (node + 1 + self.index(nodes - 1)) % nodes;
            self.step(other, nodes, true)
        });
        steps.collect()
    }
}

async fn check(seed: u64) {
    let mut random = Random::new(seed);
    let nodes = random.of(&[1, 2, 2, 3]);
    // Files that are all full, of few rows or of many; small and full ones; small ones only.
    let sizes = [
        (1, usize::MAX),
        (2000, 16),
        (2000, 64),
        (4000, usize::MAX),
        (1 << 20, usize::MAX),
    ];
    let (file_bytes_max, file_rows_max) = random.of(&sizes);
    let options = Options {
        compact_files_min: random.of(&[2, 3, 4]),
        file_bytes_max,
        checkpoint_every: random.of(&[3, u64::MAX]),
        shared: true,
        ..options()
    };
    let joins = JoinLimits {
        runs_max: random.of(&[2, 3, 64]),
        file_rows_max,
    };
    let cluster = Cluster::new(nodes, options, joins, Clock::manual(NOW_NS)).await;
    for _ in 0..5 + random.below(25) {
        let node = random.index(nodes);
        let step = random.step(node, nodes, false);
        let is_upkeep = matches!(step, Step::Upkeep { .. });
        cluster.run(step).await;
        if is_upkeep {
            assert!(cluster.stored(node).await.0 == cluster.expected());
        }
    }
    for node in 0..nodes {
        let meanwhile = Vec::new();
        cluster.run(Step::Flush { node, meanwhile }).await;
    }
    check_rest(&cluster).await;
}

/// No point is old, none is there twice, and a second run does nothing.
async fn check_rest(cluster: &Arc<Cluster>) {
    for what in [Upkeep::Routine, Upkeep::Compact] {
        for node in 0..cluster.nodes.len() {
            cluster.upkeep(node, what).await;
            let again = cluster.upkeep(node, what).await;
            assert_eq!(again, UpkeepCounts::default(), "{what:?} of node {node}");
            let (values, rows) = cluster.stored(node).await;
            assert!(values == cluster.expected(), "{what:?} of node {node}");
            if what == Upkeep::Compact {
                assert_eq!(rows, values.len() as u64, "points stand twice");
            }
        }
    }
}

fn check_all(cases: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for seed in 0..cases {
        // The seed of a failing case is enough to run it again.
        let case = runtime.block_on(runtime.spawn(async move {
            let limit = std::time::Duration::from_secs(300);
            tokio::time::timeout(limit, check(seed)).await
        }));
        assert!(matches!(case, Ok(Ok(()))), "case {seed}: {case:?}");
    }
}

#[test]
fn whatever_is_flushed_and_joined_no_point_is_old_or_double_and_it_comes_to_rest() {
    check_all(FEW);
}

#[test]
#[ignore = "run by tests/scripts/lake_models.sh"]
fn the_same_in_ten_thousand_cases() {
    check_all(cases(MANY));
}
