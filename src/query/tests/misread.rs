//! Questions that the engine below reads wrong by itself, or cannot run.

use std::sync::Arc;

use super::ask::{ask, of, refusal};
use super::points::{Point, Points};
use crate::QueryError;

/// Four series with values 1 to 4, of which the last has no tag.
pub(super) fn database() -> Arc<Points> {
    let point = |tags: &[(&str, &str)], number: i32| {
        Point::new("m", tags, number.into(), &[("v", number.into())])
    };
    of([
        point(&[("host", "a")], 1),
        point(&[("host", "b")], 2),
        point(&[("host", "c")], 3),
        point(&[], 4),
    ])
}

pub(super) async fn holds(questions: &[(&str, &[&str])]) {
    let database = database();
    for (text, rows) in questions {
        assert_eq!(ask(&database, text).await, *rows, "{text}");
    }
}

/// From a bug: the plan and its logic told different things of nulls, which was called a fault of ours.
#[tokio::test]
async fn a_truth_is_asked_for_below_aggregates() {
    holds(&[
        (
            "SELECT DISTINCT (v > 3) IS UNKNOWN AS u FROM m",
            &["false"],
        ),
        (
            "SELECT host, max(CAST((v > 1) IS TRUE AS INT)) AS x FROM m \
             WHERE host IS NOT NULL GROUP BY host ORDER BY host",
            &["a,0", "b,1", "c,1"],
        ),
        (
            "SELECT f, count(*) FROM (SELECT (host = 'a') IS NOT TRUE AS f FROM m) GROUP BY f ORDER BY f",
            &["false,1", "true,3"],
        ),
        (
            "SELECT (host = 'a') IS NOT FALSE AS f, max(v) FROM m GROUP BY f ORDER BY f",
            &["false,3.0", "true,4.0"],
        ),
        (
            "SELECT DISTINCT (host = 'a') IS NOT UNKNOWN AS u FROM m ORDER BY u",
            &["false", "true"],
        ),
    ])
    .await;
}

/// From a bug: a column of the question outside was taken for that of the same name inside.
#[tokio::test]
async fn any_and_all_compare_with_the_rows_inside() {
    holds(&[
        ("SELECT v FROM m WHERE v >= ALL (SELECT v FROM m)", &["4.0"]),
        (
            "SELECT v FROM m WHERE v = ANY (SELECT v FROM m WHERE host = 'a')",
            &["1.0"],
        ),
        (
            "SELECT v FROM m WHERE v <> ALL (SELECT v FROM m WHERE host = 'a') ORDER BY v",
            &["2.0", "3.0", "4.0"],
        ),
        (
            "SELECT v FROM m x WHERE x.v > ALL (SELECT m.v FROM m WHERE m.time < x.time) ORDER BY v",
            &["1.0", "2.0", "3.0", "4.0"],
        ),
        (
            "SELECT m.v FROM m, m n WHERE n.v = 2 AND m.v >= ALL (SELECT v FROM m WHERE time <= n.time) \
             ORDER BY v",
            &["2.0", "3.0", "4.0"],
        ),
        (
            "SELECT v FROM m WHERE v < ANY (SELECT max(v) FROM m) ORDER BY v",
            &["1.0", "2.0", "3.0"],
        ),
    ])
    .await;
}

/// From a bug: the right side took in everything to the end of the condition.
#[tokio::test]
async fn a_distinction_ends_where_another_condition_begins() {
    holds(&[
        (
            "SELECT v FROM m WHERE host IS DISTINCT FROM 'a' AND v < 3",
            &["2.0"],
        ),
        (
            "SELECT v FROM m WHERE v < 4 AND host IS NOT DISTINCT FROM 'b' OR v = 4 ORDER BY v",
            &["2.0", "4.0"],
        ),
        (
            "SELECT v FROM m WHERE NOT host IS DISTINCT FROM 'a' OR v > 3 AND v < 9 ORDER BY v",
            &["1.0", "4.0"],
        ),
        (
            "SELECT v FROM m WHERE NOT host IS DISTINCT FROM 'a' AND v < 3 AND v > 0",
            &["1.0"],
        ),
        (
            "SELECT v FROM m WHERE (v > 1) IS DISTINCT FROM (v > 1 AND v > 2)",
            &["2.0"],
        ),
        (
            "SELECT v FROM m WHERE (v > 1) IS DISTINCT FROM v > 2 AND v < 9",
            &["2.0"],
        ),
        (
            "SELECT v FROM m WHERE host IS DISTINCT FROM 'a' AND host IS DISTINCT FROM 'b' OR v = 1 \
             ORDER BY v",
            &["1.0", "3.0", "4.0"],
        ),
        (
            "SELECT count(*) FILTER (WHERE host IS DISTINCT FROM 'a' AND v < 3) FROM m",
            &["1"],
        ),
    ])
    .await;
}

