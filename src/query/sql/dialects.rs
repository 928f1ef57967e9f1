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
        .or_else(|| of_unplanned(text))
        .or_else(|| of_computed(text))
        .or_else(|| of_same_names(text))
        .or_else(|| of_part(text))
}

/// What the engine has no plan for, and what to write instead. It shows the parts of such a thing as its
/// own code has them.
const UNPLANNED: [(&str, &str); 15] = [
    (
        "Unsupported ast node in sqltorel: RLike ",
        "RLIKE is not supported: write x ~ 'a regular expression'",
    ),
    (
        "Unsupported ast node in sqltorel: Collate ",
        "COLLATE is not supported: texts are compared by their bytes",
    ),
    (
        "Unsupported ast node in sqltorel: ",
        "an expression of this kind is not supported",
    ),
    (
        "Unsupported ast node Pivot ",
        "PIVOT is not supported: write an aggregate with FILTER (WHERE …) per column",
    ),
    (
        "Unsupported ast node Unpivot ",
        "UNPIVOT is not supported: write a SELECT per column, with UNION ALL between them",
    ),
    (
        "Unsupported ast node MatchRecognize ",
        "MATCH_RECOGNIZE is not supported: window functions such as lag compare rows",
    ),
    (
        "Unsupported ast node ",
        "a table of this kind is not supported",
    ),
    (
        "Unsupported JOIN operator AsOf ",
        "ASOF JOIN is not supported: join with a range of time, and take the newest row with \
         row_number() OVER (PARTITION BY … ORDER BY time DESC)",
    ),
    (
        "Unsupported JOIN operator ",
        "a join of this kind is not supported",
    ),
    (
        "Unsupported interval argument",
        "an interval is a text or a number, as in INTERVAL '1 hour': with a parameter, give the time \
         that comes of it",
    ),
    (
        "Physical plan does not support logical expression ScalarSubquery",
        OF_VALUE,
    ),
    ("Correlated scalar subquery can only be used in ", OF_VALUE),
    (
        "Physical plan does not support logical expression OuterReferenceColumn",
        "a SELECT that asks of a row outside can only be joined to it by = where it aggregates: join the tables",
    ),
    (
        "Physical plan does not support logical expression ",
        MISPLACED,
    ),
    (
        "In/Exist/SetComparison subquery can only be used in ",
        MISPLACED,
    ),
];

const OF_VALUE: &str = "a SELECT in the place of a value can only be joined to the rows outside by =, and is no \
                        part of an aggregate, a group or an order: make it a column of a subquery, or join \
                        the tables";

const MISPLACED: &str = "IN, EXISTS, ANY and ALL with a SELECT belong into WHERE or HAVING: among the columns, \
                         and in what is grouped or ordered by, join the tables";

fn of_unplanned(text: &str) -> Option<String> {
    let known = UNPLANNED.iter().find(|(known, _)| text.contains(known));
    known.map(|(_, told)| (*told).to_owned())
}

/// A value that cannot be computed, as it is shown by the engine's own code.
fn of_computed(text: &str) -> Option<String> {
    let of_file = text.split_once("Error evaluating filter predicate: ");
    let of_values = || text.split_once("ArrowError(");
    let (_, rest) = of_file.or_else(of_values)?;
    if rest
        .trim_start_matches("ArrowError(")
        .starts_with("DivideByZero")
    {
        return Some("division by zero".to_owned());
    }
    let (_, told) = rest.split_once("(\"")?;
    let (told, _) = told.split_once("\")")?;
    Some(told.replace("\\\"", "\""))
}

/// Columns of one name, as the engine names them.
fn of_same_names(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Projections require unique expression names")?;
    let mut names = rest.split('"').skip(1).step_by(2);
    let (one, other) = (names.next()?, names.next()?);
    Some(match one == other {
        true => format!("the column {one} is there twice: name one of them with AS"),
        false => format!("{one} and {other} have the same name here: name the first with AS"),
    })
}

/// A part of a column that has none: the name before the dot was meant to be a table.
fn of_part(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Cannot access field at argument 1: type ")?;
    let (data_type, _) = rest.split_once(" is not Struct")?;
    Some(format!(
        "a name before a dot is that of a column here, of type {data_type}, and columns have no parts: if a table \
         or subquery outside is meant, give it a name that no column has, as in FROM m AS outside"
    ))
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
        are_told(&[
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
        ])
        .await;
    }

    /// From a bug: these were told as the code of the engine has them, and a text in lower case.
    #[tokio::test]
    async fn what_is_not_planned_is_told_in_words() {
        are_told(&[
            (
                "SELECT usage FROM m WHERE host = Kitchen",
                vec!["single quotes", "'Kitchen'"],
            ),
            (
                "SELECT usage FROM m WHERE host RLIKE 'h'",
                vec!["RLIKE is not", "~"],
            ),
            ("SELECT host COLLATE \"C\" FROM m", vec!["COLLATE is not"]),
            (
                "SELECT * FROM m PIVOT (sum(usage) FOR host IN ('h1'))",
                vec!["PIVOT is not", "FILTER"],
            ),
            (
                "SELECT 1 FROM m ASOF JOIN m n MATCH_CONDITION (m.time > n.time) ON m.host = n.host",
                vec!["ASOF JOIN is not"],
            ),
            (
                "SELECT usage IN (SELECT 1) FROM m",
                vec!["WHERE or HAVING", "join"],
            ),
            (
                "SELECT usage FROM m WHERE time > now() - INTERVAL $n",
                vec!["INTERVAL '1 hour'", "parameter"],
            ),
            (
                "SELECT m.usage::bigint + 1, usage + 1 FROM m",
                vec!["have the same name", "AS"],
            ),
            (
                "SELECT usage, usage FROM m",
                vec!["usage is there twice", "AS"],
            ),
        ])
        .await;
    }

    async fn are_told(mistakes: &[(&str, Vec<&str>)]) {
        let database = of([Point::new("m", &[("host", "h1")], 1, &[("usage", 1.0)])]);
        for (text, hints) in mistakes {
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
                !["cbrt", "Internal", "Unsupported", "{ ", "Expr"]
                    .iter()
                    .any(|machine| told.contains(machine)),
                "{told}"
            );
        }
    }
}
