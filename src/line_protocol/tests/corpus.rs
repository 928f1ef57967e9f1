//! Every available decode case of InfluxData's line-protocol-corpus.

use std::fs::read_to_string;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::line_protocol::{Parser, Point, Precision, Value};

/// The number of decode cases in the part of the corpus that tests run with.
const CASES: usize = 4006;

/// The places where the corpus may be, relative to the project. It is read there, never copied.
const PLACES: [&str; 2] = ["../shared", "../../shared"];

pub(super) fn corpus() -> Option<Json> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = PLACES.iter().find_map(|place| {
        read_to_string(project.join(place).join("corpus/line-protocol-corpus.json")).ok()
    })?;
    Some(serde_json::from_str(&text).expect("the corpus is JSON"))
}

pub(super) fn input(case: &Json) -> Vec<u8> {
    match &case["input"]["text"] {
        Json::String(text) => text.clone().into_bytes(),
        binary => STANDARD.decode(binary["binary"].as_str().unwrap()).unwrap(),
    }
}

pub(super) fn precision(case: &Json) -> Precision {
    match case["input"]["precision"].as_str().unwrap() {
        "1ns" => Precision::Nanosecond,
        "1µs" => Precision::Microsecond,
        "1ms" => Precision::Millisecond,
        "1s" => Precision::Second,
        other => panic!("unknown precision {other}"),
    }
}

/// All points of a case in the corpus's form, or nothing if any line is bad.
fn decode(body: &[u8], precision: Precision, default_ns: i64) -> Option<Vec<Json>> {
    let mut parser = Parser::new(body, precision);
    let mut point = Point::default();
    let mut points = Vec::new();
    while let Some(read) = parser.next_point(&mut point) {
        read.ok()?;
        let mut tags: Vec<_> = point
            .tags
            .iter()
            .map(|tag| (tag.key.decode(), tag.value.decode()))
            .collect();
        tags.sort();
        let tags: Vec<Json> = tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        let fields: Vec<Json> = point
            .fields
            .iter()
            .map(|field| json!({"key": field.key.decode(), "value": value(field.value)}))
            .collect();
        let time = point
            .timestamp
            .unwrap_or_else(|| precision.truncate(default_ns));
        points.push(json!({
            "name": point.measurement.decode(), "tags": tags, "fields": fields, "time": time,
        }));
    }
    Some(points)
}

fn value(value: Value<'_>) -> Json {
    match value {
        Value::Float(value) => json!({"float": value}),
        Value::Integer(value) => json!({"int": value}),
        Value::Unsigned(value) => json!({"uint": value}),
        Value::Boolean(value) => json!({"bool": value}),
        Value::String(text) => json!({"string": text.decode()}),
    }
}

/// Floats are compared by value: the corpus writes 1 where we have 1.0.
fn same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(key, ours)| match (key.as_str(), &theirs.get(key)) {
                        ("float", Some(theirs)) => ours.as_f64() == theirs.as_f64(),
                        (_, Some(theirs)) => same(ours, theirs),
                        (_, None) => false,
                    })
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        _ => ours == theirs,
    }
}

#[test]
fn every_decode_case_of_the_corpus_agrees() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no line-protocol-corpus.json in {PLACES:?} beside the project");
        return;
    };
    let cases = corpus["decode"].as_object().unwrap();
    assert_eq!(cases.len(), CASES);
    for (id, case) in cases {
        let default_ns = case["input"]["defaultTime"].as_i64().unwrap();
        let ours = decode(&input(case), precision(case), default_ns);
        match (ours, case["output"].get("result")) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => {
                let ours = Json::Array(ours);
                assert!(same(&ours, theirs), "case {id}: {ours} is not {theirs}");
            }
            (ours, theirs) => panic!("case {id}: {ours:?} is not {theirs:?}"),
        }
    }
}
