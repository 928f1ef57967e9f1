//! Questions within another that ask of a row of it.

use super::ask::{ask, of, refusal};
use super::points::Point;
use super::unknown::{database, passes, refuses};

/// From a bug: an aggregate of all rows had no row where the inside had none.
#[tokio::test]
async fn an_aggregate_of_all_rows_has_one_row() {
    passes(&[
        (
            "EXISTS (SELECT count(*) FROM n WHERE n.b = m.a)",
            &["1.0", "2.0", "3.0"],
        ),
        ("NOT EXISTS (SELECT max(j) FROM n WHERE n.b = m.a)", &[]),
        (
            "i = 3 AND (i = 99 OR EXISTS (SELECT max(j) FROM n WHERE n.j > m.i))",
            &["3.0"],
        ),
        (
            "EXISTS (SELECT 1 FROM n WHERE n.b = m.a HAVING count(*) > 0)",
            &["2.0"],
        ),
        (
            "NOT EXISTS (SELECT 1 FROM n WHERE n.b = m.a HAVING max(j) > 0.5)",
            &["1.0", "3.0"],
        ),
        ("i IN (SELECT max(j) + 1 FROM n WHERE n.b = m.a)", &["2.0"]),
        (
            "i IN (SELECT max(j) + 1 FROM n WHERE n.b = m.a) OR i = 3",
            &["2.0", "3.0"],
        ),
        (
            "3 IN (SELECT count(*) + 2 FROM n WHERE n.b = m.a HAVING count(*) > 0)",
            &["2.0"],
        ),
        (
            "0 = (SELECT count(*) FROM n WHERE n.b = m.a)",
            &["1.0", "3.0"],
        ),
        ("0 IN (SELECT count(*) - 2 FROM n)", &["1.0", "2.0", "3.0"]),
    ])
    .await;
    let told = "no aggregate of all its rows: compare with the value itself";
    refuses(&[
        ("0 IN (SELECT count(*) FROM n WHERE n.b = m.a)", told),
        (
            "i = 9 OR 0 IN (SELECT count(*) FROM n WHERE n.b = m.a)",
            told,
        ),
        (
            "i IN (SELECT coalesce(max(j), 2) + 1 FROM n WHERE n.b = m.a)",
            told,
        ),
        (
            "EXISTS (SELECT 1 FROM n WHERE n.b = m.a HAVING count(*) = 0)",
            told,
        ),
        (
            "EXISTS (SELECT 1 FROM n WHERE n.b = m.a HAVING count(*) < m.i)",
            told,
        ),
        (
            "i IN (SELECT max(j) FROM n WHERE n.b = m.a GROUP BY ROLLUP (j))",
            "no ",
        ),
    ])
    .await;
}

/// From a bug: a limit and what it skips were left out.
#[tokio::test]
async fn an_inside_exists_within_its_limit() {
    passes(&[
        ("EXISTS (SELECT 1 FROM n WHERE n.b = m.a LIMIT 0)", &[]),
        (
            "NOT EXISTS (SELECT 1 FROM n WHERE n.b = m.a LIMIT 0)",
            &["1.0", "2.0", "3.0"],
        ),
        (
            "EXISTS (SELECT 1 FROM n WHERE n.b = m.a ORDER BY j DESC LIMIT 1)",
            &["2.0"],
        ),
        (
            "NOT EXISTS (SELECT j FROM n WHERE n.b = m.a ORDER BY j)",
            &["1.0", "3.0"],
        ),
        (
            "EXISTS (SELECT 1 FROM (SELECT * FROM n ORDER BY j DESC LIMIT 1) x WHERE x.j < m.i)",
            &["3.0"],
        ),
    ])
    .await;
    let told = "no LIMIT or OFFSET: join the tables";
    refuses(&[
        ("EXISTS (SELECT 1 FROM n WHERE n.b = m.a OFFSET 1)", told),
        (
            "EXISTS (SELECT max(j) FROM n WHERE n.b = m.a OFFSET 1)",
            told,
        ),
        ("i IN (SELECT j FROM n WHERE n.b = m.a LIMIT 1)", told),
        (
            "EXISTS (SELECT 1 FROM (SELECT * FROM n WHERE n.b = m.a LIMIT 1) x WHERE x.j > 1)",
            told,
        ),
        (
            "EXISTS (SELECT 1 FROM (SELECT * FROM k WHERE k.b = m.a) x, \
             (SELECT * FROM n ORDER BY j DESC LIMIT 1) y WHERE y.b = 'y')",
            told,
        ),
        (
            "(SELECT count(*) FROM n WHERE n.b = m.a LIMIT 0) IS NULL",
            told,
        ),
    ])
    .await;
}

