//! Tables that cannot be flushed: their rows are logged again, and the log lets go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::release::{Elsewhere, eventually, small};
use super::support::World;
use crate::buffer::LoggedAgain;
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue, Segment};
use crate::id::{BucketId, TableId};
use crate::ingest::{Ingest, WriteError};
use crate::storage::FaultStorage;

/// The tag `t` and the time of a row, and its value `v`.
type Points = BTreeMap<(String, i64), f64>;

fn points<'a>(segments: impl IntoIterator<Item = &'a Arc<Segment>>) -> Points {
    let mut points = Points::new();
    for segment in segments {
        for row in 0..segment.rows() {
            let series = segment.series_of_rows()[row];
            let (_, tag) = segment.series_tags(series).next().expect("a tag");
            let Some(FieldValue::Float(value)) = segment.fields()[0].value(row) else {
                panic!("no value");
            };
            points.insert((tag.to_owned(), segment.times()[row]), value);
        }
    }
    points
}

/// The newest values that a world has of the table.
fn buffered(world: &World) -> Points {
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    let buffer = world.ingest.buffer();
    let snapshot = buffer.snapshot(&TableId::new(bucket, "sick"), &world.budget);
    let snapshot = snapshot.expect("fits");
    snapshot.map_or_else(Points::new, |snapshot| {
        points(snapshot.segments.iter().map(|sealed| &sealed.segment))
    })
}

/// Frames of two points each.
fn batches(points: &Points) -> Vec<Batch> {
    let points: Vec<_> = points.iter().collect();
    let batch = |points: &[(&(String, i64), &f64)]| {
        let mut builder = BatchBuilder::new("sick");
        for ((tag, time_ns), value) in points {
            let series = builder.series(&[("t", tag.as_str())]);
            let column = builder.field_column("v", FieldType::Float);
            builder.push_row(series, *time_ns, &[(column, FieldValue::Float(**value))]);
        }
        builder.finish()
    };
    points.chunks(2).map(batch).collect()
}

/// Logs the table again as the lake does, and has the log let go.
fn log_again(ingest: &Ingest, bucket: BucketId) -> Result<LoggedAgain, WriteError> {
    let mut held = ingest.hold_table(&TableId::new(bucket, "sick"))?;
    let sealed = ingest
        .buffer()
        .seal(&TableId::new(bucket, "sick"))
        .expect("rows");
    let mut batches = batches(&points(&sealed.segments)).into_iter();
    let logged = batches.try_for_each(|batch| held.log_again(&batch));
    let frames = held.logged();
    if let Some(frames) = frames {
        let buffer = ingest.buffer();
        let told = buffer.logged_again(
            &TableId::new(bucket, "sick"),
            sealed.last,
            (frames, logged.is_ok()),
        );
        assert!(told, "nothing came since");
    }
    logged?;
    ingest.release_log()?;
    Ok(frames.expect("frames"))
}

/// Logs a table again on a disk whose power is cut after this many changes; returns whether the log has
/// let go by then.
async fn moved(changes: u64) -> (World, Elsewhere, bool) {
    let elsewhere = Elsewhere::default();
    let storage = FaultStorage::new(changes);
    let world = elsewhere.open(storage, small()).expect("opens");
    for time in 0..5 {
        world.write(&format!("sick,t=a v={time} {time}")).await;
        world
            .write("sick,t=a v=10 1\nsick,t=b v=2 1\nfine v=1 1")
            .await;
        world.write(&format!("sick,t=b v=7{time} 2")).await;
    }
    for time in 0..30 {
        world.write(&format!("fine v=1 {time}")).await;
    }
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    elsewhere.flush(world.ingest.buffer(), &TableId::new(bucket, "fine"));
    world.storage.cut_power_after(changes);
    let ingest = world.ingest.clone();
    let again = tokio::task::spawn_blocking(move || log_again(&ingest, bucket));
    let Ok(again) = again.await.expect("no panic") else {
        return (world, elsewhere, false);
    };
    let is_off = || crate::storage::replace(&world.storage, "probe", b"").is_err();
    let has_let_go = || world.ingest.log_stats().released.next() >= again.first;
    eventually("let go, or cut off", || has_let_go() || is_off());
    let is_done = has_let_go();
    (world, elsewhere, is_done)
}

/// It pinned the log until everybody was refused (issue 8, C6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_values_of_a_table_are_there_wherever_the_power_goes_while_it_is_logged_again() {
    let mut changes = 0;
    loop {
        let (world, elsewhere, is_done) = moved(changes).await;
        let before = buffered(&world);
        let of_a = (0_u8..5).map(|n| (("a".to_owned(), i64::from(n)), f64::from(n)));
        let mut expected: Points = of_a.collect();
        expected.insert(("a".to_owned(), 1), 10.0);
        expected.insert(("b".to_owned(), 1), 2.0);
        expected.insert(("b".to_owned(), 2), 74.0);
        assert_eq!(before, expected, "after {changes} changes");
        let world = elsewhere.open(world.storage.crash(), small());
        let world = world.unwrap_or_else(|error| panic!("after {changes} changes: {error}"));
        assert_eq!(buffered(&world), expected, "after {changes} changes");
        assert_eq!(elsewhere.rows(&world, "fine").len(), 35);
        // Once it can be flushed, all of it goes, and none of it comes back.
        let bucket = world.catalog.bucket_named("b").expect("there").id;
        elsewhere.flush(world.ingest.buffer(), &TableId::new(bucket, "sick"));
        let world = elsewhere
            .open(world.storage.crash(), small())
            .expect("opens");
        assert_eq!(buffered(&world), Points::new(), "after {changes} changes");
        if is_done {
            break;
        }
        changes += 1;
    }
    assert!(changes > 10, "only {changes} changes of the disk");
}

