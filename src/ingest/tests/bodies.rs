//! Bodies as a whole: in how many frames they are logged, and how long their memory is held.

use std::sync::Arc;

use super::support::{LIMITS, World, soon};
use crate::ingest::parse::Parsing;
use crate::ingest::rules::LineRules;
use crate::line_protocol::Precision;

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("m v={n} {n}\n")).collect()
}

/// A body that is all or nothing was logged slice by slice, so a crash could leave a part of it.
#[tokio::test]
async fn a_body_that_is_all_or_nothing_and_fits_a_frame_is_one() {
    let world = World::new();
    world.write("m v=0 0").await;
    let frames = async |body: &str| {
        let before = world.ingest.log_stats().last.0;
        assert_eq!(world.write_all_or_nothing(body).await.rejected, 0);
        world.ingest.log_stats().last.0 - before
    };
    assert_eq!(frames(&lines(3000)).await, 1, "seven slices");
    let filler = "x".repeat(900);
    let long: String = (0..1500)
        .map(|n| format!("n s=\"{filler}\" {n}\n"))
        .collect();
    assert_eq!(frames(&long).await, 2, "more than a mebibyte");
}

/// The request gave the memory back while the task that parses still held the text.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_paid_for_until_nobody_holds_its_text() {
    let world = World::new();
    let parsers = Arc::clone(&world.ingest.shared.parsers);
    let places = u32::try_from(parsers.available_permits()).expect("few");
    let held = parsers.acquire_many(places).await.expect("open");
    let before = world.budget.used_bytes();
    let text = lines(3000);
    let rules = LineRules {
        limits: LIMITS,
        oldest_ns: None,
        default_ns: 0,
    };
    let body = world.request(&text, true).body;
    let parsing = Parsing::start(&world.ingest, body, Precision::Nanosecond, rules, 4096);
    // The request fails; its task waits for a place to parse at.
    drop(parsing);
    let text_bytes = u64::try_from(text.len()).expect("small");
    assert_eq!(world.budget.used_bytes(), before + text_bytes);
    drop(held);
    soon("it is given back", || world.budget.used_bytes() == before).await;
}
