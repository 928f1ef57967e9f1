//! The memory of schemas: bounded per bucket, given back with it, and no obstacle to a start.

use super::support::{LIMITS, NOW_NS, Setup, World};
use crate::ingest::{Limits, Target, WriteOutcome};
use crate::storage::FaultStorage;
use std::time::Duration;

use tokio::time::timeout;

const KIB: u64 = 1 << 10;

fn world(schema_bytes_max: u64, schemas_bytes_max: u64) -> World {
    let limits = Limits {
        schema_bytes_max,
        schemas_bytes_max,
        ..LIMITS
    };
    World::with(FaultStorage::new(1), limits)
}

async fn write(world: &World, bucket: &str, lines: &str) -> WriteOutcome {
    let mut request = world.request(lines, true);
    request.target = match world.catalog.bucket_named(bucket) {
        Some(bucket) => Target::Existing(bucket),
        None => Target::Create(bucket.to_owned()),
    };
    world
        .ingest
        .write(request)
        .await
        .expect("not refused whole")
}

/// A line with this many columns that no other line has.
fn wide(measurement: &str, columns: usize) -> String {
    let fields: Vec<String> = (0..columns)
        .map(|n| format!("{measurement}_{n}=1"))
        .collect();
    format!("{measurement} {} {NOW_NS}\n", fields.join(","))
}

/// Issue 8, C4: names were forced into the budget, and every bucket was answered with 503.
#[tokio::test]
async fn a_bucket_that_grows_is_refused_by_name_and_the_others_go_on() {
    let world = world(64 * KIB, 1024 * KIB);
    write(&world, "other", "m v=1 1").await;
    let lines: String = (0..100).map(|n| wide(&format!("t{n}"), 100)).collect();
    let outcome = write(&world, "b", &lines).await;
    assert!(outcome.accepted > 0 && outcome.rejected > 90, "{outcome:?}");
    let report = outcome.reports.first().expect("told");
    assert_eq!(report.code, "limit");
    assert!(
        report
            .message
            .starts_with("the names of measurements, tags and fields of the bucket would take ")
            && report
                .message
                .contains(" bytes of memory, the limit is 65536 (limits.schema_bytes_max)"),
        "{}",
        report.message
    );
    // What has its names already is written, here and elsewhere, and so are new names elsewhere.
    let again = write(&world, "b", "t0 t0_0=2 2").await;
    assert_eq!((again.accepted, again.rejected), (1, 0), "{again:?}");
    let new = write(&world, "b", &wide("new", 100)).await;
    assert_eq!((new.accepted, new.rejected), (0, 1), "{new:?}");
    let elsewhere = write(&world, "other", "m w=1 2\nn v=1 1").await;
    assert_eq!((elsewhere.accepted, elsewhere.rejected), (2, 0));
}

#[tokio::test]
async fn the_buckets_together_are_bounded_too() {
    let world = world(64 * KIB, 96 * KIB);
    for bucket in ["b", "c"] {
        let lines: String = (0..20).map(|n| wide(&format!("t{n}"), 100)).collect();
        write(&world, bucket, &lines).await;
    }
    let outcome = write(&world, "c", &wide("last", 100)).await;
    let message = &outcome.reports.first().expect("told").message;
    assert!(message.contains("of all buckets") && message.contains("memory.budget_bytes"));
    let resolver = &world.ingest.shared.resolver;
    assert!(resolver.schemas().heap_bytes() <= 96 * KIB);
}

#[tokio::test]
async fn a_deleted_bucket_gives_the_memory_of_its_schemas_back() {
    let world = world(1024 * KIB, 1024 * KIB);
    let before = world.budget.used_bytes();
    write(&world, "b", &wide("m", 1000)).await;
    let resolver = &world.ingest.shared.resolver;
    let schemas = resolver.schemas().heap_bytes();
    assert!(world.budget.used_bytes() >= before + schemas && schemas > 80_000);
    world.delete().expect("deleted");
    assert_eq!(resolver.schemas().heap_bytes(), 0);
    assert_eq!(world.budget.used_bytes(), before);
}

