//! `--param NAME=VALUE`: a value for `$NAME` in a statement.
//!
//! The value is read as JSON reads one: `5` and `-1.5` are numbers, `true` and `false` are booleans,
//! `null` is no value, `"5"` is a text. A point in time (`now`, `now-1h`, `2026-01-31`, RFC 3339) and
//! everything else is a text; the server compares a text with a time as the time that it names, and
//! with a tag as the text that it is. So a time must not be rewritten here: `now` alone is. A number
//! that would not come out as it is written is refused.

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
        value: value_of(value, now_ns)?,
    })
}

fn value_of(text: &str, now_ns: i64) -> Result<Value, String> {
    let number: Option<f64> = text.parse().ok();
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    match serde_json::from_str(text) {
        // A whole number that became a float, and one that no float can hold.
        Ok(Value::Number(number)) if number.is_f64() && is_whole(text) => Err(no_number(text)),
        Err(_) if has_digits && number.is_some_and(f64::is_infinite) => Err(no_number(text)),
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => moment(text, now_ns).map(Value::String),
        Ok(value) => Ok(value),
    }
}

fn is_whole(text: &str) -> bool {
    !text.contains(['.', 'e', 'E']) && text.trim() != "-0"
}

fn no_number(text: &str) -> String {
    let (least, largest) = (i64::MIN, u64::MAX);
    format!(
        "integers go from {least} to {largest}, floats to 1.8e308; a text of digits has quotes \
         around it, as in '\"{text}\"'"
    )
}

/// A time that is named by its distance from now, in RFC 3339; everything else as it is.
fn moment(text: &str, now_ns: i64) -> Result<String, String> {
    let Some(span) = text.strip_prefix("now") else {
        return Ok(text.to_owned());
    };
    let number = span.strip_prefix(['-', '+']);
    let is_span = number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    match values::past_time(text) {
        Ok(time @ Time::Ago(_)) => Ok(time.rfc3339(now_ns)),
        _ if is_span => Err(NO_SPAN.to_owned()),
        _ => Ok(text.to_owned()),
    }
}

const NO_SPAN: &str = "a time from now is now, or a span back from now such as now-30m, now-1h, \
                       now-7d or now-1month; another is RFC 3339; a text has quotes around it, as in \
                       '\"now-x\"'";

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
            ("s=inf", "s", json!("inf")),
            ("z=-0", "z", json!(-0.0)),
            ("f=1e20", "f", json!(1e20)),
            ("n=-9223372036854775808", "n", json!(i64::MIN)),
            ("s=\"now-1mo\"", "s", json!("now-1mo")),
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

    /// From a bug: the first ones became floats, and the server could not read the others.
    #[test]
    fn what_cannot_be_what_it_looks_like_is_refused() {
        for text in [
            "99999999999999999999",
            "18446744073709551616",
            "-9223372036854775809",
            "1e999",
        ] {
            let error = parameter_at(&format!("n={text}"), 0).expect_err(text);
            assert!(
                error.starts_with("integers go from -9223372036854775808 "),
                "{error}"
            );
        }
        for text in ["now-1mo", "now+1d", "now-1", "now-5 parsecs"] {
            let error = parameter_at(&format!("t={text}"), 0).expect_err(text);
            assert!(error.contains("now-30m"), "{error}");
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
