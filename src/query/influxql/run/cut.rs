//! SLIMIT and SOFFSET: which groups of series a measurement is read for.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::{Expr, lit};
use futures_util::TryStreamExt;

use super::super::analysis::{MeasurementSource, SeriesCut};
use super::condition;
use super::convert::Values;
use super::function;
use super::level::Session;
use super::names::Names;
use super::nodes::Nodes;
use crate::error::QueryError;

/// Returns a condition that holds for the rows of the series that are read. `all` are all rows of the
/// table: the series are counted whatever times they have points at.
///
/// # Errors
/// The series cannot be read.
pub(super) async fn within(
    session: &Session,
    all: Nodes,
    source: &MeasurementSource,
    cut: &SeriesCut,
    names: &Names,
) -> std::result::Result<Expr, QueryError> {
    let tags: Vec<Option<Expr>> = cut.tags.iter().map(|key| names.tag(key)).collect();
    let present: Vec<Expr> = tags.iter().flatten().cloned().collect();
    let places = Places {
        cut: cut.clone(),
        present: tags.iter().map(Option::is_some).collect(),
    };
    if present.is_empty() {
        // All points are of one group.
        return Ok(lit(cut.offset == 0));
    }
    let rows = all.filter(condition::expression(&source.condition, names))?;
    let groups = rows.aggregate(present.clone(), Vec::new())?.build();
    let mut groups = session.run(groups).await?;
    let mut keys = Keys::new(cut, &session.memory);
    while let Some(batch) = groups.try_next().await? {
        let values = batch.columns().iter().map(Values::new);
        let values: Vec<Values> = values.collect::<Result<_>>()?;
        keys.extend((0..batch.num_rows()).map(|row| places.key(&values, row)))?;
    }
    let kept = keys.kept()?;
    let work = move |arguments: &[ArrayRef]| {
        let values = arguments.iter().map(Values::new);
        let values: Vec<Values> = values.collect::<Result<_>>()?;
        let rows = values.first().map_or(0, Values::len);
        let is_kept = (0..rows).map(|row| Some(kept.has(&places.key(&values, row))));
        Ok(Arc::new(is_kept.collect::<BooleanArray>()) as ArrayRef)
    };
    Ok(function::call(
        "series_is_read",
        DataType::Boolean,
        present,
        Arc::new(work),
    ))
}

/// The bytes of a key beside its text: a string among others, in a tree and then in a table, both of which
/// have places to spare.
const KEY_BYTES: usize = 3 * size_of::<String>();

/// The first keys of groups in order: no more than the cut may need.
struct Keys {
    first: BTreeSet<String>,
    most: usize,
    left_out: usize,
    bytes: usize,
    memory: MemoryReservation,
}

impl Keys {
    fn new(cut: &SeriesCut, pool: &Arc<dyn MemoryPool>) -> Self {
        let left_out = usize::try_from(cut.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(cut.limit).unwrap_or(usize::MAX);
        Self {
            first: BTreeSet::new(),
            most: match limit {
                0 => usize::MAX,
                limit => left_out.saturating_add(limit),
            },
            left_out,
            bytes: 0,
            memory: MemoryConsumer::new("series of SLIMIT").register(pool),
        }
    }

    /// Adds keys.
    ///
    /// # Errors
    /// There is no memory for them.
    fn extend(&mut self, keys: impl Iterator<Item = String>) -> Result<()> {
        for key in keys {
            let bytes = key.len() + KEY_BYTES;
            if self.first.insert(key) {
                self.bytes += bytes;
            }
            if self.first.len() > self.most
                && let Some(last) = self.first.pop_last()
            {
                self.bytes -= last.len() + KEY_BYTES;
            }
        }
        self.memory.try_resize(self.bytes)
    }

    /// The keys of the groups that are read.
    fn kept(self) -> Result<Kept> {
        let kept: HashSet<String> = self.first.into_iter().skip(self.left_out).collect();
        let bytes = kept.iter().map(|key| key.len() + KEY_BYTES).sum();
        self.memory.try_resize(bytes)?;
        Ok(Kept {
            keys: kept,
            _memory: self.memory,
        })
    }
}

/// The keys of the groups that are read, and their memory.
struct Kept {
    keys: HashSet<String>,
    _memory: MemoryReservation,
}

impl Kept {
    fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

/// Where the tags of a cut are among columns.
struct Places {
    cut: SeriesCut,
    /// Which of the tags have a column.
    present: Vec<bool>,
}

impl Places {
    fn key(&self, columns: &[Values], row: usize) -> String {
        let mut columns = columns.iter();
        let values = self.present.iter().map(|is_present| {
            let column = is_present.then(|| columns.next()).flatten();
            column.and_then(|column| column.text(row)).unwrap_or("")
        });
        let values: Vec<&str> = values.collect();
        self.cut.key(values)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};

    use super::{KEY_BYTES, Keys, SeriesCut};

    fn cut(limit: u64, offset: u64) -> SeriesCut {
        SeriesCut {
            tags: Arc::new([Arc::from("t")]),
            limit,
            offset,
        }
    }

    fn numbers(numbers: impl Iterator<Item = u32>) -> impl Iterator<Item = String> {
        numbers.map(|number| format!("{number:04}"))
    }

    #[test]
    fn groups_that_are_not_read_take_no_memory_and_all_others_do() {
        let bytes = 4 + KEY_BYTES;
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100 * bytes));
        let mut keys = Keys::new(&cut(3, 2), &pool);
        for start in [900, 500, 0, 1900] {
            keys.extend(numbers(start..start + 100))
                .expect("few are held");
            assert_eq!(pool.reserved(), 5 * bytes);
        }
        let kept = keys.kept().expect("held");
        let mut found: Vec<&str> = kept.keys.iter().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, ["0002", "0003", "0004"]);
        assert_eq!(pool.reserved(), 3 * bytes);
        drop(kept);
        assert_eq!(pool.reserved(), 0);

        let mut all = Keys::new(&cut(0, 1), &pool);
        all.extend(numbers(0..100)).expect("as much as there is");
        all.extend(numbers(0..100)).expect("no new ones");
        assert!(all.extend(numbers(100..101)).is_err(), "one too many");
        drop(all);
        assert_eq!(pool.reserved(), 0);
    }
}
