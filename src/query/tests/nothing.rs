//! Conditions above aggregates that make a row of no rows.

use std::sync::Arc;

use super::ask::{ask, of};
use super::points::{Point, Points};

/// A condition that does not hold, and one that does.
const NO: &str = "5 = (SELECT max(j) FROM o)";
const YES: &str = "2 = (SELECT max(j) FROM o)";

fn database() -> Arc<Points> {
    let point = |table: &str, tag: &str, field: &str, number: i32| {
        Point::new(
            table,
            &[("a", tag)],
            number.into(),
            &[(field, number.into())],
        )
    };
    of([
        point("m", "x", "i", 1),
        point("m", "y", "i", 2),
        point("o", "x", "j", 1),
        point("o", "y", "j", 2),
    ])
}

/// From a bug: a condition that names no column was moved below the aggregate, which then made a row of
/// nothing.
#[tokio::test]
async fn a_condition_without_columns_leaves_out_the_row_of_an_aggregate() {
    let database = database();
    for (text, rows) in [
        (format!("SELECT count(*) FROM m HAVING {NO}"), vec![]),
        (format!("SELECT count(*) FROM m HAVING {YES}"), vec!["2"]),
        (
            format!("SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {NO}"),
            vec![],
        ),
        (
            format!("SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {YES}"),
            vec!["2"],
        ),
        (
            format!(
                "SELECT c FROM (SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {NO}) WHERE c = 2"
            ),
            vec![],
        ),
        (
            format!(
                "SELECT c FROM (SELECT c FROM (SELECT count(*) AS c FROM m) WHERE c = 2) WHERE {NO}"
            ),
            vec![],
        ),
        (
            format!("SELECT count(*) FROM m HAVING {YES} AND count(*) = 2"),
            vec!["2"],
        ),
        (
            format!("SELECT count(*) FROM m HAVING {YES} AND count(*) = 3"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY ROLLUP (a) HAVING {NO}"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY ROLLUP (a) HAVING {YES} ORDER BY a"),
            vec!["x,1", "y,1", ",2"],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY GROUPING SETS ((a), ()) HAVING {NO}"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY a HAVING {NO}"),
            vec![],
        ),
        (
            format!("SELECT DISTINCT count(*) FROM m HAVING {NO}"),
            vec![],
        ),
        (
            "SELECT count(*) FROM m HAVING random() > 2".to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
}
