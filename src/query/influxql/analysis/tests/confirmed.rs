use super::{analysed, analysis_of, table};
use crate::influxql::analysis::{AnalysisError, Source};
use crate::influxql::value::ValueType;

/// Statements, and what InfluxDB 1.6.7 answered: an error, `empty`, or the names of the columns and
/// the tags of the groups. `tests/influxql/meaning.py` finds more of them.
pub(super) const CONFIRMED: &str = include_str!("confirmed.txt");

#[test]
fn columns_and_errors_are_those_of_influxdb() {
    let mut checked = 0;
    for line in CONFIRMED.lines() {
        let (text, expected) = line.split_once('\t').unwrap();
        let found = match analysis_of(text) {
            Err(error) => format!("error: {error}"),
            Ok(found) if found.is_empty() => "empty".to_owned(),
            Ok(found) => {
                let mut names = vec![found.time_name.as_str()];
                names.extend(found.columns.iter().map(|column| column.name.as_str()));
                format!("{}|{}", names.join(","), found.tags.join(","))
            }
        };
        assert_eq!(found, expected, "{text}");
        checked += 1;
    }
    assert!(checked > 400, "{checked}");
}

#[test]
fn functions_refuse_types_in_plain_words() {
    for (text, expected) in [
        ("mean(s)", "mean() is not supported for string fields"),
        ("max(s)", "max() is not supported for string fields"),
        ("top(s, 2)", "top() is not supported for string fields"),
        ("sum(b)", "sum() is not supported for boolean fields"),
        (
            "cumulative_sum(s)",
            "cumulative_sum() is not supported for string fields",
        ),
        (
            "mean(f), integral(b)",
            "integral() is not supported for boolean fields",
        ),
        (
            "exponential_moving_average(f, 2)",
            "exponential_moving_average() is not supported",
        ),
    ] {
        let error = analysis_of(&format!("SELECT {text} FROM m")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // A wildcard leaves out what does not fit.
    assert_eq!(analysed("SELECT mean(*) FROM m").columns.len(), 2);
}

#[test]
fn what_is_not_offered_or_not_there_is_an_error() {
    for (text, expected) in [
        ("SELECT f INTO n FROM m", "SELECT INTO is not supported"),
        ("SELECT f FROM x..m", "database not found: x"),
        ("SELECT f FROM x../m/", "database not found: x"),
        (
            "SELECT f FROM m tz('Europe/Nowhere')",
            "unable to find time zone Europe/Nowhere",
        ),
        (
            "SELECT holt_winters(mean(f), 2, 0) FROM m GROUP BY time(1m)",
            "holt_winters() is not supported",
        ),
    ] {
        assert_eq!(analysis_of(text).unwrap_err().to_string(), expected);
    }
    assert!(matches!(
        analysis_of("SELECT f + s FROM m").unwrap_err(),
        AnalysisError::Type { .. }
    ));
}

#[test]
fn a_refusal_in_a_subquery_counts_only_if_it_is_read() {
    let inner = "(SELECT mean(s) AS x FROM m)";
    assert!(analysed(&format!("SELECT nope FROM {inner}")).is_empty());
    let error = analysis_of(&format!("SELECT x FROM {inner}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mean() is not supported for string fields"
    );
    // Operands that cannot be joined are an error in the outermost query only.
    assert!(analysis_of("SELECT i / b AS x, f FROM m").is_err());
    let found = analysed("SELECT x, f FROM (SELECT i / b AS x, f FROM m)");
    assert_eq!(found.columns[0].value_type, None);
}

#[test]
fn columns_have_the_types_of_their_values() {
    let found = analysed(
        "SELECT f, i, s, b, host, nope, i / i, i + i, i + f, i % i, b & b, -i, abs(i), sin(i), \
         abs(s), f::integer, i::float, s::float, i * 10s FROM m",
    );
    let types: Vec<_> = found
        .columns
        .iter()
        .map(|column| column.value_type)
        .collect();
    use ValueType::{Boolean, Float, Integer, String};
    assert_eq!(
        types,
        [
            Some(Float),
            Some(Integer),
            Some(String),
            Some(Boolean),
            Some(String),
            None,
            Some(Float),
            Some(Integer),
            Some(Float),
            Some(Integer),
            Some(Boolean),
            Some(Integer),
            Some(Integer),
            Some(Float),
            None,
            Some(Integer),
            Some(Float),
            Some(Float),
            None
        ]
    );
}

#[test]
fn sources_that_have_nothing_to_give_are_left_out() {
    let names = |text: &str| {
        let found = analysed(text);
        let sources = found.sources.iter().map(|source| match source {
            Source::Measurement(source) => source.name.to_string(),
            Source::Subquery(_) => "()".to_owned(),
        });
        sources.collect::<Vec<_>>()
    };
    assert_eq!(names("SELECT f FROM /./"), ["m", "n"]);
    assert_eq!(names("SELECT g FROM m, n"), ["n"]);
    assert_eq!(names("SELECT host, f FROM n, m"), ["n", "m"]);
    assert_eq!(names("SELECT mean(g) FROM /./"), ["n"]);
    assert_eq!(names("SELECT f FROM m, m"), ["m", "m"]);
    assert_eq!(names("SELECT f FROM m, (SELECT i FROM m)"), ["m", "()"]);
    assert_eq!(names("SELECT f FROM m, n WHERE f > 'x'"), [""; 0]);
    assert!(table("m").is_some());
}
