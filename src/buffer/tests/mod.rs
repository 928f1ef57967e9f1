//! The buffer as its users see it: applied rows come back, memory adds up.

mod recount;
mod release;

use std::sync::Arc;

use super::{Buffer, BufferLimits, BufferStats};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Marks};

const BUCKET: BucketId = BucketId(7);

fn budget() -> Budget {
    Budget::new(Marks {
        budget_bytes: 1 << 40,
        soft_bytes: 1 << 40,
        hard_bytes: 1 << 40,
    })
}

fn batch(measurement: &str, host: &str, times: std::ops::Range<i64>) -> Batch {
    let mut builder = BatchBuilder::new(measurement);
    let series = builder.series(&[("host", host)]);
    let column = builder.field_column("v", FieldType::Integer);
    times.for_each(|time| builder.push_row(series, time, &[(column, FieldValue::Integer(time))]));
    builder.finish()
}

fn apply(buffer: &Buffer, budget: &Budget, sequence: u64, batch: &Batch) {
    let reservation = budget
        .try_reserve(Buffer::apply_bytes_max(batch))
        .expect("room");
    buffer.apply(BUCKET, Sequence(sequence), batch, reservation);
}

fn times(buffer: &Buffer, budget: &Budget, measurement: &str) -> Vec<i64> {
    let snapshot = buffer
        .snapshot(&TableId::new(BUCKET, measurement), budget)
        .expect("room")
        .expect("rows");
    snapshot
        .segments
        .iter()
        .flat_map(|sealed| sealed.segment.times().to_vec())
        .collect()
}

#[test]
fn applied_rows_are_read_back_in_order_across_frozen_segments() {
    let (buffer, budget) = (
        Buffer::new(BufferLimits {
            segment_bytes_max: 20_000,
        }),
        budget(),
    );
    for sequence in 0..100 {
        let first = i64::try_from(sequence * 10).expect("small");
        apply(
            &buffer,
            &budget,
            sequence + 1,
            &batch("m", "a", first..first + 10),
        );
    }
    let stats = buffer.stats();
    assert!(stats.frozen_segments > 0, "{stats:?}");
    assert_eq!((stats.tables, stats.rows, stats.series), (1, 1000, 1));
    assert_eq!(times(&buffer, &budget, "m"), (0..1000).collect::<Vec<_>>());
    let snapshot = buffer
        .snapshot(&TableId::new(BUCKET, "m"), &budget)
        .expect("room")
        .expect("rows");
    assert_eq!(snapshot.sequence, Sequence(100));
    assert_eq!(snapshot.segments.len() as u64, stats.frozen_segments + 1);
}

#[test]
fn reservations_always_cover_what_is_on_the_heap_and_little_more() {
    let (buffer, budget) = (
        Buffer::new(BufferLimits {
            segment_bytes_max: 100_000,
        }),
        budget(),
    );
    for sequence in 1..3000 {
        let host = format!("host-{}", sequence % 700);
        let time = i64::try_from(sequence).expect("small");
        apply(
            &buffer,
            &budget,
            sequence,
            &batch("m", &host, time..time + 2),
        );
        let BufferStats {
            active_bytes,
            frozen_bytes,
            reserved_bytes,
            ..
        } = buffer.stats();
        assert_eq!(reserved_bytes, budget.used_bytes());
        assert_eq!(reserved_bytes, buffer.bucket_bytes(BUCKET));
        assert!(active_bytes + frozen_bytes <= reserved_bytes);
        assert!(
            reserved_bytes <= frozen_bytes + 6 * active_bytes + 12_000,
            "{active_bytes}"
        );
    }
    assert!(buffer.stats().frozen_segments > 1);
    assert_eq!(buffer.series_count(BUCKET), 700);
}

#[test]
fn a_series_counts_once_over_all_segments_and_tables_count_apart() {
    let (buffer, budget) = (
        Buffer::new(BufferLimits {
            segment_bytes_max: 0,
        }),
        budget(),
    );
    for sequence in 1..10 {
        apply(&buffer, &budget, sequence, &batch("m", "a", 0..1));
    }
    apply(&buffer, &budget, 10, &batch("n", "a", 0..1));
    assert_eq!(buffer.stats().frozen_segments, 10);
    assert_eq!(buffer.series_count(BUCKET), 2);
    assert_eq!(buffer.measurements(BUCKET), ["m", "n"]);
    assert!(buffer.contains_series(BUCKET, "m", &[("host", "a")]));
    for (measurement, tag) in [
        ("m", ("host", "b")),
        ("o", ("host", "a")),
        ("m", ("a", "host")),
    ] {
        assert!(!buffer.contains_series(BUCKET, measurement, &[tag]));
    }
    assert!(!buffer.contains_series(BucketId(1), "m", &[("host", "a")]));
}

