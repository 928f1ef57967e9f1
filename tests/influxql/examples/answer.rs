//! Writes the answers that a comparison with 1.x asks for: a request in JSON per line of the input,
//! the bytes of the body in hexadecimal per line of the output.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "a tool of tests"
)]

use std::io::BufRead;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
};
use arrow_schema::{Field, Schema};
use iql::answer::{Answer, Format, Head, Options, Times, Unit};
use iql::series::{SeriesPart, Tags};
use serde_json::Value;

fn main() {
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let body = answer(&request);
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{hex}");
    }
}

fn answer(request: &Value) -> Vec<u8> {
    let epoch = request["epoch"].as_str();
    let options = Options {
        format: Format::accepted(request["accept"].as_str()),
        pretty: request["pretty"] == true,
        times: epoch.map_or(Times::Usual, |word| Times::Epoch(Unit::of_epoch(word))),
        chunk_rows: request["chunk_rows"]
            .as_u64()
            .and_then(|rows| NonZeroUsize::new(rows.try_into().unwrap())),
    };
    let part_rows = request["part_rows"].as_u64().unwrap().try_into().unwrap();
    let statements = request["statements"].as_array().unwrap();
    let mut out = Vec::new();
    let mut answer = Answer::new(options, statements.len());
    for statement in statements {
        answer.start(Head {
            timed: statement["timed"] == true,
            zone: statement["zone"].as_str().map(|zone| zone.parse().unwrap()),
            messages: Vec::new(),
        });
        for series in statement["series"].as_array().unwrap() {
            for part in parts(series, part_rows) {
                answer.part(&part, &mut out).unwrap();
            }
        }
        answer.end(Ok(()), &mut out);
    }
    answer.finish(&mut out);
    out
}

fn parts(series: &Value, part_rows: usize) -> Vec<SeriesPart> {
    let columns = texts(&series["columns"]);
    let types = texts(&series["types"]);
    let tags = series["tags"].as_object().map(|tags| {
        Tags::new(
            tags.iter()
                .map(|(key, value)| (key.as_str(), value.as_str().unwrap())),
        )
    });
    let rows = series["values"].as_array().unwrap();
    let part = |rows: &[Value]| {
        let arrays: Vec<ArrayRef> = (0..columns.len())
            .map(|column| array(&types[column], rows, column))
            .collect();
        let fields = arrays
            .iter()
            .map(|array| Field::new("", array.data_type().clone(), true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        SeriesPart {
            name: series["name"].as_str().unwrap_or_default().into(),
            tags: tags.clone(),
            columns: columns.clone().into(),
            rows: RecordBatch::try_new(Arc::new(schema), arrays).unwrap(),
        }
    };
    rows.chunks(part_rows).map(part).collect()
}

fn array(kind: &str, rows: &[Value], column: usize) -> ArrayRef {
    let cells = rows.iter().map(|row| &row[column]);
    match kind {
        "float" => Arc::new(Float64Array::from_iter(cells.map(Value::as_f64))),
        "integer" => Arc::new(Int64Array::from_iter(cells.map(Value::as_i64))),
        "boolean" => Arc::new(BooleanArray::from_iter(cells.map(Value::as_bool))),
        "string" => Arc::new(StringArray::from_iter(cells.map(Value::as_str))),
        "null" => Arc::new(NullArray::new(rows.len())),
        other => panic!("no type: {other}"),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}
