//! Files of the lake, handed to the query engine as they lie.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use tidegate_query::{DatabaseError, FilePart, Files, ParquetFile, StoredColumn};

use super::access::Access;
use crate::certain::Certain;
use crate::columnar::ColumnKind;
use crate::read::{self, DataFile, Lone};

/// A column of a table: its name there, and what it is a column of.
pub(super) struct Named<'a> {
    /// Its name for who asks.
    pub(super) label: &'a str,
    /// Its name in line protocol and its kind; absent for the time.
    pub(super) column: Option<(&'a str, ColumnKind)>,
}

/// Parts of files as a piece; none if there are none.
pub(super) fn piece<'a>(
    access: &Arc<Access>,
    lone: Vec<Lone>,
    columns: impl Iterator<Item = Named<'a>>,
) -> Option<Files> {
    let parts: Vec<(Arc<dyn read::ParquetFile>, Lone)> = lone
        .into_iter()
        .map(|lone| {
            let file = lone.file.parquet();
            (file.certain("plain files are in Parquet"), lone)
        })
        .collect();
    // The names are the table's, whichever file is asked.
    let (any, _) = parts.first()?;
    let columns = columns.filter_map(|named| {
        let stored = match named.column {
            Some((name, kind)) => any.stored(name, kind)?,
            None => any.stored_time(),
        };
        Some(StoredColumn {
            name: named.label.to_owned(),
            stored: stored.to_owned(),
        })
    });
    let columns = columns.collect();
    let parts = parts.into_iter().map(|(file, lone)| {
        let (first, last) = lone.file.times();
        FilePart {
            file: Arc::new(StoredFile {
                access: Arc::clone(access),
                of_table: lone.file,
                file,
            }),
            bounds: first..=last,
            times: lone.times,
        }
    });
    Some(Files {
        columns,
        parts: parts.collect(),
    })
}

/// A file, read for one question.
#[derive(Debug)]
struct StoredFile {
    access: Arc<Access>,
    of_table: Arc<dyn DataFile>,
    file: Arc<dyn read::ParquetFile>,
}

impl ParquetFile for StoredFile {
    fn path(&self) -> &str {
        self.file.path()
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn read(
        &self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'static, Result<Vec<Bytes>, DatabaseError>> {
        let access = Arc::clone(&self.access);
        let read = self.file.read(ranges);
        read.map_err(move |error| access.failed(error.into()))
            .boxed()
    }

    fn row_bounds(&self) -> Option<(&[u8], &[u8])> {
        self.of_table.row_bounds()
    }

    fn may_have(&self, writer: Option<&str>, column: &str) -> bool {
        self.file.may_have(writer, column)
    }

    fn damaged(&self, reason: String) -> DatabaseError {
        self.access.failed(self.file.damaged(reason).into())
    }
}
