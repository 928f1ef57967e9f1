//! Chosen rows of columns of one file, row group by row group.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, RowSelection,
};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::footer::{self, OfGroup};
use super::packed::{PackedGroup, Places};
use super::reader::Reader;
use super::shapes::{Shape, Shapes};

/// A file whose rows are read.
pub(super) struct Decoder {
    reader: Reader,
    footer: ArrowReaderMetadata,
    shapes: Arc<Shapes>,
    /// The most rows of a batch.
    rows_max: usize,
}

impl Decoder {
    pub(super) fn new(
        reader: Reader,
        footer: ArrowReaderMetadata,
        shapes: Arc<Shapes>,
        rows_max: usize,
    ) -> Self {
        Self {
            reader,
            footer,
            shapes,
            rows_max,
        }
    }

    pub(super) fn footer(&self) -> &ArrowReaderMetadata {
        &self.footer
    }

    /// These rows, which ascend, of some columns, in the order that the file has of both.
    ///
    /// # Errors
    /// The columns cannot be read as what they are said to be.
    pub(super) fn batches(
        self: &Arc<Self>,
        columns: ProjectionMask,
        rows: &[Range<usize>],
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let shape = self.shapes.of(&self.footer, columns).map_err(of_parquet)?;
        let groups = footer::by_group(self.footer.metadata(), rows);
        let decoder = Arc::clone(self);
        let batches = stream::iter(groups).then(move |group| {
            let (decoder, shape) = (Arc::clone(&decoder), Arc::clone(&shape));
            async move {
                let read = decoder.of_group(&group, &shape).await;
                let batches = stream::iter(read.map_err(of_parquet)?);
                Ok::<_, DataFusionError>(batches.map_err(DataFusionError::from))
            }
        });
        Ok(batches.try_flatten().boxed())
    }

    async fn of_group(
        &self,
        group: &OfGroup,
        shape: &Shape,
    ) -> ParquetResult<ParquetRecordBatchReader> {
        let OfGroup { group, all, rows } = group;
        let selection = RowSelection::from_consecutive_ranges(rows.iter().cloned(), *all);
        let footer = Arc::clone(self.footer.metadata());
        let places = Places::of(&footer, *group, &shape.leaves, &selection)?;
        let read = self.reader.read(places.ranges.clone()).await?;
        let packed = PackedGroup::new(footer, *group, places, read)?;
        ParquetRecordBatchReader::try_new_with_row_groups(
            &shape.levels,
            &packed,
            self.rows_max,
            Some(selection),
        )
    }
}

fn of_parquet(error: ParquetError) -> DataFusionError {
    DataFusionError::ParquetError(Box::new(error))
}
