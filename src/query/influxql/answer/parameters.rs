//! The values of `params` to those of `$name`.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::error::RequestError;
use crate::influxql::bindings::Binding;

/// Reads `params`: a JSON object, or `null` for none. What comes after it is not read, as in 1.x.
///
/// A value that binds to nothing is an error only where it is used.
///
/// # Errors
///
/// A text that does not begin with such an object; a number without a point that is no integer of
/// 64 bits, at any depth.
pub(super) fn read(text: &str) -> Result<HashMap<String, Binding>, RequestError> {
    let refused = |reason: &str| RequestError::Parameters(reason.to_owned());
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = match values.next() {
        None => return Err(refused("expected a JSON object, found nothing")),
        Some(Err(error)) => return Err(refused(&error.to_string())),
        Some(Ok(value)) => value,
    };
    let read = text.get(..values.byte_offset()).unwrap_or(text);
    if let Some(error) = wrong_number(read) {
        return Err(error);
    }
    let kind = match value {
        Value::Null => return Ok(HashMap::new()),
        Value::Object(object) => return Ok(bind(object)),
        Value::Array(_) => "an array",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
    };
    Err(refused(&format!("expected a JSON object, found {kind}")))
}

fn bind(object: Map<String, Value>) -> HashMap<String, Binding> {
    let bound = |(name, value)| (name, binding(value));
    object.into_iter().map(bound).collect()
}

fn binding(value: Value) -> Binding {
    let Value::Object(object) = value else {
        return plain(value);
    };
    let mut members = object.into_iter();
    match (members.next(), members.next()) {
        (Some((kind, value)), None) => Binding::of_object(&kind, plain(value)),
        _ => Binding::of_wrong_object(),
    }
}

/// Returns what a value binds to that is no object; the texts are those of 1.x.
fn plain(value: Value) -> Binding {
    let unable = |kind| Binding::Invalid(format!("unable to bind parameter with type {kind}"));
    match value {
        Value::String(text) => Binding::String(text),
        Value::Bool(value) => Binding::Boolean(value),
        Value::Number(number) => self::number(&number),
        Value::Null => unable("<nil>"),
        Value::Array(_) => unable("[]interface {}"),
        Value::Object(_) => unable("map[string]interface {}"),
    }
}

fn number(number: &Number) -> Binding {
    match (number.as_i64(), number.as_f64()) {
        (Some(value), _) => Binding::Integer(value),
        (None, Some(value)) => Binding::Float(value),
        (None, None) => Binding::Invalid(format!("unable to bind parameter with value {number}")),
    }
}

/// Returns the error of the first number in valid JSON that 1.x would read as an integer, since it
/// has no point, and that is none.
fn wrong_number(json: &str) -> Option<RequestError> {
    let mut in_text = false;
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                in_text = !in_text;
                1
            }
            '\\' if in_text => 2,
            '-' | '0'..='9' if !in_text => {
                let end =
                    rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
                let number = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
                if !number.contains('.') && number.parse::<i64>().is_err() {
                    return Some(not_an_integer(number));
                }
                number.len()
            }
            other => other.len_utf8(),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    None
}

fn not_an_integer(number: &str) -> RequestError {
    let reason = if number.contains(['e', 'E']) {
        "invalid syntax"
    } else {
        "value out of range"
    };
    RequestError::Number {
        number: number.to_owned(),
        reason,
    }
}
