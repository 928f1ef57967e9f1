//! The tags that points of a table have, for who wants no points.

use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::files;
use crate::database::{DatabaseError, Piece, Scan, Table};
use crate::kinds;

/// Batches with the tags of points, in which those of a series may be any number of times.
pub(crate) type Combinations = BoxStream<'static, Result<RecordBatch>>;

/// The tags that a scan asks for, of all points that it asks for. Conditions on tags that are
/// asked for may be left to who asks.
///
/// # Errors
/// It cannot be told where the points are.
pub(crate) async fn combinations(
    state: &Arc<SessionState>,
    table: &dyn Table,
    scan: Scan,
) -> Result<Combinations> {
    let schema = kinds::schema(table.columns());
    let places = scan.columns.iter().map(|name| Ok(schema.index_of(name)?));
    let places: Vec<usize> = places.collect::<Result<_>>()?;
    let external = |error: DatabaseError| DataFusionError::External(Box::new(error));
    let pieces = table.series(scan.clone()).await.map_err(external)?;
    let wanted = Arc::new(files::OfTable {
        schema,
        places,
        scan,
    });
    let streams = pieces.into_iter().map(|piece| match piece {
        Piece::Merged(rows) => rows.read().map_err(external).boxed(),
        Piece::Files(files) => files::of(state, &wanted, files),
    });
    let streams: Vec<Combinations> = streams.collect();
    Ok(stream::iter(streams).flatten().boxed())
}
