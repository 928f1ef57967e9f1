//! Values that are asked for beside a cast of them.

use super::misread::holds;

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
