//! The traits through which the program hands its points to a question.
//!
//! Rows come in two forms: as batches that the program has merged, and as Parquet files that need no
//! merge, which the engine reads itself. What must hold for the rows of both is said at
//! [`Table::scan`].

use std::fmt::{self, Debug};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;

/// A bucket as one question sees it. Each of its tables is at a moment of its own, which is not before
/// the question began and stays the same however often the table is asked for.
pub trait Database: Debug + Send + Sync {
    /// Names of the tables, as in line protocol, sorted bytewise.
    ///
    /// # Errors
    /// [`DatabaseError`] if the tables cannot be listed.
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>>;

    /// The table of this very name (names differ by case), or none.
    ///
    /// # Errors
    /// [`DatabaseError`] if it cannot be told whether the table is there, or its columns cannot be
    /// read.
    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>>;

    /// Prepares for [`Database::table`] of each of these names. Who reads many tables says so, some at a
    /// time; what cannot be had is told to who asks for it.
    fn look_at<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, ()> {
        let _ = names;
        Box::pin(std::future::ready(()))
    }

    /// The columns that [`Database::table`] would show, or none. Who lists many tables asks so: of a
    /// table whose rows nobody has asked for, nothing is held afterwards.
    ///
    /// # Errors
    /// As for [`Database::table`].
    fn columns<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<Column>>, DatabaseError>> {
        Box::pin(async move {
            let table = self.table(name).await?;
            Ok(table.map(|table| table.columns().to_vec()))
        })
    }

    /// The columns of several tables, in the order of their names, as [`Database::columns`] says of each.
    ///
    /// # Errors
    /// As for [`Database::table`].
    fn columns_of<'a>(
        &'a self,
        names: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<Column>>>, DatabaseError>> {
        Box::pin(async move {
            let mut columns = Vec::with_capacity(names.len());
            for name in names {
                columns.push(self.columns(name).await?);
            }
            Ok(columns)
        })
    }
}

/// A table at one moment: every point that was acknowledged before it, and none twice.
pub trait Table: Debug + Send + Sync {
    /// The columns: `time` first, then tags, then fields, each sorted by name.
    fn columns(&self) -> &[Column];

    /// Says where the rows are that a scan asks for. None of them is read yet.
    ///
    /// A row is one point. Over all pieces together a pair of tags and time occurs once; its
    /// fields hold the value that was written last to each, and null if none was. A tag that the
    /// point does not have is null. Rows past retention are in no piece. What a piece of files is,
    /// and who leaves out what of them, is said at [`Files`].
    ///
    /// # Errors
    /// [`DatabaseError`], here or while a piece is read, if rows that should be there cannot be read.
    /// Reading never ends early without one.
    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>>;

    /// Divides a range of times, both ends included, into ranges that have all of its rows: ascending and
    /// apart from each other, each such that its rows can be put in order by themselves. Who wants rows by
    /// time reads one after the other.
    fn ranges(&self, times: RangeInclusive<i64>) -> Vec<TimeSlice> {
        vec![TimeSlice {
            times,
            rows_at_most: None,
        }]
    }

    /// Returns true if all rows in these times, both ends included, are known to have the same tags: their order
    /// by series and time is that by time.
    fn has_one_series(&self, _times: &RangeInclusive<i64>) -> bool {
        false
    }

    /// Says where the tags of rows are, for who asks for nothing else: columns of tags, or none. What
    /// comes is as for [`Table::scan`], but that nothing has to be merged: a row may be there several
    /// times, and instead of the rows of a series some of them, at least one.
    ///
    /// # Errors
    /// As for [`Table::scan`].
    fn series(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        self.scan(scan)
    }
}

/// A range of times of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSlice {
    /// Nanoseconds, both ends included.
    pub times: RangeInclusive<i64>,
    /// The most rows that there can be; none if that is not known.
    pub rows_at_most: Option<u64>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, which no other column of the table has: that of line protocol, with the type after it
    /// where a name is that of several columns.
    pub name: String,
    /// The kind of its values.
    pub kind: ColumnKind,
    /// The type of its values in a batch.
    pub data_type: DataType,
}

/// The kinds of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// The time of a point: nanoseconds since 1970-01-01 00:00 UTC, never null.
    Time,
    /// A part of what names the series.
    Tag,
    /// A measured value.
    Field,
}

/// The rows that a question needs, and which of their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Names of columns, each of the table and none twice.
    pub columns: Vec<String>,
    /// Nanoseconds, both ends included. No other row is in a piece.
    pub times: RangeInclusive<i64>,
    /// All of these hold for the rows of a merged piece; files are handed over before they are looked
    /// at.
    pub tags: Vec<TagFilter>,
    /// Present if a merged piece may leave out a row where it has a newer one of the same series with a value
    /// in each of these columns.
    pub newest: Option<Vec<String>>,
}

/// A condition on one tag. There are none on fields: an overwritten value that is filtered before
/// it is merged with the one that replaced it would come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFilter {
    /// The tag's name.
    pub column: String,
    /// The values that pass; `None` stands for points without the tag.
    pub one_of: Vec<Option<String>>,
}

