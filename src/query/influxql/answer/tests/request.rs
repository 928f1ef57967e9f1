//! What comes with a query.

use super::super::{CHUNK_ROWS, Request};
use super::random::Dice;
use super::*;
use crate::influxql::bindings::Binding;
use crate::influxql::{Environment, parse};

fn read(address: &[(&str, &str)], body: &[(&str, &str)]) -> Result<Request, String> {
    Request::read(address, body).map_err(|error| error.to_string())
}

fn of(name: &str, value: &str) -> Request {
    read(&[("q", "SHOW DATABASES"), (name, value)], &[]).unwrap()
}

#[test]
fn a_query_without_a_text_is_refused() {
    let missing = Err("missing required parameter \"q\"".to_owned());
    assert_eq!(read(&[], &[]), missing);
    assert_eq!(read(&[("q", ""), ("db", "d")], &[]), missing);
    assert_eq!(read(&[("q", " \n\t\u{b}")], &[]), missing);
    assert_eq!(
        read(&[("q", "  SHOW \n\t\u{b}")], &[]).unwrap().text,
        "SHOW"
    );
}

#[test]
fn what_is_not_given_or_empty_is_absent() {
    let plain = read(&[("q", "x")], &[]).unwrap();
    let names = [
        "db",
        "rp",
        "epoch",
        "params",
        "chunked",
        "chunk_size",
        "pretty",
        "time_format",
    ];
    let empty: Vec<_> = [("q", "x")]
        .into_iter()
        .chain(names.map(|name| (name, "")))
        .collect();
    assert_eq!(read(&empty, &[]), Ok(plain.clone()));
    assert_eq!(plain.database, None);
    assert_eq!(plain.retention_policy, None);
    assert_eq!(plain.options(Format::Json), Options::default());
    assert!(plain.bindings.is_empty());
}

#[test]
fn the_body_wins_and_pretty_is_of_the_address() {
    let address = [("q", "a"), ("db", "x"), ("rp", "r"), ("db", "second")];
    let request = read(&address, &[("q", "b"), ("db", ""), ("pretty", "true")]).unwrap();
    assert_eq!(request.text, "b");
    assert_eq!(request.database.as_deref(), Some("x"));
    assert_eq!(request.retention_policy.as_deref(), Some("r"));
    assert!(!request.pretty);
    assert!(of("pretty", "true").pretty);
    assert!(!of("pretty", "TRUE").pretty);
}

#[test]
fn chunks_are_cut_only_for_the_word_true() {
    for word in ["TRUE", "1", "yes", " true"] {
        assert_eq!(of("chunked", word).chunk_rows, None, "{word}");
    }
    assert_eq!(of("chunk_size", "5").chunk_rows, None);
    assert_eq!(of("chunked", "true").chunk_rows, Some(CHUNK_ROWS));
    for (text, rows) in [
        ("5", 5),
        ("0", 10_000),
        ("-1", 10_000),
        ("x", 10_000),
        ("1.5", 10_000),
        ("2 ", 10_000),
        ("99999999999999999999", 10_000),
    ] {
        for name in ["chunk_size", "chunked_size"] {
            let address = [("q", "x"), ("chunked", "true"), (name, text)];
            let found = read(&address, &[]).unwrap().chunk_rows;
            assert_eq!(found, NonZeroUsize::new(rows), "{text}");
        }
    }
}

#[test]
fn times_are_counted_unless_the_client_wants_texts() {
    assert_eq!(of("epoch", "ms").times, Times::Epoch(Unit::Millisecond));
    assert_eq!(
        of("epoch", "nonsense").times,
        Times::Epoch(Unit::Nanosecond)
    );
    assert_eq!(of("time_format", "epoch").times, Times::Usual);
    assert_eq!(of("time_format", "rfc3339").times, Times::Rfc3339);
    let both = [("q", "x"), ("epoch", "s"), ("time_format", "rfc3339")];
    assert_eq!(read(&both, &[]).unwrap().times, Times::Rfc3339);
    assert_eq!(
        read(&[("q", "x"), ("time_format", "iso")], &[]).unwrap_err(),
        "invalid time_format \"iso\": expected \"epoch\" or \"rfc3339\""
    );
}

/// Returns how a parameter prints in a condition, or the error of the request or the text.
fn bound(parameters: &str) -> String {
    let text = "SELECT x FROM m WHERE t = $a";
    let request = match read(&[("q", text), ("params", parameters)], &[]) {
        Ok(request) => request,
        Err(error) => return error,
    };
    let environment = Environment {
        parameters: request.bindings,
        ..Environment::default()
    };
    match parse(&request.text, &environment) {
        Ok(query) => query.statements[0]
            .to_string()
            .replace("SELECT x FROM m WHERE t = ", ""),
        Err(error) => error.to_string().replace("error parsing query: ", ""),
    }
}

