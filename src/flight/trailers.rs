//! What an answer has cost, as trailers of its stream.
//!
//! Source: the names that InfluxDB 3 uses, for as much of it as is known here.
//!
//! | trailer | what it tells |
//! | --- | --- |
//! | `x-influxdata-queue-duration-seconds` | the time before the question had its turn |
//! | `x-influxdata-planning-duration-seconds` | the time of planning |
//! | `x-influxdata-execution-duration-seconds` | the time since then, which depends on the client, too |
//! | `x-influxdata-max-memory-bytes` | the most that its plan had at once |
//! | `x-influxdata-parquet-files` | the files that were read, if the plan reads files itself |

use tidegate_query::Record;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

/// The end of an answer without an error. A stream of messages has no other place for trailers than the
/// status that ends it.
pub(super) fn of(record: &Record) -> Status {
    let running = record.lasted.saturating_sub(record.waited);
    let running = running.saturating_sub(record.planned);
    let mut trailers = MetadataMap::new();
    for (name, time) in [
        ("x-influxdata-queue-duration-seconds", record.waited),
        ("x-influxdata-planning-duration-seconds", record.planned),
        ("x-influxdata-execution-duration-seconds", running),
    ] {
        if let Ok(seconds) = MetadataValue::try_from(time.as_secs_f64().to_string()) {
            trailers.insert(name, seconds);
        }
    }
    for (name, number) in [
        (
            "x-influxdata-max-memory-bytes",
            Some(record.memory_bytes_max),
        ),
        ("x-influxdata-parquet-files", record.files_read),
    ] {
        if let Some(number) = number {
            trailers.insert(name, MetadataValue::from(number));
        }
    }
    Status::with_metadata(Code::Ok, "", trailers)
}
