//! Bound parameters; the texts are those of InfluxDB 1.6.7.

use super::super::{Binding, Environment, ast::Query, parameters, parse};

fn bound(text: &str, value: Binding) -> String {
    let parameters = [("a".to_owned(), value)].into();
    let environment = Environment {
        parameters,
        ..Environment::default()
    };
    match parse(text, &environment) {
        Ok(Query { statements }) => statements
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Err(error) => error.to_string().replace("error parsing query: ", ""),
    }
}

/// From a bug: a text of 160 KiB named a value of 100 KiB 20,000 times, and took 3 GiB.
#[test]
fn values_of_parameters_count_as_if_they_were_written() {
    let value = Binding::String("x".repeat(100 << 10));
    let environment = Environment {
        parameters: [("x".to_owned(), value)].into(),
        ..Environment::default()
    };
    let text = |times: usize| {
        format!(
            "SELECT f FROM m WHERE {}",
            vec!["h = $x"; times].join(" OR ")
        )
    };
    assert!(parse(&text(20), &environment).is_ok());
    let error = parse(&text(100), &environment).expect_err("too long");
    assert!(error.to_string().contains("bytes together"), "{error}");
}

#[test]
fn a_parameter_stands_wherever_a_token_of_its_kind_may() {
    let text = |text: &str| text.to_owned();
    for (query, value, expected) in [
        (
            "SELECT $a FROM m",
            Binding::Identifier(text("x y")),
            "SELECT \"x y\" FROM m",
        ),
        (
            "SELECT $a(x) FROM m",
            Binding::Identifier(text("MEAN")),
            "SELECT mean(x) FROM m",
        ),
        (
            "SELECT $a FROM m",
            Binding::Regex(text("a/b")),
            "SELECT /a\\/b/ FROM m",
        ),
        (
            "SELECT x FROM m,$a",
            Binding::Regex(text("r")),
            "SELECT x FROM m, /r/",
        ),
        (
            "SELECT x FROM m LIMIT $a",
            Binding::Integer(5),
            "SELECT x FROM m LIMIT 5",
        ),
        (
            "SELECT x FROM m WHERE t = $a",
            Binding::String(text("it's")),
            "SELECT x FROM m WHERE t = 'it\\'s'",
        ),
        (
            "SELECT x FROM m WHERE t = -$a",
            Binding::Integer(-5),
            "SELECT x FROM m WHERE t = 5",
        ),
        (
            "SELECT x FROM m WHERE t = $a",
            Binding::Float(2.0),
            "SELECT x FROM m WHERE t = 2.0",
        ),
        (
            "SELECT x FROM m WHERE t = $a",
            Binding::Boolean(true),
            "SELECT x FROM m WHERE t = true",
        ),
        (
            "SELECT x FROM m WHERE t > $a",
            Binding::duration_ns(5_400_000_000_000),
            "SELECT x FROM m WHERE t > 90m",
        ),
        (
            "SELECT x FROM m WHERE t =~ $a",
            Binding::Regex(text("r")),
            "SELECT x FROM m WHERE t =~ /r/",
        ),
    ] {
        assert_eq!(bound(query, value), expected, "{query}");
    }
}

#[test]
fn a_parameter_of_the_wrong_kind_is_named_by_its_value() {
    for (query, value, expected) in [
        (
            "SELECT x FROM $a",
            Binding::String("x".to_owned()),
            "found x, expected identifier at line 1, char 15",
        ),
        (
            "SELECT x FROM m LIMIT $a",
            Binding::Integer(-5),
            "LIMIT must be >= 0 at line 1, char 23",
        ),
        (
            "SELECT x FROM m LIMIT $a",
            Binding::Float(1.5),
            "found 1.5, expected integer at line 1, char 23",
        ),
        (
            "SELECT x FROM m LIMIT $a",
            Binding::Boolean(true),
            "found TRUE, expected integer at line 1, char 23",
        ),
        (
            "SELECT x FROM m WHERE t > $a",
            Binding::Duration("foo".to_owned()),
            "invalid duration",
        ),
        (
            "SELECT $a FROM m",
            Binding::of_object("foo", Binding::Integer(5)),
            "missing parameter: unknown bind object type: foo",
        ),
        (
            "SELECT x FROM $a",
            Binding::of_wrong_object(),
            "found bound object parameter value must have exactly one entry, expected identifier \
             at line 1, char 15",
        ),
    ] {
        assert_eq!(bound(query, value), expected, "{query}");
    }
}

#[test]
fn a_parameter_without_a_value_is_missing() {
    assert_eq!(
        bound("SELECT $b FROM m", Binding::Integer(1)),
        "missing parameter: b"
    );
    assert_eq!(
        bound("SELECT $ FROM m", Binding::Integer(1)),
        "empty bound parameter"
    );
    assert_eq!(
        bound("SELECT x FROM $b", Binding::Integer(1)),
        "found $b, expected identifier at line 1, char 15"
    );
}

#[test]
fn parameters_are_named_once_in_the_order_of_the_text() {
    for (text, names) in [
        (
            "SELECT $b, $a FROM $m WHERE t = $b AND time > $\"a b\"",
            &["b", "a", "m", "a b"][..],
        ),
        (
            "SELECT f FROM /x$y/, m WHERE t =~ /^$z|\\/$q/ OR u = '$s' -- $c",
            &[],
        ),
        (
            "SELECT f / $a / 2 / $b, (f) / $c /* $d */ FROM m",
            &["a", "b", "c"],
        ),
        ("SELECT $ FROM \"$x\" LIMIT $1", &["1"]),
        ("SELECT /$r", &[]),
        ("SELECT 'x $a", &[]),
    ] {
        assert_eq!(parameters(text), names, "{text}");
    }
}
