//! Questions that need more memory than they may have, and take the disk for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ask::of;
use super::disk::Small;
use super::limits;
use super::limits::one;
use super::records::{asked, watched};
use crate::{FixedMemory, Limits, Memory, QueryEngine, QueryError};

fn engine(memory_bytes: usize, disk: Small) -> QueryEngine {
    let limits = Limits {
        disk: Arc::new(disk),
        memory: Arc::new(FixedMemory::new(memory_bytes)),
        ..limits()
    };
    QueryEngine::new(limits).expect("an engine")
}

/// Sorts and groups of two million rows, several times as much as there is memory.
const LARGE: [&str; 2] = [
    "SELECT CAST(max(r) AS BIGINT) FROM (SELECT row_number() OVER (ORDER BY s) AS r FROM \
     (SELECT CAST(value AS VARCHAR) || '-' || CAST(value % 977 AS VARCHAR) AS s \
     FROM generate_series(1, 1980000)))",
    "SELECT count(*) FROM (SELECT s, count(*) FROM (SELECT CAST(value % 1980000 AS VARCHAR) || \
     'abcdefghijkl' AS s FROM generate_series(1, 2000000)) GROUP BY s)",
];

#[tokio::test]
async fn sorts_and_groups_that_do_not_fit_into_memory_end_by_way_of_the_disk() {
    let database = of([]);
    for text in LARGE {
        let disk = Small::new(1 << 30);
        let engine = engine(16 << 20, disk.clone());
        let counted = one(&engine, &database, text).await;
        let counted = counted.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(counted, 1_980_000, "{text}");
        let taken = disk.taken.load(Ordering::Relaxed);
        assert!(taken > 16 << 20, "{taken}: {text}");
    }
}

/// From a review: rows whose keys are longer than they are were refused, since a sort had taken all of its
/// memory before it merged them.
#[tokio::test]
async fn rows_with_long_keys_are_sorted_by_way_of_the_disk() {
    let tags = ["host", "rack", "region"];
    let tags = tags.map(|tag| {
        format!(
            "arrow_cast('{tag}-in-a-room-' || CAST(value % 1000 AS VARCHAR), \
             'Dictionary(Int32, Utf8)') AS {tag}"
        )
    });
    for keys in ["host, v", "host, rack, v", "host, rack, region, v"] {
        let text = format!(
            "SELECT CAST(max(r) AS BIGINT) FROM (SELECT row_number() OVER (ORDER BY {keys}) AS r \
             FROM (SELECT {}, value AS v FROM generate_series(1, 500000)))",
            tags.join(", ")
        );
        let engine = engine(16 << 20, Small::new(1 << 30));
        let counted = one(&engine, &of([]), &text).await;
        let counted = counted.unwrap_or_else(|error| panic!("{keys}: {error}"));
        assert_eq!(counted, 500_000, "{keys}");
    }
}

/// Rows of which each has fewer bytes than its keys, as they are compared in a merge.
const LONG_KEYS: &str = "(SELECT CAST(value * 7919 % 1000003 AS DOUBLE) AS v, value % 7 < 3 AS b, \
     value % 5 < 2 AS c, arrow_cast('h' || CAST(value % 1000 AS VARCHAR), \
     'Dictionary(Int32, Utf8)') AS host FROM generate_series(1, 1500000))";

/// From a review: what a sort held could be merged only if others happened to have left memory for its
/// keys; it was refused then before anything was on the disk.
#[tokio::test]
async fn a_sort_keeps_room_for_the_keys_of_what_it_holds() {
    for keys in ["v, host", "host, v", "host", "b, c", "c, host, b"] {
        let text = format!(
            "SELECT CAST(max(r) AS BIGINT) FROM (SELECT row_number() OVER (ORDER BY {keys}) AS r \
             FROM {LONG_KEYS})"
        );
        let disk = Small::new(1 << 30);
        let engine = engine(16 << 20, disk.clone());
        let counted = one(&engine, &of([]), &text).await;
        let counted = counted.unwrap_or_else(|error| panic!("{keys}: {error}"));
        assert_eq!(counted, 1_500_000, "{keys}");
        assert!(disk.taken.load(Ordering::Relaxed) > 0, "{keys}");
    }
}

