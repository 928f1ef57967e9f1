//! Rows on their way out of the buffer: sealed, moved elsewhere, released.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BUCKET, apply, batch, budget, times};
use crate::buffer::{Buffer, BufferLimits, BufferStats, Sealed};
use crate::clock;
use crate::id::{BucketId, Sequence, TableId};
use crate::storage::fault::SplitMix;

fn buffer(segment_bytes_max: u64) -> Buffer {
    Buffer::new(BufferLimits { segment_bytes_max })
}

fn sealed_times(sealed: &Sealed) -> Vec<i64> {
    let segments = sealed.segments.iter();
    segments
        .flat_map(|segment| segment.times().to_vec())
        .collect()
}

#[test]
fn what_was_sealed_is_released_and_what_came_after_it_stays() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..3));
    apply(&buffer, &budget, 2, &batch("m", "b", 3..5));
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    assert_eq!((sealed.last, sealed.rows), (Sequence(2), 5));
    assert_eq!(sealed_times(&sealed), [0, 1, 2, 3, 4]);
    apply(&buffer, &budget, 3, &batch("m", "c", 5..6));
    assert_eq!(times(&buffer, &budget, "m"), [0, 1, 2, 3, 4, 5]);
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    assert_eq!(times(&buffer, &budget, "m"), [5]);
    assert_eq!(buffer.unflushed_from(), Some(Sequence(3)));
    let again = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    assert_eq!(
        (again.last, sealed_times(&again)),
        (Sequence(3), Vec::from([5]))
    );
}

/// After a restart the rows of a flush came back in one segment with later ones.
#[test]
fn what_an_earlier_process_sealed_is_released_without_what_came_after_it() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    for split in [2, 5, 9] {
        buffer.split_after(&TableId::new(BUCKET, "m"), Sequence(split));
    }
    for sequence in [1, 2, 3, 4, 7, 8] {
        let first = i64::try_from(sequence).expect("small");
        apply(
            &buffer,
            &budget,
            sequence,
            &batch("m", "a", first..first + 1),
        );
        apply(
            &buffer,
            &budget,
            sequence,
            &batch("n", "a", first..first + 1),
        );
    }
    let held = |up_to: u64| {
        buffer.release(&TableId::new(BUCKET, "m"), Sequence(up_to));
        times(&buffer, &budget, "m")
    };
    assert_eq!(held(1), [1, 2, 3, 4, 7, 8]);
    assert_eq!(held(2), [3, 4, 7, 8]);
    assert_eq!(held(5), [7, 8]);
    assert_eq!(held(9), [7, 8], "they grow on");
    // All that is left is let go of in between, and the table comes again.
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    assert_eq!(sealed.up_to(Sequence(7)).map(|part| part.rows), None);
    assert_eq!(sealed.up_to(Sequence(8)).map(|part| part.rows), Some(2));
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    for sequence in [9, 10] {
        apply(&buffer, &budget, sequence, &batch("m", "a", 0..1));
    }
    buffer.release(&TableId::new(BUCKET, "m"), Sequence(9));
    assert_eq!(times(&buffer, &budget, "m"), [0]);
    assert_eq!(times(&buffer, &budget, "n"), [1, 2, 3, 4, 7, 8]);
}

#[test]
fn a_reader_leaves_out_what_is_elsewhere_already() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..3));
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    apply(&buffer, &budget, 4, &batch("m", "a", 3..4));
    let snapshot = buffer.snapshot(&TableId::new(BUCKET, "m"), &budget);
    let snapshot = snapshot.expect("room").expect("rows");
    let lasts: Vec<_> = snapshot.segments.iter().map(|sealed| sealed.last).collect();
    assert_eq!(lasts, [Sequence(1), Sequence(4)]);
    let rows = |flushed| -> usize {
        let segments = snapshot.after(flushed);
        segments.iter().map(|sealed| sealed.segment.rows()).sum()
    };
    assert_eq!((rows(Sequence(0)), rows(sealed.last)), (4, 1));
    assert_eq!(rows(Sequence(4)), 0);
}