/// Issue 8, C4: after a restart too. A folder of a server with other limits has to be read.
#[tokio::test]
async fn a_start_reads_schemas_and_names_beyond_the_limits_and_others_go_on() {
    let limits = Limits {
        name_bytes_max: 65 << 10,
        ..LIMITS
    };
    let old = World::with(FaultStorage::new(1), limits);
    let name = "ä".repeat(32 << 10);
    write(
        &old,
        "b",
        &format!("{name},{name}={name} {name}_=1 1\n{}", wide("m", 500)),
    )
    .await;
    for clean in [false, true] {
        if clean {
            old.ingest.close().expect("closes");
        }
        let setup = Setup {
            limits: Limits {
                schema_bytes_max: 16 * KIB,
                ..LIMITS
            },
            ..Setup::default()
        };
        let new = World::open(old.storage.crash(), setup).expect("starts");
        let row = format!("{name}={name} {name}_=1.0 1");
        assert!(new.rows(&name) == [row], "with a clean stop: {clean}");
        let held = new.ingest.shared.resolver.schemas().heap_bytes();
        assert!(new.budget.used_bytes() >= held);
        let refused = write(&new, "b", "m new=1 1").await;
        assert_eq!(refused.rejected, 1);
        let known = write(&new, "b", "m m_0=2 1").await;
        assert_eq!(known.accepted, 1);
        let other = write(&new, "c", "m new=1 1").await;
        assert_eq!(other.accepted, 1);
    }
}

#[tokio::test]
async fn names_and_tag_values_have_limits_of_their_own() {
    let world = World::new();
    let text = |bytes: usize| "x".repeat(bytes);
    for (line, told) in [
        (
            format!("{} v=1 1", text(4097)),
            "the measurement's length in bytes is 4097, the limit is 4096 (limits.name_bytes_max)",
        ),
        (
            format!("m,{}=a v=1 1", text(4097)),
            "the tag key's length in bytes is 4097, the limit is 4096 (limits.name_bytes_max)",
        ),
        (
            format!("m {}=1 1", text(4097)),
            "the field key's length in bytes is 4097, the limit is 4096 (limits.name_bytes_max)",
        ),
        (
            format!("m,t={} v=1 1", text(65_537)),
            "the tag value's length in bytes is 65537, the limit is 65536 (limits.tag_value_bytes_max)",
        ),
    ] {
        let outcome = write(&world, "b", &line).await;
        assert_eq!(outcome.reports[0].message, told);
    }
    let (name, value) = (text(4096), text(65_536));
    let outcome = write(
        &world,
        "b",
        &format!("{name},{name}={value} v=1 1\nm {name}=1 1"),
    )
    .await;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 0));
}

/// A bug of issue 8, C9: the first checkpoint may be needed when the disk is full, and the reserve is as
/// large as what is there.
#[tokio::test]
async fn schemas_that_grow_are_written_before_anything_can_be_released() {
    let world = World::new();
    let written = || {
        world
            .storage
            .contents("schemas.json")
            .map_or(0, |s| s.len())
    };
    world.write("m v=1 1").await;
    world.ingest.release_log().expect("works");
    assert_eq!(written(), 0, "they are few");
    assert!(!is_woken(&world).await);
    for table in 0..200 {
        let columns: Vec<String> = (0..20).map(|n| format!("column{n:060}=1")).collect();
        let line = format!("table{table} {} 1", columns.join(","));
        world.write(&line).await;
    }
    // A disk can be full within the second until somebody would look by himself.
    assert!(is_woken(&world).await);
    assert!(!is_woken(&world).await, "once per growth");
    world.ingest.release_log().expect("works");
    let bytes = written();
    assert!(bytes > 200 * 20 * 60, "{bytes} bytes");
    let reserve = world.storage.contents("reserve").map_or(0, |r| r.len());
    assert!(reserve >= 2 * bytes, "{reserve} bytes for {bytes}");
    world.write("m more=1 1").await;
    world.ingest.release_log().expect("works");
    assert_eq!(written(), bytes, "not for every column");
    assert!(!is_woken(&world).await);
}

/// Looks once.
async fn is_woken(world: &World) -> bool {
    let woken = timeout(Duration::ZERO, world.ingest.outgrown());
    woken.await.is_ok()
}
