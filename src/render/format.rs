//! The formats, and their names.

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Lines,
    /// CSV with a header.
    Csv,
    /// A table for people to look at.
    Table,
    /// One Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

impl Format {
    /// The name in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Lines => "jsonl",
            Self::Csv => "csv",
            Self::Table => "pretty",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}
