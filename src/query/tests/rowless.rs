//! SELECTs in the place of a value that have no row.

use super::ask::{ask, of};
use super::points::Point;

/// From a bug: a column that is never without a value was taken to have one where there is no row.
#[tokio::test]
async fn what_has_no_row_has_no_value() {
    let database = of([
        Point::new("m", &[("a", "x")], 1, &[("i", 1.0)]),
        Point::new("m", &[], 2, &[("i", 2.0)]),
        Point::new("o", &[("a", "x")], 1, &[("j", 1.0)]),
        Point::new("o", &[], 2, &[("j", 2.0)]),
    ]);
    for (condition, rows) in [
        (
            "(SELECT 1 FROM o WHERE j > 50) IS NULL",
            &["1.0", "2.0"][..],
        ),
        ("(SELECT 1 FROM o WHERE j > 1) IS NULL", &[]),
        ("(SELECT time FROM o WHERE j > 50) IS NULL", &["1.0", "2.0"]),
        ("(SELECT time FROM o WHERE j > 1) = time", &["2.0"]),
        (
            "(SELECT time FROM o ORDER BY time DESC LIMIT 1) = time",
            &["2.0"],
        ),
        (
            "time > coalesce((SELECT time FROM o WHERE j > 50 ORDER BY time DESC LIMIT 1), TIMESTAMP '1960-01-01T00:00:00Z')",
            &["1.0", "2.0"],
        ),
        (
            "coalesce((SELECT count(*) FROM o WHERE j > 50 GROUP BY a), 7) = 7",
            &["1.0", "2.0"],
        ),
        ("(SELECT count(*) FROM o WHERE j > 50) = 0", &["1.0", "2.0"]),
        (
            "(SELECT count(*) FROM o HAVING count(*) > 50) IS NULL",
            &["1.0", "2.0"],
        ),
        (
            "(SELECT count(*) FROM o WHERE o.a = m.a GROUP BY a) IS NULL",
            &["2.0"],
        ),
        ("(SELECT count(*) FROM o WHERE o.a = m.a) = 0", &["2.0"]),
        ("(SELECT count(*) FROM o WHERE o.a = m.a) IS NULL", &[]),
        (
            "(SELECT coalesce(max(j), 1) FROM o WHERE o.a = m.a GROUP BY a) IS NULL",
            &["2.0"],
        ),
    ] {
        let text = format!("SELECT i FROM m WHERE {condition} ORDER BY i");
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
    for (text, rows) in [
        (
            "SELECT coalesce((SELECT time FROM o WHERE j > 50), TIMESTAMP '2020-01-01T00:00:00Z') FROM m",
            ["2020-01-01T00:00:00"; 2],
        ),
        ("SELECT (SELECT time FROM o WHERE j > 50) FROM m", [""; 2]),
        (
            "SELECT i, (SELECT count(*) FROM o WHERE o.a = m.a GROUP BY a) IS NULL FROM m ORDER BY i",
            ["1.0,false", "2.0,true"],
        ),
        (
            "SELECT i, count(*) FILTER (WHERE (SELECT 1 FROM o WHERE j > 50) IS NULL) FROM m GROUP BY i ORDER BY i",
            ["1.0,1", "2.0,1"],
        ),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
    let named = "SELECT (SELECT time FROM o LIMIT 1) = time, (SELECT 1) AS one FROM m LIMIT 1";
    assert_eq!(ask(&database, named).await.len(), 1);
}