/// From a bug: lists with nothing in common were taken for a truth, also where there is no value.
#[tokio::test]
async fn lists_that_meet_say_nothing_of_what_has_no_value() {
    holds(&[
        (
            "SELECT count(*) FROM m WHERE host NOT IN ('a', 'b') OR host NOT IN ('c', 'd')",
            &["3"],
        ),
        (
            "SELECT count(*) FROM m WHERE NOT (host IN ('a', 'b') AND host IN ('c', 'd'))",
            &["3"],
        ),
        (
            "SELECT count(*) FROM m WHERE NOT ((host = 'a' OR host = 'b') AND (host = 'c' OR host = 'd'))",
            &["3"],
        ),
        (
            "SELECT count(*) FROM m WHERE (host IN ('a', 'b') AND host NOT IN ('a', 'b', 'c')) IS NULL",
            &["1"],
        ),
        (
            "SELECT count(*) FILTER (WHERE (host IN ('a', 'b') AND host IN ('c', 'd')) IS UNKNOWN) FROM m",
            &["1"],
        ),
        (
            "SELECT host IN ('a', 'b') AND host IN ('c', 'd') AS x FROM m WHERE v > 2 ORDER BY v",
            &["false", ""],
        ),
        (
            "SELECT count(*) FROM m WHERE v NOT IN (1, 2) OR v NOT IN (3, 4)",
            &["4"],
        ),
        (
            "SELECT count(*) FROM m WHERE host IN ('a', 'b') AND host IN ('b', 'c')",
            &["1"],
        ),
        (
            "SELECT count(*) FROM m WHERE host NOT IN ('a') AND host NOT IN ('b')",
            &["1"],
        ),
    ])
    .await;
}

/// From a bug: one list was taken from the other, and what the members of it are was forgotten.
#[tokio::test]
async fn a_list_with_a_member_that_may_be_no_value_meets_no_other() {
    holds(&[
        (
            "SELECT v FROM m WHERE host IN ('b', 'z') AND host NOT IN ('x', 'y', NULL)",
            &[],
        ),
        (
            "SELECT v FROM m WHERE host NOT IN ('x', 'y', NULL) AND host IN ('b', 'z')",
            &[],
        ),
        (
            "SELECT v FROM m WHERE v IN (2, 7) AND NOT (v IN (4, 5, 6, 8, NULL))",
            &[],
        ),
        (
            "SELECT v FROM m WHERE host IN ('a', 'b') AND host NOT IN ('x', 'y', host)",
            &[],
        ),
        (
            "SELECT v FROM (SELECT v, host, 'a' AS x, 'b' AS y FROM m WHERE v < 4 OFFSET 0) \
             WHERE host IN ('a', x, 'q', 'r') AND host IN (x, 'b', 's', 't')",
            &["1.0"],
        ),
        (
            "SELECT v FROM m WHERE host IN ('a', 'b') AND host NOT IN ('b', CAST('c' AS TEXT))",
            &["1.0"],
        ),
    ])
    .await;
}

