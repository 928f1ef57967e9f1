//! The distinct tags among rows that come in batches.
//!
//! A row is kept as numbers of its values, each value once. Rows of files come series by series, so a
//! row is looked up only where it differs from the one before it.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::cast;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::error::QueryError;

/// The number that stands for a tag that a row does not have; others are places plus one.
const MISSING: u32 = 0;

/// What a row takes beside its numbers.
const ROW_BYTES: usize = 64;

/// What a value takes beside its text.
const VALUE_BYTES: usize = 96;

/// The values of a tag, in the order in which they came.
#[derive(Debug, Default)]
struct Values {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    text_bytes: usize,
    /// The last dictionary, and the number of each of its values that was met.
    dictionary: Option<(ArrayRef, Vec<Option<u32>>)>,
}

/// Rows in the making.
#[derive(Debug)]
pub(super) struct Distinct {
    values: Vec<Values>,
    /// Whether each passes.
    rows: HashMap<Box<[u32]>, bool>,
    memory: MemoryReservation,
}

impl Distinct {
    /// No rows yet, of so many columns.
    pub(super) fn new(columns: usize, memory: MemoryReservation) -> Self {
        Self {
            values: (0..columns).map(|_| Values::default()).collect(),
            rows: HashMap::new(),
            memory,
        }
    }

    /// Adds rows, of which each column stands at its place in the batch, or is missing; `passes` is asked
    /// once for each. Returns true if one of them is new and passes.
    ///
    /// # Errors
    /// There is no memory for them, or they are no texts.
    pub(super) fn push(
        &mut self,
        batch: &RecordBatch,
        places: &[Option<usize>],
        passes: &(dyn Fn(&[&str]) -> bool + Sync),
    ) -> Result<bool, QueryError> {
        let columns = self.values.iter_mut().zip(places);
        let columns = columns.map(|(values, place)| {
            match place.and_then(|place| batch.columns().get(place)) {
                Some(column) => values.numbers_of(column),
                None => Ok(vec![MISSING; batch.num_rows()]),
            }
        });
        let columns: Vec<Vec<u32>> = columns.collect::<Result<_, _>>()?;
        let mut has_new = false;
        let mut last: Vec<u32> = Vec::new();
        for place in 0..batch.num_rows() {
            let row = columns.iter().filter_map(|column| column.get(place));
            if place > 0 && row.clone().eq(last.iter()) {
                continue;
            }
            last.clear();
            last.extend(row);
            if self.rows.contains_key(last.as_slice()) {
                continue;
            }
            let passes = passes(&self.texts(&last));
            has_new |= passes;
            self.rows.insert(last.as_slice().into(), passes);
        }
        self.memory.try_resize(self.bytes())?;
        Ok(has_new)
    }

    fn texts(&self, row: &[u32]) -> Vec<&str> {
        let values = self.values.iter().zip(row);
        values
            .map(|(values, number)| values.text(*number))
            .collect()
    }

    fn bytes(&self) -> usize {
        let of_values = |values: &Values| values.text_bytes + values.texts.len() * VALUE_BYTES;
        let values: usize = self.values.iter().map(of_values).sum();
        values + self.rows.len() * (ROW_BYTES + self.values.len() * size_of::<u32>())
    }

    /// The first columns of those that pass, sorted, each once.
    pub(super) fn finish(self, columns: usize) -> Sorted {
        let mut texts = Vec::new();
        let mut ranks = Vec::new();
        for values in self.values.into_iter().take(columns) {
            let (sorted, of_number) = values.ranked();
            texts.push(sorted);
            ranks.push(of_number);
        }
        let passing = self.rows.into_iter().filter(|(_, passes)| *passes);
        let mut rows: Vec<Box<[u32]>> = passing
            .map(|(row, _)| {
                let ranks = ranks.iter().zip(&*row);
                let ranks = ranks.map(|(ranks, number)| rank(ranks, *number));
                ranks.collect()
            })
            .collect();
        rows.sort_unstable();
        rows.dedup();
        Sorted {
            texts,
            rows,
            _memory: self.memory,
        }
    }
}

fn rank(ranks: &[u32], number: u32) -> u32 {
    ranks.get(number as usize).copied().unwrap_or(MISSING)
}

impl Values {
    fn text(&self, number: u32) -> &str {
        let place = number.checked_sub(1);
        let text = place.and_then(|place| self.texts.get(place as usize));
        text.map_or("", |text| text)
    }

