//! `--param NAME=VALUE`: a value for `$NAME` in a statement.
//!
//! The value is read as JSON reads one: `5` and `-1.5` are numbers, `true` and `false` are booleans,
//! `null` is no value, `"5"` is a text. A point in time (`now`, `now-1h`, `2026-01-31`, RFC 3339) and
//! everything else is a text; the server compares a text with a time as the time that it names, and
//! with a tag as the text that it is. So a time must not be rewritten here: `now` alone is.

use serde_json::Value;

use crate::cli::values::{self, Time};
use crate::clock::Clock;

/// A value with its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    /// The name, without `$`.
    pub(super) name: String,
    /// The value: no list, no object.
    pub(super) value: Value,
}

/// Reads `NAME=VALUE`.
pub(super) fn parameter(text: &str) -> Result<Parameter, String> {
    parameter_at(text, Clock::system().now_ns())
}

fn parameter_at(text: &str, now_ns: i64) -> Result<Parameter, String> {
    let given = text.split_once('=');
    let (name, value) = given.ok_or("expected NAME=VALUE, such as room=Kitchen or n=5")?;
    let name = name.trim().trim_start_matches('$');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_word) {
        let text = "expected a name of letters, digits and _ before the =, as it follows $ in the \
                    statement";
        return Err(text.to_owned());
    }
    Ok(Parameter {
        name: name.to_owned(),
        value: value_of(value, now_ns),
    })
}

fn value_of(text: &str, now_ns: i64) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => Value::String(moment(text, now_ns)),
        Ok(value) => value,
    }
}

/// A time that is named by its distance from now, in RFC 3339; everything else as it is.
fn moment(text: &str, now_ns: i64) -> String {
    let span = text.strip_prefix("now");
    let is_from_now = span.is_some_and(|span| span.is_empty() || span.starts_with('-'));
    match values::past_time(text) {
        Ok(time @ Time::Ago(_)) if is_from_now => time.rfc3339(now_ns),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parameter_at;

    #[test]
    fn a_value_is_a_number_a_boolean_nothing_or_else_a_text() {
        for (text, name, value) in [
            ("n=5", "n", json!(5)),
            ("n=-7", "n", json!(-7)),
            ("$n=18446744073709551615", "n", json!(u64::MAX)),
            ("f=1.5", "f", json!(1.5)),
            ("f=2e3", "f", json!(2000.0)),
            ("b=true", "b", json!(true)),
            ("x=null", "x", json!(null)),
            ("room=Kitchen", "room", json!("Kitchen")),
            ("s=\"5\"", "s", json!("5")),
            ("s=", "s", json!("")),
            ("s=a=b", "s", json!("a=b")),
            ("s= a ", "s", json!(" a ")),
            ("s=007", "s", json!("007")),
            ("s=True", "s", json!("True")),
            ("s=NaN", "s", json!("NaN")),
            ("s=[1]", "s", json!("[1]")),
            ("1=x", "1", json!("x")),
        ] {
            let parameter = parameter_at(text, 0).expect("valid");
            assert_eq!(
                (parameter.name.as_str(), parameter.value),
                (name, value),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_is_a_text_and_now_is_a_time() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31"),
            ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.5Z"),
            ("now", "1970-01-01T01:00:00Z"),
            ("now-30m", "1970-01-01T00:30:00Z"),
            ("nowhere", "nowhere"),
            ("now-or-never", "now-or-never"),
            ("-1h", "-1h"),
        ] {
            let parameter = parameter_at(&format!("t={text}"), 3_600_000_000_000);
            assert_eq!(parameter.expect("valid").value, json!(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_name_is_refused() {
        for text in ["", "room", "=5", "$=5", "a b=5", "a-b=5"] {
            let error = parameter_at(text, 0).expect_err(text);
            assert!(error.starts_with("expected "), "{error}");
        }
    }
}
