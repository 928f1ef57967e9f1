//! What the scratch takes is estimated line by line, and the estimate holds. The bodies are from bugs: each
//! took more than was estimated, once eight times as much.

use std::fmt::Write as _;

use super::RULES;
use crate::ingest::rules::{Limits, LineRules};
use crate::ingest::scratch::{Origin, Scratch};
use crate::line_protocol::{Parser, Point, Precision};

const LARGE: LineRules = LineRules {
    limits: Limits {
        point_bytes_max: 1 << 20,
        string_bytes_max: 1 << 16,
        name_bytes_max: 10_000,
        tag_value_bytes_max: 10_000,
        columns_max: 1000,
        tables_max: 10_000,
        ..RULES.limits
    },
    oldest_ns: None,
    default_ns: 1000,
};

/// Checks the estimate after each line, of both kinds: those that are stored, and those that are not.
fn assert_estimated(name: &str, body: &str) {
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    let (mut scratch, mut point) = (Scratch::new(LARGE), Point::default());
    let mut lines = 0;
    while let Some(read) = parser.next_point(&mut point) {
        read.expect("a good line");
        let origin = Origin {
            line: point.line,
            offset: 0,
            dropped: false,
        };
        let _ = scratch.push(&point, origin, 1);
        lines += 1;
        let (estimate, heap) = (scratch.bytes(), scratch.heap_bytes());
        assert!(
            estimate >= heap,
            "{name}: {heap} bytes after {lines} lines, estimated {estimate}"
        );
    }
    assert!(lines > 0, "{name} has lines");
}

/// A body of lines made from their numbers.
fn body(count: usize, line: impl Fn(usize) -> String) -> String {
    let mut body = String::new();
    for number in 0..count {
        let _ = writeln!(body, "{}", line(number));
    }
    body
}

/// `name0=value,name1=value`
fn list(name: &str, numbers: std::ops::Range<usize>, value: &str) -> String {
    let parts: Vec<String> = numbers
        .map(|part| format!("{name}{part}={value}"))
        .collect();
    parts.join(",")
}

/// Measurements, tags and series.
fn of_series() -> Vec<(&'static str, String)> {
    vec![
        ("a lone line", body(1, |_| "m f=1".to_owned())),
        ("many rows", body(4097, |row| format!("m f=1 {row}"))),
        (
            "fields in turns",
            body(4097, |row| format!("m f{}=1 {row}", row % 2)),
        ),
        (
            "many measurements",
            body(1025, |row| format!("m{row},a=b f=1")),
        ),
        (
            "series with many tags",
            body(1025, |row| {
                format!("m,{} f=1", list("t", 0..40, &row.to_string()))
            }),
        ),
        (
            "long tags",
            body(257, |row| format!("m,t={}{row} f=1", "x".repeat(3000))),
        ),
        (
            "a new tag each",
            body(1025, |row| format!("m,t{row}=1 f=1")),
        ),
        (
            "new tags each",
            body(257, |row| {
                format!("m,{} f=1", list("t", 20 * row..20 * row + 20, "1"))
            }),
        ),
        (
            "new tags with escapes",
            body(257, |row| {
                format!("m,{} f=1", list("t\\ ", 20 * row..20 * row + 20, "\\="))
            }),
        ),
    ]
}

/// Names of fields, and values.
fn of_fields() -> Vec<(&'static str, String)> {
    vec![
        (
            "all types",
            body(5 * 513, |row| {
                let value = ["1", "1i", "1u", "t", "\"a\""][row % 5];
                format!("m f{}={value}", row / 5)
            }),
        ),
        (
            "long names",
            body(257, |row| format!("m {}{row}=1", "n".repeat(5000))),
        ),
        (
            "new names in rejected lines",
            body(257, |row| {
                format!("m {},x=1,x=1i", list("f", 20 * row..20 * row + 20, "1"))
            }),
        ),
        (
            "strings",
            body(1025, |row| format!("m f=\"{}\" {row}", "s".repeat(row))),
        ),
        (
            "escaped strings",
            body(1025, |row| format!("m f=\"\\\"{}\" {row}", "s".repeat(row))),
        ),
        (
            "wide",
            body(3, |row| {
                format!("m {}", list(&format!("f{row}_"), 0..1000, "1"))
            }),
        ),
    ]
}

#[test]
fn what_lines_take_is_never_more_than_estimated() {
    for (name, body) in of_series().iter().chain(&of_fields()) {
        assert_estimated(name, body);
    }
}
