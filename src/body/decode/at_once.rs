//! Bodies that are decoded at once come out as if they were streamed: the same bytes, the same words for
//! what is wrong, the same memory.

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc, GzBuilder};

use super::{BodyError, Decoding, INLINE_BYTES_MAX};
use crate::body::Encoding;
use crate::memory::{Budget, Marks};

/// The bytes of all memory.
const HARD_BYTES: u64 = 8 << 20;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end.max(1)
    }

    /// Lines, zeros or noise.
    fn text(&mut self, length: usize) -> Vec<u8> {
        let kind = self.below(4);
        let mut text = Vec::with_capacity(length + 64);
        while text.len() < length {
            match kind {
                0 => text.push(0),
                1 => text.push(self.below(256).to_le_bytes()[0]),
                _ => {
                    let (host, value) = (self.below(20), self.below(1 << 20));
                    let line = format!("cpu,host=h{host} usage={value},idle=9{value}i {value}\n");
                    text.extend_from_slice(line.as_bytes());
                }
            }
        }
        text.truncate(length);
        text
    }

    fn gzip(&mut self, text: &[u8]) -> Vec<u8> {
        let level = [0, 1, 6, 9][self.below(4)];
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).expect("to memory");
        encoder.finish().expect("to memory")
    }
}

/// What comes of a body: its bytes and the memory that they hold, or an error.
fn outcome(wire: &[u8], bytes_max: u64, at_once: bool) -> Result<(Bytes, u64), BodyError> {
    let budget = Budget::new(Marks {
        budget_bytes: HARD_BYTES,
        soft_bytes: 1,
        hard_bytes: HARD_BYTES,
    });
    let wire = Bytes::copy_from_slice(wire);
    let held = budget.try_reserve(u64::try_from(wire.len()).expect("small"));
    let parts = (wire, held.expect("fits"));
    let mut decoding = Decoding::new(Encoding::Gzip, parts, budget.empty(), bytes_max)?;
    if !at_once {
        decoding.at_once_bytes = None.into();
    }
    if !decoding.run(INLINE_BYTES_MAX)? {
        assert!(decoding.run(usize::MAX)?, "it has an end");
    }
    let (bytes, reservation) = decoding.out.finish();
    Ok((bytes, reservation.bytes()))
}

/// Returns true if a body is decoded at once; either way it must come to the same.
fn is_at_once(wire: &[u8], bytes_max: u64) -> bool {
    let both = [true, false].map(|at_once| outcome(wire, bytes_max, at_once));
    assert!(
        both[0] == both[1],
        "{both:?} of {wire:?} within {bytes_max}"
    );
    let mut room = vec![0; super::member::at_once_bytes(wire).unwrap_or(0)];
    !room.is_empty() && super::member::decode(wire, &mut room) && both[0].is_ok()
}

/// The checksum and the length at the end of a member.
fn end_of(text: &[u8]) -> [u8; 8] {
    let mut checksum = Crc::new();
    checksum.update(text);
    let length = u32::try_from(text.len()).expect("small").to_le_bytes();
    let mut end = [0; 8];
    end[..4].copy_from_slice(&checksum.sum().to_le_bytes());
    end[4..].copy_from_slice(&length);
    end
}

#[test]
fn good_bodies_are_decoded_at_once_within_every_limit() {
    let mut dice = Dice(1);
    for length in [1, 2, 17, 300, 4_000, 65_536, 262_144, 262_145, 1_000_000] {
        for _ in 0..8 {
            let text = dice.text(length);
            let wire = dice.gzip(&text);
            let length = u64::try_from(length).expect("small");
            assert!(is_at_once(&wire, 1 << 22), "{length} bytes");
            assert!(is_at_once(&wire, length));
            assert!(!is_at_once(&wire, length - 1));
            assert!(!is_at_once(&wire, length / 2));
        }
    }
    assert!(!is_at_once(&dice.gzip(b""), 1000));
}