#[test]
fn parameters_bind_by_their_types() {
    for (parameters, expected) in [
        ("{\"a\":1}", "1"),
        ("{\"a\":-1}", "-1"),
        ("{\"a\":9223372036854775807}", "9223372036854775807"),
        ("{\"a\":1.5}", "1.5"),
        ("{\"a\":1.0}", "1.0"),
        ("{\"a\":1.5e3}", "1500.0"),
        ("{\"a\":true}", "true"),
        ("{\"a\":\"it's\"}", "'it\\'s'"),
        ("{\"a\":\"\\\"1e5\\\\\"}", "'\"1e5\\\\'"),
        ("{\"a\":1,\"a\":2}", "2"),
        ("{\"a\":1} x", "1"),
        ("{\"a\":{\"integer\":1}}", "1"),
        ("{\"a\":{\"int\":1}}", "1"),
        ("{\"a\":{\"float\":1}}", "1.0"),
        ("{\"a\":{\"number\":1.5}}", "1.5"),
        ("{\"a\":{\"string\":\"x\"}}", "'x'"),
        ("{\"a\":{\"ident\":\"x y\"}}", "\"x y\""),
        ("{\"a\":{\"identifier\":\"x\"}}", "x"),
        ("{\"a\":{\"duration\":\"90m\"}}", "90m"),
        ("{\"a\":{\"duration\":5000}}", "5u"),
    ] {
        assert_eq!(bound(parameters), expected, "{parameters}");
    }
    let regex = read(
        &[("q", "x"), ("params", "{\"a\":{\"regex\":\"^a/b\"}}")],
        &[],
    )
    .unwrap();
    assert_eq!(regex.bindings["a"], Binding::Regex("^a/b".to_owned()));
}

#[test]
fn parameters_that_bind_to_nothing_fail_where_they_are_used() {
    for (parameters, expected) in [
        ("null", "missing parameter: a"),
        ("{}", "missing parameter: a"),
        ("{\"b\":1}", "missing parameter: a"),
        (
            "{\"a\":null}",
            "missing parameter: unable to bind parameter with type <nil>",
        ),
        (
            "{\"a\":[1]}",
            "missing parameter: unable to bind parameter with type []interface {}",
        ),
        (
            "{\"a\":{\"x\":1}}",
            "missing parameter: unknown bind object type: x",
        ),
        (
            "{\"a\":{}}",
            "missing parameter: bound object parameter value must have exactly one entry",
        ),
        (
            "{\"a\":{\"int\":1,\"b\":2}}",
            "missing parameter: bound object parameter value must have exactly one entry",
        ),
        (
            "{\"a\":{\"integer\":null}}",
            "missing parameter: integer literal must be an integer value",
        ),
        (
            "{\"a\":{\"integer\":1.5}}",
            "missing parameter: integer literal must be an integer value",
        ),
        (
            "{\"a\":{\"string\":[1]}}",
            "missing parameter: string literal must be a string value",
        ),
    ] {
        assert_eq!(bound(parameters), expected, "{parameters}");
    }
    assert_eq!(bound("{\"a\":1,\"b\":null}"), "1");
}

#[test]
fn parameters_that_are_no_object_are_refused() {
    for (parameters, expected) in [
        (
            "[1]",
            "error parsing query parameters: expected a JSON object, found an array",
        ),
        (
            "\"a\"",
            "error parsing query parameters: expected a JSON object, found a string",
        ),
        (
            "1",
            "error parsing query parameters: expected a JSON object, found a number",
        ),
        (
            "true",
            "error parsing query parameters: expected a JSON object, found a boolean",
        ),
        (
            " ",
            "error parsing query parameters: expected a JSON object, found nothing",
        ),
    ] {
        assert_eq!(bound(parameters), expected, "{parameters}");
    }
    for parameters in ["{\"a\":1", "{\"a\":}", "{a:1}", "\u{1}", "{\"a\":1.5e400}"] {
        let error = bound(parameters);
        assert!(
            error.starts_with("error parsing query parameters: "),
            "{error}"
        );
    }
}

#[test]
fn numbers_without_a_point_are_integers_or_refused() {
    for (number, reason) in [
        ("1e5", "invalid syntax"),
        ("-1E5", "invalid syntax"),
        ("99999999999999999999", "value out of range"),
        ("18446744073709551615", "value out of range"),
    ] {
        let expected =
            format!("error parsing json value: strconv.ParseInt: parsing \"{number}\": {reason}");
        assert_eq!(bound(&format!("{{\"a\":{number}}}")), expected);
        assert_eq!(
            bound(&format!("{{\"b\":{{\"c\":[\"\\\"1e5\",{number}]}}}}")),
            expected
        );
    }
    assert_eq!(bound("{\"a\":1}1e5"), "1");
}

#[test]
fn whatever_a_client_sends_is_read_or_refused() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"",
        "\\",
        "\\\"",
        "\\u12",
        "1",
        "-",
        ".",
        "e5",
        "null",
        "true",
        "{\"a\":",
        "{\"int\":",
        "é",
        "😀",
        " ",
        "q=",
        "*/",
    ];
    let mut dice = Dice::new(11);
    let mut read_count = 0;
    for _ in 0..50_000 {
        let count = dice.below(8);
        let text: String = (0..count)
            .map(|_| PIECES[usize::try_from(dice.below(24)).unwrap()])
            .collect();
        let address = [
            ("q", "x"),
            ("params", &text),
            ("epoch", &text),
            ("chunk_size", &text),
        ];
        read_count += usize::from(read(&address, &[]).is_ok());
        assert!(!Format::accepted([text.as_str()]).content_type().is_empty());
    }
    assert!(read_count > 1_000, "{read_count}");
}
