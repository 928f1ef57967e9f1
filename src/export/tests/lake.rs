//! The lake beside the buffer, as an export sees both.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_ipc::reader::StreamReader;

use super::{Float, Integer, NOW_NS, Row, World, batch, soon};
use crate::columnar::{FieldType, Segment};
use crate::export::{ExportError, ExportQuery, Format};
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::Room;
use crate::merge::{Chunks, ChunksError, TimeRange, day_start_ns};
use crate::read::{DataFile, Extent, Lake, LakeError, ReadError, StoredColumns, TableFiles};

/// A lake of one table, `m`.
#[derive(Debug, Default)]
struct Fake {
    flushed: u64,
    fields: Vec<(Box<str>, FieldType)>,
    files: Vec<(i32, Arc<File>)>,
    is_down: bool,
}

#[derive(Debug)]
struct File {
    name: String,
    chunks: Vec<Arc<Segment>>,
    /// The first and the last time, if known without opening it.
    times: Option<(i64, i64)>,
    /// Files that are open now, and the most that ever were.
    open: Arc<(AtomicUsize, AtomicUsize)>,
    /// The error after the chunks, returned once.
    error: Mutex<Option<LakeError>>,
}

struct Opened {
    file: Arc<File>,
    next: usize,
}

impl Lake for Fake {
    fn measurements(&self, _: BucketId) -> Result<Vec<String>, LakeError> {
        match self.is_down {
            true => Err(LakeError::Unreachable("timeout".into())),
            false => Ok(vec!["m".to_owned()]),
        }
    }

    fn table(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError> {
        self.measurements(table.bucket)?;
        let mut days: BTreeMap<i32, Vec<Arc<dyn DataFile>>> = BTreeMap::new();
        for (day, file) in &self.files {
            days.entry(*day)
                .or_default()
                .push(Arc::new(Handle(Arc::clone(file))));
        }
        Ok((&*table.measurement == "m").then(|| TableFiles {
            columns: StoredColumns {
                flushed: Sequence(self.flushed),
                tags: vec!["t".into(), "gone".into()],
                fields: self.fields.clone(),
            },
            days,
        }))
    }
}

#[derive(Debug)]
struct Handle(Arc<File>);

impl DataFile for Handle {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn times(&self) -> (i64, i64) {
        self.0.times.unwrap_or((i64::MIN, i64::MAX))
    }

    fn rows(&self) -> Option<u64> {
        let rows = self.0.chunks.iter().map(|chunk| chunk.rows());
        u64::try_from(rows.sum::<usize>()).ok()
    }