impl fmt::Display for Scan {
    /// As `EXPLAIN` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "columns=[{}]", self.columns.join(", "))?;
        let bound = |time_ns: i64, open: i64| (time_ns != open).then_some(time_ns);
        if let Some(start) = bound(*self.times.start(), i64::MIN) {
            write!(f, ", time>={start}")?;
        }
        if let Some(end) = bound(*self.times.end(), i64::MAX) {
            write!(f, ", time<={end}")?;
        }
        for filter in &self.tags {
            write!(f, ", {filter}")?;
        }
        match self.newest {
            Some(_) => write!(f, ", newest"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.one_of.iter().map(|value| match value {
            Some(value) => format!("{value:?}"),
            None => "null".to_owned(),
        });
        let values: Vec<_> = values.collect();
        write!(f, "{} in [{}]", self.column, values.join(", "))
    }
}

/// A part of a table's rows. Pieces are independent of each other and may be read side by side.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Rows that are merged as they are read.
    Merged(Arc<dyn Merged>),
    /// Files with rows that need no merge, because no other place has a row of the same tags and
    /// time.
    Files(Files),
}

/// Parquet files of a table, in which each row stands once and as it is.
///
/// They are handed over as they lie: whoever reads them leaves out the rows that [`Scan::tags`]
/// excludes, and those outside of [`FilePart::times`], which other pieces have or the scan excludes.
#[derive(Clone, Debug)]
pub struct Files {
    /// The columns of the table that its files may have.
    pub columns: Arc<[StoredColumn]>,
    /// The files, in any order. A file may be there several times with ranges that do not overlap.
    pub parts: Vec<FilePart>,
}

/// A column of a table, as its files have it.
///
/// A time is stored as an INT64 of nanoseconds, a tag and a string as a STRING, an unsigned as a
/// DECIMAL(20,0), everything else as what it is. A file that lacks the column has no value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Its name in [`Table::columns`].
    pub name: String,
    /// Its name in files.
    pub stored: String,
}

/// The part of a file that belongs to a piece.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file.
    pub file: Arc<dyn ParquetFile>,
    /// Bounds for the times of its rows, nanoseconds, both ends included.
    pub bounds: RangeInclusive<i64>,
    /// The times of the rows that belong to the piece, nanoseconds, both ends included.
    pub times: RangeInclusive<i64>,
}

impl FilePart {
    /// Returns true if every row of the file belongs to the piece.
    pub fn is_whole(&self) -> bool {
        self.times.start() <= self.bounds.start() && self.bounds.end() <= self.times.end()
    }
}

/// A file of a store, which is never changed once it is written.
pub trait ParquetFile: Debug + Send + Sync {
    /// Its path, which no other file of the program has.
    fn path(&self) -> &str;

    /// Its size, in bytes.
    fn bytes(&self) -> u64;

    /// Reads ranges of it, each in full.
    ///
    /// # Errors
    /// [`DatabaseError`] if they cannot be read.
    fn read(
        &self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'static, Result<Vec<Bytes>, DatabaseError>>;

    /// Bounds for its rows in the order of series and time, both ends included, as bytes that compare as
    /// rows do, of this file and of others of its table. None if its rows are not known to be in this
    /// order: tag by tag as their names ascend, rows without a tag first, then by time.
    fn row_bounds(&self) -> Option<(&[u8], &[u8])> {
        None
    }

    /// Returns false if a file whose footer names this writer has no such column, so that the footer
    /// must be damaged: it has no checksum, and a column that is not found counts as one without values.
    fn may_have(&self, writer: Option<&str>, column: &str) -> bool;

    /// The error for a file whose bytes were read and make no sense.
    fn damaged(&self, reason: String) -> DatabaseError;
}

/// Rows in batches, as they come.
pub type Batches = BoxStream<'static, Result<RecordBatch, DatabaseError>>;

/// Rows that are merged as they are read: those of equal tags and time become one.
pub trait Merged: Debug + Send + Sync {
    /// Reads them from the start. Every batch has the columns that were asked for, in that order, with
    /// the names and types of [`Table::columns`]. Nothing is done before the first batch is asked for,
    /// and no batch is begun once the stream is dropped.
    fn read(&self) -> Batches;

    /// Returns true if they come in the order of series and time, which is that of
    /// [`ParquetFile::row_bounds`].
    fn is_in_order(&self) -> bool {
        false
    }

    /// Returns the most rows that there can be; none if that is not known, or takes long to find out. Questions
    /// for few rows are planned in a shorter way.
    fn rows_at_most(&self) -> Option<usize> {
        None
    }
}

impl DatabaseError {
    /// The error of rows that cannot be read.
    pub fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreadable(Arc::from(cause.into()))
    }
}

/// The program's own error.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A failure of the program that keeps the points.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// What was asked for, which the text names, was deleted while it was read.
    #[error("{0} was deleted while it was read")]
    Gone(String),
    /// There is no memory or place for more readers; later there may be. The text says what is short.
    #[error("{0}")]
    Exhausted(String),
    /// The place where rows are does not answer; it may later.
    #[error("{0}")]
    Unreachable(Cause),
    /// Rows that should be there cannot be read: something is damaged or lost. The text names it.
    #[error("{0}")]
    Unreadable(Cause),
}
