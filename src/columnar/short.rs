//! Short texts, as most values of tags are: compared, and spread over a few places, word by word.

/// Returns true if both have the same bytes. Short ones are compared by their first and their last word,
/// which may overlap, without the call that `==` is.
#[inline]
pub fn are_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0..4 => a.iter().eq(b),
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

/// A number for the place of a text in a small memory, by its first and its last bytes: its lowest bits are
/// as good as any. Whoever chooses texts that share one only does without the others.
#[inline]
pub fn spread(text: &[u8]) -> u8 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first).rotate_left(23) ^ u64::from_le_bytes(*last)
        }
        _ => match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => text
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        },
    };
    let [.., highest] = word.wrapping_mul(MIX).to_le_bytes();
    highest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{are_equal, spread};

    proptest! {
        #[test]
        fn texts_are_equal_if_all_their_bytes_are(
            text in proptest::collection::vec(any::<u8>(), 0..20),
            place in 0_usize..20,
            other in any::<u8>(),
            length in 0_usize..20,
        ) {
            let mut changed = text.clone();
            if let Some(byte) = changed.get_mut(place) {
                *byte = other;
            }
            prop_assert_eq!(are_equal(&text, &changed), text == changed);
            let cut = text.get(..length).unwrap_or(&text);
            prop_assert_eq!(are_equal(&text, cut), text == cut);
        }
    }

    #[test]
    fn numbered_texts_are_spread_over_most_places() {
        for name in ["", "a", "server-", "rack-in-row-"] {
            let texts = (0..64).map(|number| format!("{name}{number}"));
            let mut places: Vec<u8> = texts.map(|text| spread(text.as_bytes()) % 64).collect();
            places.sort_unstable();
            places.dedup();
            assert!(places.len() > 24, "{name}: {}", places.len());
        }
    }
}
