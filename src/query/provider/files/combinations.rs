//! The tags that rows of files have, from what is known without reading all rows.
//!
//! A single tag comes from the dictionaries of a file, several from their runs: a row for each stretch
//! of rows in which none of them changes, or each of them once where they are few ([`super::few`]).

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::metrics::Count;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::adapter::Adapt;
use super::kept::What;
use super::reader::{Reader, Readers};
use super::tag_runs::{TagRuns, intersect};
use super::tag_values::{self, KnownValues, TagValues};
use super::{Asked, footer};
use crate::database::{FilePart, Files, Scan, TagFilter};

/// How many files are looked at side by side.
const SIDE_BY_SIDE: usize = 8;

/// Tags that are asked for, of a table.
#[derive(Debug)]
pub(in crate::provider) struct OfTable {
    /// All columns of the table.
    pub(in crate::provider) schema: SchemaRef,
    /// The places of the tags among them.
    pub(in crate::provider) places: Vec<usize>,
    /// The same by name, and conditions on tags.
    pub(in crate::provider) scan: Scan,
}

/// The tags of files. Those come first that are known; rows of the others are read after that.
pub(in crate::provider) fn of(
    state: &Arc<SessionState>,
    wanted: &Arc<OfTable>,
    files: Files,
) -> BoxStream<'static, Result<RecordBatch>> {
    let Files { columns, parts } = files;
    let is_known = |part: &FilePart| part.is_whole() && !wanted.scan.columns.is_empty();
    let (whole, cut): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_known);
    let rest = Arc::new(Mutex::new(cut));
    let adapt = Arc::new(Adapt::new(&columns, &wanted.schema));
    let readers = Arc::new(Readers::new(&**state, adapt));
    let look = {
        let (wanted, rest) = (Arc::clone(wanted), Arc::clone(&rest));
        move |part: FilePart| {
            let (readers, wanted, rest) =
                (Arc::clone(&readers), Arc::clone(&wanted), Arc::clone(&rest));
            async move {
                let reader = readers.reader(&part.file, Count::new())?;
                let scan = &wanted.scan;
                let tags = reader.combinations(&scan.columns, &scan.tags).await;
                let tags = tags.map_err(|error| DataFusionError::ParquetError(Box::new(error)))?;
                if tags.is_none() {
                    rest.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(part);
                }
                Ok::<_, DataFusionError>(tags)
            }
        }
    };
    let known = stream::iter(whole).map(look).buffered(SIDE_BY_SIDE);
    let known = known.try_filter_map(future::ok);
    let (state, wanted) = (Arc::clone(state), Arc::clone(wanted));
    let read = async move {
        let parts = std::mem::take(&mut *rest.lock().unwrap_or_else(PoisonError::into_inner));
        let asked = Asked {
            schema: &wanted.schema,
            projection: Some(&wanted.places),
            tags: &wanted.scan.tags,
            newest: None,
            limit: None,
            is_bounded: false,
            order: None,
            runs_max: 0,
        };
        let mut streams = Vec::new();
        let of_files = super::plans(&*state, &asked, Files { columns, parts }).await?;
        for plan in of_files.plans {
            streams.push(execute_stream(plan, state.task_ctx())?);
        }
        Ok::<_, DataFusionError>(stream::iter(streams).flatten())
    };
    known.chain(stream::once(read).try_flatten()).boxed()
}

