//! Columns of one name in later branches of `UNION`, and in `ROLLUP` and `CUBE`.

use super::ask::{ask, of, refusal};
use super::points::Point;

/// From a review: the names of later branches count for nothing, and equal ones were refused.
#[tokio::test]
async fn later_branches_may_have_columns_of_one_name() {
    let points = (1..3).map(|time| {
        let value = f64::from(i32::try_from(time).expect("few"));
        Point::new("m", &[("host", "a")], time, &[("v", value), ("w", 9.0)])
    });
    let database = of(points);
    let first = "SELECT v, w FROM m WHERE v = 1";
    for (text, expected) in [
        (
            format!("{first} UNION ALL SELECT v, v FROM m"),
            "1.0,1.0 1.0,9.0 2.0,2.0",
        ),
        (
            format!("{first} UNION ALL SELECT v, m.V FROM m"),
            "1.0,1.0 1.0,9.0 2.0,2.0",
        ),
        (
            format!("{first} UNION ALL (SELECT w AS x, v AS x FROM m)"),
            "1.0,9.0 9.0,1.0 9.0,2.0",
        ),
        (
            format!("{first} UNION (SELECT v, v FROM m ORDER BY v DESC LIMIT 1)"),
            "1.0,9.0 2.0,2.0",
        ),
        (
            format!(
                "{first} UNION ALL SELECT w, w FROM m WHERE v = 2 UNION ALL SELECT sum(v), sum(v) FROM m"
            ),
            "1.0,9.0 3.0,3.0 9.0,9.0",
        ),
        (
            "SELECT v, v AS w FROM m INTERSECT SELECT v, v FROM m WHERE v > 1".to_owned(),
            "2.0,2.0",
        ),
        (
            "SELECT v, w FROM m EXCEPT SELECT v, 9.0 FROM m WHERE v = 1".to_owned(),
            "2.0,9.0",
        ),
    ] {
        let ordered = format!("{text} ORDER BY v, w");
        assert_eq!(
            ask(&database, &ordered).await.join(" "),
            expected,
            "{ordered}"
        );
        let inside = format!("SELECT v, w FROM ({text}) ORDER BY v, w");
        assert_eq!(
            ask(&database, &inside).await.join(" "),
            expected,
            "{inside}"
        );
    }
    for text in [
        "SELECT v, v FROM m",
        "SELECT v, v FROM m UNION ALL SELECT v, w FROM m",
        "SELECT v, w FROM m UNION ALL BY NAME SELECT v, v FROM m",
    ] {
        let refused = refusal(&database, text).await.to_string();
        assert!(
            refused.contains("name one of them with AS"),
            "{text}: {refused}"
        );
    }
}

/// From a review: the engine refused them, in words of its own.
#[tokio::test]
async fn sets_may_name_a_column_twice() {
    let points = (1..4).map(|time| {
        let value = f64::from(i32::try_from(time % 2).expect("few"));
        Point::new("m", &[("host", "a")], time, &[("v", value)])
    });
    let database = of(points);
    for (groups, expected) in [
        ("ROLLUP (v, v)", "0.0,1 0.0,1 1.0,2 1.0,2 ,3"),
        ("ROLLUP (v, m.v)", "0.0,1 0.0,1 1.0,2 1.0,2 ,3"),
        ("CUBE (v, V)", "0.0,1 0.0,1 0.0,1 1.0,2 1.0,2 1.0,2 ,3"),
        (
            "ROLLUP (v, host, v)",
            "0.0,1 0.0,1 0.0,1 1.0,2 1.0,2 1.0,2 ,3",
        ),
        ("ROLLUP (v), host", "0.0,1 1.0,2 ,3"),
    ] {
        let text = format!("SELECT v, count(*) AS n FROM m GROUP BY {groups} ORDER BY v, n");
        assert_eq!(ask(&database, &text).await.join(" "), expected, "{text}");
    }
}
