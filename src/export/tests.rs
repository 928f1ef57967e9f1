mod csv;
mod lake;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType};
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use futures_core::Stream;

use super::{ExportError, ExportQuery, Exporter, Format, Options};
use crate::buffer::{Buffer, BufferLimits};
use crate::catalog::Bucket;
use crate::clock::Clock;
use crate::columnar::{Batch, BatchBuilder, FieldValue};
use crate::id::{BucketId, Sequence};
use crate::memory::{Budget, Marks};
use crate::read::{Lake, ReadError, Sources};

const NOW_NS: i64 = 1_000_000;

struct World {
    buffer: Buffer,
    budget: Budget,
    sources: Sources,
    exporter: Exporter,
    bucket: Bucket,
    sequence: std::cell::Cell<u64>,
}

impl World {
    /// With `segment_bytes_max` of 1 every batch becomes a segment of its own.
    fn new(segment_bytes_max: u64, line_bytes_max: usize) -> Self {
        Self::over(None, segment_bytes_max, line_bytes_max)
    }

    fn over(lake: Option<Arc<dyn Lake>>, segment_bytes_max: u64, line_bytes_max: usize) -> Self {
        let buffer = Buffer::new(BufferLimits { segment_bytes_max });
        let marks = Marks {
            budget_bytes: 1 << 30,
            soft_bytes: 1 << 30,
            hard_bytes: 1 << 30,
        };
        let budget = Budget::new(marks);
        let options = Options {
            concurrent_max: 2,
            rate_bytes_min: 1024,
            line_bytes_max,
        };
        let clock = Clock::manual(NOW_NS);
        let sources = Sources {
            buffer: buffer.clone(),
            lake,
            budget: budget.clone(),
        };
        let exporter = Exporter::new(sources.clone(), clock, options);
        let (id, name) = (BucketId(1), "b".to_owned());
        let bucket = Bucket {
            id,
            name,
            retention_ns: None,
            created_ns: 0,
        };
        Self {
            buffer,
            budget,
            sources,
            exporter,
            bucket,
            sequence: 0.into(),
        }
    }

    fn apply(&self, batch: &Batch) {
        self.sequence.set(self.sequence.get() + 1);
        let reservation = self.budget.force(Buffer::apply_bytes_max(batch));
        self.buffer.apply(
            self.bucket.id,
            Sequence(self.sequence.get()),
            batch,
            reservation,
        );
    }