impl Reader {
    /// The tags of rows that pass, if they are known.
    async fn combinations(
        mut self,
        columns: &[String],
        filters: &[TagFilter],
    ) -> ParquetResult<Option<RecordBatch>> {
        let mut arrays = Vec::with_capacity(columns.len());
        match columns {
            // What does not pass is found out later.
            [only] if filters.iter().all(|filter| filter.column == *only) => {
                if let Some(values) = self.values(only).await? {
                    arrays.push(of_values(&values));
                    return batch(columns, arrays).map(Some);
                }
            }
            _ => {}
        }
        let all = self.rows().await?;
        let mut rows: Vec<Range<usize>> = std::iter::once(0..all).collect();
        for filter in filters {
            match self.rows_with(filter).await? {
                Some(passing) => rows = intersect(&rows, &passing),
                None => return self.few_with(columns, filters).await,
            }
        }
        let mut tags: Vec<Option<Arc<TagRuns>>> = Vec::with_capacity(columns.len());
        for column in columns {
            match self.leaf(column).await? {
                None => tags.push(None),
                Some(leaf) => match self.runs(leaf).await? {
                    Some(runs) => tags.push(Some(runs)),
                    None => return self.few_with(columns, filters).await,
                },
            }
        }
        let starts = rows.iter().map(|range| range.start);
        let ends = tags.iter().flatten().flat_map(|runs| runs.ends());
        let mut places: Vec<usize> = starts.chain(ends).collect();
        places.sort_unstable();
        places.dedup();
        let mut ranges = rows.iter().peekable();
        let mut kept = Vec::new();
        for place in places {
            while ranges.next_if(|range| range.end <= place).is_some() {}
            if ranges.peek().is_some_and(|range| range.contains(&place)) {
                kept.push(place);
            }
        }
        let of_tag = |runs: Option<Arc<TagRuns>>| match runs {
            Some(runs) => runs.at(&kept),
            None => {
                Arc::new(of_keys(kept.iter().map(|_| None), StringArray::new_null(0))) as ArrayRef
            }
        };
        arrays.extend(tags.into_iter().map(of_tag));
        batch(columns, arrays).map(Some)
    }

    /// The combinations of tags, if they are few. What does not pass is found out later.
    async fn few_with(
        &mut self,
        columns: &[String],
        filters: &[TagFilter],
    ) -> ParquetResult<Option<RecordBatch>> {
        match filters
            .iter()
            .all(|filter| columns.contains(&filter.column))
        {
            true => self.few(columns).await,
            false => Ok(None),
        }
    }

    /// The values of a tag, if dictionaries say them.
    async fn values(&mut self, column: &str) -> ParquetResult<Option<Arc<TagValues>>> {
        let Some(leaf) = self.leaf(column).await? else {
            let values = TagValues {
                texts: StringArray::new_null(0),
                has_none: self.rows().await? > 0,
            };
            return Ok(Some(Arc::new(values)));
        };
        let what = What::Values(leaf);
        if let Some(KnownValues(values)) = self.known(&what) {
            return Ok(values);
        }
        let values = self.read_values(leaf).await?.map(Arc::new);
        self.keep(&what, KnownValues(values.clone()));
        Ok(values)
    }

    async fn read_values(&mut self, leaf: usize) -> ParquetResult<Option<TagValues>> {
        let footer = self.footer().await?;
        if !footer::is_of_known_writer(&footer, self.file()) {
            return Ok(None);
        }
        let Some(found) = tag_values::dictionaries(&footer, leaf) else {
            return Ok(None);
        };
        let ranges = found.pages.iter().map(|(_, range)| range.clone());
        let read = self.read(ranges.collect()).await?;
        let mut values = BTreeSet::new();
        for ((group, range), bytes) in found.pages.iter().zip(read) {
            let group = footer.row_groups().get(*group);
            let column = group.and_then(|group| group.columns().get(leaf));
            if let Some(column) = column {
                let added = tag_values::add(column, range.start, bytes, &mut values);
                added.map_err(|error| self.damaged(&error))?;
            }
        }
        Ok(Some(TagValues {
            texts: StringArray::from_iter_values(&values),
            has_none: found.has_none,
        }))
    }
}

fn of_values(values: &TagValues) -> ArrayRef {
    let keys = (0_i32..).take(values.texts.iter().count()).map(Some);
    let none = values.has_none.then_some(None);
    Arc::new(of_keys(keys.chain(none), values.texts.clone()))
}

/// Values by their places. Places are those of values.
pub(super) fn of_keys(
    keys: impl Iterator<Item = Option<i32>>,
    texts: StringArray,
) -> DictionaryArray<Int32Type> {
    let keys: Int32Array = keys.collect();
    DictionaryArray::new(keys, Arc::new(texts))
}

pub(super) fn batch(columns: &[String], arrays: Vec<ArrayRef>) -> ParquetResult<RecordBatch> {
    let tag = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = columns
        .iter()
        .map(|name| Field::new(name, tag.clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok(RecordBatch::try_new(schema, arrays)?)
}
