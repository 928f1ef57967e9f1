//! What a question holds, and what becomes of one that needs more than it may have.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::ask::of;
use super::points::{Point, Points};
use super::{instant, limits};
use crate::{FixedMemory, Limits, Parameters, QueryEngine, QueryError};

fn numbers(table: &str, count: i64) -> Vec<Point> {
    let count = (0..count).map(|number| {
        let value = f64::from(i32::try_from(number).expect("few"));
        Point::new(table, &[], number, &[("v", value)])
    });
    count.collect()
}

fn engine(memory_bytes: usize) -> QueryEngine {
    engine_on(&Handle::current(), memory_bytes)
}

fn engine_on(threads: &Handle, memory_bytes: usize) -> QueryEngine {
    let limits = Limits {
        threads: threads.clone(),
        memory: Arc::new(FixedMemory::new(memory_bytes)),
        ..limits()
    };
    QueryEngine::new(limits).expect("an engine")
}

/// The only cell of an answer.
pub(super) async fn one(
    engine: &QueryEngine,
    database: &Arc<Points>,
    text: &str,
) -> Result<i64, QueryError> {
    let question = engine.sql(Arc::clone(database) as _, text).await?;
    let mut answer = question.run(Parameters::none()).await?;
    let mut cells = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        let column = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(
            batch.column(0),
        );
        cells.extend(column.values().to_vec());
    }
    assert_eq!(cells.len(), 1, "{text}");
    Ok(cells[0])
}

