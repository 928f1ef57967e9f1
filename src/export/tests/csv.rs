//! CSV: the exact bytes, and what a CSV reader makes of them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Boolean, Float, Format, Integer, Row, Text, Unsigned, World, batch};
use crate::columnar::FieldValue;
use crate::export::{ExportError, ExportQuery};

fn query(measurement: Option<&str>) -> ExportQuery {
    ExportQuery {
        measurement: measurement.map(str::to_owned),
        start_ns: None,
        end_ns: None,
        format: Format::Csv,
    }
}

async fn csv(world: &World) -> String {
    let bytes = world.export(query(Some("m"))).await.expect("exports");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_and_empty_differ_and_only_what_needs_quotes_has_them() {
    let world = World::new(1, 1000);
    let rows: &[Row<'_>] = &[
        (
            &[("t", "a,b"), ("u", "x")],
            1,
            &[("s", Text("")), ("f", Float(-0.0))],
        ),
        (
            &[("t", "a,b"), ("u", "x")],
            2,
            &[("s", Text("say \"hi\"\r\nthere"))],
        ),
        (
            &[("u", "é")],
            3,
            &[("n", Unsigned(u64::MAX)), ("f", Float(5e-324))],
        ),
        (
            &[],
            -4,
            &[
                ("b", Boolean(true)),
                ("i", Integer(i64::MIN)),
                ("f", Float(1e300)),
            ],
        ),
        (&[], 5, &[("a \"b\",", Text(" plain "))]),
    ];
    world.apply(&batch("m", rows));
    let expected = "time,t,u,\"a \"\"b\"\",\",b,f,i,n,s\r\n\
                    -4,,,,true,1e300,-9223372036854775808,,\r\n\
                    5,,, plain ,,,,,\r\n\
                    3,,é,,,5e-324,,18446744073709551615,\r\n\
                    1,\"a,b\",x,,,-0.0,,,\"\"\r\n\
                    2,\"a,b\",x,,,,,,\"say \"\"hi\"\"\r\nthere\"\r\n";
    assert_eq!(csv(&world).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rows_in_the_range_is_a_header_and_csv_is_of_one_table() {
    let world = World::new(1, 1000);
    world.apply(&batch("m", &[(&[("t", "a")], 1, &[("f", Integer(1))])]));
    let none = ExportQuery {
        start_ns: Some(2),
        ..query(Some("m"))
    };
    assert_eq!(world.export(none).await.expect("exports"), b"time,t,f\r\n");
    let refused = world.export(query(None)).await.expect_err("which one?");
    assert!(matches!(
        refused,
        ExportError::MeasurementRequired { format: "csv" }
    ));
}

#[derive(Clone, Debug)]
enum Value {
    Float(f64),
    Integer(i64),
    Text(String),
}

type Line = (Option<f64>, Option<i64>, Option<String>, Option<String>);

fn line() -> impl Strategy<Value = Line> {
    let float = any::<f64>().prop_filter("finite", |value| value.is_finite());
    let text = prop_oneof!["[\"\r\n, ab]{0,5}", "\\PC{0,5}"];
    let tag = "[\"\r, ab]{1,4}".prop_filter("a tag", |tag| !tag.is_empty());
    (
        option::of(float),
        option::of(any::<i64>()),
        option::of(text),
        option::of(tag),
    )
}

fn values(line: &Line) -> Vec<(&'static str, Value)> {
    let (float, integer, text, _) = line;
    let float = float.map(|value| ("f", Value::Float(value)));
    let integer = integer.map(|value| ("i", Value::Integer(value)));
    let text = text.clone().map(|value| ("s", Value::Text(value)));
    [float, integer, text].into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_a_reader_of_csv_finds_is_what_was_stored(lines in vec(line(), 1..20)) {
        let world = World::new(1, 1000);
        for (time, line) in (0_i64..).zip(&lines) {
            let values = values(line);
            let fields: Vec<(&str, FieldValue<'_>)> = values
                .iter()
                .map(|(name, value)| (*name, match value {
                    Value::Float(value) => Float(*value),
                    Value::Integer(value) => Integer(*value),
                    Value::Text(value) => Text(value),
                }))
                .chain([("always", Boolean(true))])
                .collect();
            let tag = line.3.as_deref();
            let tags: Vec<(&str, &str)> = tag.into_iter().map(|tag| ("t", tag)).collect();
            world.apply(&batch("m", &[(&tags, time, &fields)]));
        }
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let text = runtime.block_on(csv(&world));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let mut found = vec![None; lines.len()];
        for record in reader.records() {
            let record = record.expect("a record");
            let time: usize = record[0].parse().expect("a time");
            let cell = |name: &str| {
                let place = header.iter().position(|key| key == name);
                place.map_or("", |place| &record[place]).to_owned()
            };
            found[time] = Some((cell("f"), cell("i"), cell("s"), cell("t")));
        }
        for (line, found) in lines.iter().zip(found) {
            let (float, integer, text, tag) = found.expect("every row is there");
            prop_assert_eq!(float.parse().ok().map(f64::to_bits), line.0.map(f64::to_bits));
            prop_assert_eq!(integer.parse().ok(), line.1);
            prop_assert_eq!(text, line.2.clone().unwrap_or_default());
            prop_assert_eq!(tag, line.3.clone().unwrap_or_default());
        }
    }
}
