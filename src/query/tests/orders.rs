//! Orders that the engine takes for known, and that are none.

use super::ask::{ask, of, refusal};
use super::misread;
use super::points::Point;

const HOUR_NS: i64 = 3_600_000_000_000;

async fn holds(points: Vec<Point>, questions: &[(&str, &[&str])]) {
    let database = of(points);
    for (text, rows) in questions {
        assert_eq!(ask(&database, text).await, *rows, "{text}");
    }
}

/// From a bug: the times of the day of sorted times were taken for sorted.
#[tokio::test]
async fn times_of_the_day_begin_anew_each_day() {
    let times = [0, 1, 2, 24, 25, 26, 48, 49, 50];
    let points = times
        .iter()
        .zip(0_i32..)
        .map(|(hours, number)| Point::new("o", &[], hours * HOUR_NS, &[("v", number.into())]));
    holds(
        points.collect(),
        &[
            (
                "SELECT v FROM (SELECT time, v FROM o ORDER BY time LIMIT 9) ORDER BY CAST(time AS TIME), v LIMIT 4",
                &["0.0", "3.0", "6.0", "1.0"],
            ),
            (
                "SELECT v, lag(v) OVER (ORDER BY time) AS l FROM o ORDER BY time::TIME, v LIMIT 3",
                &["0.0,", "3.0,2.0", "6.0,5.0"],
            ),
            (
                "SELECT v, row_number() OVER (PARTITION BY CAST(time AS TIME) ORDER BY time) AS a \
                 FROM (SELECT time, v FROM o ORDER BY time LIMIT 9) ORDER BY v",
                &[
                    "0.0,1", "1.0,1", "2.0,1", "3.0,2", "4.0,2", "5.0,2", "6.0,3", "7.0,3", "8.0,3",
                ],
            ),
            (
                "SELECT CAST(time AS TIME) AS t, count(*) FROM (SELECT time FROM o ORDER BY time LIMIT 9) GROUP BY 1 ORDER BY 1",
                &["00:00:00,3", "01:00:00,3", "02:00:00,3"],
            ),
            (
                "SELECT v, rank() OVER (ORDER BY CAST(time AS TIME)) AS a FROM o ORDER BY v LIMIT 4",
                &["0.0,1", "1.0,4", "2.0,7", "3.0,1"],
            ),
            (
                "SELECT v, rank() OVER (ORDER BY time - TIMESTAMP '1970-01-01T05:00:00') AS a FROM o ORDER BY v LIMIT 3",
                &["0.0,1", "1.0,2", "2.0,3"],
            ),
        ],
    )
    .await;
}

/// From a bug: the dates in a zone were taken for sorted, whose clock goes back over midnight.
#[tokio::test]
async fn a_clock_that_goes_back_over_midnight_has_a_date_twice() {
    // In St. John's, the 7th of November 2010 began at 2:30 UTC, ended a minute later, and began again at 3:30.
    let times = [1_289_097_030, 1_289_097_600, 1_289_101_200];
    let points = times.iter().zip(1_i32..).map(|(seconds, number)| {
        Point::new("o", &[], seconds * 1_000_000_000, &[("v", number.into())])
    });
    holds(
        points.collect(),
        &[(
            "SELECT tz(time, 'America/St_Johns')::DATE AS d, count(*) \
             FROM (SELECT time FROM o ORDER BY time LIMIT 3) GROUP BY 1 ORDER BY 1",
            &["2010-11-06,1", "2010-11-07,2"],
        )],
    )
    .await;
}

