//! Times how fast ten million rows become an answer.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a tool of tests"
)]

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use iql::answer::{Answer, Format, Head, Options, Times, Unit};
use iql::series::{ROWS_MAX, SeriesPart, Tags};

const ROWS: usize = 10_000_000;

fn main() {
    let plain = part(false);
    let wide = part(true);
    for (name, format) in [
        ("json", Format::Json),
        ("csv", Format::TextCsv),
        ("msgpack", Format::Msgpack),
    ] {
        let start = Instant::now();
        let bytes = write_series(Options {
            format,
            ..Options::default()
        });
        println!(
            "{name:8} a million series {:6.2} s, {:5.0} MB",
            start.elapsed().as_secs_f64(),
            bytes as f64 / 1e6,
        );
        for (times_name, times) in [
            ("usual", Times::Usual),
            ("ms", Times::Epoch(Unit::Millisecond)),
        ] {
            for (part_name, part) in [("time, float", &plain), ("time, float, text, int", &wide)] {
                for zone in [None, Some(chrono_tz::Europe::Berlin)] {
                    if zone.is_some() && (times != Times::Usual || format != Format::Json) {
                        continue;
                    }
                    let options = Options {
                        format,
                        times,
                        ..Options::default()
                    };
                    let start = Instant::now();
                    let bytes = write(options, zone, part);
                    let seconds = start.elapsed().as_secs_f64();
                    println!(
                        "{name:8} {times_name:6} {part_name:23} zone {:5} {seconds:6.2} s, {:5.0} MB, {:4.0} ns per row",
                        zone.is_some(),
                        bytes as f64 / 1e6,
                        seconds * 1e9 / ROWS as f64,
                    );
                }
            }
        }
    }
}

/// Writes a million series of one row each.
fn write_series(options: Options) -> usize {
    let mut part = part(false);
    part.rows = part.rows.slice(0, 1);
    let mut out = Vec::new();
    let mut bytes = 0;
    let mut answer = Answer::new(options, 1);
    answer.start(Head {
        timed: true,
        ..Head::default()
    });
    for series in 0..1_000_000 {
        part.tags = Some(Tags::new([("hostname", format!("host_{series}").as_str())]));
        answer.part(&part, &mut out).unwrap();
        if out.len() > 1 << 20 {
            bytes += out.len();
            out.clear();
        }
    }
    answer.end(Ok(()), &mut out);
    answer.finish(&mut out);
    bytes + out.len()
}

fn write(options: Options, zone: Option<chrono_tz::Tz>, part: &SeriesPart) -> usize {
    let mut out = Vec::new();
    let mut bytes = 0;
    let mut answer = Answer::new(options, 1);
    answer.start(Head {
        timed: true,
        zone,
        messages: Vec::new(),
    });
    for _ in 0..ROWS / ROWS_MAX {
        answer.part(part, &mut out).unwrap();
        bytes += out.len();
        out.clear();
    }
    answer.end(Ok(()), &mut out);
    answer.finish(&mut out);
    bytes + out.len()
}

fn part(wide: bool) -> SeriesPart {
    let rows = 0..i64::try_from(ROWS_MAX).unwrap();
    let time = |row| 1_700_000_000_000_000_000 + row * 10_000_000_000 + 123_000_000;
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.clone().map(time))),
        Arc::new(Float64Array::from_iter_values(
            rows.clone().map(|row| (row * 7 % 1000) as f64 * 1.37),
        )),
    ];
    let mut types = vec![DataType::Int64, DataType::Float64];
    let mut columns = vec!["time".to_owned(), "usage_user".to_owned()];
    if wide {
        arrays.push(Arc::new(StringArray::from_iter_values(
            rows.clone().map(|row| format!("host_{row}")),
        )));
        arrays.push(Arc::new(Int64Array::from_iter_values(rows)));
        types.extend([DataType::Utf8, DataType::Int64]);
        columns.extend(["host".to_owned(), "n".to_owned()]);
    }
    let fields: Vec<_> = types
        .into_iter()
        .map(|data_type| Field::new("", data_type, true))
        .collect();
    SeriesPart {
        name: "cpu".into(),
        tags: Some(Tags::new([("hostname", "host_1")])),
        columns: columns.into(),
        rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap(),
    }
}
