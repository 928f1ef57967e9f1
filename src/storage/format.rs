//! The file `format` at the top of a data folder: the version of the folder's layout (design
//! decision D15), the identity of the node that writes it, and what the folder must hold.
//!
//! ```text
//! tidegate data format 2
//! node 5f1c0a9be2d34876
//! holds catalog.json                       a file or folder that was durable when this was written
//! holds wal/0000000000000007.wal           one line each, in bytewise order
//! crc32c 0a1b2c3d                          of all lines before
//! ```
//!
//! The node id is a random number, made when the folder is. It is not a secret on disk, but is
//! never shown to clients: the log's checksums are seeded with it, so that no payload can pose
//! as a frame.
//!
//! Every later version ends in the same checksum, so that a damaged version is not taken for a
//! newer one. Version 1 was the first two lines only. It is read, and becomes version 2 in one
//! step: the file is replaced ([`open_folder`](super::open_folder)). Nothing else in the folder
//! differs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::error::{Operation, StorageError};
use super::names::FORMAT_FILE;
use super::swap::put;
use super::traits::{Storage, read};

/// The version that this program writes.
pub const FORMAT_VERSION: u32 = 2;

const FIRST_VERSION: u32 = 1;

/// The format file's statements on the folder as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataFormat {
    /// The version of the folder's layout.
    pub version: u32,
    /// The id of the node that owns the folder for ever.
    pub node_id: u64,
}

/// The contents of the format file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) format: DataFormat,
    /// The paths of the parts that must be there.
    pub(super) holds: BTreeSet<String>,
}

/// Reads the format file, or writes one into a new folder. Unknown versions are refused by number.
pub fn data_format(storage: &dyn Storage) -> Result<DataFormat, StorageError> {
    match Record::read(storage)? {
        Some(record) => Ok(record.format),
        None => Record::make(storage).map(|record| record.format),
    }
}

/// Returns a node id that no other folder has.
pub fn new_node_id() -> Result<u64, StorageError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        StorageError::io(Operation::Create, FORMAT_FILE, source)
    })?;
    // Never 0: a zeroed file must not look like a node.
    Ok(u64::from_le_bytes(bytes).max(1))
}

impl Record {
    /// Returns a record of this version.
    pub(super) fn new(node_id: u64, holds: BTreeSet<String>) -> Self {
        let version = FORMAT_VERSION;
        Self {
            format: DataFormat { version, node_id },
            holds,
        }
    }

    /// Reads the record; nothing if there is no such file.
    pub(super) fn read(storage: &dyn Storage) -> Result<Option<Self>, StorageError> {
        let Some(bytes) = read(storage, FORMAT_FILE)? else {
            return Ok(None);
        };
        parse(storage, &bytes).map(Some)
    }

    /// Makes a new folder an empty data folder.
    pub(super) fn make(storage: &dyn Storage) -> Result<Self, StorageError> {
        let record = Self::new(new_node_id()?, BTreeSet::new());
        record.write(storage)?;
        Ok(record)
    }

    /// Replaces the file, durably, by one of this version.
    pub(super) fn write(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        put(storage, FORMAT_FILE, self.encode().as_bytes())
    }

    pub(super) fn encode(&self) -> String {
        let node_id = self.format.node_id;
        let mut text = format!("tidegate data format {FORMAT_VERSION}\nnode {node_id:016x}\n");
        for path in &self.holds {
            let _ = writeln!(text, "holds {path}");
        }
        let checksum = crc32c::crc32c(text.as_bytes());
        text + &format!("crc32c {checksum:08x}\n")
    }
}

fn parse(storage: &dyn Storage, bytes: &[u8]) -> Result<Record, StorageError> {
    let path = storage.locate(FORMAT_FILE);
    let damaged = || StorageError::DamagedFormat { path: path.clone() };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let found = version(text).ok_or_else(damaged)?;
    if found == FIRST_VERSION {
        return parse_first(text).ok_or_else(damaged);
    }
    // Only known versions define what lies between the version and the checksum.
    let lines = unsealed(text).ok_or_else(damaged)?;
    if found > FORMAT_VERSION {
        return Err(StorageError::NewerFormat {
            path,
            found,
            supported: FORMAT_VERSION,
        });
    }
    let record = parse_lines(lines);
    // There is only one way to write it: any difference is damage.
    record
        .filter(|record| record.encode() == text)
        .ok_or_else(damaged)
}

