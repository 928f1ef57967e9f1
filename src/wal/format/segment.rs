//! Segments: their names and headers. The format is drawn in [`wal`](crate::wal).

use super::frame::take;
use crate::certain::Certain;
use crate::id::Sequence;
use crate::storage::{self, File, Storage, StorageError};

/// The folder of the segments, in the data folder.
pub(in crate::wal) const FOLDER: &str = storage::LOG_FOLDER;

/// The number of bytes in a segment before its first frame.
pub const SEGMENT_HEADER_BYTES: usize = 72;

/// The version of the format that this program writes and reads.
pub const SEGMENT_VERSION: u16 = 1;

const MAGIC: &[u8; 8] = b"TIDELOG\n";

/// No version has a longer header.
const HEADER_BYTES_MAX: usize = 512;

/// The offset of the first frame in every segment.
pub(in crate::wal) const FRAMES_START: u64 = 72;

/// A place in the log between two frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the segment; 0 is before the first.
    pub segment: u64,
    /// The byte in it where the next frame would start.
    pub offset: u64,
    /// The sequence of the last frame before it.
    pub sequence: Sequence,
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wal) struct SegmentHeader {
    pub node_id: u64,
    pub number: u64,
    /// No frame has a lower sequence.
    pub first: u64,
    /// The exact end of the log when this segment was begun.
    pub predecessor: Position,
    /// The offset up to which it was durable when it got its name.
    pub durable: u64,
}

/// The reason why bytes are not a segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wal) enum HeaderFault {
    Newer(u16),
    Older(u16),
    Damaged(&'static str),
}

impl SegmentHeader {
    pub(in crate::wal) fn encode(&self) -> Vec<u8> {
        let header_bytes = u16::try_from(SEGMENT_HEADER_BYTES).certain("it is small");
        let mut head = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
        head.extend_from_slice(&header_bytes.to_le_bytes());
        let Position {
            segment,
            offset,
            sequence,
        } = self.predecessor;
        let numbers = [
            self.node_id,
            self.number,
            self.first,
            segment,
            offset,
            sequence.0,
            self.durable,
        ];
        let body: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&head), &body);
        head.extend_from_slice(&checksum.to_le_bytes());
        head.extend_from_slice(&body);
        head
    }

    pub(in crate::wal) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let mut rest = bytes;
        let magic: [u8; 8] =
            take(&mut rest).ok_or(HeaderFault::Damaged("the file is too short"))?;
        if &magic != MAGIC {
            return Err(HeaderFault::Damaged("this is no log segment"));
        }
        Self::decode_rest(bytes, rest).unwrap_or(Err(HeaderFault::Damaged("the header is cut off")))
    }

    /// Returns nothing if the bytes run out. The checksum is checked first: a damaged version is
    /// damage, not the work of another program.
    fn decode_rest(bytes: &[u8], mut rest: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let version = u16::from_le_bytes(take(&mut rest)?);
        let header_bytes = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let checksum = u32::from_le_bytes(take(&mut rest)?);
        let head = crc32c::crc32c(bytes.get(..12)?);
        let body = bytes.get(16..header_bytes);
        if body.map(|body| crc32c::crc32c_append(head, body)) != Some(checksum) {
            return Some(Err(HeaderFault::Damaged("the header's checksum is wrong")));
        }
        if version != SEGMENT_VERSION {
            return Some(Err(match version > SEGMENT_VERSION {
                true => HeaderFault::Newer(version),
                false => HeaderFault::Older(version),
            }));
        }
        let mut number = || take(&mut rest).map(u64::from_le_bytes);
        Some(Ok(Self {
            node_id: number()?,
            number: number()?,
            first: number()?,
            predecessor: Position {
                segment: number()?,
                offset: number()?,
                sequence: Sequence(number()?),
            },
            durable: number()?,
        }))
    }
}

/// Reads the header of a segment of any version.
pub(in crate::wal) fn read_header(
    file: &dyn File,
) -> Result<Result<SegmentHeader, HeaderFault>, StorageError> {
    let mut bytes = [0; HEADER_BYTES_MAX];
    let read = file.read_at(&mut bytes, 0)?;
    Ok(SegmentHeader::decode(
        bytes.get(..read).certain("no more is read than asked for"),
    ))
}

/// The path of a segment.
pub(in crate::wal) fn path(number: u64) -> String {
    format!("{FOLDER}/{number:016}.wal")
}

/// The path under which a segment is prepared.
pub(in crate::wal) fn new_path(number: u64) -> String {
    format!("{FOLDER}/{number:016}.wal.new")
}

/// The number of the segment with this file name.
pub(in crate::wal) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    let plain = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The number of the newest segment that is noted as a part of the data folder.
pub(in crate::wal) fn newest_noted(storage: &dyn Storage) -> Result<Option<u64>, StorageError> {
    let held = storage::held(storage)?;
    let names = held.iter().filter_map(|path| path.rsplit('/').next());
    Ok(names.filter_map(number).max())
}

/// Returns true if a file of this name is a segment that was never finished.
pub(in crate::wal) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(".new")
        .is_some_and(|name| number(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::{HeaderFault, Position, SEGMENT_HEADER_BYTES, SegmentHeader, number, path};
    use crate::id::Sequence;

    fn header() -> SegmentHeader {
        let predecessor = Position {
            segment: 2,
            offset: 1234,
            sequence: Sequence(99),
        };
        SegmentHeader {
            node_id: 5,
            number: 3,
            first: 100,
            predecessor,
            durable: 72,
        }
    }

    /// From a bug: a flipped bit in the version said "start the newer tidegate that wrote it".
    #[test]
    fn a_header_reads_what_was_written_and_every_flipped_bit_is_damage() {
        let good = header().encode();
        assert_eq!(good.len(), SEGMENT_HEADER_BYTES);
        assert_eq!(SegmentHeader::decode(&good), Ok(header()));
        for bit in 0..good.len() * 8 {
            for frames in [0, 1000] {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                bad.resize(bad.len() + frames, 7);
                let fault = SegmentHeader::decode(&bad);
                assert!(matches!(fault, Err(HeaderFault::Damaged(_))), "bit {bit}");
            }
        }
        for len in 0..good.len() {
            let cut = SegmentHeader::decode(&good[..len]);
            assert!(matches!(cut, Err(HeaderFault::Damaged(_))), "{len} bytes");
        }
    }

    #[test]
    fn other_versions_are_told_from_damage() {
        let of_version = |version: u8, length: u8| {
            let mut other = header().encode();
            other.resize(usize::from(length), 1);
            (other[8], other[10]) = (version, length);
            let checksum = crc32c::crc32c_append(crc32c::crc32c(&other[..12]), &other[16..]);
            other[12..16].copy_from_slice(&checksum.to_le_bytes());
            other.extend_from_slice(b"a frame");
            SegmentHeader::decode(&other)
        };
        assert_eq!(of_version(2, 72), Err(HeaderFault::Newer(2)));
        assert_eq!(of_version(2, 96), Err(HeaderFault::Newer(2)));
        assert_eq!(of_version(0, 40), Err(HeaderFault::Older(0)));
    }

    #[test]
    fn names_are_numbers_and_nothing_else() {
        assert_eq!(path(12), "wal/0000000000000012.wal");
        assert_eq!(number("0000000000000012.wal"), Some(12));
        for other in [
            "12.wal",
            "0000000000000012.wal.new",
            "+000000000000012.wal",
            "x",
            "",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
