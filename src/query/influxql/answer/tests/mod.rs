//! Tests of answers. The bodies are those that InfluxDB 1.6.7 gave for the same points, unless a
//! test says otherwise.

mod chunks;
mod formats;
mod golden;
mod random;
mod request;
mod unpack;
mod values;

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_schema::{Field, Schema};

use super::{Answer, Format, Head, Options, Times, Unit};
use crate::influxql::series::{SeriesPart, Tags};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

/// A statement with its parts and how it ended.
struct Statement {
    head: Head,
    parts: Vec<SeriesPart>,
    outcome: Result<(), &'static str>,
}

fn integers<const N: usize>(values: [Option<i64>; N]) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

fn times<const N: usize>(values: [i64; N]) -> ArrayRef {
    integers(values.map(Some))
}

fn floats<const N: usize>(values: [Option<f64>; N]) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn texts<const N: usize>(values: [Option<&str>; N]) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn booleans<const N: usize>(values: [Option<bool>; N]) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values))
}

fn unsigned<const N: usize>(values: [Option<u64>; N]) -> ArrayRef {
    Arc::new(UInt64Array::from_iter(values))
}

fn part(
    name: &str,
    tags: Option<&[(&str, &str)]>,
    columns: &[&str],
    arrays: Vec<ArrayRef>,
) -> SeriesPart {
    let fields = arrays
        .iter()
        .map(|array| Field::new("", array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    SeriesPart {
        name: name.into(),
        tags: tags.map(|tags| Tags::new(tags.iter().copied())),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: RecordBatch::try_new(Arc::new(schema), arrays).unwrap(),
    }
}

fn head(timed: bool) -> Head {
    Head {
        timed,
        ..Head::default()
    }
}

/// A SELECT that ended well.
fn select(parts: Vec<SeriesPart>) -> Statement {
    Statement {
        head: head(true),
        parts,
        outcome: Ok(()),
    }
}

/// A SHOW that ended well.
fn show(parts: Vec<SeriesPart>) -> Statement {
    Statement {
        head: head(false),
        parts,
        outcome: Ok(()),
    }
}

fn failed(text: &'static str) -> Statement {
    Statement {
        head: head(true),
        parts: Vec::new(),
        outcome: Err(text),
    }
}

fn bytes(options: Options, count: usize, statements: &[Statement]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut answer = Answer::new(options, count);
    for statement in statements {
        answer.start(statement.head.clone());
        for part in &statement.parts {
            answer.part(part, &mut out).unwrap();
        }
        answer.end(statement.outcome, &mut out);
    }
    answer.finish(&mut out);
    out
}

fn body(options: Options, statements: &[Statement]) -> String {
    String::from_utf8(bytes(options, statements.len(), statements)).unwrap()
}

fn json() -> Options {
    Options::default()
}

fn csv() -> Options {
    Options {
        format: Format::TextCsv,
        ..json()
    }
}

fn msgpack() -> Options {
    Options {
        format: Format::Msgpack,
        ..json()
    }
}

fn epoch(options: Options, unit: Unit) -> Options {
    Options {
        times: Times::Epoch(unit),
        ..options
    }
}

fn chunked(options: Options, rows: usize) -> Options {
    Options {
        chunk_rows: NonZeroUsize::new(rows),
        ..options
    }
}

fn pretty() -> Options {
    Options {
        pretty: true,
        ..json()
    }
}
