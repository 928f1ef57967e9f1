//! The errors of the data folder, in words that say what to do about them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::names::MissingPart;
use crate::telemetry::causes;

/// The operation that the system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Creating a file.
    Create,
    /// Opening a file.
    Open,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Making a file's bytes durable.
    Sync,
    /// Changing a file's length.
    SetLen,
    /// Asking for a file's length.
    Len,
    /// Listing a folder.
    List,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Making a folder's names durable.
    SyncDir,
    /// Creating a folder.
    CreateDir,
    /// Locking the data folder.
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write to",
            Self::Sync => "sync",
            Self::SetLen => "change the length of",
            Self::Len => "look up",
            Self::List => "list",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncDir => "sync the folder",
            Self::CreateDir => "create the folder",
            Self::Lock => "lock",
        })
    }
}

/// A failure of the data folder.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The system refused an operation.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// The operation that was tried.
        operation: Operation,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process uses the data folder.
    #[error(
        "data folder {} is in use by another tidegate process ({}): stop it, or give this one a data folder of its own (storage.data_dir)",
        path.display(),
        pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}"))
    )]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// The process that holds the lock, as it wrote itself down.
        pid: Option<u32>,
    },
    /// The data folder cannot be created or written to.
    #[error(
        "data folder {} is not writable for this user: give the user write permission (and a file system that is not mounted read-only), or choose another folder (storage.data_dir)",
        path.display()
    )]
    NotWritable {
        /// The data folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The data folder's path leads to something that is not a folder.
    #[error(
        "data folder {} is not a folder, or is below something that is not a folder: choose another path (storage.data_dir)",
        path.display()
    )]
    NotAFolder {
        /// The data folder.
        path: PathBuf,
    },
    /// The folder holds files of somebody else.
    #[error(
        "folder {} is not a tidegate data folder and not empty (it holds `{example}`): choose an empty or a new folder (storage.data_dir)",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the names in it.
        example: String,
    },
    /// There is no data folder where one was expected.
    #[error(
        "{} is not a tidegate data folder (it has no file `format`): name the folder that `tidegate serve` keeps its data in",
        path.display()
    )]
    NoDataFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that is to be filled holds something.
    #[error(
        "folder {} is not empty (it holds `{example}`): name an empty or a new folder",
        path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the names in it.
        example: String,
    },
    /// The data folder was written by a newer version of the program.
    #[error(
        "{} has data format version {found}, but this tidegate knows only versions up to {supported}: start the newer tidegate that wrote it",
        path.display()
    )]
    NewerFormat {
        /// The file that says so.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        supported: u32,
    },
    /// Parts of the data folder are gone.
    #[error(
        "data folder {} is not whole, so the start is refused: it has lost {}. Nothing was changed: put back what is missing, as it was when the folder was last in use, or restore the whole folder from a backup{}",
        path.display(), listed(parts), way_out(path, parts)
    )]
    Missing {
        /// The data folder.
        path: PathBuf,
        /// The parts that are gone.
        parts: Vec<MissingPart>,
    },
    /// The format file makes no sense.
    #[error("{} is damaged: it is not what a tidegate wrote there, so neither its version nor whose data this is can be trusted; restore it from a backup", path.display())]
    DamagedFormat {
        /// The file.
        path: PathBuf,
    },
    /// A path that would lead out of the data folder. A programming error, but still refused.
    #[error("`{path}` is not a path within the data folder")]
    BadPath {
        /// The path.
        path: String,
    },
}

fn listed(parts: &[MissingPart]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    parts.join(", and ")
}

fn way_out(folder: &Path, parts: &[MissingPart]) -> String {
    match parts.iter().all(MissingPart::can_be_salvaged_without) {
        true => format!(
            ". Without one, `{}` makes a new folder of what is left",
            salvage_command(folder)
        ),
        false => String::new(),
    }
}

/// The command that saves what can be read of a data folder, as a shell takes it.
pub fn salvage_command(folder: &Path) -> String {
    let folder = folder.display().to_string();
    let folder = if folder.is_empty() { "." } else { &folder };
    let out = format!("{}-salvaged", folder.trim_end_matches('/'));
    let (folder, out) = (quoted(folder), quoted(&out));
    format!("tidegate wal salvage --data-dir {folder} --out {out}")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:@".contains(&byte);
    match word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

impl StorageError {
    /// Returns the error for an operation that the system refused.
    pub fn io(operation: Operation, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.into(),
            source,
        }
    }

    /// Returns true if the file or folder does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Returns true if the disk (or the quota) is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Returns the whole chain of causes in one line, for logs and health texts.
    pub fn chain(&self) -> String {
        causes(self)
    }
}