/// The first rows alone are held in memory, so many of them were refused.
#[tokio::test]
async fn many_first_rows_are_sorted_by_way_of_the_disk() {
    let text = format!(
        "SELECT count(*) + CAST(max(v) AS BIGINT) FROM \
         (SELECT v, host FROM {LONG_KEYS} ORDER BY v, host LIMIT 900000)"
    );
    let disk = Small::new(1 << 30);
    let engine = engine(16 << 20, disk.clone());
    let counted = one(&engine, &of([]), &text).await;
    let greatest = 599_988;
    assert_eq!(
        counted.unwrap_or_else(|error| panic!("{error}")),
        900_000 + greatest
    );
    assert!(disk.taken.load(Ordering::Relaxed) > 0);
}

/// Each of them has a part of the memory, and merges while others take rows.
#[tokio::test]
async fn several_sorts_with_long_keys_end_by_way_of_the_disk() {
    for text in [
        "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY v, host) AS r, \
         row_number() OVER (ORDER BY host, v DESC) AS s, \
         lag(host) OVER (ORDER BY c, host, v) AS h FROM (LONG))",
        "SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY host ORDER BY v, host) AS r \
         FROM (LONG) UNION ALL SELECT row_number() OVER (ORDER BY host, v DESC) FROM (LONG)) \
         WHERE r % 2 < 2",
    ] {
        let text = text.replace("(LONG)", LONG_KEYS);
        let engine = engine(16 << 20, Small::new(1 << 30));
        let counted = one(&engine, &of([]), &text).await;
        let counted = counted.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(counted % 1_500_000, 0, "{text}");
    }
}

#[tokio::test]
async fn a_question_for_which_the_disk_is_too_small_is_refused_in_its_words() {
    for text in LARGE {
        let engine = engine(16 << 20, Small::new(1 << 20));
        let refused = one(&engine, &of([]), text).await.expect_err("too small");
        assert!(matches!(refused, QueryError::Exhausted(_)), "{refused}");
        assert_eq!(refused.to_string(), "the disk is small", "{text}");
    }
}

/// From a bug: memory that had been refused for a share of its own was told as memory of others, and
/// clients repeated a question that ends in the same way each time.
#[tokio::test]
async fn a_question_that_the_disk_ended_is_not_told_to_try_again() {
    for text in LARGE {
        let engine = watched(engine(16 << 20, Small::new(1 << 20)));
        let refused = asked(&engine, text).await.expect_err("too small");
        assert!(matches!(refused, QueryError::Exhausted(_)), "{refused:?}");
        assert_eq!(refused.to_string(), "the disk is small", "{text}");
    }
}

/// Memory of which the program has the rest.
#[derive(Debug)]
struct Short;

impl Memory for Short {
    fn bytes_max(&self) -> usize {
        64 << 20
    }

    fn try_take(&self, bytes: usize) -> Result<(), String> {
        match bytes < 1 << 20 {
            true => Ok(()),
            false => Err("writes have the memory".to_owned()),
        }
    }

    fn take(&self, _: usize) {}

    fn give_back(&self, _: usize) {}

    fn all_is_taken(&self) -> String {
        "all is taken".to_owned()
    }
}

#[tokio::test]
async fn a_question_for_which_others_have_the_memory_is_told_to_try_again() {
    let limits = Limits {
        memory: Arc::new(Short),
        ..limits()
    };
    let engine = watched(QueryEngine::new(limits).expect("an engine"));
    let text = "SELECT length(max(repeat('x', 100000 + value % 2))) FROM generate_series(1, 3)";
    let refused = asked(&engine, text).await.expect_err("writes have it");
    assert!(matches!(refused, QueryError::Crowded(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("writes have the memory"),
        "{refused}"
    );
}