    fn number(&mut self, text: &str) -> Result<u32, QueryError> {
        if text.is_empty() {
            return Ok(MISSING);
        }
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let Ok(number) = u32::try_from(self.texts.len() + 1) else {
            let text = "a tag has more than 4,294,967,295 values".to_owned();
            return Err(QueryError::Exhausted(text));
        };
        let text: Arc<str> = Arc::from(text);
        self.text_bytes += text.len();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        Ok(number)
    }

    /// The numbers of the values of all rows.
    fn numbers_of(&mut self, column: &ArrayRef) -> Result<Vec<u32>, QueryError> {
        let Some(tags) = column.as_dictionary_opt::<Int32Type>() else {
            let texts = texts_of(column)?;
            return texts
                .iter()
                .map(|text| self.number(text.unwrap_or_default()))
                .collect();
        };
        let texts = texts_of(tags.values())?;
        let known = self.dictionary.take();
        let mut numbers = match known {
            Some((values, numbers)) if Arc::ptr_eq(&values, tags.values()) => numbers,
            _ => vec![None; texts.len()],
        };
        let mut of_rows = Vec::with_capacity(tags.len());
        for key in tags.keys() {
            let place = key.and_then(|key| usize::try_from(key).ok());
            let number = match place.and_then(|place| numbers.get_mut(place).map(|n| (place, n))) {
                Some((_, Some(number))) => *number,
                Some((place, unknown)) if !texts.is_null(place) => {
                    *unknown.insert(self.number(texts.value(place))?)
                }
                _ => MISSING,
            };
            of_rows.push(number);
        }
        self.dictionary = Some((Arc::clone(tags.values()), numbers));
        Ok(of_rows)
    }

    /// The values in order, and for each number the place among them plus one.
    fn ranked(self) -> (Vec<Arc<str>>, Vec<u32>) {
        let mut numbered: Vec<(Arc<str>, u32)> = self.numbers.into_iter().collect();
        numbered.sort_unstable();
        let mut ranks = vec![MISSING; numbered.len() + 1];
        for ((_, number), rank) in numbered.iter().zip(1_u32..) {
            if let Some(place) = ranks.get_mut(*number as usize) {
                *place = rank;
            }
        }
        let texts = numbered.into_iter().map(|(text, _)| text);
        (texts.collect(), ranks)
    }
}

fn texts_of(values: &ArrayRef) -> Result<StringArray, QueryError> {
    let texts = match values.data_type() {
        DataType::Utf8 => Arc::clone(values),
        _ => cast(values, &DataType::Utf8).map_err(datafusion::error::DataFusionError::from)?,
    };
    let none = || QueryError::Internal("a tag is no text".to_owned());
    texts.as_string_opt::<i32>().cloned().ok_or_else(none)
}

/// Distinct tags, in order of their values column by column; a missing one is first.
#[derive(Debug)]
pub(super) struct Sorted {
    /// The values of each column, in order.
    texts: Vec<Vec<Arc<str>>>,
    /// Places among them plus one.
    rows: Vec<Box<[u32]>>,
    _memory: MemoryReservation,
}

impl Sorted {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The tags of a row; "" for one that it does not have.
    pub(super) fn row(&self, place: usize) -> impl Iterator<Item = &Arc<str>> {
        let row = self.rows.get(place).map(|row| &**row).unwrap_or_default();
        let cells = self.texts.iter().zip(row);
        cells.map(|(texts, rank)| text_at(texts, *rank))
    }

    /// The rows, one after another.
    pub(super) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &Arc<str>>> {
        (0..self.len()).map(|place| self.row(place))
    }

    /// Puts the rows in the order of series: tag after tag that a row has, by key and value.
    pub(super) fn sort_as_series(&mut self) {
        let present = |row: &[u32]| -> Vec<(usize, u32)> {
            let ranks = row.iter().copied().enumerate();
            ranks.filter(|(_, rank)| *rank != MISSING).collect()
        };
        let compare = |a: &[u32], b: &[u32]| -> Ordering {
            let differs = a.iter().zip(b).position(|(a, b)| a != b);
            let Some(start) = differs else {
                return Ordering::Equal;
            };
            let rest = |row: &[u32]| present(row.get(start..).unwrap_or_default());
            rest(a).cmp(&rest(b))
        };
        self.rows.sort_unstable_by(|a, b| compare(a, b));
    }
}

fn text_at(texts: &[Arc<str>], rank: u32) -> &Arc<str> {
    static NONE: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| Arc::from(""));
    let place = rank.checked_sub(1);
    let text = place.and_then(|place| texts.get(place as usize));
    debug_assert!(
        text.is_some() || rank == MISSING,
        "ranks are those of values"
    );
    text.unwrap_or(&NONE)
}
