//! The file of the positions: a state, and the changes since, line by line.
//!
//! ```text
//! 0a1b2c3d {"format":2,"records":[...]}       the state when the file was written as a whole
//! 1b2c3d4e {"synced":1234,"records":[...]}    what changed; up to byte 1234 the file was durable
//! ```
//!
//! Each line begins with the CRC32C of its JSON. The cost of a change depends on its own size, not on
//! that of the file: it is appended and synced. When the changes outgrow the state, the file is
//! replaced as a whole. After a power cut the last line may be torn: it was never reported as durable,
//! and is ignored. An error before a byte that a later line calls durable is damage.
//!
//! After a failed append or sync nothing more is added to that file: the next write replaces it, and
//! so does the first write of every process. Format 1 was a single JSON object.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::BucketId;
use crate::narrow;
use crate::storage::{self, FLUSHES_FILE as PATH, File, Operation, Storage, StorageError};

use super::position::Position;

const FORMAT: u32 = 2;

/// The changes in a file may take this many bytes, or as many as the state.
const CHANGES_BYTES_MIN: u64 = 64 << 10;

/// Bytes of a line before its JSON.
const HEAD_BYTES: usize = 9;

/// One record of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::lake) enum Record {
    /// The position of a table.
    Table(StoredTable),
    /// A bucket whose records are dropped.
    Dropped(BucketId),
    /// A bucket whose folder is to be removed, with its name.
    #[serde(rename = "leaving")]
    Deleted(BucketId, String),
    /// The number of the last mark of its deletion when the removal began.
    #[serde(rename = "leaving_since")]
    DeletionMark(BucketId, u64),
    /// A bucket whose folder is gone, or stays after all.
    #[serde(rename = "left")]
    Removed(BucketId),
    /// The last trusted time, in nanoseconds since the epoch.
    TimeNs(i64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lake) struct StoredTable {
    pub(in crate::lake) bucket: BucketId,
    pub(in crate::lake) measurement: String,
    #[serde(flatten)]
    pub(in crate::lake) position: Position,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    synced: Option<u64>,
    records: Vec<Record>,
}

/// Format 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Old {
    format: u32,
    tables: Vec<StoredTable>,
    #[serde(default)]
    leaving: std::collections::BTreeMap<u64, String>,
}

/// The file, as one process writes it.
#[derive(Debug)]
pub(in crate::lake) struct Journal {
    storage: Arc<dyn Storage>,
    /// The file that changes are added to; nothing before the first replacement.
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    file: Box<dyn File>,
    state_bytes: u64,
    end: u64,
}

impl Journal {
    pub(in crate::lake) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            open: None,
        }
    }

    /// Returns whether the next write must replace the file.
    pub(in crate::lake) fn wants_all(&self) -> bool {
        self.open.as_ref().is_none_or(|open| {
            open.end - open.state_bytes > open.state_bytes.max(CHANGES_BYTES_MIN)
        })
    }

    /// Replaces the file. Durable when it returns.
    pub(in crate::lake) fn replace(&mut self, records: Vec<Record>) -> Result<(), StorageError> {
        self.open = None;
        let line = encode(&Line {
            format: Some(FORMAT),
            synced: None,
            records,
        })?;
        storage::replace(self.storage.as_ref(), PATH, &line)?;
        let end = narrow::to_u64(line.len());
        self.open = Some(OpenFile {
            file: self.storage.open(PATH)?,
            state_bytes: end,
            end,
        });
        Ok(())
    }

    /// Adds changes. Durable when it returns; after an error only [`Journal::replace`] helps.
    pub(in crate::lake) fn append(&mut self, records: Vec<Record>) -> Result<(), StorageError> {
        let Some(mut open) = self.open.take() else {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(StorageError::io(Operation::Write, PATH, missing));
        };
        let line = encode(&Line {
            format: None,
            synced: Some(open.end),
            records,
        })?;
        open.file.write_all_at(&line, open.end)?;
        open.file.sync_data()?;
        open.end += narrow::to_u64(line.len());
        self.open = Some(open);
        Ok(())
    }
}

