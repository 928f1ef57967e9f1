//! The proof: InfluxData's corpus, our own table of cases, and properties of any input.

mod accepted;
mod corpus;
mod differential;
mod lines;
mod model;
mod properties;
mod rejected;

use super::{Parser, Point, Precision, Value};

/// Every point and error of `body` as text: `line: measurement {tags} {fields} timestamp` or
/// `line:column: error`.
fn read(body: impl AsRef<[u8]>) -> Vec<String> {
    let mut parser = Parser::new(body.as_ref(), Precision::Nanosecond);
    let mut point = Point::default();
    let mut results = Vec::new();
    while let Some(read) = parser.next_point(&mut point) {
        results.push(match read {
            Ok(()) => show(&point),
            Err(error) => format!("{}:{}: {error}", error.line, error.column),
        });
    }
    results
}

fn show(point: &Point<'_>) -> String {
    let mut text = format!("{}: {}", point.line, point.measurement.decode());
    for tag in &point.tags {
        text += &format!(" {{{}={}}}", tag.key.decode(), tag.value.decode());
    }
    for field in &point.fields {
        text += &format!(" {}=", field.key.decode());
        text += &match field.value {
            Value::Float(value) => format!("{value:?}"),
            Value::Integer(value) => format!("{value}i"),
            Value::Unsigned(value) => format!("{value}u"),
            Value::Boolean(value) => value.to_string(),
            Value::String(text) => format!("{:?}", text.decode()),
        };
    }
    point
        .timestamp
        .map_or(text.clone(), |ns| format!("{text} @{ns}"))
}
