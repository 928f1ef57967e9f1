//! Answers as they leave: columns of few types, which every client can read.
//!
//! Source of the rule: query contract, section 5. Inside a plan a tag is a dictionary; strings may be
//! views. Clients of Grafana and of JavaScript read neither.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::deadline::Waiting;
use crate::error::QueryError;
use crate::question::Asked;
use crate::recast::{Piece, Recast};
use crate::record::{Following, Outcome, Record};

/// The rows that a question asked for. They are made on the threads of questions, a little ahead of
/// whoever takes them; that ends when this is dropped.
#[derive(Debug)]
pub struct Answer {
    schema: SchemaRef,
    /// Closed without an end if the work was cut short.
    batches: mpsc::Receiver<Next>,
    is_ended: bool,
    /// The memory of the batch that was taken last, which is in use until the next one is asked for.
    taken: Option<MemoryReservation>,
    following: Option<Following>,
    _work: JoinSet<()>,
    asked: Asked,
}

/// The next batch, or the end.
type Next = Result<Option<Piece>, QueryError>;

impl Answer {
    pub(crate) fn new(rows: SendableRecordBatchStream, schema: SchemaRef, asked: Asked) -> Self {
        let (ahead, batches) = mpsc::channel(1);
        let recast = Recast::new(Arc::clone(&schema), &asked.memory);
        let hand_over = hand_over(rows, recast, ahead.clone());
        // The work may outlast the answer for a moment, and counts as long as it lasts.
        let held = asked.clone();
        let work = async move {
            let handed_over = async {
                hand_over.await;
                Ok(())
            };
            if let Err(late) = held.deadline.clone().within(handed_over).await {
                // Nobody may be there to hear it.
                let _ = ahead.send(Err(late)).await;
            }
        };
        Self {
            schema,
            batches,
            is_ended: false,
            taken: None,
            following: None,
            _work: asked.threads.start(work),
            asked,
        }
    }

    /// The answer with the record of its question.
    pub(crate) fn followed(mut self, following: Option<Following>) -> Self {
        self.following = following;
        self
    }

    /// The columns, with the metadata that says what each is.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What ends the question when the client goes away, for who serves that on another thread than the one
    /// that takes the rows.
    pub fn waiting(&self) -> Waiting {
        self.asked.deadline.clone().waiting()
    }

    /// What is known of the question at the end of its answer; none if it is not recorded.
    pub fn record(&self) -> Option<Record> {
        let following = self.following.as_ref()?;
        Some(following.record(Outcome::Done))
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        if self.is_ended {
            return Ok(None);
        }
        self.taken = None;
        let next = async {
            let cut_short = || QueryError::Internal("it was cut short".to_owned());
            self.batches.recv().await.ok_or_else(cut_short)?
        };
        // Here as well: threads that all compute have no time for timers.
        let next = self.asked.deadline.clone().within(next).await;
        self.is_ended = !matches!(next, Ok(Some(_)));
        let next = next.map(|next| {
            next.map(|(batch, taken)| {
                self.taken = taken;
                batch
            })
        });
        let Some(following) = &mut self.following else {
            return next;
        };
        match &next {
            Ok(Some(batch)) => following.took(batch),
            Ok(None) => following.end(Outcome::Done),
            Err(error) => following.end(Outcome::of(error)),
        }
        next
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.asked.deadline.leave();
    }
}

/// Hands over all rows, then the end or an error. Ends early if nobody takes them.
async fn hand_over(mut rows: SendableRecordBatchStream, recast: Recast, to: mpsc::Sender<Next>) {
    // What is left of a batch.
    let mut left: Option<RecordBatch> = None;
    loop {
        let next = match left.take() {
            Some(batch) => Ok(Some(batch)),
            None => rows.try_next().await.map_err(QueryError::from),
        };
        let next = next.and_then(|batch| {
            let piece = batch.map(|mut batch| {
                let piece = recast.next(&mut batch)?;
                left = Some(batch).filter(|left| left.num_rows() > 0);
                Ok(piece)
            });
            piece.transpose()
        });
        let is_last = !matches!(next, Ok(Some(_)));
        if to.send(next).await.is_err() || is_last {
            return;
        }
    }
}

pub(crate) fn leaving(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let data_type = leaving_type(field.data_type());
        // Of what is computed that is a guess, and not the same one before and after planning:
        // clients hold what they are told first against what they get.
        let is_nullable = field.is_nullable() || field.metadata().is_empty();
        Field::clone(field)
            .with_data_type(data_type)
            .with_nullable(is_nullable)
    });
    let fields: Vec<Field> = fields.collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn leaving_field(field: &FieldRef) -> FieldRef {
    let data_type = leaving_type(field.data_type());
    Arc::new(Field::clone(field).with_data_type(data_type))
}

pub(crate) fn leaving_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => leaving_type(values),
        DataType::List(item) => DataType::List(leaving_field(item)),
        DataType::LargeList(item) => DataType::LargeList(leaving_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(leaving_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(leaving_field).collect()),
        DataType::Map(entry, is_sorted) => DataType::Map(leaving_field(entry), *is_sorted),
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        other => other.clone(),
    }
}