    fn open(
        &self,
        _: TimeRange,
        _: Option<&HashSet<Box<str>>>,
        _: &Room,
        _: usize,
    ) -> Result<Box<dyn Chunks>, LakeError> {
        let (open, most) = &*self.0.open;
        let now = open.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(now, Ordering::Relaxed);
        let file = Arc::clone(&self.0);
        Ok(Box::new(Opened { file, next: 0 }))
    }
}

impl Chunks for Opened {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        self.next += 1;
        if let Some(chunk) = self.file.chunks.get(self.next - 1) {
            return Ok(Some(Arc::clone(chunk)));
        }
        let error = self.file.error.lock().expect("no panic").take();
        error.map_or(Ok(None), |error| Err(error.into()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.file.open.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Fake {
    fn file(&mut self, day: i32, chunks: &[&[Row<'_>]]) -> Arc<File> {
        let chunks = chunks
            .iter()
            .map(|rows| Arc::new(batch("m", rows).freeze()));
        let first = self.files.first();
        let file = Arc::new(File {
            name: format!("{}.parquet", self.files.len()),
            chunks: chunks.collect(),
            times: None,
            open: first
                .map(|(_, file)| Arc::clone(&file.open))
                .unwrap_or_default(),
            error: Mutex::default(),
        });
        self.files.push((day, Arc::clone(&file)));
        file
    }
}

const A: &[(&str, &str)] = &[("t", "a")];
const B: &[(&str, &str)] = &[("t", "b")];

fn csv() -> ExportQuery {
    ExportQuery {
        measurement: Some("m".to_owned()),
        start_ns: None,
        end_ns: None,
        format: Format::Csv,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_what_is_buffered_come_as_one_table_day_by_day() {
    let day = day_start_ns(1);
    let mut lake = Fake {
        flushed: 1,
        fields: vec![
            ("v".into(), FieldType::Integer),
            ("w".into(), FieldType::Float),
        ],
        ..Fake::default()
    };
    let first = lake.file(
        0,
        &[&[
            (A, 1, &[("v", Integer(1))]),
            (B, 1, &[("v", Integer(1)), ("w", Float(1.5))]),
        ]],
    );
    lake.file(
        0,
        &[
            &[(A, 1, &[("v", Integer(2))])],
            &[(B, 1, &[("v", Integer(2))])],
        ],
    );
    lake.file(1, &[&[(A, day, &[("v", Integer(3))])]]);
    let world = World::over(Some(Arc::new(lake)), 1, 1000);
    // It is flushed but still here, so it does not count.
    world.apply(&batch(
        "m",
        &[(B, 1, &[("v", Integer(7)), ("lost", Integer(7))])],
    ));
    world.apply(&batch(
        "m",
        &[
            (B, day + 1, &[("v", Integer(8))]),
            (B, 1, &[("v", Integer(9))]),
        ],
    ));
    world.apply(&batch("other", &[(&[], 5, &[("x", Integer(1))])]));
    let expected = "m,t=a v=2i 1\nm,t=b v=9i,w=1.5 1\nm,t=a v=3i 86400000000000\n\
                    m,t=b v=8i 86400000000001\nother x=1i 5\n";
    assert_eq!(world.text(None, None).await, expected);
    assert_eq!(
        world.text(Some(2), Some(day + 1)).await,
        "m,t=a v=3i 86400000000000\nother x=1i 5\n"
    );
    let bytes = world.export(csv()).await.expect("exports");
    let expected = "time,gone,t,v,w\r\n1,,a,2,\r\n1,,b,9,1.5\r\n";
    assert_eq!(&bytes[..expected.len()], expected.as_bytes());
    let (open, most) = &*first.open;
    let counts = (open.load(Ordering::Relaxed), most.load(Ordering::Relaxed));
    assert_eq!(
        counts,
        (0, 2),
        "the files of one day are open at once, and closed again"
    );
}

/// A field with two types, beside one with the name that the second column would get.
fn of_two_types() -> Fake {
    let mut lake = Fake {
        fields: vec![
            ("v".into(), FieldType::Integer),
            ("v".into(), FieldType::Float),
            ("v_float".into(), FieldType::Integer),
        ],
        ..Fake::default()
    };
    lake.file(
        0,
        &[&[
            (A, 1, &[("v", Integer(1))]),
            (A, 2, &[("v", Float(0.5)), ("v", Integer(5))]),
            (A, 3, &[("v", Float(1.5)), ("v_float", Integer(7))]),
        ]],
    );
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_a_second_type_stand_on_lines_of_their_own_and_are_told() {
    let world = World::over(Some(Arc::new(of_two_types())), 1, 1000);
    let told = |label| {
        format!(
            "# {label:?}: values of a further type of a field stand on lines of their own; a server \
             takes back only one type of a field\n"
        )
    };
    let expected = format!(
        "m,t=a v=1i 1\nm,t=a v=5i 2\n{}m,t=a v=0.5 2\nm,t=a v_float=7i 3\nm,t=a v=1.5 3\n",
        told("v (float)")
    );
    assert_eq!(world.text(None, None).await, expected);
    // The buffered values decide which type is the first.
    world.apply(&batch("m", &[(B, 9, &[("v", Float(2.5))])]));
    let expected = format!(
        "{}m,t=a v=1i 1\nm,t=a v=0.5 2\nm,t=a v=5i 2\nm,t=a v=1.5,v_float=7i 3\nm,t=b v=2.5 9\n",
        told("v (integer)")
    );
    assert_eq!(world.text(None, None).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_a_second_type_have_a_column_of_their_own() {
    let world = World::over(Some(Arc::new(of_two_types())), 1, 1000);
    let bytes = world.export(csv()).await.expect("exports");
    assert_eq!(
        String::from_utf8(bytes).expect("text"),
        "time,gone,t,v,v_float_2,v_float\r\n1,,a,1,,\r\n2,,a,5,0.5,\r\n3,,a,,1.5,7\r\n"
    );
    let query = ExportQuery {
        format: Format::Arrow,
        ..csv()
    };
    let bytes = world.export(query).await.expect("exports");
    let mut stream = StreamReader::try_new(bytes.as_slice(), None).expect("a stream");
    let rows = stream.next().expect("one batch").expect("whole");
    let second = rows.column_by_name("v_float_2").expect("a column");
    let second: Vec<Option<f64>> = second.as_primitive::<Float64Type>().iter().collect();
    assert_eq!(second, [None, Some(0.5), Some(1.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_points_in_files_are_not_seen() {
    let mut lake = Fake {
        fields: vec![("v".into(), FieldType::Integer)],
        ..Fake::default()
    };
    lake.file(-1, &[&[(A, -1, &[("v", Integer(1))])]]);
    let rows: &[Row<'_>] = &[
        (A, NOW_NS - 101, &[("v", Integer(1))]),
        (A, NOW_NS - 100, &[("v", Integer(2))]),
    ];
    lake.file(0, &[rows]);
    let mut world = World::over(Some(Arc::new(lake)), 1, 1000);
    world.bucket.retention_ns = Some(100);
    assert_eq!(world.text(None, None).await, "m,t=a v=2i 999900\n");
}

/// A file that is partly in range counts with all its rows, and hidden rows do not count.
#[test]
fn what_is_stored_before_a_time_is_counted_without_reading_files() {
    let mut lake = Fake {
        fields: vec![("v".into(), FieldType::Integer)],
        ..Fake::default()
    };
    let row = |time_ns| (A, time_ns, [("v", Integer(1))]);
    let rows = [row(NOW_NS - 50), row(NOW_NS - 40), row(NOW_NS - 5)];
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|(tags, at, v)| (*tags, *at, &v[..]))
        .collect();
    let file = lake.file(0, &[&rows]);
    drop(file);
    let (_, file) = lake.files.last_mut().expect("one");
    Arc::get_mut(file).expect("ours").times = Some((NOW_NS - 50, NOW_NS - 5));
    let world = World::over(Some(Arc::new(lake)), 1, 1000);
    let buffered = [row(NOW_NS - 60), row(NOW_NS - 20)];
    let buffered: Vec<Row<'_>> = buffered
        .iter()
        .map(|(tags, at, v)| (*tags, *at, &v[..]))
        .collect();
    world.apply(&batch("m", &buffered));
    let of = |start: i64, end: i64| {
        let range = TimeRange {
            start_ns: NOW_NS + start,
            end_ns: Some(NOW_NS + end),
        };
        let Extent {
            rows_max,
            first_ns,
            last_ns,
        } = Extent::of(&world.sources, world.bucket.id, range).expect("readable");
        let from_now = |ns: Option<i64>| ns.map(|ns| ns - NOW_NS);
        (rows_max, from_now(first_ns), from_now(last_ns))
    };
    assert_eq!(of(-1000, -60), (Some(0), None, None));
    assert_eq!(of(-1000, -59), (Some(1), Some(-60), Some(-60)));
    assert_eq!(of(-1000, -10), (Some(5), Some(-60), Some(-11)));
    assert_eq!(of(-30, -10), (Some(4), Some(-30), Some(-11)));
    assert_eq!(of(-30, -30), (Some(0), None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_fails_before_the_first_piece_is_an_error_and_no_cut() {
    let refused = async |lake: Fake| {
        let world = World::over(Some(Arc::new(lake)), 1, 1000);
        world.apply(&batch("m", &[(A, 1, &[("v", Integer(1))])]));
        let query = ExportQuery {
            measurement: None,
            format: Format::Lp,
            ..csv()
        };
        let started = world.exporter.export(&world.bucket, query).await;
        started.expect_err("not even begun")
    };
    let down = Fake {
        is_down: true,
        ..Fake::default()
    };
    let error = refused(down).await;
    assert!(
        matches!(
            error,
            ExportError::Read(ReadError::Lake(LakeError::Unreachable(_)))
        ),
        "{error}"
    );
    assert_eq!(error.to_string(), "the lake cannot be reached: timeout");

    let mut lake = Fake::default();
    let file = lake.file(0, &[]);
    *file.error.lock().expect("no panic") = Some(LakeError::Unreachable("reset".into()));
    let error = refused(lake).await;
    assert!(
        matches!(
            error,
            ExportError::Read(ReadError::Lake(LakeError::Unreachable(_)))
        ),
        "{error}"
    );

    let mut lake = Fake::default();
    lake.file(
        0,
        &[&[(B, 1, &[("v", Integer(1))]), (A, 1, &[("v", Integer(1))])]],
    );
    let error = refused(lake).await;
    assert!(
        error.to_string().starts_with("0.parquet is not sorted"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_holds_one_floor_however_many_files_a_day_has() {
    let mut lake = Fake {
        fields: vec![("v".into(), FieldType::Integer)],
        ..Fake::default()
    };
    for _ in 0..200 {
        lake.file(0, &[&[(A, 1, &[("v", Integer(1))])]]);
    }
    let world = World::over(Some(Arc::new(lake)), 1, 1000);
    let marks = world.budget.marks();
    let held = world.budget.try_reserve(marks.hard_bytes / 8 * 7);
    let before = world.budget.used_bytes();
    assert_eq!(world.text(None, None).await, "m,t=a v=1i 1\n");
    soon("all is given back", || world.budget.used_bytes() == before).await;
    let more = world
        .budget
        .try_reserve(1 << 20)
        .expect("the floor is free");
    let query = ExportQuery {
        format: Format::Lp,
        ..csv()
    };
    let refused = world.exporter.export(&world.bucket, query).await;
    let refused = refused.expect_err("no floor");
    assert!(
        matches!(&refused, ExportError::Read(ReadError::Exhausted(refused)) if refused.fits_when_idle()),
        "{refused}"
    );
    drop((held, more));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_a_time_in_range_are_not_opened() {
    let mut lake = Fake {
        fields: vec![("v".into(), FieldType::Integer)],
        ..Fake::default()
    };
    for time in [5, 500, 5000] {
        let file = lake.file(0, &[&[(A, time, &[("v", Integer(time))])]]);
        // If it were opened, it would end the export.
        *file.error.lock().expect("no panic") =
            (time == 500).then(|| LakeError::Unreachable("reset".into()));
        drop(file);
        let (day, file) = lake.files.pop().expect("just pushed");
        let file = Arc::into_inner(file).map(|file| File {
            times: Some((time, time)),
            ..file
        });
        lake.files.push((day, Arc::new(file.expect("one owner"))));
    }
    let world = World::over(Some(Arc::new(lake)), 1, 1000);
    assert_eq!(world.text(Some(0), Some(500)).await, "m,t=a v=5i 5\n");
    assert_eq!(world.text(Some(501), None).await, "m,t=a v=5000i 5000\n");
    assert_eq!(world.text(Some(5001), None).await, "");
}

/// From a review: two columns had the same name.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_a_field_on_another_node_has_two_columns_of_different_names() {
    let mut lake = Fake {
        fields: vec![("t".into(), FieldType::Integer)],
        ..Fake::default()
    };
    lake.file(0, &[&[(A, 1, &[("t", Integer(5))])]]);
    let world = World::over(Some(Arc::new(lake)), 1, 1000);
    let bytes = world.export(csv()).await.expect("exports");
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(text, "time,gone,t,t_integer\r\n1,,a,5\r\n");
    assert_eq!(world.text(None, None).await, "m,t=a t=5i 1\n");
}
