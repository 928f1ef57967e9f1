use super::{analysed, analysis_of};
use crate::influxql::analysis::{Condition, Operand, Read, Source, TagTest};
use crate::influxql::value::Value;

/// Returns the condition of the last source that is read, or `false` if none is.
fn condition(source: &str, condition: &str) -> String {
    let found = analysed(&format!("SELECT f FROM {source} WHERE {condition}"));
    match found.sources.last() {
        Some(Source::Measurement(source)) => shown(&source.condition),
        Some(Source::Subquery(source)) => shown(&source.condition),
        None => "false".to_owned(),
    }
}

fn joined(parts: &[Condition], word: &str) -> String {
    let parts: Vec<_> = parts.iter().map(shown).collect();
    format!("({})", parts.join(word))
}

/// Writes a condition: tags as `<key>`, groups as `<<key>>`, columns as `#index`.
fn shown(condition: &Condition) -> String {
    match condition {
        Condition::Constant(holds) => holds.to_string(),
        Condition::All(parts) => joined(parts, " and "),
        Condition::Any(parts) => joined(parts, " or "),
        Condition::Tag { key, test } => match test {
            TagTest::Equal(text) => format!("<{key}> = '{text}'"),
            TagTest::NotEqual(text) => format!("<{key}> != '{text}'"),
            TagTest::Matches(pattern) => format!("<{key}> =~ {}", pattern.text()),
            TagTest::MatchesNot(pattern) => format!("<{key}> !~ {}", pattern.text()),
        },
        Condition::SameTags { left, right, same } => {
            let operator = if *same { "same" } else { "differ" };
            format!("<{left}> {operator} <{right}>")
        }
        Condition::Compare {
            operator,
            left,
            right,
        } => format!("{} {} {}", operand(left), operator.text(), operand(right)),
        Condition::Matches {
            operand: text,
            pattern,
            negated,
        } => {
            let operator = if *negated { "!~" } else { "=~" };
            format!("{} {operator} {}", operand(text), pattern.text())
        }
        Condition::Truth(value) => format!("true({})", operand(value)),
    }
}

fn operand(shown_operand: &Operand) -> String {
    match shown_operand {
        Operand::Read(Read::Field {
            name,
            stored,
            read_as,
        }) if stored == read_as => name.to_string(),
        Operand::Read(Read::Field { name, read_as, .. }) => format!("{name}::{}", read_as.word()),
        Operand::Read(Read::Tag { key }) => format!("<{key}>"),
        Operand::Read(Read::Group { key }) => format!("<<{key}>>"),
        Operand::Read(Read::Column { index, .. }) => format!("#{index}"),
        Operand::Literal(Value::String(text)) => format!("'{text}'"),
        Operand::Literal(Value::Float(value)) => format!("{value:?}"),
        Operand::Literal(Value::Integer(value)) => value.to_string(),
        Operand::Literal(Value::Unsigned(value)) => format!("{value}u"),
        Operand::Literal(Value::Boolean(value)) => value.to_string(),
        Operand::Math {
            function,
            arguments,
        } => {
            let arguments: Vec<_> = arguments.iter().map(operand).collect();
            format!("{function:?}({})", arguments.join(", "))
        }
        Operand::Binary {
            operator,
            left,
            right,
        } => format!("({} {} {})", operand(left), operator.text(), operand(right)),
        Operand::Condition(inner) => format!("[{}]", shown(inner)),
        Operand::OrFalse(inner) => format!("{}?", operand(inner)),
    }
}

#[test]
fn tags_and_fields_are_told_apart() {
    for (written, expected) in [
        ("host = 'a'", "<host> = 'a'"),
        ("'a' != host", "<host> != 'a'"),
        ("(host) = ('a' + '')", "<host> = 'a'"),
        ("host = ''", "<host> = ''"),
        ("nope != ''", "<nope> != ''"),
        ("host =~ /a|b/", "<host> =~ a|b"),
        ("host !~ /^$/", "<host> !~ ^$"),
        ("host < 'b'", "false"),
        ("host = 1", "false"),
        ("host != true", "false"),
        ("host = dc", "<host> same <dc>"),
        ("host != nope", "<host> differ <nope>"),
        ("host > dc", "false"),
        ("host != s", "<host> != s"),
        ("nope = s", "false"),
        ("host::tag = 'a'", "<host> = 'a'"),
        ("host::field = 'a'", "false"),
        ("host::string = 'a'", "false"),
        ("nope::field !~ /a/", "<nope> !~ a"),
        ("f::tag = ''", "<f> = ''"),
        ("_name = 'm'", "true"),
        ("_name != 'm'", "false"),
        ("s = 't'", "s = 't'"),
        ("s !~ /t/", "s !~ t"),
        ("s > 't'", "false"),
        ("f =~ /1/", "false"),
        ("f != 'x'", "false"),
        ("f > 2", "f > 2"),
        ("4 < f", "4 < f"),
        ("b = false", "b = false"),
        ("b > false", "false"),
        ("i::float = 3", "i::float = 3"),
        ("f > 10s", "false"),
    ] {
        assert_eq!(condition("m", written), expected, "{written}");
    }
}

