//! The distinct tags among rows that come in batches.
//!
//! A row is kept as numbers of its values, each value once. The files of a table have their rows in one
//! order, so a row, and a value, mostly comes after the one that it came after the last time: it is
//! compared to that, and looked up only if it is another one.

mod met;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::cast;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::error::QueryError;
use met::Met;

/// The number that stands for a tag that a row does not have; others are places plus one.
const MISSING: u32 = 0;

/// What a row takes beside its numbers: its place in a table that is half full, what follows it, whether
/// it passes, and its place in the order.
const ROW_BYTES: usize = 24;

/// What a value takes beside its text.
const VALUE_BYTES: usize = 96;

/// The values of a tag, in the order in which they came.
#[derive(Debug, Default)]
struct Values {
    texts: Vec<Arc<str>>,
    met: Met,
    text_bytes: usize,
    /// The last dictionary, and the number of each of its values that was met.
    dictionary: Option<(ArrayRef, Vec<Option<u32>>)>,
}

/// Rows in the making, each with as many numbers as there are columns.
#[derive(Debug)]
struct Rows {
    columns: usize,
    numbers: Vec<u32>,
    /// Whether each passes.
    passing: Vec<bool>,
    met: Met,
}

/// The distinct tags of rows so far.
#[derive(Debug)]
pub(crate) struct Distinct {
    values: Vec<Values>,
    rows: Rows,
    memory: MemoryReservation,
}

impl Distinct {
    /// No rows yet, of so many columns.
    pub(crate) fn new(columns: usize, memory: MemoryReservation) -> Self {
        Self {
            values: (0..columns).map(|_| Values::default()).collect(),
            rows: Rows::new(columns),
            memory,
        }
    }

    /// Adds rows, of which each column stands at its place in the batch, or is missing; `passes` is asked
    /// once for each. Returns true if one of them is new and passes.
    ///
    /// # Errors
    /// There is no memory for them, or they are no texts.
    pub(crate) fn push(
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
        let mut row: Vec<u32> = Vec::with_capacity(columns.len());
        for place in 0..batch.num_rows() {
            row.clear();
            row.extend(columns.iter().filter_map(|column| column.get(place)));
            if self.rows.has(&row) {
                continue;
            }
            let passes = passes(&self.texts(&row));
            has_new |= passes;
            self.rows.add(&row, passes)?;
        }
        self.memory.try_resize(self.bytes())?;
        Ok(has_new)
    }

    /// How many there are, also of those that do not pass.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
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
        let of_row = ROW_BYTES + self.values.len() * size_of::<u32>();
        values + self.rows.len() * of_row
    }

    /// How many rows [`Distinct::finish`] would have.
    pub(crate) fn count(self, columns: usize) -> usize {
        match columns == self.values.len() {
            true => self.rows.passing.iter().filter(|passes| **passes).count(),
            // Some may differ in other columns alone.
            false => self.finish(columns).len(),
        }
    }

    /// The first columns of those that pass, sorted, each once.
    pub(crate) fn finish(self, columns: usize) -> Sorted {
        let mut texts = Vec::new();
        let mut ranks = Vec::new();
        for values in self.values.into_iter().take(columns) {
            let (sorted, of_number) = values.ranked();
            texts.push(sorted);
            ranks.push(of_number);
        }
        let Rows {
            columns: width,
            mut numbers,
            passing,
            ..
        } = self.rows;
        for row in numbers.chunks_exact_mut(width.max(1)) {
            for (number, ranks) in row.iter_mut().zip(&ranks) {
                *number = rank(ranks, *number);
            }
        }
        let passing = (0_u32..).zip(passing).filter(|(_, passes)| *passes);
        let mut sorted = Sorted {
            order: passing.map(|(place, _)| place).collect(),
            ranks: Ranks {
                width,
                columns,
                all: numbers,
            },
            texts,
            _memory: self.memory,
        };
        let ranks = &sorted.ranks;
        let order = &mut sorted.order;
        order.sort_unstable_by(|a, b| ranks.of(*a).cmp(ranks.of(*b)));
        order.dedup_by(|a, b| ranks.of(*a) == ranks.of(*b));
        sorted
    }
}

fn rank(ranks: &[u32], number: u32) -> u32 {
    ranks.get(number as usize).copied().unwrap_or(MISSING)
}