    async fn export(&self, query: ExportQuery) -> Result<Vec<u8>, ExportError> {
        self.wait_until_idle().await;
        let mut pieces = std::pin::pin!(self.exporter.export(&self.bucket, query).await?);
        let mut all = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| pieces.as_mut().poll_next(cx)).await {
            let piece: Bytes = piece?;
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// The place of an export becomes free a moment after its end.
    async fn wait_until_idle(&self) {
        soon("no export runs", || self.exporter.exports_running() == 0).await;
    }

    async fn text(&self, start_ns: Option<i64>, end_ns: Option<i64>) -> String {
        let query = ExportQuery {
            measurement: None,
            start_ns,
            end_ns,
            format: Format::Lp,
        };
        String::from_utf8(self.export(query).await.expect("exports")).expect("text")
    }
}

/// Waits until something is true that other threads cause.
async fn soon(what: &str, is_so: impl Fn() -> bool) {
    let started = crate::clock::instant();
    while !is_so() {
        assert!(started.elapsed().as_secs() < 60, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

type Row<'a> = (
    &'a [(&'a str, &'a str)],
    i64,
    &'a [(&'a str, FieldValue<'a>)],
);

fn batch(measurement: &str, rows: &[Row<'_>]) -> Batch {
    let mut builder = BatchBuilder::new(measurement);
    for (tags, time_ns, fields) in rows {
        let series = builder.series(tags);
        let cells: Vec<_> = fields
            .iter()
            .map(|(name, value)| (builder.field_column(name, value.field_type()), *value))
            .collect();
        builder.push_row(series, *time_ns, &cells);
    }
    builder.finish()
}

use FieldValue::{Boolean, Float, Integer, String as Text, Unsigned};

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_by_measurement_day_tag_set_and_time_whatever_the_order_of_writing() {
    for segment_bytes_max in [1, 32 << 20] {
        let world = World::new(segment_bytes_max, 1000);
        world.apply(&batch("z", &[(&[], 1, &[("v", Float(1.0))])]));
        world.apply(&batch(
            "m",
            &[
                (&[("host", "b")], 2, &[("v", Float(2.0))]),
                (&[("host", "a"), ("rack", "1")], 9, &[("v", Float(9.0))]),
                (&[("host", "a")], 3, &[("v", Float(3.0))]),
            ],
        ));
        world.apply(&batch(
            "m",
            &[
                (&[], 7, &[("v", Float(7.0))]),
                (&[("host", "a")], -1, &[("v", Float(0.5))]),
            ],
        ));
        let expected = "m,host=a v=0.5 -1\nm v=7.0 7\nm,host=a v=3.0 3\nm,host=a,rack=1 v=9.0 9\nm,host=b v=2.0 2\nz v=1.0 1\n";
        assert_eq!(world.text(None, None).await, expected);
        let expected = "m v=7.0 7\nm,host=a v=3.0 3\n";
        assert_eq!(
            world.text(Some(3), Some(9)).await,
            expected,
            "start in, end out"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_points_each_field_keeps_its_last_written_value() {
    for segment_bytes_max in [1, 32 << 20] {
        let world = World::new(segment_bytes_max, 1000);
        world.apply(&batch(
            "m",
            &[
                (&[], 1, &[("a", Integer(1)), ("b", Integer(1))]),
                (&[], 1, &[("a", Integer(2))]),
            ],
        ));
        world.apply(&batch(
            "m",
            &[
                (&[], 1, &[("c", Text("x"))]),
                (&[], 2, &[("a", Integer(9))]),
            ],
        ));
        world.apply(&batch("m", &[(&[], 1, &[("a", Integer(3))])]));
        assert_eq!(
            world.text(None, None).await,
            "m a=3i,b=1i,c=\"x\" 1\nm a=9i 2\n"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_values_are_written_so_that_they_read_back() {
    let world = World::new(1, 1000);
    world.apply(&batch(
        "my table,=",
        &[(
            &[("k ,=", "v ,=\\")],
            5,
            &[
                ("f ,=", Text("say \"hi\"\\\nthere")),
                ("i", Integer(i64::MIN)),
                ("u", Unsigned(u64::MAX)),
                ("b", Boolean(true)),
                ("x", Float(-0.0)),
                ("y", Float(1e300)),
            ],
        )],
    ));
    let expected = "my\\ table\\,=,k\\ \\,\\==v\\ \\,\\=\\ b=true,f\\ \\,\\==\"say \\\"hi\\\"\\\\\nthere\",i=-9223372036854775808i,u=18446744073709551615u,x=-0.0,y=1e300 5\n";
    assert_eq!(world.text(None, None).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_longer_than_a_line_may_be_comes_as_several() {
    let world = World::new(1, 60);
    let long = "x".repeat(20);
    world.apply(&batch(
        "m",
        &[(
            &[],
            5,
            &[("a", Text(&long)), ("b", Text(&long)), ("c", Text("y"))],
        )],
    ));
    let expected = format!("m a=\"{long}\" 5\nm b=\"{long}\",c=\"y\" 5\n");
    assert_eq!(world.text(None, None).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_has_time_tags_and_fields_with_their_kinds_in_the_metadata() {
    let world = World::new(1, 1000);
    world.apply(&batch("m", &[(&[("t", "b")], 2, &[("u", Unsigned(7))])]));
    world.apply(&batch(
        "m",
        &[(&[("t", "a")], 1, &[("b", Boolean(true)), ("s", Text(""))])],
    ));
    let query = ExportQuery {
        measurement: Some("m".into()),
        start_ns: None,
        end_ns: None,
        format: Format::Arrow,
    };
    let bytes = world.export(query).await.expect("exports");
    let mut stream = StreamReader::try_new(bytes.as_slice(), None).expect("a stream");
    let schema = stream.schema();
    let kinds: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| {
            format!(
                "{} {} {}",
                f.name(),
                f.data_type(),
                f.metadata()["iox::column::type"]
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "time Timestamp(ns, \"UTC\") iox::column_type::timestamp",
            "t Dictionary(Int32, Utf8) iox::column_type::tag",
            "b Boolean iox::column_type::field::boolean",
            "s Utf8 iox::column_type::field::string",
            "u UInt64 iox::column_type::field::uinteger",
        ]
    );
    let rows = stream.next().expect("one batch").expect("whole");
    assert!(stream.next().is_none());
    assert_eq!(
        rows.column(0)
            .as_primitive::<TimestampNanosecondType>()
            .values(),
        &[1, 2]
    );
    let tags = rows.column(1).as_dictionary::<Int32Type>();
    let tags = tags
        .downcast_dict::<arrow_array::StringArray>()
        .expect("strings");
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [Some("a"), Some("b")]);
    let strings: Vec<_> = rows.column(3).as_string::<i32>().iter().collect();
    assert_eq!(strings, [Some(""), None], "an empty string is not absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_come_in_several_batches_with_nothing_lost() {
    let world = World::new(256 << 10, 1000);
    for part in 0..10 {
        let mut builder = BatchBuilder::new("m");
        let v = builder.field_column("v", crate::columnar::FieldType::Integer);
        for n in 0..3000_i64 {
            let host = format!("h{}", n % 7);
            let series = builder.series(&[("host", &host)]);
            builder.push_row(series, n * 10 + part, &[(v, Integer(n))]);
        }
        world.apply(&builder.finish());
    }
    let text = world.text(None, None).await;
    assert_eq!(text.lines().count(), 30_000);
    let key = |line: &str| {
        let (series, rest) = line.split_once(' ').expect("fields");
        let time: i64 = rest
            .rsplit_once(' ')
            .expect("a time")
            .1
            .parse()
            .expect("a number");
        (series.to_owned(), time)
    };
    let keys: Vec<_> = text.lines().map(key).collect();
    assert!(keys.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_points_are_not_seen() {
    let mut world = World::new(1, 1000);
    world.bucket.retention_ns = Some(100);
    world.apply(&batch(
        "m",
        &[
            (&[], NOW_NS - 101, &[("v", Integer(1))]),
            (&[], NOW_NS - 100, &[("v", Integer(2))]),
        ],
    ));
    assert_eq!(
        world.text(None, None).await,
        format!("m v=2i {}\n", NOW_NS - 100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_said() {
    let world = World::new(1, 1000);
    world.apply(&batch("m", &[(&[], 1, &[("v", Integer(1))])]));
    let before = world.budget.used_bytes();
    let query = |measurement: Option<&str>, format| ExportQuery {
        measurement: measurement.map(str::to_owned),
        start_ns: None,
        end_ns: None,
        format,
    };
    let refused = async |query| {
        let started = world.exporter.export(&world.bucket, query).await;
        started.expect_err("at once").to_string()
    };
    assert_eq!(
        refused(query(Some("x"), Format::Lp)).await,
        "measurement \"x\" not found"
    );
    assert_eq!(
        refused(query(None, Format::Arrow)).await,
        "format arrow needs one measurement: add measurement=NAME"
    );
    world.wait_until_idle().await;
    let held: Vec<_> = (0..2).map(|_| world.exporter.places_for_tests()).collect();
    assert_eq!(
        refused(query(None, Format::Lp)).await,
        "2 exports are running already (export.concurrent_max)"
    );
    drop(held);
    assert_eq!(world.text(None, None).await, "m v=1i 1\n");
    // The times of its only part stay with the frozen segment.
    let before = before + 16;
    soon("all is given back", || world.budget.used_bytes() == before).await;
    let all = world
        .budget
        .try_reserve(world.budget.marks().hard_bytes - before)
        .expect("fits");
    let refused = world
        .exporter
        .export(&world.bucket, query(None, Format::Lp));
    let refused = refused.await.expect_err("no memory");
    assert!(
        matches!(refused, ExportError::Read(ReadError::Exhausted(_))),
        "{refused}"
    );
    drop(all);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_given_back_after_an_export() {
    let world = World::new(32 << 20, 1000);
    world.apply(&batch("m", &[(&[], 1, &[("v", Integer(1))])]));
    let before = world.budget.used_bytes();
    world.text(None, None).await;
    soon("all is given back", || world.budget.used_bytes() == before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_columns_that_few_rows_have_are_written_like_any_others() {
    for segment_bytes_max in [1, 20_000, 32 << 20] {
        let world = World::new(segment_bytes_max, 10_000);
        let mut expected: BTreeMap<(String, i64), BTreeMap<String, i64>> = BTreeMap::new();
        // Points are written again with other fields and other values; every second one has
        // `dense`.
        for number in 0..1200_i64 {
            let (time, host) = (number % 500, format!("h{}", number % 3));
            let names = (0..number % 4).map(|n| format!("f{:02}", (number * 7 + n * 13) % 60));
            let mut fields: BTreeMap<String, i64> = names.map(|name| (name, number)).collect();
            if number % 2 == 0 || fields.is_empty() {
                fields.insert("dense".to_owned(), number);
            }
            let cells: Vec<_> = fields
                .iter()
                .map(|(name, n)| (&**name, Integer(*n)))
                .collect();
            world.apply(&batch("m", &[(&[("host", &host)], time, &cells)]));
            expected.entry((host, time)).or_default().extend(fields);
        }
        let mut lines = String::new();
        for ((host, time), fields) in &expected {
            let fields = fields.iter().map(|(name, n)| format!("{name}={n}i"));
            let fields = fields.collect::<Vec<_>>().join(",");
            lines += &format!("m,host={host} {fields} {time}\n");
        }
        assert!(world.text(None, None).await == lines, "{segment_bytes_max}");
    }
}
