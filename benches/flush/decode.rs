//! Our reading of a file, as compaction and exports do it, beside parquet's own reader as it comes:
//! rows/s, and the peak of a process that does nothing else.
//!
//! Parquet's reader unpacks the pages in both. Ours has the memory bounded, checks the order of the
//! rows, and makes segments of them; the other ends at record batches.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use tidegate::lake::parquet::{BoxError, How, Layout, ParquetChunks, ReadRange};
use tidegate::merge::TimeRange;

/// Names a process that reads a file once: the way, and the file's path.
const WAY: &str = "TIDEGATE_BENCH_WAY";
const FILE: &str = "TIDEGATE_BENCH_FILE";

const WAYS: [&str; 5] = [
    "whole",
    "blocks",
    "narrow",
    "parquet, tags as keys",
    "parquet, texts",
];

/// The memory of one chunk, as compaction has it.
const CHUNK_BYTES: u64 = 2 << 20;

struct OnDisk(File, u64);

impl ReadRange for OnDisk {
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
        self.0.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }

    fn len(&self) -> u64 {
        self.1
    }
}

/// Compares the ways to read `file`, each in processes of its own.
pub fn compare(file: &Bytes) {
    let name = format!("tidegate-bench-{}.parquet", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, file).expect("writes");
    println!("    the same from a file: rows/s, and MiB beyond those of nothing read:");
    let nothing = read_apart("nothing", &path).1;
    for way in WAYS {
        let (speed, peak) = read_apart(way, &path);
        println!("    {way:<32} {speed:>9.0} {:>6.1}", peak - nothing);
    }
    std::fs::remove_file(&path).expect("removes");
}

/// The rows/s of the median of some processes, and the lowest of their peaks.
fn read_apart(way: &str, path: &Path) -> (f64, f64) {
    let mut speeds = Vec::new();
    let mut peak = f64::INFINITY;
    for _ in 0..crate::RUNS {
        let mut reader = Command::new(std::env::current_exe().expect("a program"));
        let output = reader.env(WAY, way).env(FILE, path).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let numbers = text.split_whitespace();
        let numbers: Vec<f64> = numbers
            .map(|number| number.parse().expect("a number"))
            .collect();
        speeds.push(numbers[0] / numbers[1]);
        peak = peak.min(numbers[2]);
    }
    speeds.sort_by(f64::total_cmp);
    (speeds[crate::RUNS / 2], peak)
}

/// Reads a file if this process was started for that. Returns whether it was.
pub fn is_reader(layout: impl FnOnce() -> Layout) -> bool {
    let (Some(way), Some(path)) = (std::env::var_os(WAY), std::env::var_os(FILE)) else {
        return false;
    };
    let (way, path) = (way.to_string_lossy(), Path::new(&path));
    let layout = Arc::new(layout());
    let file = File::open(path).expect("opens");
    let before = cpu_seconds();
    let rows = match &*way {
        "nothing" => 0,
        "whole" => ours(file, layout, How::Whole),
        "blocks" => ours(file, layout, How::Blocks),
        "narrow" => ours(file, layout, How::Narrow),
        "parquet, tags as keys" => theirs(file, true),
        _ => theirs(file, false),
    };
    // The time of a core: others may be at work on the machine.
    println!("{rows} {} {}", cpu_seconds() - before, peak_mib());
    true
}

fn ours(file: File, layout: Arc<Layout>, how: How) -> usize {
    let length = file.metadata().expect("a length").len();
    let file = Arc::new(OnDisk(file, length));
    let mut chunks = ParquetChunks::open(file, "bench", "cpu", layout, TimeRange::ALL, CHUNK_BYTES)
        .expect("a file");
    std::iter::from_fn(|| chunks.next(how).expect("rows"))
        .map(|segment| segment.rows())
        .sum()
}

fn theirs(file: File, keys: bool) -> usize {
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).expect("a footer");
    let fields = metadata.schema().fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Utf8 if keys => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            other => other.clone(),
        };
        Field::new(field.name(), kind, field.is_nullable())
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
    let metadata = metadata.expect("a schema");
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).build();
    reader
        .expect("a reader")
        .map(|batch| batch.expect("rows").num_rows())
        .sum()
}

/// The seconds of a core that this process took.
fn cpu_seconds() -> f64 {
    let scheduled = std::fs::read_to_string("/proc/self/schedstat").expect("linux");
    let ns = scheduled.split_whitespace().next();
    ns.expect("a time").parse::<f64>().expect("a number") / 1e9
}

/// The largest memory that this process had, in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.expect("a peak").parse::<f64>().expect("a number") / 1024.0
}