/// From a bug: a list that made a column met one where the column was named.
#[tokio::test]
async fn lists_that_make_columns_say_nothing_of_what_has_no_value() {
    holds(&[
        (
            "SELECT count(*) FROM (SELECT host, host IN ('a', 'b') AS x FROM m) \
             WHERE (x AND host IN ('c', 'd')) IS NULL",
            &["1"],
        ),
        (
            "WITH t AS (SELECT host IN ('a', 'b') AS x, host IN ('c', 'd') AS y FROM m) \
             SELECT count(*) FROM t WHERE NOT (x AND y)",
            &["3"],
        ),
        (
            "SELECT x AND y AS z FROM \
             (SELECT host IN ('a', 'b') AS x, host IN ('c', 'd') AS y, v FROM m) WHERE v > 2 ORDER BY v",
            &["false", ""],
        ),
        (
            "SELECT count(*) FROM (SELECT h IN ('a', 'b') AS x, g IN ('c', 'd') AS y FROM \
             (SELECT host AS h, host AS g FROM m)) WHERE NOT (x AND y)",
            &["3"],
        ),
        (
            "SELECT count(*) FROM (SELECT host IN ('a', 'b') AS x, host IN ('c') AS y FROM m) \
             WHERE (x AND NOT x) IS NULL",
            &["1"],
        ),
    ])
    .await;
}

