//! Merged rows of a stretch of a day, read as they are asked for: each batch on a thread for work that blocks, and
//! none while nobody waits for it.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::{StreamExt, stream};
use tidegate_query::{Batches, Merged};

use super::access::Access;
use crate::read::{ReadError, Rows, Scan, Selection, Shape, Table};

/// The merged rows of a stretch of a day of a table.
#[derive(Clone)]
pub(super) struct MergedStretch {
    access: Arc<Access>,
    selection: Arc<Selection>,
    shape: Shape,
    day: i32,
}

impl MergedStretch {
    pub(super) fn new(
        access: Arc<Access>,
        selection: Arc<Selection>,
        shape: Shape,
        day: i32,
    ) -> Self {
        Self {
            access,
            selection,
            shape,
            day,
        }
    }

    fn open(&self, access: &Access) -> Scan {
        let days = vec![self.day];
        let room = access.room.as_ref();
        let table = Table::of_days(&self.selection, days, room, access.side_by_side);
        Scan::shaped(Rows::new(table), self.shape.clone())
    }
}

impl Debug for MergedStretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MergedStretch").field(&self.day).finish()
    }
}

/// A batch, and the place at which reading continues.
type Step = Result<Option<(RecordBatch, Scan)>, ReadError>;

impl Merged for MergedStretch {
    fn read(&self) -> Batches {
        let begin = (self.clone(), None);
        let batches =
            stream::try_unfold(begin, |(stretch, scan): (Self, Option<Scan>)| async move {
                let access = Arc::clone(&stretch.access);
                let step = access.blocking(move |access| {
                    let mut scan = scan.unwrap_or_else(|| stretch.open(access));
                    let next: Step = scan
                        .next_batch()
                        .map(|batch| batch.map(|batch| (batch, scan)));
                    next.map(|next| next.map(|(batch, scan)| (batch, (stretch, Some(scan)))))
                });
                step.await
            });
        batches.boxed()
    }
}
