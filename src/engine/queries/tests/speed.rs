//! The time that a compacted day takes as it lies, and with rows in memory that make it be merged.

use super::world::{NOW_NS, World};

const HOSTS: i64 = 20;
const STEPS: i64 = 4000;
const STEP_NS: i64 = 1_000_000_000;

async fn median_ms(world: &World, text: &str) -> u128 {
    let mut all = Vec::new();
    for _ in 0..5 {
        let begun = crate::clock::instant();
        let (_, rows) = world.ask(text).await.expect("answered");
        assert!(!rows.is_empty(), "{text}");
        all.push(begun.elapsed().as_micros());
    }
    all.sort_unstable();
    all[2]
}

#[ignore = "it measures, and is for people: cargo test -- --ignored --nocapture a_compacted_day"]
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "it tells what it measured")]
async fn a_compacted_day_as_it_lies_and_merged() {
    let world = World::new(|config| config.memory.budget_bytes = 1 << 30).await;
    let start = NOW_NS - STEPS * STEP_NS;
    for step in (0..STEPS).step_by(500) {
        let lines = (step..step + 500).flat_map(|step| {
            let time = start + step * STEP_NS;
            (0..HOSTS)
                .map(move |host| format!("m,host=h{host:02} v={step},w={host},n={step}i {time}\n"))
        });
        world.write(&lines.collect::<String>()).await;
        world.flush().await;
    }
    world.compact().await;
    let hour = NOW_NS - 600 * STEP_NS;
    let texts = [
        "SELECT host, max(v) FROM m GROUP BY host".to_owned(),
        "SELECT max(v) FROM m WHERE host = 'h07'".to_owned(),
        format!("SELECT max(v) FROM m WHERE host = 'h07' AND time >= to_timestamp({hour})"),
        "SELECT count(*) FROM m WHERE v > 3990".to_owned(),
        "SELECT * FROM m ORDER BY time DESC LIMIT 5".to_owned(),
    ];
    let mut alone = Vec::new();
    for text in &texts {
        alone.push(median_ms(&world, text).await);
    }
    let (_, plan) = world
        .ask(&format!("EXPLAIN ANALYZE {}", texts[1]))
        .await
        .expect("explained");
    for line in plan.into_iter().flatten().flatten() {
        eprintln!("{line}");
    }
    // Rows in memory from the first second to the last.
    let lines = (0..STEPS).step_by(400).chain([STEPS - 1]);
    let lines = lines.map(|step| format!("m,host=z v=0 {}\n", start + step * STEP_NS));
    world.write(&lines.collect::<String>()).await;
    for (text, alone) in texts.iter().zip(alone) {
        let merged = median_ms(&world, text).await;
        eprintln!("alone {alone} us, merged {merged} us: {text}");
    }
}
