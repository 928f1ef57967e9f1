//! What the encoder of files makes of rows.

use std::sync::Arc;

use super::columns::Columns;
use crate::columnar::Segment;

/// A file of one day, not yet written.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) day: i32,
    pub(super) bytes: Vec<u8>,
    pub(super) rows: u64,
    /// As the `stats` of an `add` action.
    pub(super) stats: String,
}

/// The files of a flush: rows sorted and merged, a file a day.
pub(super) fn flush(
    _segments: &[Arc<Segment>],
    _columns: &Columns,
) -> Result<Vec<Encoded>, String> {
    Err("not there yet".to_owned())
}
