//! Values that are asked for beside a cast of them.

use super::ask::{ask, refusal};
use super::misread::{database, holds};

/// From a bug: a cast has the name of what it casts, so both could not be groups.
#[tokio::test]
async fn a_value_and_its_cast_are_two_groups() {
    holds(&[
        (
            "SELECT v::BIGINT AS a, v AS b, count(*) AS n FROM m GROUP BY v::BIGINT, v ORDER BY 1 LIMIT 2",
            &["1,1.0,1", "2,2.0,1"],
        ),
        (
            "SELECT v, (v / 2)::BIGINT, (v / 2)::INT AS c FROM m GROUP BY 1, 2, c ORDER BY v DESC LIMIT 1",
            &["4.0,2,2"],
        ),
        (
            "SELECT count(*) AS n FROM (SELECT host, host::VARCHAR AS x FROM m GROUP BY host::VARCHAR, host)",
            &["4"],
        ),
        (
            "SELECT v::BIGINT AS a, v FROM m GROUP BY a, v HAVING v::BIGINT > 3 ORDER BY v::BIGINT",
            &["4,4.0"],
        ),
        // A cast within another SELECT is none of its groups: from a review.
        (
            "SELECT x.v::BIGINT AS q, x.v AS p, (SELECT sum(v) FROM m WHERE v::BIGINT > 2) AS c FROM m x \
             GROUP BY 1, 2 ORDER BY 1 LIMIT 2",
            &["1,1.0,7.0", "2,2.0,7.0"],
        ),
        (
            "SELECT v::BIGINT AS q, v AS p, (SELECT sum(b.v) FROM m b WHERE b.v = x.v::BIGINT) AS c FROM m x \
             GROUP BY v::BIGINT, v ORDER BY 1 LIMIT 2",
            &["1,1.0,1.0", "2,2.0,2.0"],
        ),
        (
            "SELECT v::BIGINT AS q, v FROM m x GROUP BY 1, 2 \
             HAVING x.v::BIGINT > (SELECT avg(v::BIGINT) FROM m) ORDER BY 1",
            &["3,3.0", "4,4.0"],
        ),
    ])
    .await;
}

/// From a bug: a cast has the name of what it casts, so both could not be columns, nor one of them an order.
#[tokio::test]
async fn a_value_and_its_cast_are_two_columns() {
    holds(&[
        (
            "SELECT CAST(time AS BIGINT), v FROM m ORDER BY time DESC LIMIT 2",
            &["4,4.0", "3,3.0"],
        ),
        (
            "SELECT (9 - v)::BIGINT, (v::VARCHAR) FROM m x ORDER BY x.v DESC LIMIT 2",
            &["5,4.0", "6,3.0"],
        ),
        (
            "SELECT CAST(v * 5 AS VARCHAR) AS a, v::VARCHAR FROM m ORDER BY 5 - v LIMIT 1",
            &["20.0,4.0"],
        ),
        (
            "SELECT v, v::BIGINT, v::VARCHAR FROM m ORDER BY v LIMIT 1",
            &["1.0,1,1.0"],
        ),
        (
            "SELECT *, m.v::BIGINT FROM m ORDER BY v LIMIT 1",
            &["a,1970-01-01T00:00:00.000000001,1.0,1"],
        ),
        (
            "SELECT x.\"v::BIGINT\" FROM (SELECT v::BIGINT FROM m ORDER BY v DESC LIMIT 1) x",
            &["4"],
        ),
        (
            "SELECT (v / 2)::BIGINT, (v / 2)::INT, v / 2 FROM m ORDER BY v DESC LIMIT 1",
            &["2,2,2.0"],
        ),
        (
            "SELECT time::BIGINT, count(*) FROM m GROUP BY time ORDER BY time LIMIT 1",
            &["1,1"],
        ),
        (
            "SELECT v::BIGINT, v FROM m ORDER BY v::BIGINT DESC LIMIT 1",
            &["4,4.0"],
        ),
        (
            "SELECT * EXCLUDE (time, host), v::BIGINT AS w FROM m ORDER BY v LIMIT 1",
            &["1.0,1"],
        ),
        (
            "SELECT \"m.time\" FROM (SELECT time::BIGINT FROM m) ORDER BY 1 LIMIT 1",
            &["1"],
        ),
    ])
    .await;
}

