//! `wal/released`: up to which frame the log is no longer needed.
//!
//! ```text
//! tidegate log released 1
//! sequence 1234
//! crc32c 0a1b2c3d          of the two lines before
//! ```
//!
//! The record is durable before the first segment that it covers is deleted, so that a start can
//! distinguish a deleted segment from a missing one, and finish what a crash interrupted.

use super::segment::FOLDER;
use crate::id::Sequence;
use crate::storage::{self, Storage, StorageError};
use crate::wal::error::WalError;

/// The name of the record in the folder of the log.
const NAME: &str = "released";

const HEAD: &str = "tidegate log released 1\nsequence ";

/// The path of the record in the data folder.
pub(in crate::wal) fn path() -> String {
    format!("{FOLDER}/{NAME}")
}

/// Returns true if a file of the log's folder is the record, or a record that was never finished.
pub(in crate::wal) fn is_record(name: &str) -> bool {
    name == NAME || name.strip_suffix(".new") == Some(NAME)
}

/// Returns the last frame that is no longer needed. If there is no record, none was released.
pub(in crate::wal) fn read(storage: &dyn Storage) -> Result<Option<Sequence>, WalError> {
    let Some(bytes) = storage::read(storage, &path())? else {
        return Ok(None);
    };
    match decode(&bytes) {
        Some(released) => Ok(Some(released)),
        None => Err(WalError::ReleasedDamaged {
            path: storage.locate(&path()),
        }),
    }
}

/// Records that frames up to `released` are no longer needed; durable when it returns.
pub(in crate::wal) fn write(storage: &dyn Storage, released: Sequence) -> Result<(), StorageError> {
    storage::replace(storage, &path(), encode(released).as_bytes())
}

fn encode(released: Sequence) -> String {
    let text = format!("{HEAD}{released}\n");
    let checksum = crc32c::crc32c(text.as_bytes());
    format!("{text}crc32c {checksum:08x}\n")
}

fn decode(bytes: &[u8]) -> Option<Sequence> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = text.strip_prefix(HEAD)?.lines().next()?;
    let released = Sequence(number.parse().ok()?);
    // There is only one way to write it: any difference is damage.
    (encode(released) == text).then_some(released)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, is_record};
    use crate::id::Sequence;

    #[test]
    fn a_record_reads_what_was_written_and_notices_every_flipped_bit_and_every_cut() {
        for released in [0, 7, 1234, u64::MAX].map(Sequence) {
            let good = encode(released).into_bytes();
            assert_eq!(decode(&good), Some(released));
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(decode(&bad), None, "bit {bit}");
            }
            for len in 0..good.len() {
                assert_eq!(decode(&good[..len]), None, "{len} bytes");
            }
        }
    }

    #[test]
    fn its_names_are_known_and_no_others() {
        assert!(is_record("released") && is_record("released.new"));
        assert!(!is_record("released.old") && !is_record("0000000000000001.wal"));
    }
}
