//! `WITH RECURSIVE` over points.

use super::ask::{ask, of};
use super::points::Point;

/// From a review: the engine refused them, since what is computed of a column is no column of a table.
#[tokio::test]
async fn points_may_begin_and_follow_in_a_question_that_asks_itself() {
    let points = (1..5).map(|time| {
        let value = f64::from(i32::try_from(time).expect("few"));
        Point::new("m", &[("host", "a")], time, &[("v", value)])
    });
    let database = of(points);
    for (text, expected) in [
        (
            "WITH RECURSIVE r AS (SELECT v AS n FROM m WHERE v = 3 UNION ALL \
             SELECT n + 1 FROM r WHERE n < 6) SELECT n FROM r ORDER BY n",
            "3.0 4.0 5.0 6.0",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1.0 AS n UNION ALL \
             SELECT m.v FROM r JOIN m ON m.v = r.n + 1) SELECT n FROM r ORDER BY n",
            "1.0 2.0 3.0 4.0",
        ),
        (
            "WITH RECURSIVE r AS (SELECT v, host FROM m WHERE v < 3 UNION \
             SELECT v + 1, host FROM r WHERE v < 4) SELECT v, host FROM r ORDER BY v",
            "1.0,a 2.0,a 3.0,a 4.0,a",
        ),
        (
            "SELECT count(*) FROM m WHERE v IN (WITH RECURSIVE r AS (SELECT v FROM m WHERE v = 1 \
             UNION ALL SELECT v + 2 FROM r WHERE v < 9) SELECT v FROM r)",
            "2",
        ),
    ] {
        assert_eq!(ask(&database, text).await.join(" "), expected, "{text}");
    }
}