#[test]
fn constants_and_logic_are_simplified() {
    for (written, expected) in [
        ("true", "true"),
        ("1 = 2", "false"),
        ("'a' = 'a'", "true"),
        ("false OR f > 4", "f > 4"),
        ("false OR 1 = 2", "false"),
        ("true AND f > 2 + 2", "f > 4"),
        ("f > 4 AND host < 'x'", "false"),
        ("f > 2 OR 1 = 1", "true"),
        (
            "f > 2 AND (host = 'a' OR i = 1) AND time > 5",
            "(f > 2 and (<host> = 'a' or i = 1))",
        ),
        ("host = 'a' OR time > 0", "<host> = 'a'"),
    ] {
        assert_eq!(condition("m", written), expected, "{written}");
    }
}

#[test]
fn arithmetic_may_stand_in_conditions() {
    for (written, expected) in [
        ("f + i > 5", "(f + i) > 5"),
        ("i / 2 = 1", "(i / 2) = 1"),
        ("i & 1 = 1", "(i & 1) = 1"),
        ("f & 1 = 1", "false"),
        ("-f < -4", "(-1 * f) < -4"),
        ("abs(f - 5) < 2", "Abs((f - 5)) < 2"),
        ("abs(s) < 2", "false"),
        ("(f > 4) = false", "[f > 4] = false"),
        ("(host != 'x') = true", "[<host> != 'x'] = true"),
        ("b & true", "true((b & true))"),
        ("f + 1", "false"),
    ] {
        assert_eq!(condition("m", written), expected, "{written}");
    }
}

#[test]
fn a_name_is_a_field_if_one_source_has_such_a_field() {
    // `host2` is a field of `n`, `zone` a tag of it, `f` an integer there and a float in `m`.
    assert_eq!(condition("n, m", "host2 != 'q' OR f > 1"), "f > 1");
    assert_eq!(condition("n, m", "zone = ''"), "<zone> = ''");
    assert_eq!(condition("m, n", "f > 1.5"), "f::float > 1.5");
    assert_eq!(condition("n", "f > 1.5"), "f > 1.5");
    let both = analysed("SELECT y FROM both WHERE x = 'tagx'");
    assert!(both.sources.is_empty());
    let both = analysed("SELECT y FROM both WHERE x::tag = 'tagx'");
    assert_eq!(both.sources.len(), 1);
}

#[test]
fn conditions_of_subqueries_are_about_columns_and_groups() {
    let source = "(SELECT f, f, i / 2, b, host, nope FROM m GROUP BY dc)";
    for (written, expected) in [
        ("f > 1", "#0 > 1"),
        ("f_1 > 1", "#1 > 1"),
        ("i = 1.5", "#2 = 1.5"),
        ("b = false", "#3? = false"),
        ("host = ''", "#4 = ''"),
        ("host =~ /a/", "#4 =~ a"),
        ("dc = ''", "<dc> = ''"),
        ("region !~ /a/", "<region> !~ a"),
        ("dc = region", "<<dc>> = <<region>>"),
        ("dc::string = 'x'", "<dc> = 'x'"),
        ("nope = 1", "false"),
    ] {
        assert_eq!(condition(source, written), expected, "{written}");
    }
}

#[test]
fn a_condition_that_is_none_is_refused() {
    for (written, expected) in [
        ("f", "invalid condition expression: f"),
        ("mean(f) > 1", "invalid function call in condition: mean(f)"),
        ("time != 1", "invalid time comparison operator: !="),
        (
            "time > 'x'",
            "invalid operation: time and *influxql.StringLiteral are not compatible",
        ),
        (
            "time > '1500-01-01'",
            "time 1500-01-01T00:00:00Z underflows time literal",
        ),
    ] {
        let error = analysis_of(&format!("SELECT f FROM m WHERE {written}")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
