//! The combinations of the tags of a file where they are few, though they change from row to row.
//!
//! So it is with tags that many series share and that do not come first in the order of rows: they have
//! more runs than are worth keeping, and few values. The whole file is read for them once; then they are
//! kept.

use std::any::Any;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::HashMap as Told;
use datafusion::execution::cache::cache_manager::FileMetadata;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use datafusion::parquet::errors::Result;
use futures_util::TryStreamExt;

use super::combinations::{batch, of_keys};
use super::kept::What;
use super::reader::Reader;
use crate::distinct::{Distinct, Sorted};

/// The most combinations of a file that are kept.
const FEW_MAX: usize = 1 << 14;

/// The rows that are unpacked at a time.
const BATCH_ROWS: usize = 8 << 10;

/// Combinations in the cache of footers; absent where they are many.
#[derive(Clone, Debug)]
struct KnownFew(Option<RecordBatch>);

impl Reader {
    /// The combinations of these tags, each once; none if they are many, or if there is no memory for
    /// them now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) async fn few(&mut self, columns: &[String]) -> Result<Option<RecordBatch>> {
        let mut leaves = Vec::with_capacity(columns.len());
        for column in columns {
            leaves.push(self.leaf(column).await?);
        }
        let what = What::Combinations(leaves.clone());
        if let Some(KnownFew(few)) = self.known(&what) {
            return Ok(few);
        }
        let Some(found) = self.read_few(&leaves).await? else {
            return Ok(None);
        };
        let few = match found.0 {
            Some(sorted) => Some(of_sorted(columns, &sorted)?),
            None => None,
        };
        self.keep(&what, KnownFew(few.clone()));
        Ok(few)
    }

    /// Reads them; none if there is no memory for it now.
    async fn read_few(&mut self, leaves: &[Option<usize>]) -> Result<Option<Found>> {
        let footer = self.footer().await?;
        let mut read: Vec<usize> = leaves.iter().flatten().copied().collect();
        read.sort_unstable();
        read.dedup();
        let places = leaves.iter().map(|leaf| read.binary_search(&(*leaf)?).ok());
        let places: Vec<Option<usize>> = places.collect();
        let mask = ProjectionMask::leaves(footer.file_metadata().schema_descr(), read);
        let footer = ArrowReaderMetadata::try_new(footer, ArrowReaderOptions::new())?;
        let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(self.again(), footer)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()?;
        let mut distinct = Distinct::new(leaves.len(), self.memory.new_empty());
        while let Some(batch) = batches.try_next().await? {
            if distinct.push(&batch, &places, &|_| true).is_err() {
                return Ok(None);
            }
            if distinct.len() > FEW_MAX {
                return Ok(Some(Found(None)));
            }
        }
        Ok(Some(Found(Some(distinct.finish(leaves.len())))))
    }
}

/// What reading a file has found: its combinations, if they are few.
struct Found(Option<Sorted>);

fn of_sorted(columns: &[String], sorted: &Sorted) -> Result<RecordBatch> {
    let arrays = (0..columns.len()).map(|column| {
        let (texts, places) = sorted.column(column);
        let texts = StringArray::from_iter_values(texts);
        let keys = places.map(|place| i32::try_from(place?).ok());
        Arc::new(of_keys(keys, texts)) as ArrayRef
    });
    batch(columns, arrays.collect())
}

impl FileMetadata for KnownFew {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn memory_size(&self) -> usize {
        let few = self.0.as_ref();
        size_of::<Self>() + few.map_or(0, RecordBatch::get_array_memory_size)
    }

    fn extra_info(&self) -> Told<String, String> {
        Told::default()
    }
}