impl Rows {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            numbers: Vec::new(),
            passing: Vec::new(),
            met: Met::default(),
        }
    }

    fn len(&self) -> usize {
        self.passing.len()
    }

    fn has(&mut self, row: &[u32]) -> bool {
        let Self {
            columns,
            numbers,
            met,
            ..
        } = self;
        let at = |place| stretch(numbers, *columns, place);
        met.find(row, at).is_some()
    }

    /// Adds a row that it does not have.
    fn add(&mut self, row: &[u32], passes: bool) -> Result<(), QueryError> {
        let Self {
            columns,
            numbers,
            met,
            ..
        } = self;
        let added = met.add(row, |place| stretch(numbers, *columns, place));
        added.ok_or_else(|| too_many("a table has more than 4,294,967,294 series"))?;
        self.numbers.extend_from_slice(row);
        self.passing.push(passes);
        Ok(())
    }
}

/// The numbers of one row among those of all.
fn stretch(numbers: &[u32], columns: usize, place: u32) -> &[u32] {
    let start = place as usize * columns;
    numbers.get(start..start + columns).unwrap_or_default()
}

fn too_many(what: &str) -> QueryError {
    QueryError::Exhausted(what.to_owned())
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
        let Self { texts, met, .. } = self;
        let at = |place: u32| texts.get(place as usize).map_or("", |text| text);
        if let Some(place) = met.find(text, at) {
            return Ok(place + 1);
        }
        let added = met.add(text, at);
        let place = added.ok_or_else(|| too_many("a tag has more than 4,294,967,294 values"))?;
        self.text_bytes += text.len();
        self.texts.push(Arc::from(text));
        Ok(place + 1)
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
        let mut numbered: Vec<(Arc<str>, u32)> = self.texts.into_iter().zip(1_u32..).collect();
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
pub(crate) struct Sorted {
    /// The values of each column, in order.
    texts: Vec<Vec<Arc<str>>>,
    ranks: Ranks,
    /// The places of rows.
    order: Vec<u32>,
    _memory: MemoryReservation,
}

/// For each row the places of its values among those of the columns, plus one.
#[derive(Debug)]
struct Ranks {
    /// How many numbers a row has, of which the first are those of the columns.
    width: usize,
    columns: usize,
    all: Vec<u32>,
}

impl Ranks {
    fn of(&self, place: u32) -> &[u32] {
        let row = stretch(&self.all, self.width, place);
        row.get(..self.columns).unwrap_or_default()
    }
}

impl Sorted {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The tags of a row; "" for one that it does not have.
    pub(crate) fn row(&self, place: usize) -> impl Iterator<Item = &Arc<str>> {
        let row = self.order.get(place).map(|row| self.ranks.of(*row));
        let cells = self.texts.iter().zip(row.unwrap_or_default());
        cells.map(|(texts, rank)| text_at(texts, *rank))
    }

    /// The rows, one after another.
    pub(crate) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &Arc<str>>> {
        (0..self.len()).map(|place| self.row(place))
    }

    /// The values of a column in order, and for each row the place of its own among them.
    pub(crate) fn column(&self, column: usize) -> (&[Arc<str>], impl Iterator<Item = Option<u32>>) {
        let texts = self.texts.get(column).map_or(&[][..], |texts| texts);
        let rows = self.order.iter().map(move |place| {
            let rank = self.ranks.of(*place).get(column);
            rank.and_then(|rank| rank.checked_sub(1))
        });
        (texts, rows)
    }

    /// Puts the rows in the order of series: tag after tag that a row has, by key and value.
    pub(crate) fn sort_as_series(&mut self) {
        let ranks = &self.ranks;
        let compare = |a: &u32, b: &u32| as_series(ranks.of(*a), ranks.of(*b));
        self.order.sort_unstable_by(compare);
    }
}

/// Compares two series. One without a tag that the other has continues with a later key, or ends.
fn as_series(a: &[u32], b: &[u32]) -> Ordering {
    let mut pairs = a.iter().zip(b).enumerate();
    let Some((place, (one, other))) = pairs.find(|(_, (one, other))| one != other) else {
        return Ordering::Equal;
    };
    let continues = |row: &[u32]| row.iter().skip(place).any(|rank| *rank != MISSING);
    match (*one, *other) {
        (MISSING, _) if continues(a) => Ordering::Greater,
        (MISSING, _) => Ordering::Less,
        (_, MISSING) if continues(b) => Ordering::Less,
        (_, MISSING) => Ordering::Greater,
        (one, other) => one.cmp(&other),
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