/// From a review: every look at a table walked the times of all rows in memory.
#[test]
fn the_times_of_a_frozen_segment_are_looked_at_once_for_all_readers() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    let table = TableId::new(BUCKET, "m");
    apply(&buffer, &budget, 1, &batch("m", "a", 0..3));
    buffer.seal(&table).expect("rows");
    let look = || {
        let snapshot = buffer.snapshot(&table, &budget).expect("room");
        let rest = snapshot.expect("rows").after(Sequence(0));
        rest[0].spread(&budget).expect("room")
    };
    let (first, second) = (look(), look());
    assert!(Arc::ptr_eq(&first, &second), "it was known");
    assert_eq!(first.parts().collect::<Vec<_>>(), [(0, 2)]);
    let held = budget.used_bytes();
    let sealed = buffer.seal(&table).expect("rows");
    buffer.release(&table, sealed.last);
    drop((first, second, sealed));
    assert_eq!(
        (budget.used_bytes(), held > 16),
        (0, true),
        "it is paid for"
    );
}

#[test]
fn released_memory_comes_back_when_the_last_one_lets_go() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..1000));
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    let snapshot = buffer.snapshot(&TableId::new(BUCKET, "m"), &budget);
    let snapshot = snapshot.expect("room").expect("rows");
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    assert_eq!(buffer.bucket_bytes(BUCKET), 0, "not the bucket's any more");
    assert_eq!(budget.used_bytes(), sealed.bytes, "still held");
    drop(sealed);
    assert!(budget.used_bytes() > 0, "the reader still has it");
    drop(snapshot);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_table_that_was_released_leaves_nothing_behind_and_can_come_again() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    for sequence in [1, 2] {
        apply(&buffer, &budget, sequence, &batch("m", "a", 0..10));
        let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
        buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
        drop(sealed);
        assert_eq!(buffer.stats(), BufferStats::default());
        assert_eq!(budget.used_bytes(), 0);
        assert!(buffer.tables().is_empty() && buffer.measurements(BUCKET).is_empty());
        assert_eq!(
            (buffer.unflushed_from(), buffer.series_count(BUCKET)),
            (None, 0)
        );
        assert!(buffer.seal(&TableId::new(BUCKET, "m")).is_none());
    }
}

#[test]
fn series_count_as_long_as_a_row_of_them_is_in_memory() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    apply(&buffer, &budget, 1, &batch("m", "gone", 0..2));
    apply(&buffer, &budget, 2, &batch("m", "both", 0..2));
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    apply(&buffer, &budget, 3, &batch("m", "both", 2..3));
    assert_eq!(buffer.series_count(BUCKET), 2);
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    assert_eq!(buffer.series_count(BUCKET), 1);
    assert!(buffer.contains_series(BUCKET, "m", &[("host", "both")]));
    assert!(!buffer.contains_series(BUCKET, "m", &[("host", "gone")]));
}

#[test]
fn a_bucket_that_is_dropped_meanwhile_is_fine_everywhere() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..10));
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    buffer.drop_bucket(BUCKET);
    assert_eq!(budget.used_bytes(), sealed.bytes, "who flushes keeps it");
    assert!(buffer.tables().is_empty() && buffer.unflushed_from().is_none());
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    assert!(buffer.seal(&TableId::new(BUCKET, "m")).is_none());
    assert!(buffer.seal(&TableId::new(BucketId(1), "m")).is_none());
    drop(sealed);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_table_tells_since_when_and_from_which_batch_on_it_has_rows() {
    let (buffer, budget) = (buffer(1 << 20), budget());
    let before = clock::instant();
    apply(&buffer, &budget, 3, &batch("m", "a", 0..10));
    let between = clock::instant();
    let sealed = buffer.seal(&TableId::new(BUCKET, "m")).expect("rows");
    apply(&buffer, &budget, 5, &batch("m", "a", 0..10));
    apply(&buffer, &budget, 6, &batch("m", "a", 0..10));
    let oldest = buffer.tables().pop().expect("a table");
    assert_eq!((oldest.first, oldest.rows), (Sequence(3), 30));
    assert_eq!(oldest.bytes, buffer.bucket_bytes(BUCKET));
    assert!(before <= oldest.since && oldest.since <= between);
    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
    let rest = buffer.tables().pop().expect("a table");
    assert_eq!((rest.first, rest.rows), (Sequence(5), 20));
    assert!(rest.since >= between);
    assert!(rest.bytes < oldest.bytes);
}

