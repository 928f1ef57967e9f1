//! Questions within questions where there is no value, and it is unknown what holds.

use std::sync::Arc;

use super::ask::{ask, of, refusal};
use super::points::{Point, Points};
use crate::QueryError;

/// Three rows of `m` and two of `n`, each of which has one without its tag, and two of `k`.
pub(super) fn database() -> Arc<Points> {
    let point = |table: &str, tags: &[(&str, &str)], field: &str, number: i32| {
        Point::new(table, tags, number.into(), &[(field, number.into())])
    };
    of([
        point("m", &[("a", "x")], "i", 1),
        point("m", &[("a", "y")], "i", 2),
        point("m", &[], "i", 3),
        point("n", &[("b", "y")], "j", 1),
        point("n", &[], "j", 2),
        point("k", &[("b", "y")], "k", 5),
        point("k", &[("b", "x")], "k", 6),
    ])
}

pub(super) async fn passes(conditions: &[(&str, &[&str])]) {
    let database = database();
    for (condition, rows) in conditions {
        let text = format!("SELECT i FROM m WHERE {condition} ORDER BY i");
        assert_eq!(ask(&database, &text).await, *rows, "{text}");
    }
}

pub(super) async fn refuses(conditions: &[(&str, &str)]) {
    let database = database();
    for (condition, told) in conditions {
        let text = format!("SELECT i FROM m WHERE {condition}");
        let refused = refusal(&database, &text).await;
        let QueryError::Invalid(reason) = &refused else {
            panic!("{text}: {refused:?}");
        };
        assert!(reason.contains(told), "{text}: {reason}");
    }
}

/// From a bug: beside another condition, and in one, unknown was taken for false.
#[tokio::test]
async fn a_value_is_not_known_to_be_in_what_has_no_value() {
    passes(&[
        ("a IN (SELECT b FROM n)", &["2.0"]),
        ("a IN (SELECT b FROM n) OR i = 3", &["2.0", "3.0"]),
        ("a NOT IN (SELECT b FROM n)", &[]),
        ("a NOT IN (SELECT b FROM n WHERE b IS NOT NULL)", &["1.0"]),
        ("a NOT IN (SELECT b FROM n) OR i = 99", &[]),
        (
            "a NOT IN (SELECT b FROM n WHERE b IS NOT NULL) OR i = 99",
            &["1.0"],
        ),
        ("NOT (a IN (SELECT b FROM n) AND i > 0)", &[]),
        ("NOT (a NOT IN (SELECT b FROM n) OR i = 99)", &["2.0"]),
        ("NOT (a NOT IN (SELECT b FROM n))", &["2.0"]),
        ("(a NOT IN (SELECT b FROM n)) IS TRUE", &[]),
        ("(a IN (SELECT b FROM n)) IS NULL", &["1.0", "3.0"]),
        (
            "CASE WHEN a NOT IN (SELECT b FROM n WHERE b IS NOT NULL) THEN true ELSE false END",
            &["1.0"],
        ),
        ("'x' NOT IN (SELECT b FROM n)", &[]),
        ("'x' NOT IN (SELECT b FROM n WHERE j < 2)", &["1.0", "2.0", "3.0"]),
        ("'y' NOT IN (SELECT b FROM n WHERE j < 2)", &[]),
        ("1 NOT IN (SELECT nullif(j, 2) FROM n WHERE j = 2)", &[]),
        ("NULL NOT IN (SELECT j FROM n)", &[]),
        ("NULL NOT IN (SELECT j FROM n WHERE j > 5)", &["1.0", "2.0", "3.0"]),
        ("'x' NOT IN (SELECT b FROM n) OR i = 3", &["3.0"]),
        ("'y' IN (SELECT b FROM n)", &["1.0", "2.0", "3.0"]),
        (
            "(i NOT IN (SELECT i FROM m WHERE i > 1)) IS TRUE",
            &["1.0"],
        ),
        ("a NOT IN (SELECT b FROM n WHERE j > 5) OR i = 99", &["1.0", "2.0", "3.0"]),
        (
            "a IN (SELECT a FROM m GROUP BY a HAVING a NOT IN (SELECT b FROM n WHERE j < 2) OR count(*) > 5)",
            &["1.0"],
        ),
    ])
    .await;
}

/// From a bug: it was refused, for a column that was said to be there twice.
#[tokio::test]
async fn a_value_is_among_aggregates_beside_another_condition() {
    passes(&[
        ("i IN (SELECT max(j) FROM n) OR i = 3", &["2.0", "3.0"]),
        (
            "i = 3 OR i - 1 IN (SELECT max(j) FROM n WHERE n.b = m.a)",
            &["2.0", "3.0"],
        ),
        (
            "i = 1 OR i - 1 IN (SELECT min(j) FROM n WHERE n.b = m.a GROUP BY b) AND i < 3",
            &["1.0", "2.0"],
        ),
    ])
    .await;
}

/// From a bug: a row of the inside without a value counted for all rows outside, also for those of which
/// the inside has no such row.
#[tokio::test]
async fn what_is_not_in_an_inside_depends_on_the_row_outside() {
    passes(&[
        (
            "a NOT IN (SELECT b FROM n WHERE n.j > m.i)",
            &["2.0", "3.0"],
        ),
        ("a NOT IN (SELECT b FROM n WHERE n.j < m.i)", &["1.0"]),
        (
            "a NOT IN (SELECT b FROM n WHERE n.j = m.i)",
            &["1.0", "3.0"],
        ),
        (
            "NOT (a IN (SELECT b FROM n WHERE n.j = m.i))",
            &["1.0", "3.0"],
        ),
        (
            "a NOT IN (SELECT b FROM n WHERE n.j = m.i) OR i = 99",
            &["1.0", "3.0"],
        ),
        ("(a IN (SELECT b FROM n WHERE n.j = m.i)) IS NULL", &["2.0"]),
        (
            "i NOT IN (SELECT max(j) FROM n WHERE n.j = m.i GROUP BY b)",
            &["3.0"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_inside_that_no_join_can_say_is_refused_by_what_it_is() {
    refuses(&[
        (
            "i NOT IN (SELECT max(j) FROM n WHERE n.b = m.a)",
            "no aggregate of all its rows",
        ),
        (
            "a NOT IN (SELECT b FROM n WHERE n.j > m.i LIMIT 1)",
            "can have no LIMIT",
        ),
        (
            "(a IN (SELECT first_value(b) OVER () FROM n WHERE n.j > m.i)) IS NULL",
            "no window",
        ),
        (
            "i = (SELECT count(j) FROM n WHERE n.j > m.i)",
            "a SELECT in the place of a value can only be joined to the rows outside by =",
        ),
    ])
    .await;
}