/// From a bug: an aggregate of a cast has the name of that of the value, so both could not be asked for.
#[tokio::test]
async fn aggregates_of_a_value_and_of_its_cast_are_two_columns() {
    holds(&[
        (
            "SELECT avg(v / 4), AVG((v / 4)::BIGINT), avg((v / 4)::INT) + 1 FROM m",
            &["0.625,0.25,1.25"],
        ),
        (
            "SELECT max(CAST(time AS BIGINT)), CAST(max(time) AS BIGINT) FROM m",
            &["4,4"],
        ),
        (
            "SELECT x.\"max(v::VARCHAR)\", x.\"max(m.v)\" FROM \
             (SELECT max(v::VARCHAR), max(v)::BIGINT FROM m) x",
            &["4.0,4"],
        ),
        (
            "SELECT host, sum(v), sum(v::BIGINT) FROM m GROUP BY host \
             HAVING sum(v::BIGINT) > 1 ORDER BY sum(v::BIGINT) DESC LIMIT 2",
            &[",4.0,4", "c,3.0,3"],
        ),
        (
            "SELECT host FROM m GROUP BY host HAVING max(v) > max(v::INT) - 1 ORDER BY max(v::BIGINT) LIMIT 1",
            &["a"],
        ),
        (
            "SELECT count(*) FILTER (WHERE v / 4 > 0.5), count(*) FILTER (WHERE (v / 4)::BIGINT > 0.5) FROM m",
            &["2,1"],
        ),
        (
            "SELECT v, max(v) OVER (ORDER BY v), max(v::BIGINT) OVER (ORDER BY v) FROM m ORDER BY v LIMIT 1",
            &["1.0,1.0,1"],
        ),
        (
            "SELECT approx_percentile_cont(v, 0.5) > 1, approx_percentile_cont(v::BIGINT, 0.5::DOUBLE) > 1 FROM m",
            &["true,true"],
        ),
        (
            "SELECT max(v), (SELECT max(v::BIGINT) FROM m) AS x FROM m",
            &["4.0,4"],
        ),
        (
            "SELECT v + 1, v::BIGINT + 1, v::INT + 1 FROM m ORDER BY v LIMIT 1",
            &["2.0,2,2"],
        ),
        (
            "SELECT v::BIGINT + 1 AS a, v + 1 AS b FROM m GROUP BY v::BIGINT + 1, v + 1 ORDER BY 1 LIMIT 1",
            &["2,2.0"],
        ),
    ])
    .await;
}

/// Quarters and their values, which follow from them: 0.25 and 1.0 to 1.0 and 4.0.
const QUARTERS: &str = "(SELECT v / 4 AS x, max(v) AS s FROM m GROUP BY v / 4)";

