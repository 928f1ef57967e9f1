//! Rows of which a side of a join or a group is missing, in order and in windows.

use std::sync::Arc;

use super::ask::{ask, of};
use super::points::{Point, Points};

fn database() -> Arc<Points> {
    let point = |table: &str, tags: &[(&str, &str)], field: &str, number: i32| {
        Point::new(table, tags, number.into(), &[(field, number.into())])
    };
    of([
        point("m", &[("a", "x")], "i", 1),
        point("m", &[], "i", 2),
        point("m", &[("a", "x")], "i", 3),
        point("m", &[("a", "y")], "i", 4),
        point("o", &[("a", "y")], "j", 1),
        point("o", &[], "j", 2),
        point("o", &[("a", "z")], "j", 3),
    ])
}

/// From a bug: what is constant on a side of a join was taken for constant where the side is missing.
#[tokio::test]
async fn what_is_constant_on_a_side_is_not_where_the_side_is_missing() {
    let database = database();
    let left = "m LEFT JOIN (SELECT j, a, 1 AS one FROM o WHERE j = 2) x ON m.i = x.j";
    let right = "(SELECT j, a, 1 AS one FROM o WHERE j = 2) x RIGHT JOIN m ON m.i = x.j";
    let full = "m FULL JOIN (SELECT j, a, 1 AS one FROM o WHERE j = 2) x ON m.i = x.j";
    let each =
        "m LEFT JOIN (SELECT j, a, 1 AS one FROM o WHERE j = 2) x ON m.i >= x.j AND m.i <= x.j";
    for join in [left, right, full, each] {
        for (asked, rows) in [
            (
                "m.i, x.j FROM {} ORDER BY x.j NULLS FIRST, m.i",
                ["1.0,", "3.0,", "4.0,", "2.0,2.0"],
            ),
            (
                "m.i, x.one FROM {} ORDER BY x.one NULLS FIRST, m.i",
                ["1.0,", "3.0,", "4.0,", "2.0,1"],
            ),
            (
                "m.i, count(*) OVER (PARTITION BY x.j) FROM {} ORDER BY m.i",
                ["1.0,3", "2.0,1", "3.0,3", "4.0,3"],
            ),
            (
                "m.i, row_number() OVER (PARTITION BY x.j ORDER BY m.i) FROM {} ORDER BY m.i",
                ["1.0,1", "2.0,1", "3.0,2", "4.0,3"],
            ),
            (
                "m.i, rank() OVER (ORDER BY x.j NULLS FIRST) FROM {} ORDER BY m.i",
                ["1.0,1", "2.0,4", "3.0,1", "4.0,1"],
            ),
        ] {
            let text = format!("SELECT {}", asked.replace("{}", join));
            assert_eq!(ask(&database, &text).await, rows, "{text}");
        }
        let text = format!(
            "SELECT x.j, max(m.i) FROM {join} GROUP BY x.j ORDER BY x.j NULLS LAST LIMIT 1"
        );
        assert_eq!(ask(&database, &text).await, ["2.0,2.0"], "{text}");
    }
}

/// From a bug: groups that are equal or constant below were taken for so where a set leaves one out.
#[tokio::test]
async fn groups_that_are_equal_are_not_where_a_set_leaves_one_out() {
    let database = database();
    for (text, rows) in [
        (
            "SELECT m.i, o.j, count(*) AS n FROM m JOIN o ON m.i = o.j GROUP BY ROLLUP(m.i, o.j) \
             ORDER BY o.j NULLS LAST, m.i NULLS LAST LIMIT 4",
            ["1.0,1.0,1", "2.0,2.0,1", "3.0,3.0,1", "1.0,,1"],
        ),
        (
            "SELECT i, a, count(*) FROM m WHERE i = 3 GROUP BY CUBE(i, a) \
             ORDER BY i NULLS FIRST, a NULLS FIRST",
            [",,1", ",x,1", "3.0,,1", "3.0,x,1"],
        ),
        (
            "SELECT i * 1 AS n, i, count(*) FROM m WHERE i > 2 GROUP BY ROLLUP(i * 1, i) \
             ORDER BY i NULLS FIRST, n NULLS FIRST LIMIT 4",
            [",,2", "3.0,,1", "4.0,,1", "3.0,3.0,1"],
        ),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
}
