//! Answers as rows of one table, for protocols that answer with Arrow.

use std::mem;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, try_unfold};
use tidegate_query::influxql::series::SeriesPart;
use tidegate_query::influxql::table::Table;
use tidegate_query::{QueryError, Record};
use tokio::sync::oneshot;

use super::answering::Answering;

/// The rows of one batch, if there are as many: series may be of one row each.
const BATCH_ROWS: usize = 8192;

/// Rows in batches, as they come.
pub type Batches = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// An answer as rows of one table.
pub struct Tabled {
    /// The columns, which the first rows tell.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Batches,
    /// Told at their end what they have cost, if something was read for them.
    pub told: oneshot::Receiver<Record>,
}

impl Answering {
    /// The columns, which the first rows tell, and the rows.
    ///
    /// # Errors
    /// [`QueryError`] if the first rows cannot be given.
    pub async fn into_table(mut self) -> Result<Tabled, QueryError> {
        let first = self.next_part().await?;
        let table = Table::new(self.head(), first.as_ref());
        let schema = table.schema().clone();
        let rows = Rows {
            is_over: first.is_none(),
            parts: Vec::from_iter(first),
            answering: self,
            table,
        };
        let (tell, told) = oneshot::channel();
        let batches = try_unfold((rows, tell), |(mut rows, tell)| async {
            match rows.next().await? {
                Some(batch) => Ok(Some((batch, (rows, tell)))),
                None => {
                    if let Some(record) = rows.answering.record() {
                        // Nobody may want to know.
                        let _ = tell.send(record);
                    }
                    Ok(None)
                }
            }
        });
        Ok(Tabled {
            schema,
            batches: batches.boxed(),
            told,
        })
    }
}

/// An answer that becomes rows.
struct Rows {
    answering: Answering,
    table: Table,
    /// Parts that were taken and are not rows yet.
    parts: Vec<SeriesPart>,
    is_over: bool,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let rows = |part: &SeriesPart| part.rows.num_rows();
        let mut count: usize = self.parts.iter().map(rows).sum();
        while count < BATCH_ROWS && !self.is_over {
            match self.answering.next_part().await? {
                Some(part) => {
                    count += rows(&part);
                    self.parts.push(part);
                }
                None => self.is_over = true,
            }
        }
        match mem::take(&mut self.parts) {
            parts if parts.is_empty() => Ok(None),
            parts => self.table.batch(&parts).map(Some),
        }
    }
}
