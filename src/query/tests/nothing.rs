//! Conditions above aggregates that make a row of no rows.

use super::ask::{ask, of};
use super::points::Point;

/// From a bug: a condition that names no column was moved below the aggregate, which then made a row of
/// nothing.
#[tokio::test]
async fn a_condition_without_columns_leaves_out_the_row_of_an_aggregate() {
    let point = |table: &str, tag: &str, field: &str, number: i32| {
        Point::new(
            table,
            &[("a", tag)],
            number.into(),
            &[(field, number.into())],
        )
    };
    let database = of([
        point("m", "x", "i", 1),
        point("m", "y", "i", 2),
        point("o", "x", "j", 1),
        point("o", "y", "j", 2),
    ]);
    let (no, yes) = ("5 = (SELECT max(j) FROM o)", "2 = (SELECT max(j) FROM o)");
    for (text, rows) in [
        (format!("SELECT count(*) FROM m HAVING {no}"), vec![]),
        (format!("SELECT count(*) FROM m HAVING {yes}"), vec!["2"]),
        (
            format!("SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {no}"),
            vec![],
        ),
        (
            format!("SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {yes}"),
            vec!["2"],
        ),
        (
            format!(
                "SELECT c FROM (SELECT c FROM (SELECT count(*) AS c FROM m) WHERE {no}) WHERE c = 2"
            ),
            vec![],
        ),
        (
            format!(
                "SELECT c FROM (SELECT c FROM (SELECT count(*) AS c FROM m) WHERE c = 2) WHERE {no}"
            ),
            vec![],
        ),
        (
            format!("SELECT count(*) FROM m HAVING {yes} AND count(*) = 2"),
            vec!["2"],
        ),
        (
            format!("SELECT count(*) FROM m HAVING {yes} AND count(*) = 3"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY ROLLUP (a) HAVING {no}"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY ROLLUP (a) HAVING {yes} ORDER BY a"),
            vec!["x,1", "y,1", ",2"],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY GROUPING SETS ((a), ()) HAVING {no}"),
            vec![],
        ),
        (
            format!("SELECT a, count(*) FROM m GROUP BY a HAVING {no}"),
            vec![],
        ),
        (
            format!("SELECT DISTINCT count(*) FROM m HAVING {no}"),
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
