//! Small files of which all rows are read, whatever they hold.
//!
//! Only when a plan is done is it known that nothing decides about the rows of a scan: conditions are
//! pushed into it while it is planned, and so are the bounds of a sort that wants few rows. Of large files
//! the Parquet source reads parts side by side.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;

use super::decoded::{Asked, Decoded, OfTable};
use crate::database::ParquetFile;

/// The size of a file, in bytes, up to which it is not worth to be read by several threads.
const BYTES_MAX: u64 = 1 << 20;

/// The same rows of a scan, as they are decoded without DataFusion's source; none if that has to decide
/// about some, or if it reads parts of files.
///
/// # Errors
/// The columns of the scan are not known.
pub(super) fn decoded(scan: &FileScanConfig) -> Result<Option<Decoded>> {
    let source = scan.file_source().downcast_ref::<ParquetSource>();
    let is_decided = source.is_some_and(|source| source.filter().is_none());
    let is_ordered = scan.preserve_order || scan.output_partitioning.is_some();
    if !is_decided || is_ordered || scan.limit.is_some() {
        return Ok(None);
    }
    let mut of_table = None;
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for place in scan.file_groups.iter().flat_map(|group| group.iter()) {
        let (Some(table), Some(file)) = (place.extension::<Arc<OfTable>>(), small(place)) else {
            return Ok(None);
        };
        of_table = Some(Arc::clone(table));
        // Plans divide files among partitions by their bytes: the parts of one are all in the scan.
        if seen.insert(file.path()) {
            all.push(Arc::clone(file));
        }
    }
    let (Some(of_table), Some(asked)) = (of_table, columns(scan)?) else {
        return Ok(None);
    };
    let partitions = scan.file_groups.len();
    Ok(Some(Decoded::all(of_table, asked, all, partitions)))
}

/// The file at a place, if all of its rows are read and it is small.
fn small(place: &PartitionedFile) -> Option<&Arc<dyn ParquetFile>> {
    let is_whole =
        place.partition_values.is_empty() && place.extension::<ParquetRowSelection>().is_none();
    let file = place.extension::<Arc<dyn ParquetFile>>()?;
    (is_whole && file.bytes() <= BYTES_MAX).then_some(file)
}

/// The columns that a scan gives; none if it computes one.
fn columns(scan: &FileScanConfig) -> Result<Option<Asked>> {
    let table = scan.file_source().table_schema().table_schema();
    let Some(projection) = scan.file_source().projection() else {
        return Ok(None);
    };
    let mut places = Vec::new();
    for given in projection {
        match given.expr.downcast_ref::<Column>() {
            Some(column) => places.push(column.index()),
            None => return Ok(None),
        }
    }
    Ok(Some(Asked {
        of_table: Arc::new(table.project(&places)?),
        given: scan.projected_schema()?,
    }))
}