/// From a bug: a question that names no table gave its place back once it was planned.
#[tokio::test]
async fn a_question_without_tables_holds_its_database_to_the_end_of_its_answer() {
    let database = of(numbers("m", 1));
    let before = Arc::strong_count(&database);
    let text = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    let engine = engine(64 << 20);
    let question = engine.sql(Arc::clone(&database) as _, text).await;
    let question = question.expect("planned");
    assert!(Arc::strong_count(&database) > before, "planned");
    let answer = question.run(Parameters::none()).await.expect("begun");
    assert!(Arc::strong_count(&database) > before, "begun");
    drop(answer);
    let over = async {
        while Arc::strong_count(&database) > before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let over = tokio::time::timeout(Duration::from_secs(60), over).await;
    over.expect("it is given back with the answer");
}

/// From a bug: DataFusion read the left side again, which was dealt out to two streams, and panicked.
#[tokio::test]
async fn a_join_whose_left_side_does_not_fit_is_right_or_refused_and_never_a_fault() {
    let database = of([numbers("m", 60), numbers("n", 3)].concat());
    let text = "SELECT count(*) FROM m a CROSS JOIN m b CROSS JOIN n d \
                JOIN n c ON a.v + b.v > c.v + 10";
    let pairs = (0..60).flat_map(|a| (0..60).map(move |b| a + b));
    let expected: i64 = pairs.map(|sum: i64| 3 * (sum - 10).clamp(0, 3)).sum();
    let counted = one(&engine(64 << 20), &database, text).await;
    assert_eq!(counted.expect("answered"), expected, "in memory");
    for kib in [512, 1024, 1536, 2048, 2560, 3072] {
        match one(&engine(kib << 10), &database, text).await {
            Ok(counted) => assert_eq!(counted, expected, "{kib} KiB"),
            Err(error) => assert!(matches!(error, QueryError::Exhausted(_)), "{error}"),
        }
    }
}

/// From a reading of DataFusion: with two streams on the right, rows of the left without a match came
/// once per stream.
#[tokio::test]
async fn a_left_join_that_does_not_fit_is_right_or_refused() {
    let database = of([numbers("m", 300), numbers("n", 3)].concat());
    for kind in ["LEFT JOIN", "FULL JOIN"] {
        let text = format!(
            "SELECT count(*) FROM (SELECT a.v + b.v AS s FROM m a CROSS JOIN m b) ab \
             {kind} (SELECT v FROM n UNION ALL SELECT v FROM n) c ON ab.s < c.v - 2"
        );
        let counted = one(&engine(64 << 20), &database, &text).await;
        let expected = if kind == "FULL JOIN" { 90_006 } else { 90_000 };
        assert_eq!(counted.expect("answered"), expected, "{kind}");
        let refused = one(&engine(1 << 20), &database, &text).await;
        let refused = refused.expect_err("it needs more memory");
        assert!(matches!(refused, QueryError::Exhausted(_)), "{refused}");
        assert!(refused.to_string().contains("1048576 bytes"), "{refused}");
    }
}

/// From a bug: what these collect was no memory of theirs, and grew until the system ended the program.
#[tokio::test]
async fn what_the_engine_collects_without_counting_it_is_counted() {
    let database = of([numbers("m", 100_000), numbers("n", 20_000)].concat());
    for (text, expected) in [
        (
            "SELECT max(s) FROM (SELECT count(v) OVER () AS s FROM m)",
            Some(100_000),
        ),
        (
            "SELECT max(s) FROM (SELECT count(*) OVER () AS s FROM m)",
            Some(100_000),
        ),
        ("SELECT count(*) FROM n a, n b, n c", None),
        (
            "SELECT count(*) FROM (SELECT 1 FROM n a, n b) LEFT JOIN n c ON true",
            None,
        ),
    ] {
        let refused = one(&engine(1 << 20), &database, text).await;
        if text != "SELECT count(*) FROM m a, m b" {
            let refused = refused.expect_err(text);
            assert!(
                matches!(refused, QueryError::Exhausted(_)),
                "{text}: {refused}"
            );
            assert!(refused.to_string().contains("1048576 bytes"), "{refused}");
        }
        if let Some(expected) = expected {
            let counted = one(&engine(64 << 20), &database, text).await;
            assert_eq!(counted.expect("answered"), expected, "{text}");
        }
    }
}

/// From a reading of DataFusion: it keeps the rows of a frame, however many they are, and counts none.
#[tokio::test]
async fn a_window_counts_the_rows_that_its_frame_has() {
    let database = of(numbers("m", 1));
    let ask = async |window: &str| {
        let text = format!(
            "SELECT count(s) FROM (SELECT {window} AS s FROM \
             (SELECT value AS time, value AS v FROM generate_series(1, 300000)))"
        );
        one(&engine(12 << 20), &database, &text).await
    };
    for (window, expected) in [
        ("sum(v) OVER (ORDER BY time ROWS 9000 PRECEDING)", 300_000),
        (
            "sum(v) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING)",
            300_000,
        ),
        ("row_number() OVER (ORDER BY time)", 300_000),
        ("lag(v, 9000) OVER (ORDER BY time)", 291_000),
        ("lag(v) IGNORE NULLS OVER (ORDER BY time)", 299_999),
    ] {
        assert_eq!(ask(window).await.expect(window), expected, "{window}");
    }
    for window in [
        "sum(v) OVER (ORDER BY time ROWS 290000 PRECEDING)",
        "sum(v) OVER (ORDER BY time ROWS BETWEEN CURRENT ROW AND 290000 FOLLOWING)",
        "first_value(v) OVER (ORDER BY time ROWS 290000 PRECEDING)",
        "lag(v, 290000) OVER (ORDER BY time)",
        "lead(v, 290000) OVER (ORDER BY time)",
    ] {
        let refused = ask(window).await.expect_err(window);
        assert!(
            matches!(refused, QueryError::Exhausted(_)),
            "{window}: {refused}"
        );
    }
}

/// From a reading of DataFusion: the rows of frames by values, and of peers, were held and not counted.
#[tokio::test]
async fn a_window_counts_the_rows_that_its_values_reach() {
    let database = of(numbers("m", 1));
    let ask = async |window: &str| {
        let text = format!(
            "SELECT count(s) FROM (SELECT {window} AS s FROM (SELECT value AS v, value % 3 AS w, \
             value / 3000 AS x, -value AS z, value * 0.5 AS f, arrow_cast(value, 'Timestamp(Nanosecond, None)') AS time \
             FROM generate_series(1, 300000)))"
        );
        one(&engine(12 << 20), &database, &text).await
    };
    for window in [
        "sum(w) OVER (ORDER BY v)",
        "sum(w) OVER (ORDER BY v RANGE 9000 PRECEDING)",
        "sum(v) OVER (ORDER BY f RANGE BETWEEN 4000.0 PRECEDING AND 500.0 FOLLOWING)",
        "sum(v) OVER (ORDER BY z DESC RANGE BETWEEN 5000 PRECEDING AND 5000 FOLLOWING)",
        "sum(v) OVER (ORDER BY time RANGE INTERVAL '9000 nanoseconds' PRECEDING)",
        "sum(v) OVER (ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '9 us' FOLLOWING)",
        "sum(v) OVER (ORDER BY x GROUPS 2 PRECEDING)",
        "sum(v) OVER (PARTITION BY x ORDER BY v RANGE 290000 PRECEDING)",
        "sum(v) OVER (PARTITION BY x ORDER BY v ROWS 290000 PRECEDING)",
        "sum(v) OVER (PARTITION BY x ORDER BY v GROUPS 290000 PRECEDING)",
        "first_value(w) OVER (ORDER BY v RANGE 9000 PRECEDING)",
    ] {
        assert_eq!(ask(window).await.expect(window), 300_000, "{window}");
    }
    for window in [
        "sum(w) OVER (ORDER BY v RANGE 290000 PRECEDING)",
        "sum(w) OVER (ORDER BY v RANGE BETWEEN CURRENT ROW AND 290000 FOLLOWING)",
        "sum(v) OVER (ORDER BY f RANGE BETWEEN 100000.0 PRECEDING AND 45000.0 FOLLOWING)",
        "sum(v) OVER (ORDER BY z RANGE BETWEEN 145000 PRECEDING AND 145000 FOLLOWING)",
        "sum(v) OVER (ORDER BY time RANGE INTERVAL '1 day' PRECEDING)",
        "sum(v) OVER (ORDER BY x GROUPS 98 PRECEDING)",
        "sum(w) OVER (ORDER BY v - v)",
        "first_value(w) OVER (ORDER BY v RANGE 290000 PRECEDING)",
    ] {
        let refused = ask(window).await.expect_err(window);
        assert!(
            matches!(refused, QueryError::Exhausted(_)),
            "{window}: {refused}"
        );
    }
}

/// From a measurement: what windows collect was held and not counted, half a gigabyte beside 32 MiB.
#[tokio::test]
async fn what_a_window_collects_is_counted() {
    let database = of(numbers("m", 1));
    let ask = async |call: &str, rows: u32| {
        let text = format!(
            "SELECT count(s) FROM (SELECT {call} AS s FROM \
             (SELECT value AS v, value::VARCHAR AS t, value % 2 AS w FROM generate_series(1, {rows})))"
        );
        one(&engine(12 << 20), &database, &text).await
    };
    for (call, rows, expected) in [
        ("array_agg(v) OVER ()", 300, 300),
        ("array_agg(v) OVER (PARTITION BY v / 10)", 9_000, 9_000),
        ("array_agg(v) OVER (ORDER BY v)", 600, 600),
        ("string_agg(t, ',') OVER (ORDER BY v)", 600, 600),
        (
            "array_agg(v) OVER (ORDER BY v ROWS 9 PRECEDING)",
            100_000,
            100_000,
        ),
        (
            "array_agg(v) OVER (ORDER BY v ROWS BETWEEN 9 PRECEDING AND 9 FOLLOWING)",
            100_000,
            100_000,
        ),
        (
            "array_agg(v) OVER (ORDER BY v RANGE 9 PRECEDING)",
            20_000,
            20_000,
        ),
        (
            "array_agg(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
            300,
            300,
        ),
        ("array_length(array_agg(t ORDER BY -v))", 9_000, 1),
        ("sum(v) OVER (ORDER BY v)", 100_000, 100_000),
    ] {
        assert_eq!(ask(call, rows).await.expect(call), expected, "{call}");
    }
    for (call, rows) in [
        ("array_agg(v) OVER ()", 3_000),
        ("string_agg(t, ',') OVER ()", 3_000),
        ("array_agg(v) OVER (PARTITION BY w)", 3_000),
        ("array_agg(v) OVER (ORDER BY v)", 3_000),
        ("array_agg(DISTINCT v) OVER (ORDER BY v)", 3_000),
        ("string_agg(t, ',') OVER (ORDER BY v)", 3_000),
        (
            "array_agg(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND 2000 FOLLOWING)",
            3_000,
        ),
        (
            "array_agg(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
            3_000,
        ),
    ] {
        let refused = ask(call, rows).await.expect_err(call);
        assert!(
            matches!(refused, QueryError::Exhausted(_)),
            "{call}: {refused}"
        );
        assert!(
            refused.to_string().contains("12582912 bytes"),
            "{call}: {refused}"
        );
    }
}

/// What merging them takes beside the groups decides only between these two, by how the rows were divided.
#[tokio::test]
async fn ordered_groups_are_refused_where_they_do_not_fit() {
    let database = of(numbers("m", 1));
    let merged = "SELECT count(s) FROM (SELECT value % 2, array_agg(value ORDER BY value * 7 % 1000) AS s \
                  FROM generate_series(1, 60000) GROUP BY value % 2)";
    let refused = one(&engine(12 << 20), &database, merged).await;
    assert!(
        matches!(refused, Err(QueryError::Exhausted(_))),
        "{refused:?}"
    );
    assert_eq!(
        one(&engine(64 << 20), &database, merged)
            .await
            .expect("it fits"),
        2
    );
}

/// Joins that go on for hours, with many rows out or none.
const ENDLESS: [&str; 6] = [
    "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b \
     WHERE a.value <> b.value",
    "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b \
     WHERE a.value + b.value < 0",
    "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b",
    "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b \
     ON a.value % 2 = b.value % 2",
    "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b \
     ON a.value % 2 = b.value % 2 AND a.value + b.value < 0",
    "SELECT count(*) FROM generate_series(1, 1000000) a WHERE EXISTS \
     (SELECT 1 FROM generate_series(1, 1000000) b WHERE a.value + b.value < 0)",
];

/// From a bug: such a join let nothing else run for up to a minute, timers among it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_ends_when_its_time_is_over() {
    for text in ENDLESS {
        let limits = Limits {
            memory: Arc::new(FixedMemory::new(256 << 20)),
            timeout: Some((Duration::from_secs(2), "late".to_owned())),
            ..limits()
        };
        let engine = QueryEngine::new(limits).expect("an engine");
        let begun = instant();
        let late = one(&engine, &of([]), text).await.expect_err("late");
        assert!(matches!(late, QueryError::Late(_)), "{late}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{text}");
    }
}

