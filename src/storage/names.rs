//! The names of the files and folders in a data folder, and what it means to lose one.

use std::fmt;

/// The file that makes a folder a data folder.
pub const FORMAT_FILE: &str = "format";

/// The file that says up to which frame of the log each table is flushed. A copy of the log needs
/// it too, even in a build without tables: otherwise frames would be replayed that the tables
/// already have.
pub const FLUSHES_FILE: &str = "flushes.json";

/// The folder of the tables, unless they are stored elsewhere.
pub const TABLES_FOLDER: &str = "lake";

/// The folder of the log's segments.
pub const LOG_FOLDER: &str = "wal";

pub(super) const CATALOG_FILE: &str = "catalog.json";
pub(super) const SCHEMAS_FILE: &str = "schemas.json";
pub(super) const RELEASED_FILE: &str = "wal/released";
pub(super) const RESERVE_FILE: &str = "reserve";

/// The end of a segment's name.
pub(super) const SEGMENT_END: &str = ".wal";

/// The files that grow with what is stored, and are replaced as a whole.
pub(super) const STATE_FILES: [&str; 3] = [CATALOG_FILE, SCHEMAS_FILE, FLUSHES_FILE];

/// Single files, and the folder of the tables.
pub(super) const PARTS: [&str; 5] = [
    CATALOG_FILE,
    SCHEMAS_FILE,
    FLUSHES_FILE,
    RELEASED_FILE,
    TABLES_FOLDER,
];

/// A part of the data folder that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPart(String);

impl MissingPart {
    pub(super) fn new(path: String) -> Self {
        Self(path)
    }

    /// The file that makes a folder a data folder.
    pub(super) fn format() -> Self {
        Self(FORMAT_FILE.to_owned())
    }

    /// The path in the data folder.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// The description of what was in it.
    fn contents(&self) -> &'static str {
        match self.path() {
            FORMAT_FILE => "whose folder it is, and the key to its log",
            CATALOG_FILE => "all buckets and tokens, and whose the points in the log are",
            SCHEMAS_FILE => "the types of the columns",
            FLUSHES_FILE => "what of the log the tables have already",
            RELEASED_FILE => "up to where the log was given up",
            TABLES_FOLDER => "the tables, with all that was flushed",
            _ => "the newest segment of the log, with acknowledged points",
        }
    }

    /// Returns true if a new folder can be made of what is left.
    pub(super) fn can_be_salvaged_without(&self) -> bool {
        !matches!(self.path(), FORMAT_FILE | CATALOG_FILE)
    }
}

impl fmt::Display for MissingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path(), self.contents())
    }
}