/// The expected rows of a table: times by the batch that they came with, and those that were sealed.
#[derive(Default)]
struct Expected {
    rows: BTreeMap<u64, Vec<i64>>,
    sealed: Option<Sealed>,
}

#[test]
fn any_order_of_writes_seals_and_releases_keeps_every_row_and_every_byte_accounted() {
    for seed in 0..60 {
        let mut random = SplitMix::new(seed);
        let (buffer, budget) = (buffer(random.below(30_000) as u64), budget());
        let names = ["m", "n", "o"];
        let mut tables: [Expected; 3] = Default::default();
        for sequence in 1..200 {
            let place = random.below(names.len());
            let (name, table) = (names[place], &mut tables[place]);
            match random.below(10) {
                0 | 1 => {
                    table.sealed = buffer
                        .seal(&TableId::new(BUCKET, name))
                        .or(table.sealed.take())
                }
                2 | 3 => {
                    if let Some(sealed) = table.sealed.take() {
                        buffer.release(&TableId::new(BUCKET, name), sealed.last);
                        table.rows.retain(|batch, _| *batch > sealed.last.0);
                    }
                }
                _ => {
                    let first = i64::try_from(sequence * 100).expect("small");
                    let rows = first..first + 1 + i64::try_from(random.below(60)).expect("small");
                    let host = format!("host-{}", random.below(40));
                    apply(
                        &buffer,
                        &budget,
                        sequence,
                        &batch(name, &host, rows.clone()),
                    );
                    table.rows.insert(sequence, rows.collect());
                }
            }
            check(&buffer, &names, &tables, seed);
        }
        tables.iter_mut().for_each(|table| table.sealed = None);
        assert_eq!(buffer.stats().reserved_bytes, budget.used_bytes());
    }
}

fn check(buffer: &Buffer, names: &[&str], tables: &[Expected], seed: u64) {
    let own = budget();
    for (name, table) in names.iter().zip(tables) {
        let snapshot = buffer
            .snapshot(&TableId::new(BUCKET, *name), &own)
            .expect("room");
        let segments = snapshot.map(|snapshot| snapshot.after(Sequence(0)));
        let segments = segments.unwrap_or_default();
        let found = segments.iter().flat_map(|sealed| sealed.segment.times());
        let expected = table.rows.values().flatten().copied();
        assert!(found.copied().eq(expected), "seed {seed}: {name}");
    }
    let first = tables.iter().filter_map(|table| table.rows.keys().next());
    assert_eq!(
        buffer.unflushed_from(),
        first.min().copied().map(Sequence),
        "seed {seed}"
    );
    let live = tables.iter().filter(|table| !table.rows.is_empty()).count();
    assert_eq!(buffer.tables().len(), live, "seed {seed}");
    let stats = buffer.stats();
    assert_eq!(stats.tables, live as u64, "seed {seed}");
    assert_eq!(stats.reserved_bytes, buffer.bucket_bytes(BUCKET));
    assert!(stats.active_bytes + stats.frozen_bytes <= stats.reserved_bytes);
}

#[test]
fn a_writer_a_flusher_and_a_reader_at_once_lose_nothing() {
    let (buffer, budget) = (buffer(5_000), budget());
    let mut flushed = Vec::new();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for time in 0..3000_i64 {
                let sequence = time.cast_unsigned() + 1;
                apply(&buffer, &budget, sequence, &batch("m", "a", time..time + 1));
            }
        });
        while flushed.len() < 3000 {
            let done = writer.is_finished();
            match buffer.seal(&TableId::new(BUCKET, "m")) {
                Some(sealed) => {
                    flushed.extend(sealed_times(&sealed));
                    let snapshot = buffer.snapshot(&TableId::new(BUCKET, "m"), &budget);
                    let rest = snapshot.expect("room").expect("rows").after(sealed.last);
                    let next = rest
                        .first()
                        .and_then(|sealed| sealed.segment.times().first().copied());
                    let expected = i64::try_from(flushed.len()).expect("small");
                    assert_eq!(next.unwrap_or(expected), expected);
                    buffer.release(&TableId::new(BUCKET, "m"), sealed.last);
                }
                None => assert!(!done, "lost: only {} were flushed", flushed.len()),
            }
        }
    });
    assert!(flushed.into_iter().eq(0..3000));
    assert_eq!(budget.used_bytes(), 0);
}
