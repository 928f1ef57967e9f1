//! The least and the greatest value of a column, in the forms of Parquet and Delta.

use crate::certain::Certain;

use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::{Statistics, ValueStatistics};
use serde_json::Value;

/// The number of characters of a text that are kept, as by other Delta writers.
const CHARS_MAX: usize = 32;

/// The range of some values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bounds {
    /// There is no value.
    Empty,
    Float(f64, f64),
    Integer(i64, i64),
    Unsigned(u64, u64),
    Boolean(bool, bool),
    String(TextBounds),
    /// There are values that have no order.
    Unknown,
}

/// The range of some texts, each end cut to [`CHARS_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextBounds {
    min: String,
    min_is_exact: bool,
    /// A bound that is not below any text; nothing if there is no such short text.
    max: Option<String>,
    max_is_exact: bool,
}

impl Bounds {
    pub(super) fn floats(values: &[f64]) -> Self {
        // No NaN and no infinity comes in through line protocol; if one did, there is no order.
        if values.iter().any(|value| !value.is_finite()) {
            return Self::Unknown;
        }
        let range = range(values.iter().copied(), |a, b| a < b);
        range.map_or(Self::Empty, |(min, max)| Self::Float(min, max))
    }

    pub(super) fn integers(values: &[i64]) -> Self {
        let range = values.iter().min().zip(values.iter().max());
        range.map_or(Self::Empty, |(min, max)| Self::Integer(*min, *max))
    }

    pub(super) fn unsigned(values: &[u64]) -> Self {
        let range = values.iter().min().zip(values.iter().max());
        range.map_or(Self::Empty, |(min, max)| Self::Unsigned(*min, *max))
    }

    pub(super) fn booleans(values: &[bool]) -> Self {
        let range = values.iter().min().zip(values.iter().max());
        range.map_or(Self::Empty, |(min, max)| Self::Boolean(*min, *max))
    }

    pub(super) fn strings(values: &[&str]) -> Self {
        let range = values.iter().min().zip(values.iter().max());
        range.map_or(Self::Empty, |(min, max)| Self::texts(min, max))
    }

    /// The range from one text to another.
    pub(super) fn texts(min: &str, max: &str) -> Self {
        Self::String(TextBounds::of(min, max))
    }

    /// The range of both.
    pub(super) fn join(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Empty, other) => other.clone(),
            (this, Self::Empty) => this,
            (Self::Float(a, b), Self::Float(c, d)) => Self::Float(a.min(*c), b.max(*d)),
            (Self::Integer(a, b), Self::Integer(c, d)) => Self::Integer(a.min(*c), b.max(*d)),
            (Self::Unsigned(a, b), Self::Unsigned(c, d)) => Self::Unsigned(a.min(*c), b.max(*d)),
            (Self::Boolean(a, b), Self::Boolean(c, d)) => Self::Boolean(a.min(*c), b.max(*d)),
            (Self::String(this), Self::String(other)) => Self::String(this.join(other)),
            _ => Self::Unknown,
        }
    }

    /// The statistics of a column chunk in the file's footer. Without an order they have only the number
    /// of nulls, which needs the physical type of the column's values.
    pub(super) fn statistics(&self, nulls: u64) -> Option<Statistics> {
        let nulls = Some(nulls);
        Some(match self {
            Self::Empty | Self::Unknown => return None,
            Self::Float(min, max) => {
                let (min, max) = signed_zeros(*min, *max);
                Statistics::double(Some(min), Some(max), None, nulls, false)
            }
            Self::Integer(min, max) => {
                Statistics::int64(Some(*min), Some(*max), None, nulls, false)
            }
            Self::Unsigned(min, max) => {
                let bytes = |value: &u64| FixedLenByteArray::from(decimal(*value).to_vec());
                Statistics::fixed_len_byte_array(
                    Some(bytes(min)),
                    Some(bytes(max)),
                    None,
                    nulls,
                    false,
                )
            }
            Self::Boolean(min, max) => {
                Statistics::boolean(Some(*min), Some(*max), None, nulls, false)
            }
            Self::String(text) => {
                let bytes = |text: &String| ByteArray::from(text.as_bytes().to_vec());
                let (min, max) = (bytes(&text.min), text.max.as_ref().map(bytes));
                let values = ValueStatistics::new(Some(min), max, None, nulls, false);
                let values = values.with_min_is_exact(text.min_is_exact);
                Statistics::ByteArray(values.with_max_is_exact(text.max_is_exact))
            }
        })
    }

    /// The ends in Parquet's PLAIN encoding, as the index of a file's pages has them; nothing if one
    /// is not known.
    pub(super) fn ends(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        Some(match self {
            Self::Empty | Self::Unknown => return None,
            Self::Float(min, max) => {
                let (min, max) = signed_zeros(*min, *max);
                (min.to_le_bytes().to_vec(), max.to_le_bytes().to_vec())
            }
            Self::Integer(min, max) => (min.to_le_bytes().to_vec(), max.to_le_bytes().to_vec()),
            Self::Unsigned(min, max) => (decimal(*min).to_vec(), decimal(*max).to_vec()),
            Self::Boolean(min, max) => (vec![u8::from(*min)], vec![u8::from(*max)]),
            Self::String(text) => {
                let max = text.max.as_ref()?;
                (text.min.clone().into_bytes(), max.clone().into_bytes())
            }
        })
    }

    /// Least and greatest value in the JSON of a Delta table.
    pub(super) fn json(&self) -> (Option<Value>, Option<Value>) {
        match self {
            Self::Empty | Self::Unknown => (None, None),
            Self::Float(min, max) => {
                let (min, max) = signed_zeros(*min, *max);
                (Some(min.into()), Some(max.into()))
            }
            Self::Integer(min, max) => (Some((*min).into()), Some((*max).into())),
            Self::Unsigned(min, max) => (Some((*min).into()), Some((*max).into())),
            // Two values are of little use to a reader. But if a bound is left out and not all values are
            // null, deltalake for Python assumes that no value is within it.
            Self::Boolean(min, max) => (Some((*min).into()), Some((*max).into())),
            Self::String(text) => (
                Some(text.min.clone().into()),
                text.max.clone().map(Value::from),
            ),
        }
    }
}

