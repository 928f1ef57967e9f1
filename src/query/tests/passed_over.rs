//! Parts of a statement that are refused by their names.

use super::ask::{ask, of, refusal};
use super::points::Point;
use crate::QueryError;

/// From a bug: these were parsed and ignored, or mean something else than in other engines.
#[tokio::test]
async fn what_would_be_answered_as_another_question_is_refused_by_its_name() {
    let database = of([Point::new("m", &[("host", "a")], 1, &[("v", 1.0)])]);
    for (text, told) in [
        ("SELECT v FROM m PREWHERE v > 2", "PREWHERE is not"),
        (
            "SELECT host, count(*) FROM m GROUP BY host WITH ROLLUP",
            "WITH ROLLUP is not supported: write GROUP BY ROLLUP",
        ),
        (
            "SELECT host, count(*) FROM m GROUP BY host WITH CUBE",
            "WITH CUBE is not supported: write GROUP BY CUBE",
        ),
        (
            "SELECT host, count(*) FROM m GROUP BY host WITH TOTALS",
            "WITH TOTALS is not",
        ),
        (
            "SELECT host, count(*) FROM m GROUP BY ALL WITH TOTALS",
            "WITH TOTALS is not",
        ),
        (
            "SELECT v FROM m START WITH v > 3 CONNECT BY PRIOR v = v",
            "CONNECT BY is not",
        ),
        ("SELECT v FROM m DISTRIBUTE BY host", "DISTRIBUTE BY is not"),
        ("SELECT v FROM m LIMIT 1 BY host", "LIMIT BY is not"),
        (
            "SELECT time, v FROM m ORDER BY time WITH FILL STEP 1",
            "WITH FILL is not",
        ),
        (
            "SELECT v FROM m SETTINGS max_threads = 1",
            "SETTINGS is not",
        ),
        ("SELECT v FROM m FORMAT CSV", "FORMAT is not"),
        ("SELECT v FROM m FOR JSON AUTO", "FOR JSON AUTO is not"),
        (
            "SELECT v FROM m EXCEPT ALL SELECT 1",
            "EXCEPT ALL is not supported",
        ),
        (
            "SELECT 1 UNION ALL (SELECT v FROM m INTERSECT ALL SELECT 1)",
            "INTERSECT ALL is not supported",
        ),
        (
            "SELECT v FROM m WHERE host SIMILAR TO '[ab]%'",
            "SIMILAR TO is not supported: write LIKE",
        ),
        (
            "SELECT v FROM m WHERE host NOT SIMILAR TO '[ab]%'",
            "SIMILAR TO is not supported: write LIKE",
        ),
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Invalid(_)), "{text}: {error:?}");
        assert!(error.to_string().contains(told), "{text}: {error}");
    }
    for (text, rows) in [
        ("SELECT v FROM m EXCEPT SELECT 2", ["1.0"]),
        ("SELECT v FROM m INTERSECT SELECT 1", ["1.0"]),
        ("SELECT v FROM m WHERE host ~ '^[ab]'", ["1.0"]),
        ("SELECT count(*) FROM m GROUP BY ALL", ["1"]),
    ] {
        assert_eq!(ask(&database, text).await, rows, "{text}");
    }
}