#[test]
fn a_snapshot_does_not_change_and_keeps_its_memory_accounted() {
    let (buffer, budget) = (
        Buffer::new(BufferLimits {
            segment_bytes_max: 2_000,
        }),
        budget(),
    );
    apply(&buffer, &budget, 1, &batch("m", "a", 0..500));
    apply(&buffer, &budget, 2, &batch("m", "a", 500..501));
    let before = budget.used_bytes();
    let snapshot = buffer
        .snapshot(&TableId::new(BUCKET, "m"), &budget)
        .expect("room")
        .expect("rows");
    assert!(budget.used_bytes() > before, "the copy is paid for");
    apply(&buffer, &budget, 3, &batch("m", "b", 0..1));
    let segments = snapshot.after(Sequence(0));
    let rows: usize = segments.iter().map(|sealed| sealed.segment.rows()).sum();
    assert_eq!((rows, snapshot.sequence), (501, Sequence(2)));
    buffer.drop_bucket(BUCKET);
    let held: u64 = segments
        .iter()
        .map(|sealed| sealed.segment.heap_bytes())
        .sum();
    assert_eq!(budget.used_bytes(), held, "a reader keeps what it reads");
    drop(snapshot);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_dropped_bucket_frees_everything_and_queued_batches_do_not_bring_it_back() {
    let (buffer, budget) = (Buffer::new(BufferLimits::default()), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..1000));
    buffer.drop_bucket(BUCKET);
    apply(&buffer, &budget, 2, &batch("m", "a", 0..1000));
    assert_eq!(buffer.stats(), BufferStats::default());
    assert_eq!((budget.used_bytes(), buffer.bucket_bytes(BUCKET)), (0, 0));
    assert!(
        buffer
            .snapshot(&TableId::new(BUCKET, "m"), &budget)
            .expect("room")
            .is_none()
    );
    assert!(buffer.measurements(BUCKET).is_empty());
    assert_eq!(buffer.series_count(BUCKET), 0);
}

#[test]
fn a_snapshot_without_room_is_refused_and_an_absent_table_is_none() {
    let (buffer, budget) = (Buffer::new(BufferLimits::default()), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..1000));
    let small = Budget::new(Marks {
        budget_bytes: 100,
        soft_bytes: 100,
        hard_bytes: 100,
    });
    assert!(buffer.snapshot(&TableId::new(BUCKET, "m"), &small).is_err());
    assert_eq!(small.used_bytes(), 0);
    assert!(
        buffer
            .snapshot(&TableId::new(BUCKET, "n"), &small)
            .expect("nothing to copy")
            .is_none()
    );
}

#[test]
fn readers_and_a_writer_at_once_see_a_growing_prefix() {
    let (buffer, budget) = (
        Buffer::new(BufferLimits {
            segment_bytes_max: 10_000,
        }),
        budget(),
    );
    apply(&buffer, &budget, 1, &batch("m", "a", 0..1));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for time in 1..2000_i64 {
                let sequence = time.cast_unsigned() + 1;
                apply(&buffer, &budget, sequence, &batch("m", "a", time..time + 1));
            }
        });
        let mut seen = 0;
        while seen < 2000 {
            let times = times(&buffer, &budget, "m");
            assert!((0..).zip(&times).all(|(expected, time)| expected == *time));
            assert!(times.len() >= seen);
            seen = times.len();
        }
    });
}

#[test]
fn a_segment_is_frozen_before_it_could_outgrow_its_ids_whatever_the_limit() {
    let limits = BufferLimits {
        segment_bytes_max: u64::MAX,
    };
    let (buffer, budget) = (Buffer::new(limits), budget());
    apply(&buffer, &budget, 1, &batch("m", "a", 0..3));
    // Standing in for a gigabyte of rows: what counts is what was reserved for them.
    buffer.apply(
        BUCKET,
        Sequence(2),
        &batch("m", "a", 3..4),
        budget.force(1 << 30),
    );
    let stats = buffer.stats();
    assert_eq!((stats.frozen_segments, stats.rows), (1, 4));
    assert_eq!(times(&buffer, &budget, "m"), [0, 1, 2, 3]);
    assert_eq!(stats.reserved_bytes, budget.used_bytes());
}

/// Issue 8, C10: a reader copied up to 32 MiB while every acknowledgement waited for the lock.
#[test]
fn a_reader_copies_a_growing_segment_only_while_it_is_small() {
    let (buffer, budget) = (Buffer::new(BufferLimits::default()), budget());
    let snapshot = || {
        let snapshot = buffer.snapshot(&TableId::new(BUCKET, "m"), &budget);
        snapshot.expect("room").expect("rows")
    };
    apply(&buffer, &budget, 1, &batch("m", "a", 0..10));
    let (one, other) = (snapshot(), snapshot());
    assert_eq!(buffer.stats().frozen_segments, 0, "a small one is copied");
    assert!(!Arc::ptr_eq(
        &one.segments[0].segment,
        &other.segments[0].segment
    ));
    apply(&buffer, &budget, 2, &batch("m", "a", 10..500_000));
    let before = budget.used_bytes();
    let (one, other) = (snapshot(), snapshot());
    assert!(budget.used_bytes() <= before, "a large one is shared");
    assert!(Arc::ptr_eq(
        &one.segments[0].segment,
        &other.segments[0].segment
    ));
    assert_eq!(
        times(&buffer, &budget, "m"),
        (0..500_000).collect::<Vec<_>>()
    );
    assert_eq!(buffer.stats().reserved_bytes, buffer.bucket_bytes(BUCKET));
}