/// From a bug: the values of aggregates over growing frames were taken for sorted.
#[tokio::test]
async fn aggregates_of_windows_are_sorted_by_who_asks_for_it() {
    let point = |tag: &str, number: i32, fields: &[(&str, f64)]| {
        Point::new("m", &[("a", tag)], number.into(), fields)
    };
    let points = vec![
        point("x", 1, &[("v", 1.into())]),
        point("y", 2, &[("v", 2.into()), ("i", 3.into())]),
        point("x", 3, &[("v", 3.into()), ("i", 1.into())]),
        point("y", 4, &[("v", 4.into()), ("i", 5.into())]),
    ];
    let running = "(SELECT v, a, max(i) OVER (ORDER BY time) AS x FROM m)";
    let last = "(SELECT a, v, count(*) OVER (PARTITION BY a ORDER BY time \
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM m)";
    let values = "(SELECT v, count(i) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM m)";
    let rest = "(SELECT v, max(i) OVER (ORDER BY time ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS n \
                FROM m WHERE v < 4 OR i IS NULL)";
    for (text, rows) in [
        (
            format!("SELECT v, x FROM {running} ORDER BY x, v"),
            &["2.0,3.0", "3.0,3.0", "4.0,5.0", "1.0,"][..],
        ),
        (
            format!("SELECT v, sum(v) OVER (ORDER BY x) FROM {running} ORDER BY v"),
            &["1.0,10.0", "2.0,5.0", "3.0,5.0", "4.0,9.0"],
        ),
        (
            format!("SELECT v, rank() OVER (PARTITION BY a ORDER BY x) FROM {running} ORDER BY v"),
            &["1.0,2", "2.0,1", "3.0,1", "4.0,2"],
        ),
        (
            format!("SELECT n, v FROM {last} ORDER BY n, v"),
            &["1,1.0", "1,2.0", "2,3.0", "2,4.0"],
        ),
        (
            format!("SELECT n FROM {values} ORDER BY n"),
            &["1", "1", "2", "2"],
        ),
        (
            format!("SELECT n, v FROM {rest} ORDER BY n DESC NULLS FIRST, v"),
            &["3.0,1.0", "3.0,2.0", "1.0,3.0"],
        ),
    ] {
        let database = of(points.clone());
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
}

/// From a bug: what is a constant of each branch was taken for one of all.
#[tokio::test]
async fn branches_of_a_union_have_constants_of_their_own() {
    let many = (0..40_i32).map(|n| {
        let fields = [("i", (n % 4).into()), ("v", n.into())];
        Point::new("m", &[], n.into(), &fields)
    });
    let few = (0..20_i32).map(|n| Point::new("o", &[], n.into(), &[("v", n.into())]));
    let both = "(SELECT 1 AS k, v FROM m UNION ALL SELECT 2 AS k, v FROM o)";
    let of_one = "(SELECT i, v FROM m WHERE i = 1 UNION ALL SELECT i, v FROM m WHERE i = 2)";
    let database = of(many.chain(few));
    for (text, rows) in [
        (
            format!("SELECT k, v FROM {both} ORDER BY k DESC, v DESC LIMIT 3"),
            &["2,19.0", "2,18.0", "2,17.0"][..],
        ),
        (
            format!("SELECT k, v FROM {both} ORDER BY k DESC, v LIMIT 3"),
            &["2,0.0", "2,1.0", "2,2.0"],
        ),
        (
            format!("SELECT i, v FROM {of_one} ORDER BY i DESC, v LIMIT 10 OFFSET 7"),
            &[
                "2.0,30.0", "2.0,34.0", "2.0,38.0", "1.0,1.0", "1.0,5.0", "1.0,9.0", "1.0,13.0",
                "1.0,17.0", "1.0,21.0", "1.0,25.0",
            ],
        ),
    ] {
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
}

/// From a bug: the negatives of sorted integers were taken for sorted, though the least is its own.
#[tokio::test]
async fn the_least_integer_is_its_own_negative() {
    let points = [(1, -9_223_372_036_854_775_808.0), (2, 5.0)]
        .map(|(time, value)| Point::new("m", &[], time, &[("v", value)]));
    let sorted = "(SELECT v::BIGINT AS i FROM m ORDER BY v DESC NULLS LAST LIMIT 10)";
    let of_integers = "(SELECT v::BIGINT AS i FROM m)";
    let database = of(points);
    for (text, rows) in [
        (
            format!(
                "SELECT -i AS x FROM (SELECT i FROM {of_integers} ORDER BY i DESC NULLS LAST LIMIT 10) ORDER BY x"
            ),
            &["-9223372036854775808", "-5"][..],
        ),
        (
            format!("SELECT i, rank() OVER (ORDER BY -i) AS x FROM {sorted} ORDER BY x"),
            &["-9223372036854775808,1", "5,2"],
        ),
        (
            format!("SELECT i FROM {of_integers} WHERE -i < -6"),
            &["-9223372036854775808"],
        ),
        (
            format!("SELECT -(i::DOUBLE), - -i FROM {of_integers} WHERE i = 5"),
            &["-5.0,5"],
        ),
        ("SELECT -v FROM m WHERE v > 0".to_owned(), &["-5.0"]),
    ] {
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
}

/// From a bug: the first hour of all began at the end of all times.
#[tokio::test]
async fn the_first_part_of_all_time_has_no_start() {
    let points =
        [i64::MIN + 2, 0, 90_000_000_000].map(|time| Point::new("m", &[], time, &[("v", 1.0)]));
    let database = of(points);
    for part in ["day", "hour", "MINUTE", "second", "year"] {
        let text = format!("SELECT date_trunc('{part}', time) FROM m");
        let refused = refusal(&database, &text).await;
        assert!(
            matches!(refused, crate::QueryError::Invalid(_)),
            "{refused:?}"
        );
        assert!(
            refused.to_string().contains("out of range"),
            "{text}: {refused}"
        );
    }
    let text = "SELECT date_trunc('minute', time) AS t, count(*) FROM m WHERE time >= '1970-01-01' GROUP BY t ORDER BY t";
    let rows = ask(&database, text).await;
    assert_eq!(rows, ["1970-01-01T00:00:00,1", "1970-01-01T00:01:00,1"]);
}

/// From a bug: the engine did not know again the order in which it had sorted rows, and refused the question.
#[tokio::test]
async fn rows_are_ordered_by_what_is_computed_of_computed_values() {
    misread::holds(&[
        (
            "SELECT v + 1 FROM m ORDER BY abs(TRY_CAST(v - 3 AS BIGINT)), v",
            &["4.0", "3.0", "5.0", "2.0"],
        ),
        (
            "SELECT v + 1 FROM (SELECT v FROM m UNION ALL SELECT 9.0) ORDER BY sqrt(v) DESC LIMIT 2",
            &["10.0", "5.0"],
        ),
        (
            "SELECT v, row_number() OVER (ORDER BY abs(round(v - 3)), v) AS r FROM m ORDER BY r",
            &["3.0,1", "2.0,2", "4.0,3", "1.0,4"],
        ),
        (
            "SELECT v, sum(v) OVER (ORDER BY acos(v / 9)), lag(v) OVER (ORDER BY abs(-round(v))) FROM m ORDER BY ln(v)",
            &["1.0,10.0,", "2.0,9.0,1.0", "3.0,7.0,2.0", "4.0,4.0,3.0"],
        ),
        (
            "SELECT host, max(v) FROM m GROUP BY host ORDER BY round(max(v)) > 2, host DESC NULLS LAST",
            &["b,2.0", "a,1.0", "c,3.0", ",4.0"],
        ),
        (
            "SELECT * FROM m ORDER BY CASE WHEN TRY_CAST(v AS BIGINT) > 2 THEN 0 ELSE 1 END, v LIMIT 1",
            &["c,1970-01-01T00:00:00.000000003,3.0"],
        ),
    ])
    .await;
}

/// From a bug: the place of such a column was taken for a column that is no group.
#[tokio::test]
async fn rows_are_ordered_by_the_place_of_what_is_made_of_an_aggregate() {
    misread::holds(&[
        // An aggregate of a SELECT within is none of this one: from a review.
        (
            "SELECT DISTINCT v - (SELECT avg(v) FROM m) FROM m ORDER BY 1 LIMIT 2",
            &["-1.5", "-0.5"],
        ),
        (
            "SELECT host, min(v) + 1 FROM m GROUP BY host ORDER BY 2 DESC LIMIT 1",
            &[",5.0"],
        ),
        ("SELECT round(avg(v)) FROM m ORDER BY 1", &["3.0"]),
        (
            "SELECT max(v)::BIGINT, host FROM m GROUP BY host ORDER BY 1 DESC, 2 LIMIT 1",
            &["4,"],
        ),
    ])
    .await;
}

/// From a bug: the column of such an aggregate was taken for the aggregate.
#[tokio::test]
async fn rows_are_ordered_by_an_aggregate_that_has_the_name_of_its_column() {
    misread::holds(&[
        (
            "SELECT host, 5 - avg(v) AS v FROM m GROUP BY host ORDER BY avg(v) DESC LIMIT 1",
            &[",1.0"],
        ),
        (
            "SELECT host, avg(v) AS v FROM m x GROUP BY host HAVING avg(v) > 1 ORDER BY avg(v), host LIMIT 1",
            &["b,2.0"],
        ),
        (
            "SELECT host, avg(v::BIGINT) AS v FROM m GROUP BY host ORDER BY avg(v) DESC, host LIMIT 1",
            &[",4.0"],
        ),
        (
            "SELECT host, max(v) AS v FROM (SELECT * FROM m) q GROUP BY host ORDER BY min(V) LIMIT 1",
            &["a,1.0"],
        ),
    ])
    .await;
}