/// From a bug: both zeros are equal, and lists of four values or more, `CASE` and `nullif` told them apart.
#[tokio::test]
async fn zeros_of_both_signs_are_one_value() {
    let point = |number: i32, v: f64| Point::new("m", &[], number.into(), &[("v", v)]);
    let database = of([point(1, -0.0), point(2, 0.0), point(3, 1.0), point(4, 5.0)]);
    for (text, rows) in [
        (
            "SELECT v FROM m WHERE v IN (0.0, 1, 2, 3, 4, 7) ORDER BY time",
            &["-0.0", "0.0", "1.0"][..],
        ),
        (
            "SELECT v FROM m WHERE v IN (-0.0, 2, 3, 4) ORDER BY time",
            &["-0.0", "0.0"],
        ),
        (
            "SELECT v FROM m WHERE v NOT IN (CAST(0 AS DOUBLE), 2, 3, 4, 7) ORDER BY time",
            &["1.0", "5.0"],
        ),
        (
            "SELECT CASE v WHEN 0 THEN 'x' WHEN 1 THEN 'z' ELSE 'y' END FROM m ORDER BY time",
            &["x", "x", "z", "y"],
        ),
        (
            "SELECT nullif(v, 0.0) FROM m ORDER BY time",
            &["", "", "1.0", "5.0"],
        ),
        (
            "SELECT nullif(v, 0.0) AS n, count(*) FROM m GROUP BY nullif(v, 0.0) ORDER BY n",
            &["1.0,1", "5.0,1", ",2"],
        ),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
}

/// From a bug: a pattern that everything matches was taken for the question whether there is a value.
#[tokio::test]
async fn what_has_no_value_matches_no_pattern_and_does_not_fail_to() {
    holds(&[
        ("SELECT v FROM m WHERE NOT (host ~ '.*')", &[]),
        (
            "SELECT v FROM m WHERE NOT (host ~* '.*') OR v = 1",
            &["1.0"],
        ),
        ("SELECT v FROM m WHERE (host ~ '.*') IS NULL", &["4.0"]),
        ("SELECT v FROM m WHERE (host !~ '.*') IS NULL", &["4.0"]),
        ("SELECT count(*) FROM m WHERE host ~ '.*'", &["3"]),
    ])
    .await;
}

/// From a review: a function, a condition and a file each called it a fault of ours in its own words.
#[tokio::test]
async fn a_regular_expression_that_is_too_large_is_a_mistake_of_the_question() {
    let database = database();
    let pattern = "'(((a{100}){100}){100})'";
    for text in [
        format!("SELECT regexp_replace(host, {pattern}, 'x') FROM m"),
        format!("SELECT regexp_match(host, {pattern}) FROM m"),
        format!("SELECT v FROM m WHERE host ~ {pattern}"),
        format!("SELECT host ~ {pattern} FROM m"),
    ] {
        let refused = refusal(&database, &text).await;
        let QueryError::Invalid(reason) = &refused else {
            panic!("{text}: {refused:?}");
        };
        assert!(
            reason.contains("too large once it is compiled"),
            "{text}: {reason}"
        );
    }
}

/// From a review: such a group lost its name where the engine, or we, say it in other words.
#[tokio::test]
async fn a_joined_text_is_a_group_of_grouping_sets_too() {
    holds(&[
        (
            "SELECT host || '-' AS k, count(*) FROM m GROUP BY ROLLUP (host || '-') ORDER BY k, 2",
            &["a-,1", "b-,1", "c-,1", ",1", ",4"],
        ),
        (
            "SELECT host || '-' AS k, count(*) FROM m GROUP BY ROLLUP (k) ORDER BY k, 2",
            &["a-,1", "b-,1", "c-,1", ",1", ",4"],
        ),
        (
            "SELECT v > 2 AS big, host || '-' AS k, count(*) FROM m WHERE v > 1 AND v < 4 \
             GROUP BY CUBE (v > 2, host || '-') ORDER BY big, k, 3",
            &[
                "false,b-,1",
                "false,,1",
                "true,c-,1",
                "true,,1",
                ",b-,1",
                ",c-,1",
                ",,2",
            ],
        ),
        (
            "SELECT v, host || '-' AS k, count(*) FROM m WHERE v < 3 \
             GROUP BY GROUPING SETS ((host || '-'), (v), (v, host || '-')) ORDER BY v, k, 3",
            &["1.0,a-,1", "1.0,,1", "2.0,b-,1", "2.0,,1", ",a-,1", ",b-,1"],
        ),
        (
            "SELECT grouping(host || '-') AS g, max(host || '-') AS k, count(*) FROM m \
             GROUP BY GROUPING SETS ((host || '-'), ()) ORDER BY g, k",
            &["0,a-,1", "0,b-,1", "0,c-,1", "0,,1", "1,c-,4"],
        ),
        (
            "SELECT v > 3 AS big, host || '-' AS k, count(*) FROM m WHERE v > 2 \
             GROUP BY v > 3, ROLLUP (host || '-') ORDER BY big, k, 3",
            &["false,c-,1", "false,,1", "true,,1", "true,,1"],
        ),
    ])
    .await;
}

/// The same of other expressions, most of which we say in other words.
#[tokio::test]
async fn what_would_be_misread_is_a_group_of_grouping_sets_too() {
    holds(&[
        (
            "SELECT nullif(v, 0.0) AS k, count(*) FROM m WHERE v < 3 GROUP BY ROLLUP (nullif(v, 0.0)) ORDER BY k",
            &["1.0,1", "2.0,1", ",2"],
        ),
        (
            "SELECT CASE v WHEN 0.0 THEN 1 ELSE 2 END AS k, count(*) FROM m \
             GROUP BY ROLLUP (CASE v WHEN 0.0 THEN 1 ELSE 2 END) ORDER BY k",
            &["2,4", ",4"],
        ),
        (
            "SELECT host ~ '.*' AS k, count(*) FROM m GROUP BY ROLLUP (host ~ '.*') ORDER BY k, 2",
            &["true,3", ",1", ",4"],
        ),
        (
            "SELECT v IN (0.0, 1.0, 2.0, 5.0) AS k, count(*) FROM m \
             GROUP BY ROLLUP (v IN (0.0, 1.0, 2.0, 5.0)) ORDER BY k",
            &["false,2", "true,2", ",4"],
        ),
        (
            "SELECT host IN ('a') OR host IN ('b', NULL) AS k, count(*) FROM m \
             GROUP BY ROLLUP (host IN ('a') OR host IN ('b', NULL)) ORDER BY k, 2",
            &["true,2", ",2", ",4"],
        ),
        (
            "SELECT v + 1 + 2 AS k, count(*) FROM m WHERE v < 3 GROUP BY ROLLUP (v + 1 + 2) \
             HAVING count(*) > 0 ORDER BY k",
            &["4.0,1", "5.0,1", ",2"],
        ),
        (
            "SELECT x.k, x.n FROM (SELECT host || '-' AS k, count(*) AS n FROM m \
             GROUP BY ROLLUP (host || '-')) x WHERE x.k = 'a-'",
            &["a-,1"],
        ),
    ])
    .await;
}

/// From a review: the refusal told of columns that nobody had asked for.
#[tokio::test]
async fn a_comparison_with_rows_inside_is_refused_in_grouping_sets_by_what_it_is() {
    let text = "SELECT v >= ALL (SELECT v FROM m) AS k, count(*) FROM m \
                GROUP BY ROLLUP (v >= ALL (SELECT v FROM m))";
    let refused = refusal(&database(), text).await.to_string();
    assert!(refused.contains("in what is grouped"), "{refused}");
}
