//! The tags that points of a table have, for who wants no points.

use arrow_array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::physical_plan::execute_stream;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::files;
use crate::database::{DatabaseError, Piece, Scan, Table};
use crate::kinds;

/// Batches with the tags of points, in which those of a series may be any number of times.
pub(crate) type Combinations = BoxStream<'static, Result<RecordBatch>>;

/// The tags that a scan asks for, each once, of all points that it asks for.
///
/// # Errors
/// It cannot be told where the points are.
pub(crate) async fn combinations(
    state: &SessionState,
    table: &dyn Table,
    scan: Scan,
) -> Result<Combinations> {
    let schema = kinds::schema(table.columns());
    let places = scan.columns.iter().map(|name| Ok(schema.index_of(name)?));
    let places: Vec<usize> = places.collect::<Result<_>>()?;
    let asked = files::Asked {
        schema: &schema,
        projection: Some(&places),
        tags: &scan.tags,
        newest: None,
        limit: None,
    };
    let external = |error: DatabaseError| DataFusionError::External(Box::new(error));
    let pieces = table.series(scan.clone()).await.map_err(external)?;
    let mut streams: Vec<Combinations> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Merged(rows) => streams.push(rows.read().map_err(external).boxed()),
            Piece::Files(files) => {
                for plan in files::plans(state, &asked, files).await? {
                    streams.push(execute_stream(plan, state.task_ctx())?.boxed());
                }
            }
        }
    }
    Ok(stream::iter(streams).flatten().boxed())
}