impl TextBounds {
    fn of(min: &str, max: &str) -> Self {
        let (low, high) = (cut(min), cut(max));
        let max_is_exact = high.len() == max.len();
        Self {
            min: low.to_owned(),
            min_is_exact: low.len() == min.len(),
            max: if max_is_exact {
                Some(high.to_owned())
            } else {
                above(high)
            },
            max_is_exact,
        }
    }

    fn join(self, other: &Self) -> Self {
        let min_is_ours = self.min <= other.min;
        let max_is_ours = match (&self.max, &other.max) {
            (Some(ours), Some(theirs)) => ours >= theirs,
            (ours, _) => ours.is_none(),
        };
        let (low, high) = (
            if min_is_ours { &self } else { other },
            if max_is_ours { &self } else { other },
        );
        Self {
            min: low.min.clone(),
            min_is_exact: low.min_is_exact,
            max: high.max.clone(),
            max_is_exact: high.max_is_exact,
        }
    }
}

/// Encodes a number as DECIMAL(20,0): big-endian, two's complement.
pub(super) fn decimal(value: u64) -> [u8; 9] {
    let mut bytes = [0; 9];
    for (slot, byte) in bytes.iter_mut().skip(1).zip(value.to_be_bytes()) {
        *slot = byte;
    }
    bytes
}

fn range<T: Copy>(
    mut values: impl Iterator<Item = T>,
    below: impl Fn(T, T) -> bool,
) -> Option<(T, T)> {
    let first = values.next()?;
    Some(values.fold((first, first), |(min, max), value| {
        (
            if below(value, min) { value } else { min },
            if below(max, value) { value } else { max },
        )
    }))
}

/// Widens a range that ends in a zero to hold both 0.0 and -0.0, as readers may not distinguish them:
/// Parquet's rule.
fn signed_zeros(min: f64, max: f64) -> (f64, f64) {
    (
        if min == 0.0 { -0.0 } else { min },
        if max == 0.0 { 0.0 } else { max },
    )
}

fn cut(text: &str) -> &str {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => text.get(..end).certain("a character begins there"),
        None => text,
    }
}

/// Returns the shortest text above all that begin with `prefix`.
fn above(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Bounds, CHARS_MAX};

    fn ends(values: &[&str]) -> (String, Option<String>) {
        match Bounds::strings(values) {
            Bounds::String(text) => (text.min, text.max),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_greatest_text_is_bounded_from_above_when_it_is_cut() {
        let long = "é".repeat(CHARS_MAX + 5);
        let (min, max) = ends(&[&long]);
        assert_eq!(min, "é".repeat(CHARS_MAX));
        assert_eq!(max, Some("é".repeat(CHARS_MAX - 1) + "ê"));
        let last = char::MAX.to_string().repeat(CHARS_MAX + 1);
        assert_eq!(ends(&[&last]).1, None);
        let mixed = "a".to_owned() + &last;
        assert_eq!(ends(&[&mixed]).1, Some("b".to_owned()));
        let before_surrogates = "\u{d7ff}".repeat(CHARS_MAX + 1);
        let bound = ends(&[&before_surrogates]).1.expect("there is a next one");
        assert!(bound.ends_with('\u{e000}') && bound > before_surrogates);
    }

    #[test]
    fn ranges_of_parts_join_to_the_range_of_all() {
        let unbounded = char::MAX.to_string().repeat(CHARS_MAX + 1);
        let (a, b) = (Bounds::strings(&["b", "c"]), Bounds::strings(&["a", "bb"]));
        assert_eq!(a.join(&b), Bounds::strings(&["a", "c"]));
        let joined = Bounds::strings(&["x"]).join(&Bounds::strings(&[&unbounded]));
        assert_eq!(joined.json().1, None);
        let floats = Bounds::floats(&[1.5, -0.0]).join(&Bounds::Empty);
        assert_eq!(floats.join(&Bounds::floats(&[f64::NAN])), Bounds::Unknown);
    }
}
