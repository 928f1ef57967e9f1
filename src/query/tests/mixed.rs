//! Signed and unsigned integers in one place, which the engine reads as whole decimals.

use std::sync::Arc;

use super::ask::{ask, of};
use super::points::{Point, Points};

/// The values 1, 2, 5 and 7 of `x`, the first two signed and the others not.
const MIXED: &str = "(SELECT time, host, coalesce(v::BIGINT, arrow_cast(w, 'UInt64')) AS x FROM m)";

fn database() -> Arc<Points> {
    let point = |number: i32, field: &str, value: i32| {
        let host = if number % 2 == 0 { "a" } else { "b" };
        Point::new(
            "m",
            &[("host", host)],
            number.into(),
            &[(field, value.into())],
        )
    };
    of([
        point(1, "v", 1),
        point(2, "v", 2),
        point(3, "w", 5),
        point(4, "w", 7),
    ])
}

/// From a bug: a mean ended after four digits, and a median before its half.
#[tokio::test]
async fn aggregates_lose_no_digit() {
    let database = database();
    for (text, rows) in [
        (
            format!("SELECT avg(x), mean(x), median(x), approx_median(x) FROM {MIXED}"),
            &["3.75,3.75,3.5,3.75"][..],
        ),
        (
            format!("SELECT sum(x), min(x), max(x), count(DISTINCT x) FROM {MIXED}"),
            &["15,1,7,4"],
        ),
        (
            format!("SELECT round(stddev(x), 6), round(var(x), 6) FROM {MIXED}"),
            &["2.753785,7.583333"],
        ),
        (
            format!("SELECT avg(x) FILTER (WHERE x < 6), avg(DISTINCT x), median(DISTINCT x) FROM {MIXED}"),
            &["2.6666666666666665,3.75,3.5"],
        ),
        (
            format!("SELECT host, avg(x), median(x) FROM {MIXED} GROUP BY host ORDER BY host"),
            &["a,4.5,4.5", "b,3.0,3.0"],
        ),
        (
            format!("SELECT avg(x) OVER (ORDER BY time ROWS 1 PRECEDING) FROM {MIXED} ORDER BY time"),
            &["1.0", "1.5", "3.5", "6.0"],
        ),
        (
            format!("SELECT x, median(x) OVER () FROM {MIXED} ORDER BY x LIMIT 1"),
            &["1,3.5"],
        ),
        (
            "SELECT avg(x), median(x) FROM (SELECT v::BIGINT AS x FROM m UNION ALL \
             SELECT arrow_cast(w, 'UInt64') FROM m)"
                .to_owned(),
            &["3.75,3.5"],
        ),
        (
            format!("SELECT avg(s), arrow_typeof(avg(s)) FROM (SELECT sum(x) AS s FROM {MIXED} GROUP BY host)"),
            &["7.5,Float64"],
        ),
        (
            "SELECT avg(v::DECIMAL(10, 2)), avg((v + 0)::BIGINT), avg(arrow_cast(w, 'UInt64')) FROM m".to_owned(),
            &["1.500000,1.5,6.0"],
        ),
    ] {
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
}
