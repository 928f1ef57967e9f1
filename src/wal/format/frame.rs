//! Frames: their layout and their checksums. The format is drawn in [`wal`](crate::wal).

use crate::narrow;

/// The number of bytes in a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 24;

/// The size of the largest payload in bytes; it bounds the memory of replay. Writers aim at 1 MiB.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

/// The purpose of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wal) enum Kind {
    /// Carries a payload.
    Data = 1,
    /// Written to test whether writing works again.
    Probe = 2,
    /// The last frame of a log that was closed in order.
    End = 3,
}

impl Kind {
    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Data),
            2 => Some(Self::Probe),
            3 => Some(Self::End),
            _ => None,
        }
    }
}

/// A frame's header whose check was correct.
#[derive(Clone, Copy, Debug)]
pub(in crate::wal) struct FrameHeader {
    /// The offset in the segment at which the frame starts.
    pub offset: u64,
    pub kind: Kind,
    pub sequence: u64,
    pub durable: u64,
    pub payload_bytes: usize,
    checksum: u32,
}

/// The seed that binds checksums to a node and a segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::wal) struct Seal(u32);

impl Seal {
    pub(in crate::wal) fn new(node_id: u64, segment: u64) -> Self {
        let node = crc32c::crc32c(&node_id.to_le_bytes());
        Self(crc32c::crc32c_append(node, &segment.to_le_bytes()))
    }

    fn seed(self, offset: u64) -> u32 {
        crc32c::crc32c_append(self.0, &offset.to_le_bytes())
    }
}

/// A frame of the last group of the run before: nothing proves that it was synced, so it is written
/// anew at the start of the next segment.
#[derive(Debug)]
pub(in crate::wal) struct CarriedFrame {
    pub sequence: u64,
    pub payload: Vec<u8>,
}

/// The fields of a frame's header that its writer chooses.
#[derive(Clone, Copy, Debug)]
pub(in crate::wal) struct Label {
    pub kind: Kind,
    pub sequence: u64,
    /// The offset up to which the segment is known to be durable.
    pub durable: u32,
}

/// Appends a frame that will stand at `offset` of the segment. The payload must be within
/// [`FRAME_BYTES_MAX`].
pub(in crate::wal) fn encode(
    out: &mut Vec<u8>,
    seal: Seal,
    offset: u64,
    label: Label,
    payload: &[u8],
) {
    let payload_bytes = narrow::to_u32(payload.len(), "frames above FRAME_BYTES_MAX are refused");
    let mut header = [0; FRAME_HEADER_BYTES - 4];
    fill(
        &mut header,
        &[
            &payload_bytes.to_le_bytes(),
            &label.sequence.to_le_bytes(),
            &label.durable.to_le_bytes(),
            &[label.kind as u8],
        ],
    );
    let seed = seal.seed(offset);
    let checked = header.split_at(17).0;
    let [check_0, check_1, check_2, _] = crc32c::crc32c_append(seed, checked).to_le_bytes();
    let [.., place_0, place_1, place_2] = &mut header;
    (*place_0, *place_1, *place_2) = (check_0, check_1, check_2);
    let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, &header), payload);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
}

fn fill(place: &mut [u8], parts: &[&[u8]]) {
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (to, byte) in place.iter_mut().zip(bytes) {
        *to = *byte;
    }
}

impl FrameHeader {
    /// Reads the header at `offset` of a segment if its check is correct.
    pub(in crate::wal) fn decode(
        bytes: &[u8; FRAME_HEADER_BYTES],
        seal: Seal,
        offset: u64,
    ) -> Option<Self> {
        // The cheap tests come first: a search for frames tries every byte.
        let kind = Kind::from_code(*bytes.get(20)?)?;
        let mut rest = bytes.as_slice();
        let checksum = u32::from_le_bytes(take(&mut rest)?);
        let payload_bytes = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
        let sequence = u64::from_le_bytes(take(&mut rest)?);
        let durable = u64::from(u32::from_le_bytes(take(&mut rest)?));
        if payload_bytes > FRAME_BYTES_MAX || durable > offset {
            return None;
        }
        let check = crc32c::crc32c_append(seal.seed(offset), bytes.get(4..21)?).to_le_bytes();
        (bytes.get(21..)? == check.get(..3)?).then_some(Self {
            offset,
            kind,
            sequence,
            durable,
            payload_bytes,
            checksum,
        })
    }

    /// The number of bytes of the whole frame.
    pub(in crate::wal) fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload_bytes
    }

    /// Returns true if the frame is intact; `frame` is all of its bytes.
    pub(in crate::wal) fn seals(&self, frame: &[u8], seal: Seal) -> bool {
        frame.get(4..).is_some_and(|rest| {
            crc32c::crc32c_append(seal.seed(self.offset), rest) == self.checksum
        })
    }
}

/// Takes the first `N` bytes off a slice, if it has that many.
pub(in crate::wal) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::{FRAME_HEADER_BYTES, FrameHeader, Kind, Label, Seal, encode};

    fn frame() -> Vec<u8> {
        let mut out = Vec::new();
        let label = Label {
            kind: Kind::Data,
            sequence: 7,
            durable: 72,
        };
        encode(&mut out, Seal::new(1, 2), 100, label, b"payload");
        out
    }

    fn reads(frame: &[u8], seal: Seal, offset: u64) -> bool {
        let Some(header) = frame.first_chunk() else {
            return false;
        };
        FrameHeader::decode(header, seal, offset).is_some_and(|header| header.seals(frame, seal))
    }

    #[test]
    fn a_frame_reads_back_where_it_was_written_and_nowhere_else() {
        let frame = frame();
        assert_eq!(frame.len(), FRAME_HEADER_BYTES + 7);
        assert!(reads(&frame, Seal::new(1, 2), 100));
        assert!(!reads(&frame, Seal::new(1, 2), 101), "another offset");
        assert!(!reads(&frame, Seal::new(1, 3), 100), "another segment");
        assert!(!reads(&frame, Seal::new(2, 2), 100), "another node");
        assert!(!reads(&[0; 64], Seal::new(1, 2), 100), "zeros");
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_noticed() {
        let good = frame();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!reads(&bad, Seal::new(1, 2), 100), "bit {bit}");
        }
    }
}