/// From a bug: a cast was taken for the group inside, from which all follows, so other groups were left out,
/// and values became groups.
#[tokio::test]
async fn a_cast_of_a_group_inside_is_a_group_of_its_own() {
    let by_high = ["0,false,2", "0,true,1", "1,true,1"];
    let database = database();
    for (text, rows) in [
        (
            "SELECT x::BIGINT AS b, s > 2 AS high, count(*) FROM $q GROUP BY 1, 2 ORDER BY 1, 2",
            &by_high[..],
        ),
        (
            "WITH q AS $q SELECT CAST(q.x AS INT8) AS b, s > 2, count(*) FROM q GROUP BY (x)::BIGINT, s > 2 \
             ORDER BY b, 2",
            &by_high,
        ),
        (
            "SELECT TRY_CAST(x AS INT) AS b, s > 2 AS high, count(*) FROM $q GROUP BY ALL ORDER BY b, high",
            &by_high,
        ),
        (
            "SELECT x::BIGINT, s > 2 AS high, count(*) FROM $q JOIN m ON m.v = s GROUP BY x::BIGINT, high \
             UNION ALL SELECT 2, true, 0 ORDER BY 1, 2 LIMIT 3",
            &by_high,
        ),
        (
            "SELECT count(*) AS n FROM $q GROUP BY x::BIGINT, s > 2 ORDER BY n",
            &["1", "1", "2"],
        ),
        (
            "SELECT x::BIGINT AS b, count(DISTINCT s), sum(s) FROM $q GROUP BY 1 ORDER BY 1",
            &["0,3,6.0", "1,1,4.0"],
        ),
        (
            "SELECT x FROM (SELECT q.x::BIGINT, count(DISTINCT s) AS n FROM $q q GROUP BY q.x::BIGINT \
             HAVING q.x::BIGINT < 1 ORDER BY x)",
            &["0"],
        ),
        (
            "SELECT DISTINCT ON (x::BIGINT, s > 2) s FROM $q ORDER BY x::BIGINT, s > 2, s DESC",
            &["2.0", "3.0", "4.0"],
        ),
        (
            "SELECT (t AT TIME ZONE 'Europe/Berlin')::DATE AS d, s > 2 AS high, count(*) FROM \
             (SELECT time AS t, max(v) AS s FROM m GROUP BY time) GROUP BY 1, 2 ORDER BY 2",
            &["1970-01-01,false,2", "1970-01-01,true,2"],
        ),
    ] {
        let text = text.replace("$q", QUARTERS);
        assert_eq!(ask(&database, &text).await, *rows, "{text}");
    }
    let text = format!("SELECT x::BIGINT AS b, s FROM {QUARTERS} GROUP BY x::BIGINT");
    let told = refusal(&database, &text).await.to_string();
    assert!(told.contains("must be in GROUP BY"), "{told}");
}

/// From a bug: after a cast of a group, what follows from the group was no key of the order any more.
#[tokio::test]
async fn rows_are_ordered_by_what_comes_after_a_cast_of_a_group() {
    let quarters = ["3.0", "2.0", "1.0", "4.0"];
    let database = database();
    for (text, rows) in [
        ("SELECT s FROM $q ORDER BY x::BIGINT, s DESC", &quarters[..]),
        (
            "SELECT max(v) AS s FROM m GROUP BY v / 4 ORDER BY CAST(v / 4 AS BIGINT), s DESC",
            &quarters,
        ),
        (
            "WITH q AS $q SELECT s FROM q ORDER BY TRY_CAST(q.x AS INT), max(s) OVER (PARTITION BY x) DESC",
            &quarters,
        ),
        (
            "SELECT DISTINCT v / 4 AS x FROM m ORDER BY x::BIGINT, x DESC LIMIT 1",
            &["0.75"],
        ),
        (
            "SELECT v FROM m GROUP BY v ORDER BY v::BOOLEAN, v DESC LIMIT 1",
            &["4.0"],
        ),
        (
            "SELECT max(v) AS s FROM m GROUP BY time ORDER BY (time AT TIME ZONE 'Europe/Berlin')::DATE, s DESC LIMIT 1",
            &["4.0"],
        ),
        (
            "(SELECT s FROM $q ORDER BY x::BIGINT, s DESC LIMIT 1) UNION ALL SELECT 9.0 ORDER BY 1",
            &["3.0", "9.0"],
        ),
        (
            "SELECT s FROM (SELECT s, row_number() OVER (ORDER BY x::BIGINT, s DESC) AS r FROM $q) ORDER BY r",
            &quarters,
        ),
    ] {
        let text = text.replace("$q", QUARTERS);
        assert_eq!(ask(&database, &text).await, *rows, "{text}");
    }
}
