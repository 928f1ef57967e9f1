//! The same questions in many shapes, before and after points move: each time the answer equals that
//! of a plain map of points, which is asked by plain Rust.
//!
//! ```text
//! write > ask > flush, compact, restart, or let time pass > ask the same again
//! ```
//!
//! Points are written again, field by field; they come out of order, lie around midnight and around
//! one microsecond, and get new tags and fields; the oldest pass their retention.
//!
//! A failure prints the seed, the question and the first difference.

mod aggregate;
mod condition;
mod data;
mod grouped;
mod question;
mod rows;
mod value;
mod within;

use self::data::{DAY_NS, Points};
use self::question::Question;
use super::random::Chance;
use super::world::{NOW_NS, World};

/// A way to ask, at random in the rest.
type Shape = fn(&mut Chance, &Points) -> Question;

const SHAPES: [(&str, Shape); 21] = [
    ("list", rows::list),
    ("star", rows::star),
    ("in order", rows::in_order),
    ("best", rows::best),
    ("windows", grouped::windows),
    ("newest", rows::newest),
    ("some", rows::some),
    ("distinct", rows::distinct),
    ("counted distinct", rows::counted_distinct),
    ("sets", rows::sets),
    ("join", rows::join),
    ("among", within::among),
    ("among aggregated", within::among_aggregated),
    ("at bound", within::at_bound),
    ("whole", grouped::whole),
    ("by tags", grouped::by_tags),
    ("by time", grouped::by_time),
    ("by both", grouped::by_both),
    ("by expressions", grouped::by_expressions),
    ("by series", grouped::by_series),
    ("last points", grouped::last_points),
];

/// The shapes that are asked, twice, in a round.
const SHAPES_PER_ROUND: usize = 6;

/// The rounds of one world: it grows, and then another begins.
const ROUNDS: usize = 10;

/// The worlds of every run of the tests: 100 rounds.
const FEW: u64 = 10;

/// The worlds of a long run: `cargo test --lib queries::tests::shapes -- --ignored`.
const MANY: u64 = 200;

/// The time that points are kept.
const RETENTION_NS: i64 = 2 * DAY_NS;

async fn check(world: &World, questions: &[(&str, Question)], at: &str) {
    for (shape, question) in questions {
        let sql = &question.sql;
        let difference = match world.ask(sql).await {
            Ok((_, rows)) => question.expected.difference(rows),
            Err(error) => Some(error.to_string()),
        };
        if let Some(difference) = difference {
            panic!("{at}, {shape}:\n{sql}\n{difference}");
        }
    }
}

/// Moves points, or lets them be. Returns the name of what was done.
async fn step(world: World, chance: &mut Chance) -> (World, &'static str) {
    match chance.below(6) {
        0 | 1 => {
            world.flush().await;
            (world, "a flush")
        }
        2 => {
            world.flush().await;
            world.tidy("m").await;
            (world, "a compaction")
        }
        3 => {
            world.tidy("m").await;
            (world, "a compaction beside the buffer")
        }
        4 => (world.restart().await, "a restart"),
        _ => (world, "nothing"),
    }
}

/// Lets time pass, so that some points are past their retention by no more than a nanosecond.
fn pass_time(world: &World, points: &mut Points, chance: &mut Chance) {
    let now_ns = world.clock.now_ns();
    let oldest_ns = data::time_ns(chance) + chance.below(3).cast_signed() - 1;
    let later_ns = oldest_ns + RETENTION_NS;
    if (now_ns..now_ns + DAY_NS).contains(&later_ns) {
        world.clock.set(later_ns);
        points.hide_before(oldest_ns);
    }
}

async fn play(seed: u64) {
    let mut chance = Chance::new(seed);
    let mut points = Points::default();
    let mut world = World::new(|config| {
        // Every few batches make a segment.
        config.buffer.segment_bytes_max = 1 << 14;
    })
    .await;
    let kept = world
        .engine
        .catalog
        .set_retention(world.bucket.id, Some(RETENTION_NS));
    world.bucket = kept.expect("set");
    points.hide_before(NOW_NS - RETENTION_NS);
    for round in 0..ROUNDS {
        let lines = 5 + chance.below(40);
        let lines: String = (0..lines)
            .map(|_| points.write(&mut chance, round))
            .collect();
        world.write(&lines).await;
        if chance.below(2) == 0 {
            pass_time(&world, &mut points, &mut chance);
        }
        let mut questions = Vec::new();
        for _ in 0..SHAPES_PER_ROUND {
            let (name, shape) = SHAPES[chance.place(SHAPES.len())];
            questions.push((name, shape(&mut chance, &points)));
        }
        check(
            &world,
            &questions,
            &format!("seed {seed}, round {round}, written"),
        )
        .await;
        let name;
        (world, name) = step(world, &mut chance).await;
        check(
            &world,
            &questions,
            &format!("seed {seed}, round {round}, after {name}"),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_has_one_answer_whatever_its_shape_and_wherever_its_points_are() {
    for seed in 0..FEW {
        play(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: a long run by hand"]
async fn a_question_has_one_answer_in_a_long_run() {
    for seed in FEW..FEW + MANY {
        play(seed).await;
    }
}