/// From a bug: its place and its memory were kept for as long.
#[tokio::test]
async fn a_join_ends_when_nobody_waits_for_its_answer() {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads of its own, so that they block no test");
    for text in ENDLESS {
        let database = of([]);
        let before = Arc::strong_count(&database);
        let engine = engine_on(threads.handle(), 256 << 20);
        let question = engine.sql(Arc::clone(&database) as _, text).await;
        let answer = question.expect("planned").run(Parameters::none()).await;
        let answer = answer.expect("begun");
        let begun = instant();
        // Some joins take no memory.
        while engine.memory_used_bytes() == 0 && begun.elapsed() < Duration::from_millis(500) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(answer);
        let left = instant();
        while Arc::strong_count(&database) > before || engine.memory_used_bytes() > 0 {
            assert!(left.elapsed() < Duration::from_secs(5), "{text}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    threads.shutdown_background();
}

/// From a review: a CUBE of 15 columns was not even planned in two minutes, and took all memory.
#[tokio::test]
async fn too_many_grouping_sets_are_refused_before_they_are_planned() {
    let database = of(numbers("m", 1));
    let columns = |count: usize| {
        let columns = (0..count).map(|column| format!("v + {column}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    let engine = engine(64 << 20);
    for (groups, count) in [
        (format!("CUBE ({})", columns(9)), "512"),
        (format!("CUBE ({})", columns(100)), "18446744073709551615"),
        (format!("v, CUBE ({})", columns(30)), "1073741824"),
        (format!("ROLLUP ({})", columns(256)), "257"),
        (
            format!("CUBE ({}), ROLLUP (v), GROUPING SETS ((v), ())", columns(7)),
            "512",
        ),
    ] {
        for text in [
            format!("SELECT count(*) FROM m GROUP BY {groups}"),
            format!("EXPLAIN SELECT count(*) FROM m GROUP BY {groups}"),
            format!("SELECT v FROM m WHERE v IN (SELECT count(*) FROM m GROUP BY {groups})"),
        ] {
            let refused = engine.sql(Arc::clone(&database) as _, &text).await;
            let refused = refused.map(drop).expect_err(&text);
            let QueryError::Invalid(reason) = refused else {
                panic!("{text}: {refused:?}");
            };
            let begin = format!("GROUP BY has {count} grouping sets, and at most 256");
            assert!(reason.starts_with(&begin), "{text}: {reason}");
        }
    }
    for (groups, sets) in [
        (format!("CUBE ({})", columns(8)), 256),
        (format!("v, CUBE ({})", columns(8)), 256),
        (format!("ROLLUP ({})", columns(63)), 64),
    ] {
        let text = format!("SELECT count(*) FROM (SELECT count(*) FROM m GROUP BY {groups})");
        let counted = one(&engine, &database, &text).await;
        assert_eq!(counted.expect("answered"), sets, "{groups}");
    }
}