/// Rows that are flushed after that are reported as flushed up to the new frames.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_logged_again_is_flushed_once_also_after_it_was_cut_short() {
    let (world, elsewhere, is_done) = moved(u64::MAX).await;
    assert!(is_done);
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    let table = world
        .ingest
        .buffer()
        .table(&TableId::new(bucket, "sick"))
        .expect("rows");
    assert!(table.first > world.ingest.log_stats().released);
    world.write("sick,t=a v=11 1").await;
    let ingest = world.ingest.clone();
    let cut_short = tokio::task::spawn_blocking(move || {
        let mut held = ingest
            .hold_table(&TableId::new(bucket, "sick"))
            .expect("held");
        let sealed = ingest
            .buffer()
            .seal(&TableId::new(bucket, "sick"))
            .expect("rows");
        let batches = batches(&points(&sealed.segments));
        held.log_again(&batches[0]).expect("logged");
        let frames = held.logged().expect("frames");
        let buffer = ingest.buffer();
        assert!(buffer.logged_again(&TableId::new(bucket, "sick"), sealed.last, (frames, false)));
    });
    cut_short.await.expect("no panic");
    let still = world
        .ingest
        .buffer()
        .table(&TableId::new(bucket, "sick"))
        .expect("rows");
    assert_eq!(still.first, table.first, "the frames before are needed");
    elsewhere.flush(world.ingest.buffer(), &TableId::new(bucket, "sick"));
    let world = elsewhere
        .open(world.storage.crash(), small())
        .expect("opens");
    assert_eq!(buffered(&world), Points::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_logged_again_takes_no_rows_and_others_do() {
    let world = World::new();
    world.write("sick,t=a v=1 1").await;
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    let ingest = world.ingest.clone();
    let held =
        tokio::task::spawn_blocking(move || ingest.hold_table(&TableId::new(bucket, "sick")));
    let held = held.await.expect("no panic").expect("held");
    let refused = world.try_write("sick,t=a v=2 2").await.expect_err("held");
    assert!(
        matches!(refused, WriteError::TableStuck { .. }),
        "{refused}"
    );
    world.write("fine v=1 1").await;
    drop(held);
    world.write("sick,t=a v=2 2").await;
    // One that is gone is not held for ever.
    world.delete().expect("deleted");
    let ingest = world.ingest.clone();
    let held = tokio::task::spawn_blocking(move || {
        ingest.hold_table(&TableId::new(bucket, "sick")).map(drop)
    });
    assert!(held.await.expect("no panic").is_err());
}

/// A row whose place in the log was taken before the table was held, and that came to the buffer
/// after its rows were looked at, would lose to an older one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_acknowledged_value_wins_when_writers_and_a_table_logged_again_race() {
    let world = Arc::new(World::new());
    world.write("sick,t=a v=0 0").await;
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    let is_over = Arc::new(AtomicBool::new(false));
    let known: Arc<Vec<AtomicU32>> = Arc::new((0..3).map(|_| AtomicU32::new(0)).collect());
    let writers = (0..3).map(|writer| {
        let (world, known) = (Arc::clone(&world), Arc::clone(&known));
        let is_over = Arc::clone(&is_over);
        tokio::spawn(async move {
            let mut value = 1;
            while !is_over.load(Ordering::Relaxed) {
                let line = format!("sick,t=w{writer} v={value} 1");
                match world.try_write(&line).await {
                    Ok(_) => known[writer].store(value, Ordering::Relaxed),
                    Err(WriteError::TableStuck { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
                value += 1;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    // On a busy machine the table may else be held from the first write to the last.
    while known.iter().any(|known| known.load(Ordering::Relaxed) == 0) {
        tokio::task::yield_now().await;
    }
    let ingest = world.ingest.clone();
    let rounds = tokio::task::spawn_blocking(move || {
        for _ in 0..50 {
            log_again(&ingest, bucket).expect("logged");
        }
    });
    rounds.await.expect("no panic");
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("no panic");
    }
    let after = buffered(&world.after_crash());
    assert_eq!(after, buffered(&world));
    for (writer, known) in known.iter().enumerate() {
        let value = after.get(&(format!("w{writer}"), 1)).copied();
        let known = f64::from(known.load(Ordering::Relaxed));
        assert!(known > 0.0 && value == Some(known), "{value:?} {known}");
    }
    assert_eq!(after.get(&("a".to_owned(), 0)), Some(&0.0));
}
