//! Merged rows of a stretch of a day, read as they are asked for: each batch on a thread for work that
//! blocks, and none while nobody waits for it. And the series of what is in memory.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_query::{Batches, Merged};

use super::access::{Access, DayRoom};
use crate::read::{Moment, ReadError, Rows, Scan, Selection, Shape, Table, Wanted};

/// The merged rows of a stretch of a day of a table.
#[derive(Clone)]
pub(super) struct MergedStretch {
    access: Arc<Access>,
    selection: Arc<Selection>,
    shape: Shape,
    newest: Option<Vec<usize>>,
    day: i32,
}

impl MergedStretch {
    /// The rows of this shape; if `newest` is present, a row may be left out where there is a newer one of
    /// the same series with a value in each of the fields at these places.
    pub(super) fn new(
        access: Arc<Access>,
        selection: Arc<Selection>,
        (shape, newest): (Shape, Option<Vec<usize>>),
        day: i32,
    ) -> Self {
        Self {
            access,
            selection,
            shape,
            newest,
            day,
        }
    }

    fn open(&self, access: &Access) -> Result<Opened, ReadError> {
        let days = vec![self.day];
        let room = access.day_room(self.selection.files_open(self.day))?;
        let table = Table::of_days(&self.selection, days, room.room.as_ref(), room.side_by_side);
        let rows = Scan::shaped(Rows::new(table), self.shape.clone());
        Ok(Opened {
            rows: match &self.newest {
                Some(present) => rows.with_newest(present),
                None => rows,
            },
            _room: room,
        })
    }
}

impl Debug for MergedStretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MergedStretch").field(&self.day).finish()
    }
}

/// The rest of a day's rows, and the memory that its files have.
struct Opened {
    rows: Scan,
    _room: DayRoom,
}

/// A batch, and the place at which reading continues.
type Step = Result<Option<(RecordBatch, Opened)>, ReadError>;

impl Merged for MergedStretch {
    /// They are merged series by series.
    fn is_in_order(&self) -> bool {
        true
    }

    fn rows_at_most(&self) -> Option<usize> {
        self.selection.rows_at_most(self.day)
    }

    fn read(&self) -> Batches {
        let begin = (self.clone(), None);
        let batches = stream::try_unfold(
            begin,
            |(stretch, opened): (Self, Option<Opened>)| async move {
                let access = Arc::clone(&stretch.access);
                let step = access.blocking(move |access| {
                    let mut opened = match opened {
                        Some(opened) => opened,
                        None => stretch.open(access)?,
                    };
                    let next: Step = opened
                        .rows
                        .next_batch()
                        .map(|batch| batch.map(|batch| (batch, opened)));
                    next.map(|next| next.map(|(batch, opened)| (batch, (stretch, Some(opened)))))
                });
                step.await
            },
        );
        batches.boxed()
    }
}

/// The tags of series with rows in memory.
pub(super) struct BufferedSeries {
    access: Arc<Access>,
    moment: Arc<Moment>,
    wanted: Wanted,
    schema: SchemaRef,
}

impl BufferedSeries {
    /// The tags in the columns of `schema`.
    pub(super) fn new(
        access: Arc<Access>,
        moment: Arc<Moment>,
        wanted: Wanted,
        schema: SchemaRef,
    ) -> Self {
        Self {
            access,
            moment,
            wanted,
            schema,
        }
    }
}

impl Debug for BufferedSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BufferedSeries")
    }
}

impl Merged for BufferedSeries {
    fn read(&self) -> Batches {
        let access = Arc::clone(&self.access);
        let (moment, wanted) = (Arc::clone(&self.moment), self.wanted.clone());
        let schema = Arc::clone(&self.schema);
        let read = async move {
            let work = move |_: &Access| Ok(moment.buffered_series(&wanted, &schema));
            let batches = access.blocking(work).await?;
            Ok(stream::iter(batches.into_iter().map(Ok)))
        };
        stream::once(read).try_flatten().boxed()
    }
}