/// Returns the records of a file, in order, or a description of the damage.
pub(in crate::lake) fn parse(bytes: &[u8]) -> Result<Vec<Record>, String> {
    if bytes.first() == Some(&b'{') {
        return parse_old(bytes);
    }
    let (mut records, mut at, mut torn) = (Vec::new(), 0, None);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let decoded = decode(line);
        match decoded {
            Some(Line {
                format: Some(found),
                ..
            }) if found != FORMAT => return Err(format!("its format is {found}")),
            // A line after a torn one only shows whether the torn one was durable.
            Some(line) if torn.is_some() => check_torn(torn, &line)?,
            Some(line) if at > 0 || line.format.is_some() => records.extend(line.records),
            _ if at == 0 => return Err("its first line cannot be read".to_owned()),
            _ => torn = torn.or(Some(at)),
        }
        at += narrow::to_u64(line.len());
    }
    match at {
        0 => Err("it is empty".to_owned()),
        _ => Ok(records),
    }
}

fn check_torn(torn: Option<u64>, later: &Line) -> Result<(), String> {
    match (torn, later.synced) {
        (Some(at), Some(synced)) if synced > at => {
            Err(format!("what begins at byte {at} cannot be read"))
        }
        _ => Ok(()),
    }
}

fn parse_old(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let old: Old = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if old.format != 1 {
        return Err(format!("its format is {}", old.format));
    }
    let leaving = old.leaving.into_iter();
    let leaving = leaving.map(|(id, name)| Record::Deleted(BucketId(id), name));
    Ok(old
        .tables
        .into_iter()
        .map(Record::Table)
        .chain(leaving)
        .collect())
}

fn encode(line: &Line) -> Result<Vec<u8>, StorageError> {
    let json = serde_json::to_string(line)
        .map_err(|error| StorageError::io(Operation::Write, PATH, error.into()))?;
    let checksum = crc32c::crc32c(json.as_bytes());
    Ok(format!("{checksum:08x} {json}\n").into_bytes())
}

/// Returns nothing if the line is torn or damaged.
fn decode(line: &[u8]) -> Option<Line> {
    let line = line.strip_suffix(b"\n")?;
    let (head, json) = line.split_at_checked(HEAD_BYTES)?;
    let head = std::str::from_utf8(head).ok()?.strip_suffix(' ')?;
    let checksum = u32::from_str_radix(head, 16).ok()?;
    (crc32c::crc32c(json) == checksum).then_some(())?;
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Journal, PATH, Record, parse};
    use crate::id::BucketId;
    use crate::storage::FaultStorage;

    fn written() -> Vec<u8> {
        let storage = FaultStorage::new(1);
        let mut journal = Journal::new(Arc::new(storage.clone()));
        journal.replace(vec![Record::TimeNs(1)]).expect("written");
        for time_ns in 2..5 {
            journal
                .append(vec![Record::TimeNs(time_ns)])
                .expect("added");
        }
        storage.contents(PATH).expect("there")
    }

    #[test]
    fn a_torn_end_is_left_out_and_damage_before_it_is_refused() {
        let bytes = written();
        let times = |bytes: &[u8]| parse(bytes).map(|records| records.len());
        assert_eq!(times(&bytes), Ok(4));
        let mut starts = vec![0];
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
        starts.extend(ends.map(|(at, _)| at + 1));
        for len in starts[1]..bytes.len() {
            let whole = starts.iter().filter(|start| **start <= len).count() - 1;
            assert_eq!(times(&bytes[..len]), Ok(whole), "{len} bytes");
        }
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let found = times(&bad);
            // The last line may be one that was torn; it is lost too where another line runs into it.
            if at + 1 == starts[3] {
                continue;
            }
            match at >= starts[3] {
                true => assert_eq!(found, Ok(3), "byte {at}"),
                false => assert!(found.is_err(), "byte {at}: {found:?}"),
            }
        }
    }

    #[test]
    fn files_of_the_first_format_are_read() {
        let old = br#"{"format":1,"tables":[{"bucket":1,"measurement":"m","flushed":5}],"leaving":{"7":"b"}}"#;
        let records = parse(old).expect("read");
        assert_eq!(records.len(), 2);
        assert_eq!(records[1], Record::Deleted(BucketId(7), "b".to_owned()));
        assert!(parse(b"{\"format\":3,\"tables\":[]}").is_err());
        assert!(parse(b"").is_err());
    }
}
