//! The values of data pages: the choice of their encoding, and the bytes.

use std::ops::Range;

use parquet::basic::Encoding;

use super::delta;
use super::dictionary::Dictionary;
use super::hybrid::{Hybrid, width_of};
use super::row_selection::RowSelection;
use super::statistics::{Bounds, decimal};
use crate::certain::Certain;
use crate::narrow;

/// The bytes of texts, before compression, that fill a page.
const PAGE_BYTES: usize = 1 << 20;

/// The largest dictionary of texts, in bytes: a reader of the column holds all of it.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// The reason why values are always found.
const PAGE: &str = "a page is within the chunk";

/// Values of one type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain<'a> {
    Float(&'a [f64]),
    Integer(&'a [i64]),
    Unsigned(&'a [u64]),
    Boolean(&'a [bool]),
    String(&'a [&'a str]),
}

/// The values of a chunk in the encoding of its data pages.
#[derive(Debug)]
pub(super) enum EncodedValues<'a> {
    Indexes { indexes: Vec<u32>, width: u32 },
    Delta(&'a [i64]),
    Plain(Plain<'a>),
}

/// The bytes of a dictionary page, and the number of its values.
type DictionaryPage = (Vec<u8>, usize);

impl<'a> EncodedValues<'a> {
    /// Takes the encoding that needs the fewest bytes before compression, which is a good guess for the
    /// fewest after it.
    pub(super) fn choose(plain: Plain<'a>) -> (Option<DictionaryPage>, Self) {
        match plain {
            Plain::Float(values) => {
                // Compare bits, as -0.0 is not 0.0.
                let dictionary = Dictionary::of(values, f64::to_bits);
                Self::or_indexes(
                    dictionary,
                    |distinct| Plain::Float(distinct),
                    Self::Plain(plain),
                )
            }
            Plain::Integer(values) => {
                let Bounds::Integer(min, max) = plain.bounds() else {
                    return (None, Self::Plain(plain));
                };
                let dictionary = Dictionary::of_integers(values, min, max);
                Self::or_indexes(
                    dictionary,
                    |distinct| Plain::Integer(distinct),
                    Self::Delta(values),
                )
            }
            Plain::Unsigned(values) => {
                let dictionary = Dictionary::of(values, |value| value);
                Self::or_indexes(
                    dictionary,
                    |distinct| Plain::Unsigned(distinct),
                    Self::Plain(plain),
                )
            }
            Plain::String(values) => {
                let dictionary = Dictionary::of(values, |value| value);
                let is_small = |dictionary: &Dictionary<&str>| {
                    let bytes = dictionary.distinct.iter().map(|text| text.len());
                    bytes.sum::<usize>() <= DICTIONARY_BYTES_MAX
                };
                let dictionary = dictionary.filter(is_small).map(|dictionary| {
                    let page = page_of(Plain::String(&dictionary.distinct));
                    (page, dictionary.indexes)
                });
                Self::smaller(dictionary, Self::Plain(plain))
            }
            Plain::Boolean(_) => (None, Self::Plain(plain)),
        }
    }

    fn or_indexes<T>(
        dictionary: Option<Dictionary<T>>,
        of: impl for<'d> Fn(&'d [T]) -> Plain<'d>,
        other: Self,
    ) -> (Option<DictionaryPage>, Self) {
        let dictionary =
            dictionary.map(|dictionary| (page_of(of(&dictionary.distinct)), dictionary.indexes));
        Self::smaller(dictionary, other)
    }

    fn smaller(
        dictionary: Option<(DictionaryPage, Vec<u32>)>,
        other: Self,
    ) -> (Option<DictionaryPage>, Self) {
        let Some((page, indexes)) = dictionary else {
            return (None, other);
        };
        let count = narrow::to_u32(page.1, "a row group has few rows");
        let width = width_of(count.saturating_sub(1));
        if page.0.len() + indexes.len() * width as usize / 8 < other.size() {
            (Some(page), Self::Indexes { indexes, width })
        } else {
            (None, other)
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Indexes { indexes, width } => indexes.len() * *width as usize / 8,
            Self::Delta(values) => delta::size(values),
            Self::Plain(Plain::Float(values)) => values.len() * 8,
            Self::Plain(Plain::Integer(values)) => values.len() * 8,
            Self::Plain(Plain::Unsigned(values)) => values.len() * 9,
            Self::Plain(Plain::Boolean(values)) => values.len() / 8,
            Self::Plain(Plain::String(values)) => values.iter().map(|text| text.len() + 4).sum(),
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match self {
            Self::Indexes { .. } => Encoding::RLE_DICTIONARY,
            Self::Delta(_) => Encoding::DELTA_BINARY_PACKED,
            Self::Plain(_) => Encoding::PLAIN,
        }
    }

    /// The number of rows from `first` on that make a page: `rows_max`, or fewer if their texts are long.
    /// `values` is the number of values before them.
    pub(super) fn rows_within(
        &self,
        slice: &RowSelection<'_>,
        first: usize,
        values: usize,
        rows_max: usize,
    ) -> usize {
        let rows = rows_max.min(slice.rows() - first);
        let Self::Plain(Plain::String(texts)) = self else {
            return rows;
        };
        let end = slice.values_before(first + rows);
        let mut bytes = 0;
        for (place, text) in (values..end).zip(texts.iter().skip(values)) {
            if bytes > 0 && bytes + text.len() > PAGE_BYTES {
                // The page ends before the row of this text.
                return slice.rows_of(place) - first;
            }
            bytes += text.len() + 4;
        }
        rows
    }

    /// Encodes some of the values for a data page.
    pub(super) fn encode(&self, values: Range<usize>, page: &mut Vec<u8>) {
        match self {
            Self::Indexes { indexes, width } => {
                let mut hybrid = Hybrid::new(*width);
                hybrid.extend(indexes.get(values).certain(PAGE));
                page.push(width.to_le_bytes()[0]);
                page.extend(hybrid.finish());
            }
            Self::Delta(all) => delta::encode(all.get(values).certain(PAGE), page),
            Self::Plain(plain) => plain.part(values).encode(page),
        }
    }
}

impl<'a> Plain<'a> {
    /// Some of the values.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::Float(values) => Self::Float(values.get(range).certain(PAGE)),
            Self::Integer(values) => Self::Integer(values.get(range).certain(PAGE)),
            Self::Unsigned(values) => Self::Unsigned(values.get(range).certain(PAGE)),
            Self::Boolean(values) => Self::Boolean(values.get(range).certain(PAGE)),
            Self::String(values) => Self::String(values.get(range).certain(PAGE)),
        }
    }
}

impl Plain<'_> {
    pub(super) fn bounds(&self) -> Bounds {
        match self {
            Self::Float(values) => Bounds::floats(values),
            Self::Integer(values) => Bounds::integers(values),
            Self::Unsigned(values) => Bounds::unsigned(values),
            Self::Boolean(values) => Bounds::booleans(values),
            Self::String(values) => Bounds::strings(values),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::String(values) => values.len(),
        }
    }

    /// Writes the values in Parquet's PLAIN encoding.
    pub(super) fn encode(&self, page: &mut Vec<u8>) {
        match self {
            Self::Float(values) => page.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::Integer(values) => {
                page.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Self::Unsigned(values) => page.extend(values.iter().flat_map(|value| decimal(*value))),
            Self::Boolean(values) => {
                let join = |byte: u8, value: &bool| byte << 1 | u8::from(*value);
                let bytes = values
                    .chunks(8)
                    .map(|eight| eight.iter().rev().fold(0, join));
                page.extend(bytes);
            }
            Self::String(values) => {
                for text in *values {
                    let length = narrow::to_u32(text.len(), "a segment is below 1 GiB");
                    page.extend(length.to_le_bytes());
                    page.extend(text.as_bytes());
                }
            }
        }
    }
}

fn page_of(plain: Plain<'_>) -> DictionaryPage {
    let mut page = Vec::new();
    plain.encode(&mut page);
    (page, plain.len())
}