fn version(text: &str) -> Option<u32> {
    let line = text.lines().next()?;
    line.strip_prefix("tidegate data format ")?.parse().ok()
}

fn parse_first(text: &str) -> Option<Record> {
    let node_id = node_id(text.lines().nth(1)?)?;
    let version = FIRST_VERSION;
    let format = DataFormat { version, node_id };
    let whole = format!("tidegate data format {version}\nnode {node_id:016x}\n");
    (whole == text).then_some(Record {
        format,
        holds: BTreeSet::new(),
    })
}

/// Returns the lines before the checksum, if it is correct.
fn unsealed(text: &str) -> Option<&str> {
    let (lines, checksum) = text.strip_suffix('\n')?.rsplit_once("\ncrc32c ")?;
    let lines = text.get(..=lines.len())?;
    let expected = format!("{:08x}", crc32c::crc32c(lines.as_bytes()));
    (checksum == expected).then_some(lines)
}

fn parse_lines(lines: &str) -> Option<Record> {
    let mut lines = lines.lines().skip(1);
    let node_id = node_id(lines.next()?)?;
    let holds = lines.map(|line| line.strip_prefix("holds ").map(str::to_owned));
    Some(Record::new(node_id, holds.collect::<Option<_>>()?))
}

fn node_id(line: &str) -> Option<u64> {
    let id = line.strip_prefix("node ").filter(|id| id.len() == 16)?;
    u64::from_str_radix(id, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::names::FORMAT_FILE;
    use super::super::{FaultStorage, StorageError};
    use super::{Record, data_format};

    fn refusal(text: &[u8]) -> StorageError {
        let storage = FaultStorage::new(1);
        storage.put(FORMAT_FILE, text);
        data_format(&storage).expect_err("refused")
    }

    fn sealed(lines: &str) -> String {
        format!("{lines}crc32c {:08x}\n", crc32c::crc32c(lines.as_bytes()))
    }

    #[test]
    fn a_new_folder_gets_a_version_and_an_identity_that_stay() {
        let storage = FaultStorage::new(1);
        let first = data_format(&storage).expect("written");
        assert_eq!(data_format(&storage.crash()).expect("durable"), first);
        assert_ne!(
            data_format(&FaultStorage::new(2)).expect("written").node_id,
            first.node_id
        );
    }

    #[test]
    fn the_first_version_is_read_as_it_was_written() {
        let storage = FaultStorage::new(1);
        let text = b"tidegate data format 1\nnode 00000000000000ab\n";
        storage.put(FORMAT_FILE, text);
        let format = data_format(&storage).expect("read");
        assert_eq!((format.version, format.node_id), (1, 0xab));
        assert_eq!(storage.contents(FORMAT_FILE).expect("there"), text);
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let newer = refusal(sealed("tidegate data format 3\nwhatever\n").as_bytes());
        assert!(matches!(
            newer,
            StorageError::NewerFormat {
                found: 3,
                supported: 2,
                ..
            }
        ));
    }

    /// From a bug: a flipped bit in a version said "start the newer tidegate that wrote it".
    #[test]
    fn every_flipped_bit_and_every_cut_is_told_as_damage() {
        let paths = ["catalog.json", "wal/0000000000000001.wal"];
        let holds = paths.iter().map(|path| (*path).to_owned());
        let good = Record::new(7, holds.collect::<BTreeSet<_>>()).encode();
        let first = "tidegate data format 1\nnode 00000000000000ab\n";
        for good in [good.as_bytes(), first.as_bytes()] {
            for bit in 0..good.len() * 8 {
                let mut bad = good.to_vec();
                bad[bit / 8] ^= 1 << (bit % 8);
                // The first version has no checksum: a different id cannot be noticed.
                if good.len() == first.len() && (28..44).contains(&(bit / 8)) {
                    continue;
                }
                let error = refusal(&bad);
                let is_damage = matches!(error, StorageError::DamagedFormat { .. });
                assert!(is_damage, "bit {bit}: {error}");
            }
            for len in 0..good.len() {
                let error = refusal(&good[..len]);
                let is_damage = matches!(error, StorageError::DamagedFormat { .. });
                assert!(is_damage, "{len} bytes: {error}");
            }
        }
        for damaged in [
            "",
            "tidegate data format 0\nnode 0000000000000001\n",
            "\u{0}",
        ] {
            let error = refusal(damaged.as_bytes());
            assert!(matches!(error, StorageError::DamagedFormat { .. }));
        }
    }
}
