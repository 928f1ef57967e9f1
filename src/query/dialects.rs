//! Hints for those who know other dialects: InfluxQL, MySQL, or engines that compare times with numbers.

use datafusion::common::utils::datafusion_strsim::levenshtein;

/// The statements that begin with `SHOW`.
const SHOWS: &str = "there are SHOW TABLES, SHOW COLUMNS FROM a table, SHOW FUNCTIONS and SHOW ALL";

/// The words after `SHOW` in InfluxQL.
const INFLUXQL_SHOWS: [&str; 12] = [
    "CONTINUOUS",
    "DIAGNOSTICS",
    "FIELD",
    "GRANTS",
    "MEASUREMENT",
    "MEASUREMENTS",
    "QUERIES",
    "RETENTION",
    "SERIES",
    "SHARDS",
    "TAG",
    "USERS",
];

/// Functions of InfluxQL, and what does the same in SQL.
const INFLUXQL_FUNCTIONS: [(&str, &str); 13] = [
    ("bottom", "ORDER BY the column LIMIT n"),
    ("cumulative_sum", "sum(x) OVER (ORDER BY time)"),
    ("derivative", "x - lag(x) OVER (ORDER BY time)"),
    ("difference", "x - lag(x) OVER (ORDER BY time)"),
    ("elapsed", "time - lag(time) OVER (ORDER BY time)"),
    (
        "first",
        "selector_first(x, time)['value'], or first_value(x ORDER BY time)",
    ),
    (
        "last",
        "selector_last(x, time)['value'], or last_value(x ORDER BY time)",
    ),
    (
        "moving_average",
        "avg(x) OVER (ORDER BY time ROWS n PRECEDING)",
    ),
    ("non_negative_derivative", "x - lag(x) OVER (ORDER BY time)"),
    ("non_negative_difference", "x - lag(x) OVER (ORDER BY time)"),
    ("percentile", "approx_percentile_cont(x, 0.95)"),
    ("spread", "max(x) - min(x)"),
    ("top", "ORDER BY the column DESC LIMIT n"),
];

/// The text for a `SHOW` that there is not; `what` is what follows the word.
pub(crate) fn of_show(what: &str) -> String {
    let word = what
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase();
    let why = match INFLUXQL_SHOWS.contains(&word.as_str()) {
        true => " is a statement of InfluxQL, and questions are SQL",
        false => " is not supported",
    };
    let buckets = match word.as_str() {
        "DATABASES" | "SCHEMAS" => "; a question is asked of one bucket",
        _ => "",
    };
    format!("SHOW {}{why}: {SHOWS}{buckets}", what.trim())
}

/// Returns true for what only InfluxQL shows.
pub(crate) fn is_influxql_show(word: &str) -> bool {
    INFLUXQL_SHOWS.contains(&word.to_uppercase().as_str())
}

/// The text of the engine about a plan, in words that help whoever asked; none if it does already.
pub(crate) fn of_plan(text: &str) -> Option<String> {
    of_unknown_function(text)
        .or_else(|| of_arguments(text))
        .or_else(|| of_comparison(text))
}

/// A function that there is not. The engine names whichever is nearest, however far.
fn of_unknown_function(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Invalid function '")?;
    let (name, rest) = rest.split_once('\'')?;
    let said = format!("there is no function {name:?}");
    let lower = name.to_lowercase();
    let known = INFLUXQL_FUNCTIONS.iter().find(|(known, _)| *known == lower);
    if let Some((_, instead)) = known {
        return Some(format!("{said}: in SQL, write {instead}"));
    }
    let near = rest.split('\'').nth(1).unwrap_or_default();
    let is_near = !near.is_empty() && levenshtein(&lower, near) <= 2;
    Some(match is_near {
        true => format!("{said}: did you mean {near:?}?"),
        false => format!("{said}: SHOW FUNCTIONS lists those that there are"),
    })
}

/// Arguments that a function does not take.
fn of_arguments(text: &str) -> Option<String> {
    let (before, _) = text.split_once(" failed to match any signature")?;
    let name = before.rsplit("Function '").next()?.trim_end_matches('\'');
    Some(format!(
        "the function {name} does not take arguments of these types, or not as many: a text can be \
         cast, as in {name}(CAST(x AS DOUBLE))"
    ))
}

/// A time that is compared with a number.
fn of_comparison(text: &str) -> Option<String> {
    let (_, types) =
        text.split_once("Cannot infer common argument type for comparison operation ")?;
    let is_time = types.contains("Timestamp") && (types.contains("Int") || types.contains("Float"));
    is_time.then(|| {
        "a time cannot be compared with a number: write to_timestamp(n) with nanoseconds, \
         to_timestamp_seconds(n), or a text such as '2031-01-07T17:28:51Z'"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use crate::tests::ask::{of, refusal};
    use crate::tests::points::Point;

    /// From a bug: these were told in words of the engine, or as its fault.
    #[tokio::test]
    async fn mistakes_from_other_dialects_are_told_with_what_to_write() {
        let database = of([Point::new("m", &[("host", "h1")], 1, &[("usage", 1.0)])]);
        for (text, hints) in [
            ("SELECT sum(host) FROM m", vec!["sum", "CAST"]),
            (
                "SELECT first(usage) FROM m",
                vec!["selector_first", "first_value"],
            ),
            ("SELECT first_valu(usage) FROM m", vec!["first_value"]),
            ("SELECT qwertyuiop(usage) FROM m", vec!["SHOW FUNCTIONS"]),
            (
                "SHOW DATABASES",
                vec!["SHOW TABLES", "SHOW COLUMNS", "bucket"],
            ),
            ("SHOW MEASUREMENTS", vec!["InfluxQL", "SHOW TABLES"]),
            ("SHOW TAG KEYS", vec!["InfluxQL", "SHOW COLUMNS"]),
            (
                "SELECT usage FROM m WHERE host = \"h1\"",
                vec!["single quotes", "'h1'"],
            ),
            (
                "SELECT usage FROM m WHERE time >= 1764000000",
                vec!["to_timestamp", "nanoseconds"],
            ),
        ] {
            let told = refusal(&database, text).await;
            assert!(
                matches!(told, crate::QueryError::Invalid(_)),
                "{text}: {told:?}"
            );
            let told = told.to_string();
            for hint in hints {
                assert!(told.contains(hint), "{text}: {told}");
            }
            assert!(
                !told.contains("cbrt") && !told.contains("Internal"),
                "{told}"
            );
        }
    }
}
