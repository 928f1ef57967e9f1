//! The cost of a row in the log and in memory.

use super::codec::{decoded, encoded};
use crate::columnar::{BatchBuilder, FieldType, FieldValue};

/// Frame header, bucket id and number of batches: what the log adds to a lone batch.
const FRAME_BYTES: usize = 24;

const FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];

/// TSBS cpu-only: `hosts` hosts with ten tags take turns, every ten seconds.
fn tsbs(first_row: usize, rows: usize, hosts: usize) -> BatchBuilder {
    let mut builder = BatchBuilder::new("cpu");
    let columns = FIELDS.map(|name| builder.field_column(name, FieldType::Integer));
    for row in first_row..first_row + rows {
        let host = row % hosts;
        let names = [
            format!("x{}", host % 2),
            format!("eu-central-1{}", host % 3),
            format!("host_{host}"),
            format!("Ubuntu16.0{}", host % 3),
            format!("{}", host % 100),
            format!("eu-central-{}", host % 9),
            format!("{}", host % 20),
            format!("{}", host % 2),
            format!("test{}", host % 3),
            format!("LON{}", host % 4),
        ];
        let keys = [
            "arch",
            "datacenter",
            "hostname",
            "os",
            "rack",
            "region",
            "service",
            "service_environment",
            "service_version",
            "team",
        ];
        let tags: Vec<(&str, &str)> = keys.into_iter().zip(names.iter().map(|n| &**n)).collect();
        let series = builder.series(&tags);
        let time = 1_700_000_000_000_000_000 + i64::try_from(row / hosts).unwrap() * 10_000_000_000;
        let cells: Vec<_> = (0..)
            .zip(columns)
            .map(|(field, column)| {
                let value = (i64::try_from(row).unwrap() * 7 + field * 13) % 101;
                (column, FieldValue::Integer(value))
            })
            .collect();
        builder.push_row(series, time, &cells);
    }
    builder
}

#[test]
fn a_tsbs_row_takes_at_most_a_hundred_bytes_of_log() {
    for (rows, most) in [(2500, 45), (5000, 40)] {
        let batch = tsbs(0, rows, 4000).finish();
        let bytes = encoded(&batch);
        println!(
            "{rows} rows: {:.1} bytes a row of log",
            bytes.len() as f64 / rows as f64
        );
        assert!(
            bytes.len() <= most * rows,
            "{} bytes for {rows} rows",
            bytes.len()
        );
        assert_eq!(decoded(&bytes), batch);
    }
}

#[test]
fn a_tsbs_row_takes_little_more_memory_than_its_values() {
    let mut builder = BatchBuilder::new("cpu");
    for batch in 0..20 {
        builder.append(&tsbs(batch * 5000, 5000, 4000).finish());
    }
    let segment_bytes = builder.clone().freeze().heap_bytes();
    let row = |bytes: u64| bytes as f64 / 100_000.0;
    let (active, most) = (builder.heap_bytes(), builder.heap_bytes_max());
    println!(
        "bytes a row: frozen {:.1}, growing {:.1}, at most {:.1}",
        row(segment_bytes),
        row(active),
        row(most)
    );
    // Ten values, a time and a series are 92 bytes; 4000 series of ten tags are a few more.
    assert!(row(segment_bytes) < 96.0);
    assert!(row(most) < 200.0);
}

/// One point, its text, and how many numbers it holds that the text may have shorter. A time that
/// the text does not have (the server's) is one of them.
struct Lone<'a> {
    text: &'a str,
    tags: &'a [(&'a str, &'a str)],
    fields: &'a [(&'a str, FieldValue<'a>)],
    numbers: usize,
}

#[test]
fn a_lone_line_takes_little_more_than_its_text() {
    let cases = [
        Lone {
            text: "m f=1",
            tags: &[],
            fields: &[("f", FieldValue::Float(1.0))],
            numbers: 2,
        },
        Lone {
            text: "m f=0.1",
            tags: &[],
            fields: &[("f", FieldValue::Float(0.1))],
            numbers: 2,
        },
        Lone {
            text: "m f=t",
            tags: &[],
            fields: &[("f", FieldValue::Boolean(true))],
            numbers: 1,
        },
        Lone {
            text: "m f=\"\"",
            tags: &[],
            fields: &[("f", FieldValue::String(""))],
            numbers: 1,
        },
        Lone {
            text: "m f=-9223372036854775808i,u=18446744073709551615u",
            tags: &[],
            fields: &[
                ("f", FieldValue::Integer(i64::MIN)),
                ("u", FieldValue::Unsigned(u64::MAX)),
            ],
            numbers: 3,
        },
        Lone {
            text: "home,room=Living\\ Room,floor=1 temp=21.1,hum=35.9,co=0i,door=f,note=\"a b\" \
                   1641024000000000000",
            tags: &[("floor", "1"), ("room", "Living Room")],
            fields: &[
                ("temp", FieldValue::Float(21.1)),
                ("hum", FieldValue::Float(35.9)),
                ("co", FieldValue::Integer(0)),
                ("door", FieldValue::Boolean(false)),
                ("note", FieldValue::String("a b")),
            ],
            numbers: 3,
        },
    ];
    for Lone {
        text,
        tags,
        fields,
        numbers,
    } in cases
    {
        let mut builder = BatchBuilder::new(text.split([',', ' ']).next().unwrap());
        let series = builder.series(tags);
        let cells: Vec<_> = fields
            .iter()
            .map(|(name, value)| (builder.field_column(name, value.field_type()), *value))
            .collect();
        builder.push_row(series, 1_641_024_000_000_000_000, &cells);
        let bytes = encoded(builder.batch()).len() + FRAME_BYTES;
        println!("{bytes} bytes of log for {} of text: {text}", text.len());
        assert!(bytes <= text.len() + 32 + 8 * numbers, "{text}: {bytes}");
    }
}
