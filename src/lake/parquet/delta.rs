//! Parquet's DELTA_BINARY_PACKED: differences from the previous value, in blocks of 128. A difference
//! is packed above the block's least one, in as many bits as its miniblock of 32 needs.
//!
//! ```text
//! varint(128) varint(4) varint(count) zigzag(first value)
//! block: zigzag(least difference) 4 widths, miniblocks of 32 values
//! ```
//!
//! Times of a series, counters and slow gauges shrink to a few bits; every common reader knows it.

use super::hybrid::pack_bits;
use crate::certain::Certain;
use crate::columnar::{put_varint, zigzag};

const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;
const MINIBLOCKS: usize = BLOCK / MINIBLOCK;

/// Encodes the values.
pub(super) fn encode(values: &[i64], out: &mut Vec<u8>) {
    put_varint(BLOCK as u64, out);
    put_varint(MINIBLOCKS as u64, out);
    put_varint(values.len() as u64, out);
    push_zigzag(out, values.first().copied().unwrap_or(0));
    for_blocks(values, |least, above| {
        push_zigzag(out, least);
        let mut widths = [0; MINIBLOCKS];
        for (width, miniblock) in widths.iter_mut().zip(above.chunks(MINIBLOCK)) {
            *width = width_of(miniblock);
        }
        out.extend(widths.iter().map(|width| width.to_le_bytes()[0]));
        for (width, miniblock) in widths.iter().zip(above.chunks(MINIBLOCK)) {
            let padding = std::iter::repeat_n(0, MINIBLOCK - miniblock.len());
            pack_bits(out, miniblock.iter().copied().chain(padding), *width);
        }
    });
}

/// The number of bytes that [`encode`] would write, without the header.
pub(super) fn size(values: &[i64]) -> usize {
    let mut bytes = 0;
    for_blocks(values, |_, above| {
        let bits = above
            .chunks(MINIBLOCK)
            .map(|miniblock| width_of(miniblock) as usize);
        bytes += 5 + bits.sum::<usize>() * MINIBLOCK / 8;
    });
    bytes
}

/// Calls `block` with each block's least difference and the differences above it.
fn for_blocks(values: &[i64], mut block: impl FnMut(i64, &[u64])) {
    let later = values.get(1..).unwrap_or_default();
    let mut above = [0_u64; BLOCK];
    for (befores, ends) in values.chunks(BLOCK).zip(later.chunks(BLOCK)) {
        let difference = |(end, before): (&i64, &i64)| end.wrapping_sub(*before);
        let least = ends.iter().zip(befores).map(difference).min().unwrap_or(0);
        let pairs = ends.iter().zip(befores);
        for (slot, pair) in above.iter_mut().zip(pairs) {
            *slot = difference(pair).wrapping_sub(least).cast_unsigned();
        }
        block(least, above.get(..ends.len()).certain("it holds a block"));
    }
}

fn width_of(values: &[u64]) -> u32 {
    let all = values.iter().fold(0, |all, value| all | value);
    u64::BITS - all.leading_zeros()
}

fn push_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(zigzag(value), out);
}
