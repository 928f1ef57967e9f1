//! Any body is read to its end: no panic, every line once, and the same whether it is read at
//! once or from any place where the parser stood. What was read reads the same when written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::line_protocol::{Name, Parser, Point, Precision, Value};

fuzz_target!(|body: &[u8]| {
    let results = read(body);
    for (index, (offset, result)) in results.iter().enumerate() {
        assert!(*offset == body.len() || body[offset - 1] == b'\n');
        if let Ok(written) = result {
            let again = read(written.as_bytes());
            assert_eq!(again.len(), 1, "{written:?}");
            assert_eq!(again[0].1.as_ref(), Ok(written));
        }
        // A byte order mark is one at the start of a body only.
        let rest = &body[*offset..];
        if index % 4 == 0 && !rest.starts_with(b"\xef\xbb\xbf") {
            let rest: Vec<_> = read(rest).into_iter().map(|(_, result)| result).collect();
            assert!(rest.iter().eq(results[index + 1..].iter().map(|(_, result)| result)));
        }
    }
});

/// Returns the parser's place after each result, and the point written again or the error's text.
fn read(body: &[u8]) -> Vec<(usize, Result<String, String>)> {
    let mut parser = Parser::new(body, Precision::Nanosecond);
    let mut point = Point::default();
    let mut results = Vec::new();
    let mut line = 0;
    while let Some(read) = parser.next_point(&mut point) {
        let result = match read {
            Ok(()) => Ok(write(&point)),
            Err(error) => Err(format!("{}: {error}", error.column)),
        };
        let read_line = read.map_or_else(|error| error.line, |()| point.line);
        assert!(read_line > line);
        line = read_line;
        results.push((parser.offset(), result));
    }
    assert_eq!(parser.offset(), body.len());
    results
}

fn write(point: &Point<'_>) -> String {
    let mut text = escape(point.measurement, ", ");
    // A mark at the start of the body would be taken for one.
    if text.starts_with('\u{feff}') {
        text.insert(0, '\u{feff}');
    }
    for tag in &point.tags {
        text += &format!(",{}={}", escape(tag.key, ", ="), escape(tag.value, ", ="));
    }
    for (index, field) in point.fields.iter().enumerate() {
        text.push(if index == 0 { ' ' } else { ',' });
        text += &escape(field.key, ", =");
        text.push('=');
        text += &match field.value {
            Value::Float(value) => format!("{value:?}"),
            Value::Integer(value) => format!("{value}i"),
            Value::Unsigned(value) => format!("{value}u"),
            Value::Boolean(value) => value.to_string(),
            Value::String(text) => {
                format!("\"{}\"", text.decode().replace('\\', r"\\").replace('"', r#"\""#))
            }
        };
    }
    if let Some(ns) = point.timestamp {
        text += &format!(" {ns}");
    }
    text
}

/// The name as it has to be written, which is how it was written: there is only one way.
fn escape(name: Name<'_>, special: &str) -> String {
    let mut text = String::new();
    for character in name.decode().chars() {
        if special.contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    assert_eq!(text, name.raw());
    text
}