/// From a bug: what a node makes of the rows of all rows outside was taken for what it makes of those of
/// each.
#[tokio::test]
async fn what_depends_on_the_rows_that_are_left_is_refused_by_what_it_is() {
    passes(&[
        (
            "EXISTS (SELECT row_number() OVER () FROM k WHERE k.b = m.a)",
            &["1.0", "2.0"],
        ),
        (
            "i IN (SELECT k.k - 4 FROM (SELECT * FROM k WHERE k.b = m.a) k LEFT JOIN n ON n.b = k.b)",
            &[],
        ),
        (
            "(SELECT max(w) FROM (SELECT row_number() OVER (ORDER BY time) AS w, b FROM k) x \
             WHERE x.b = m.a) = 2",
            &["1.0"],
        ),
    ])
    .await;
    let of_join = "no outer join, INTERSECT or EXCEPT around what asks";
    refuses(&[
        (
            "i IN (SELECT row_number() OVER () FROM k WHERE k.b = m.a)",
            "a SELECT behind IN that asks of a row outside can have no window",
        ),
        (
            "1 = (SELECT max(w) FROM (SELECT row_number() OVER () AS w FROM k WHERE k.b = m.a) x)",
            "can have no window",
        ),
        (
            "EXISTS (SELECT 1 FROM k LEFT JOIN (SELECT * FROM n WHERE n.b = m.a) x ON x.b = k.b)",
            of_join,
        ),
        (
            "(SELECT sum(k) FROM k LEFT JOIN (SELECT * FROM n WHERE n.b = m.a) x ON x.b = k.b) > 9",
            of_join,
        ),
        (
            "a IN (SELECT b FROM k EXCEPT SELECT b FROM n WHERE n.b <> m.a)",
            of_join,
        ),
        (
            "i IN (SELECT j FROM n WHERE n.b = m.a UNION ALL SELECT 1 FROM k WHERE k.b = m.a)",
            "can have no UNION",
        ),
        (
            "i IN (SELECT DISTINCT ON (j) j + 1 FROM n WHERE n.b = m.a)",
            "can have no DISTINCT ON",
        ),
    ])
    .await;
    let text = "SELECT i, c FROM m, LATERAL (SELECT row_number() OVER (ORDER BY time) AS c FROM k \
                WHERE k.b = m.a) x";
    let refused = refusal(&database(), text).await.to_string();
    assert!(refused.contains("can have no window"), "{refused}");
    let text = "SELECT i FROM m, LATERAL (SELECT count(*) AS c FROM n WHERE n.b = m.a) x \
                WHERE c = 0 ORDER BY i";
    assert_eq!(ask(&database(), text).await, ["1.0", "3.0"]);
}

/// From a bug: the refusal told of columns that nobody had asked for, or was called a fault of ours.
#[tokio::test]
async fn a_comparison_with_rows_inside_is_refused_where_no_join_can_be() {
    let database = database();
    for text in [
        "SELECT i, i >= ALL (SELECT i FROM m) FROM m",
        "SELECT i >= ALL (SELECT i FROM m) AS k, count(*) FROM m GROUP BY i >= ALL (SELECT i FROM m)",
        "SELECT i >= ALL (SELECT i FROM m) AS k, count(*) FROM m GROUP BY 1",
        "SELECT count(*) FILTER (WHERE i >= ALL (SELECT i FROM m)) FROM m",
        "SELECT i FROM m ORDER BY i >= ALL (SELECT i FROM m)",
        "SELECT count(*) FROM m GROUP BY i IN (SELECT i FROM m)",
    ] {
        let refused = refusal(&database, text).await.to_string();
        let told = "ANY and ALL with a SELECT belong into WHERE or HAVING";
        assert!(refused.contains(told), "{text}: {refused}");
    }
}

