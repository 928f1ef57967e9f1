//! A line that repeats the one before is put into columns by a shorter way. It has to end there as if it
//! came alone, and to be rejected for the same reason.

mod memory;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Origin, Scratch, TableRows};
use crate::ingest::rules::{Limits, LineRules};
use crate::line_protocol::{Parser, Point, Precision};

/// Rules that some of the lines break.
const RULES: LineRules = LineRules {
    limits: Limits {
        point_bytes_max: 90,
        string_bytes_max: 12,
        name_bytes_max: 10,
        tag_value_bytes_max: 8,
        columns_max: 100,
        tables_max: 100,
        series_max: 100,
        schema_bytes_max: 1 << 20,
        integer_into_float: false,
        schemas_bytes_max: 1 << 20,
    },
    oldest_ns: Some(100),
    default_ns: 1000,
};

/// The rows and rejections of `lines`, by their numbers.
fn pushed(lines: &[(u32, &str)]) -> Vec<(u32, String)> {
    let body: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    let (mut scratch, mut point) = (Scratch::new(RULES), Point::default());
    let mut results = Vec::new();
    for (line, text) in lines {
        let parsed = parser.next_point(&mut point);
        assert_eq!(parsed, Some(Ok(())), "{text}");
        let origin = Origin {
            line: *line,
            offset: 0,
            dropped: false,
        };
        match scratch.push(&point, origin, text.len()) {
            Ok(None) => {}
            other => results.push((*line, format!("{other:?}"))),
        }
    }
    for table in scratch.finish() {
        results.extend(rows(&table));
    }
    results.sort();
    results
}

fn rows(table: &TableRows) -> Vec<(u32, String)> {
    let batch = &table.batch;
    let series = batch.series_of_rows().iter().zip(batch.times());
    let numbered = table.origins.iter().zip(series).enumerate();
    let row = |(row, (origin, (series, time))): (usize, (&Origin, (&u32, &i64)))| {
        let tags: Vec<_> = batch.series_tags(*series).collect();
        let mut fields: Vec<String> = batch
            .fields()
            .iter()
            .filter_map(|field| Some(format!("{}={:?}", field.name(), field.value(row)?)))
            .collect();
        fields.sort();
        let text = format!("{} {tags:?} {fields:?} {time}", batch.measurement());
        (origin.line, format!("{text} {}", origin.dropped))
    };
    numbered.map(row).collect()
}

/// Lines of two measurements, whose fields may come twice, be dropped or be too long.
fn line() -> impl Strategy<Value = String> {
    const MEASUREMENTS: &[&str] = &["m", "m", "n"];
    const TAGS: &[&str] = &[
        "",
        ",a=1",
        ",a=2",
        ",a=1,b=2",
        ",b=2,a=1",
        ",b=3,a=1",
        r",a=x\ y",
        ",c=1,b=2",
        ",time=1",
        ",a=toolongvalue",
    ];
    const KEYS: &[&str] = &["f", "f", "g", "h", "time", r"k\,k", "averylongkey"];
    const VALUES: &[&str] = &[
        "1",
        "2.5",
        "3i",
        "4u",
        "t",
        "\"text\"",
        "\"a \\\"text\\\"\"",
        "\"a text that is long\"",
    ];
    const TIMES: &[&str] = &["", " 50", " 100", " 200"];
    let field = (select(KEYS), select(VALUES)).prop_map(|(key, value)| format!("{key}={value}"));
    let parts = (
        select(MEASUREMENTS),
        select(TAGS),
        vec(field, 1..4),
        select(TIMES),
    );
    parts.prop_map(|(measurement, tags, fields, time)| {
        format!("{measurement}{tags} {}{time}", fields.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn lines_that_repeat_each_other_end_as_if_each_came_alone(
        lines in vec(line(), 1..4).prop_flat_map(|lines| vec(select(lines), 2..12)),
        others in vec((any::<prop::sample::Index>(), select(&["1", "2i", "\"x\""][..])), 0..4),
    ) {
        let mut lines = lines;
        for (place, value) in others {
            // The same fields with a value of another type.
            let line = place.get_mut(&mut lines);
            *line = line.replacen("f=1", &format!("f={value}"), 1);
        }
        let numbered: Vec<(u32, &str)> = (1..).zip(lines.iter().map(String::as_str)).collect();
        let alone: Vec<_> = numbered.iter().flat_map(|line| pushed(&[*line])).collect();
        prop_assert_eq!(pushed(&numbered), alone, "{:?}", lines);
    }
}
