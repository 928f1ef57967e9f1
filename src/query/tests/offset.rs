//! Rows of which the first are left out.

use std::sync::Arc;

use super::ask::{ask, of};
use super::points::{Point, Points};

/// Nine rows of `m`, whose `i` falls, and nine of `o`, whose `j` grows.
fn database() -> Arc<Points> {
    let points = (1..=9_i32).map(|n| {
        let tag = format!("h{}", n % 4);
        Point::new("m", &[("a", &tag)], n.into(), &[("i", (10 - n).into())])
    });
    let others = (1..=9_i32).map(|n| Point::new("o", &[], n.into(), &[("j", n.into())]));
    of(points.chain(others))
}

/// From a bug: in a question within another, the rows were left out that happened to come first.
#[tokio::test]
async fn an_offset_leaves_out_the_first_rows_in_order_wherever_it_stands() {
    let database = database();
    for (text, rows) in [
        (
            "SELECT j FROM o JOIN (SELECT i FROM m ORDER BY i OFFSET 6) x ON i = j ORDER BY j",
            &["7.0", "8.0", "9.0"][..],
        ),
        (
            "SELECT j FROM o JOIN (SELECT i FROM m ORDER BY i DESC OFFSET 6) x ON i = j ORDER BY j",
            &["1.0", "2.0", "3.0"],
        ),
        (
            "SELECT sum(i) FROM (SELECT i FROM m ORDER BY i OFFSET 7)",
            &["17.0"],
        ),
        (
            "SELECT sum(i) FROM (SELECT i FROM m ORDER BY i LIMIT 1 OFFSET 7)",
            &["8.0"],
        ),
        (
            "SELECT j FROM o WHERE j IN (SELECT i FROM m ORDER BY i OFFSET 7) ORDER BY j",
            &["8.0", "9.0"],
        ),
        (
            "SELECT sum(i) FROM (SELECT i FROM m UNION ALL SELECT j FROM o ORDER BY i OFFSET 16)",
            &["18.0"],
        ),
        (
            "WITH x AS (SELECT i, a FROM m ORDER BY a, i OFFSET 6) SELECT a, sum(i) FROM x GROUP BY a ORDER BY a",
            &["h2,8.0", "h3,10.0"],
        ),
        ("SELECT i FROM m ORDER BY i OFFSET 7", &["8.0", "9.0"]),
        (
            "SELECT i FROM (SELECT i, time FROM m ORDER BY time OFFSET 6) ORDER BY i",
            &["1.0", "2.0", "3.0"],
        ),
        (
            "SELECT i FROM (SELECT i, time FROM m ORDER BY time DESC OFFSET 6) ORDER BY i",
            &["7.0", "8.0", "9.0"],
        ),
        (
            "SELECT i, row_number() OVER (ORDER BY i) FROM (SELECT i, time FROM m ORDER BY time OFFSET 7)",
            &["1.0,1", "2.0,2"],
        ),
        (
            "SELECT i FROM (SELECT i, time FROM m ORDER BY time DESC LIMIT 2 OFFSET 6) ORDER BY i",
            &["7.0", "8.0"],
        ),
        ("SELECT count(*) FROM (SELECT i FROM m OFFSET 7)", &["2"]),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
}

/// From a bug: what the rows are sorted by was no column any more, and so they had no order.
#[tokio::test]
async fn an_offset_leaves_out_the_first_rows_in_an_order_by_what_is_not_selected() {
    let database = database();
    for (text, rows) in [
        (
            "SELECT i FROM (SELECT i FROM m ORDER BY time OFFSET 6) ORDER BY i",
            &["1.0", "2.0", "3.0"][..],
        ),
        (
            "SELECT i FROM (SELECT i * 10 AS i FROM m ORDER BY a, time OFFSET 7) ORDER BY i",
            &["30.0", "70.0"],
        ),
        (
            "SELECT i FROM (SELECT i + 1 AS i FROM (SELECT i * 10 AS i, time FROM m) ORDER BY time OFFSET 7) ORDER BY i",
            &["11.0", "21.0"],
        ),
        (
            "SELECT j FROM o WHERE j IN (SELECT i FROM m ORDER BY time OFFSET 7) ORDER BY j",
            &["1.0", "2.0"],
        ),
        (
            "SELECT sum(i) FROM (SELECT i FROM (SELECT i FROM m ORDER BY time OFFSET 7) UNION ALL SELECT 10.0)",
            &["13.0"],
        ),
        (
            "SELECT i FROM (SELECT i FROM m ORDER BY abs(i - 5), i OFFSET 7) ORDER BY i",
            &["1.0", "9.0"],
        ),
        (
            "SELECT i * 2 FROM m ORDER BY time DESC OFFSET 7",
            &["16.0", "18.0"],
        ),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
}