/// From a bug: these were told in words of the engine, or in some that were not true.
#[tokio::test]
async fn what_an_inside_cannot_ask_is_told_by_what_it_is() {
    let database = database();
    for (text, told) in [
        (
            "SELECT x FROM (SELECT i AS x FROM m) b WHERE EXISTS (SELECT 1 FROM n WHERE n.j = b.x)",
            "give it a name that no column has",
        ),
        (
            "SELECT i FROM m WHERE EXISTS (SELECT 1 FROM n WHERE n.b = m.a \
             AND EXISTS (SELECT 1 FROM k WHERE k.k = m.i))",
            "there is no table of the column m.i here: a SELECT knows its own tables and those of the next one outside",
        ),
        (
            "SELECT n.j FROM m",
            "here: the tables here are \"m\", and a SELECT knows",
        ),
        (
            "SELECT sum((SELECT max(j) FROM n WHERE n.b = m.a)) FROM m",
            "no part of an aggregate, a group or an order",
        ),
        (
            "SELECT i FROM m ORDER BY (SELECT max(j) FROM n WHERE n.b = m.a)",
            "no part of an aggregate, a group or an order",
        ),
        (
            "SELECT i, c FROM m LEFT JOIN LATERAL (SELECT count(*) AS c FROM n WHERE n.b = m.a AND n.j > m.i) y \
             ON true",
            "joined to it by =",
        ),
        (
            "SELECT i, (SELECT max(j) FROM n WHERE n.j % 3 = m.i % 3 AND m.a = 'x') FROM m",
            "joined to the rows outside by =",
        ),
    ] {
        let refused = refusal(&database, text).await.to_string();
        assert!(refused.contains(told), "{text}: {refused}");
    }
}

/// From a review: a cast in a condition was taken for what is cast, so that there was a row for each value of
/// that. And what is computed otherwise could not be compared there.
#[tokio::test]
async fn what_is_computed_is_compared_with_a_row_outside() {
    let values = [(1, 0.25), (2, 0.5), (3, 1.25), (4, 1.5), (5, 2.0)];
    let point = |(time, v): (i64, f64)| Point::new("m", &[], time, &[("v", v)]);
    let database = of(values.map(point));
    let inside = "FROM m y WHERE y.v::BIGINT = x.v::BIGINT";
    for (text, rows) in [
        (
            format!("SELECT v FROM m x WHERE v > (SELECT avg(y.v) {inside}) ORDER BY v"),
            &["0.5", "1.5"][..],
        ),
        (
            format!("SELECT v, (SELECT count(*) {inside} AND y.v > 0.3) AS n FROM m x ORDER BY v"),
            &["0.25,1", "0.5,1", "1.25,2", "1.5,2", "2.0,1"],
        ),
        (
            format!("SELECT v FROM m x WHERE v IN (SELECT max(y.v) {inside}) ORDER BY v"),
            &["0.5", "1.5", "2.0"],
        ),
        (
            format!("SELECT v, n FROM m x, LATERAL (SELECT count(*) AS n {inside}) ORDER BY v LIMIT 2"),
            &["0.25,2", "0.5,2"],
        ),
        (
            "SELECT v, (SELECT max(y.v) FROM m y WHERE NOT y.v::BIGINT <> x.v::BIGINT) AS n FROM m x \
             ORDER BY v LIMIT 2"
                .to_owned(),
            &["0.25,0.5", "0.5,0.5"],
        ),
        (
            "SELECT v, (SELECT max(y.v) FROM m y WHERE y.v::BIGINT = x.v::BIGINT AND y.v < 0.3 \
             OR y.v::BIGINT = x.v::BIGINT AND y.v > 1.4) AS n FROM m x ORDER BY v"
                .to_owned(),
            &["0.25,0.25", "0.5,0.25", "1.25,1.5", "1.5,1.5", "2.0,2.0"],
        ),
        (
            "SELECT v, (SELECT max(y.v) FROM m y JOIN m z ON y.v::BIGINT = x.v::BIGINT AND y.v = z.v) AS n \
             FROM m x ORDER BY v LIMIT 1"
                .to_owned(),
            &["0.25,0.5"],
        ),
        (
            "SELECT v FROM m x WHERE 2 = (SELECT count(*) FROM m y WHERE x.v::BIGINT = floor(y.v)) ORDER BY v"
                .to_owned(),
            &["0.25", "0.5", "1.25", "1.5"],
        ),
        (
            "SELECT v FROM m x WHERE EXISTS (SELECT y.v::BIGINT FROM m y \
             WHERE TRY_CAST(y.v AS BIGINT) = x.v GROUP BY y.v::BIGINT HAVING count(*) = 1)"
                .to_owned(),
            &["2.0"],
        ),
    ] {
        assert_eq!(ask(&database, &text).await, *rows, "{text}");
    }
}