#[test]
fn damaged_bodies_are_refused_in_the_same_words() {
    let mut dice = Dice(2);
    for round in 0..1500 {
        let length = [20, 300, 3_000][round % 3] + dice.below(50);
        let text = dice.text(length);
        let mut wire = dice.gzip(&text);
        match dice.below(3) {
            0 => wire.truncate(dice.below(wire.len())),
            1 => {
                for _ in 0..=dice.below(2) {
                    let (at, bit) = (dice.below(wire.len()), dice.below(8));
                    wire[at] ^= 1 << bit;
                }
            }
            _ => {
                let (at, length) = (dice.below(wire.len()), dice.below(20));
                let end = (at + length).min(wire.len());
                wire.drain(at..end);
            }
        }
        is_at_once(&wire, 10_000);
        is_at_once(&wire, 1_000);
    }
}

#[test]
fn several_members_and_whatever_follows_one_are_seen() {
    let mut dice = Dice(3);
    for _ in 0..200 {
        let length = dice.below(2000);
        let text = dice.text(1 + length);
        let (one, other) = (dice.gzip(&text), dice.gzip(b"m f=1 1\n"));
        let end = end_of(&text);
        let noise = dice.text(40);
        for wire in [
            [&one[..], &one].concat(),
            [&one[..], &other].concat(),
            [&other[..], &one].concat(),
            [&one[..], &end].concat(),
            [&one[..], &end[4..]].concat(),
            [&one[..], &noise, &end].concat(),
            [&one[..], b"\0"].concat(),
            [&one[..], b"\x1f\x8b"].concat(),
        ] {
            assert!(!is_at_once(&wire, 10_000), "{wire:?}");
        }
    }
}

#[test]
fn a_false_claim_and_a_bomb_come_to_the_same() {
    let mut dice = Dice(4);
    for text in [dice.text(5_000), vec![0; 5_000], vec![0; 3_000_000]] {
        let good = dice.gzip(&text);
        let length = u32::try_from(text.len()).expect("small");
        for claim in [0, 1, length - 1, length + 1, 2 * length, u32::MAX] {
            let mut wire = good.clone();
            let claimed = wire.len() - 4;
            wire[claimed..].copy_from_slice(&claim.to_le_bytes());
            for bytes_max in [1_000, 100_000, 4_000_000] {
                assert!(!is_at_once(&wire, bytes_max), "claims {claim}");
            }
        }
    }
}

#[test]
fn headers_with_flags_are_left_to_the_stream() {
    let text = b"m f=1 1\n".repeat(20);
    let named = GzBuilder::new().filename("lines").comment("none");
    let named = named.extra(b"more").mtime(7);
    let mut encoder = named.write(Vec::new(), Compression::default());
    encoder.write_all(&text).expect("to memory");
    assert!(!is_at_once(&encoder.finish().expect("to memory"), 1000));
    let plain = Dice(5).gzip(&text);
    let checksum = |header: &[u8]| {
        let mut checksum = Crc::new();
        checksum.update(header);
        checksum.sum().to_le_bytes()
    };
    for flags in 1..=255 {
        let mut wire = plain.clone();
        wire[3] = flags;
        assert!(!is_at_once(&wire, 1000), "flags {flags}");
        // With a checksum of the header: once the right one, once a wrong one.
        let right = checksum(&wire[..10]);
        for two in [[right[0], right[1]], [!right[0], right[1]]] {
            let wire = [&wire[..10], &two, &wire[10..]].concat();
            assert!(!is_at_once(&wire, 1000), "flags {flags}");
        }
    }
}

/// The search for the end of a large body takes up to a tenth of a second.
#[test]
fn a_large_body_is_not_searched_where_connections_are_served() {
    let mut dice = Dice(6);
    let text: Vec<u8> = (0..INLINE_BYTES_MAX + 2000)
        .map(|_| dice.below(256).to_le_bytes()[0])
        .collect();
    for (length, is_searched) in [(INLINE_BYTES_MAX / 2, true), (text.len(), false)] {
        let wire = Bytes::from(dice.gzip(&text[..length]));
        let budget = Budget::new(Marks {
            budget_bytes: HARD_BYTES,
            soft_bytes: 1,
            hard_bytes: HARD_BYTES,
        });
        let parts = (wire, budget.empty());
        let decoding = Decoding::new(Encoding::Gzip, parts, budget.empty(), 1 << 20);
        let mut decoding = decoding.expect("it fits");
        assert_eq!(decoding.is_small(), is_searched);
        assert_eq!(decoding.at_once_bytes.get().is_some(), is_searched);
        assert_eq!(decoding.run(usize::MAX), Ok(true));
        assert!(decoding.source.is_none(), "it was decoded at once");
    }
}
