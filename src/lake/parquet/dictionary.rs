//! The distinct values of a column, and the index of each value among them.

use crate::certain::Certain;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// The largest number of distinct values: their indexes fit into 16 bits.
const DISTINCT_MAX: usize = 1 << 16;

/// The number of values after which it is decided whether they repeat.
const PROBE: usize = 4096;

/// Integers within a range of at most this size are looked up in a table instead of hashed.
const TABLE_MAX: u64 = 1 << 16;

/// Distinct values in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Dictionary<T> {
    pub(super) distinct: Vec<T>,
    /// One index per value.
    pub(super) indexes: Vec<u32>,
}

impl<T: Copy> Dictionary<T> {
    /// Makes the dictionary of `values`, which `key` distinguishes; nothing if they hardly repeat.
    pub(super) fn of<K: Hash + Eq>(values: &[T], key: impl Fn(T) -> K) -> Option<Self> {
        let hasher = DefaultHashBuilder::default();
        let mut table: HashTable<u32> = HashTable::new();
        let mut distinct: Vec<T> = Vec::new();
        let mut indexes = Vec::with_capacity(values.len());
        let of = |distinct: &[T], index: u32| {
            let value = distinct.get(index as usize);
            key(*value.certain("the table has indexes of distinct values"))
        };
        let mut last: Option<(K, u32)> = None;
        for (position, value) in values.iter().enumerate() {
            let wanted = key(*value);
            if let Some((before, index)) = &last
                && *before == wanted
            {
                indexes.push(*index);
                continue;
            }
            let hash = hasher.hash_one(&wanted);
            let same = |index: &u32| of(&distinct, *index) == wanted;
            let index = match table.find(hash, same) {
                Some(index) => *index,
                None => {
                    if distinct.len() >= limit(position, values.len()) {
                        return None;
                    }
                    let index = u32::try_from(distinct.len()).ok()?;
                    distinct.push(*value);
                    table
                        .insert_unique(hash, index, |index| hasher.hash_one(of(&distinct, *index)));
                    index
                }
            };
            indexes.push(index);
            last = Some((wanted, index));
        }
        Some(Self { distinct, indexes })
    }
}

impl Dictionary<i64> {
    /// Makes the dictionary of integers, which is fast if they are close together.
    pub(super) fn of_integers(values: &[i64], min: i64, max: i64) -> Option<Self> {
        let range = max.wrapping_sub(min).cast_unsigned();
        if range >= TABLE_MAX || max < min {
            return Self::of(values, |value| value);
        }
        // One more than the index, 0 for none.
        let mut table = vec![0_u32; usize::try_from(range).ok()? + 1];
        let mut distinct = Vec::new();
        let mut indexes = Vec::with_capacity(values.len());
        for value in values {
            let place = usize::try_from(value.wrapping_sub(min)).ok()?;
            let slot = table.get_mut(place)?;
            if *slot == 0 {
                distinct.push(*value);
                *slot = u32::try_from(distinct.len()).ok()?;
            }
            indexes.push(*slot - 1);
        }
        Some(Self { distinct, indexes })
    }
}

/// The largest number of distinct values before the one at `position`.
fn limit(position: usize, count: usize) -> usize {
    let most = if position < PROBE {
        PROBE
    } else {
        position / 2
    };
    most.min(DISTINCT_MAX).min(count / 2 + 1)
}
