//! The data folder on a real disk: for its owner only (folders 0700, files 0600, all of them the
//! folder's owner's, even if root writes them), for one process at a time (a lock file that also
//! says which), refused where it is not ours.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::error::{Operation, StorageError};
use super::names::{FORMAT_FILE, MissingPart};
use super::parts::{is_ours, open_folder};
use super::swap::ensure_reserve;
use super::traits::{Entry, File, Storage};

mod cached;
mod calls;

use crate::narrow;
use calls::{
    Owner, entries, entry_of, free_bytes, make_file, make_folder, make_folder_in, move_file,
    move_new_file, names, open_file, remove_file, remove_folder, sync_folder,
};

const LOCK_FILE: &str = "lock";

/// Names that a folder may hold before it becomes a data folder: remains of a start that was cut
/// short, and files that mounts bring along.
const NAMES_OF_A_NEW_FOLDER: [&str; 5] = [
    LOCK_FILE,
    "format.new",
    "reserve",
    "reserve.new",
    "lost+found",
];

/// A data folder on disk, locked as long as any clone of this exists.
#[derive(Clone, Debug)]
pub struct DiskStorage {
    root: PathBuf,
    /// The owner of the files in it.
    owner: Owner,
    notes: Arc<Mutex<bool>>,
    /// The open lock file: closing it releases the lock. A folder that several programs share
    /// has none.
    _lock: Option<Arc<fs::File>>,
}

impl DiskStorage {
    /// Opens the data folder, or makes it. Blocks.
    ///
    /// # Errors
    ///
    /// Another process holds the folder, or it cannot be written, is not a folder, holds something
    /// else, has lost a part, or is of a newer format version; the texts say what to do.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = folder.into();
        make_folder(&root).map_err(|source| explain(&root, Operation::CreateDir, source))?;
        refuse_foreign(&root)?;
        keep_others_out(&root);
        let owner = owner(&root)?;
        let storage = Self {
            _lock: Some(Arc::new(lock(&root, owner)?)),
            notes: Arc::default(),
            owner,
            root,
        };
        storage.sync_dir("")?;
        open_folder(&storage)?;
        if let Err(error) = ensure_reserve(&storage) {
            tracing::warn!(
                error = error.chain(),
                "no space could be set aside for small state; freeing disk space is needed soon"
            );
        }
        Ok(storage)
    }

    /// Opens an existing data folder. Blocks.
    ///
    /// # Errors
    ///
    /// Those of [`DiskStorage::open`], or there is no data folder.
    pub fn open_existing(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = folder.into();
        refuse_missing(&root)?;
        Self::open(root)
    }

    /// Opens a data folder for inspection: this changes and creates nothing, and no server can
    /// start on the folder meanwhile. Callers must not write to it. Blocks.
    ///
    /// # Errors
    ///
    /// There is no data folder, another process holds it, or it cannot be read.
    pub fn inspect(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = folder.into();
        refuse_missing(&root)?;
        let path = root.join(LOCK_FILE);
        // A copy may come without a lock file. Then any open file will do: nobody else locks it.
        let path = if path.exists() {
            path
        } else {
            root.join(FORMAT_FILE)
        };
        let file = open_file(fs::OpenOptions::new().read(true), &path)
            .map_err(|source| StorageError::io(Operation::Lock, path.clone(), source))?;
        try_lock(&root, &path, &file)?;
        Ok(Self {
            _lock: Some(Arc::new(file)),
            notes: Arc::default(),
            owner: owner(&root)?,
            root,
        })
    }

    /// Makes a folder that will become a data folder: as long as its `format` is not written, no
    /// server starts on it. Blocks.
    ///
    /// # Errors
    ///
    /// The folder is not empty, or cannot be written.
    pub fn create(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = folder.into();
        make_folder(&root).map_err(|source| explain(&root, Operation::CreateDir, source))?;
        let found = names(&root).map_err(|source| explain(&root, Operation::List, source))?;
        if let Some(example) = found.into_iter().find(|name| name != "lost+found") {
            return Err(StorageError::NotEmpty {
                path: root,
                example,
            });
        }
        keep_others_out(&root);
        let owner = owner(&root)?;
        let storage = Self {
            _lock: Some(Arc::new(lock(&root, owner)?)),
            notes: Arc::default(),
            owner,
            root,
        };
        storage.sync_dir("")?;
        Ok(storage)
    }

    /// Opens a folder that is not a data folder and may be shared with other programs, or makes it.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// It is not a folder or cannot be made.
    pub fn shared(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = folder.into();
        make_folder(&root)
            .map_err(|source| StorageError::io(Operation::CreateDir, root.clone(), source))?;
        Ok(Self {
            _lock: None,
            notes: Arc::default(),
            owner: owner(&root)?,
            root,
        })
    }

    /// Opens a folder as [`DiskStorage::shared`] does, of which one part, a folder in it, is for one
    /// process at a time; makes that, too. Blocks.
    ///
    /// # Errors
    ///
    /// Another process holds the part ([`StorageError::InUse`] with its path), or one of them is not a
    /// folder, or cannot be made or written to.
    pub fn shared_with_own(folder: impl Into<PathBuf>, part: &str) -> Result<Self, StorageError> {
        let shared = Self::shared(folder)?;
        let part = shared.resolve(part)?;
        make_folder_in(&shared.root, shared.owner, &part)
            .map_err(|source| StorageError::io(Operation::CreateDir, part.clone(), source))?;
        Ok(Self {
            _lock: Some(Arc::new(lock(&part, shared.owner)?)),
            ..shared
        })
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, StorageError> {
        let inside = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        match inside {
            true => Ok(self.root.join(path)),
            false => Err(StorageError::BadPath {
                path: path.to_owned(),
            }),
        }
    }

    fn open_with(
        &self,
        path: &str,
        operation: Operation,
        options: &fs::OpenOptions,
    ) -> Result<Box<dyn File>, StorageError> {
        let path = self.resolve(path)?;
        let opened = match operation {
            Operation::Create => make_file(options, &path, self.owner),
            _ => open_file(options, &path),
        };
        let file = opened.map_err(|source| StorageError::io(operation, path.clone(), source))?;
        Ok(Box::new(DiskFile { file, path }))
    }
}

impl Storage for DiskStorage {
    fn create_new(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        self.open_with(path, Operation::Create, &options)
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        self.open_with(
            path,
            Operation::Open,
            fs::OpenOptions::new().read(true).write(true),
        )
    }

    fn open_read(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        self.open_with(path, Operation::Open, fs::OpenOptions::new().read(true))
    }

    fn read_cached(&self, path: &str, ranges: &[Range<u64>]) -> Option<Vec<Vec<u8>>> {
        cached::read(&self.resolve(path).ok()?, ranges)
    }

    fn entry_cached(&self, path: &str) -> Option<Option<Entry>> {
        let path = self.resolve(path).ok()?;
        let found = cached::metadata(&path)?;
        Some(found.map(|found| entry_of(&path, &found)))
    }

    fn len(&self, path: &str) -> Result<Option<u64>, StorageError> {
        let path = self.resolve(path)?;
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io(Operation::Len, path, error)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let folder = self.resolve(folder)?;
        names(&folder).map_err(|source| StorageError::io(Operation::List, folder, source))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        move_file(&from, &to).map_err(|source| StorageError::io(Operation::Rename, from, source))
    }

    fn rename_new(&self, from: &str, to: &str) -> Result<bool, StorageError> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        let moved = move_new_file(&from, &to);
        moved.map_err(|source| StorageError::io(Operation::Rename, from, source))
    }

    fn entries(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        let folder = self.resolve(folder)?;
        entries(&folder).map_err(|source| StorageError::io(Operation::List, folder, source))
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, StorageError> {
        let path = self.resolve(path)?;
        match fs::metadata(&path) {
            Ok(found) => Ok(Some(entry_of(&path, &found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io(Operation::Len, path, error)),
        }
    }

    fn remove_dir(&self, folder: &str) -> Result<(), StorageError> {
        let folder = self.resolve(folder)?;
        let removed = remove_folder(&folder);
        removed.map_err(|source| StorageError::io(Operation::Remove, folder, source))
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let path = self.resolve(path)?;
        remove_file(&path).map_err(|source| StorageError::io(Operation::Remove, path, source))
    }

    fn sync_dir(&self, folder: &str) -> Result<(), StorageError> {
        let folder = self.resolve(folder)?;
        sync_folder(&folder).map_err(|source| StorageError::io(Operation::SyncDir, folder, source))
    }

    fn create_dir_all(&self, folder: &str) -> Result<usize, StorageError> {
        let folder = self.resolve(folder)?;
        make_folder_in(&self.root, self.owner, &folder)
            .map_err(|source| StorageError::io(Operation::CreateDir, folder, source))
    }

    fn notes(&self) -> &Mutex<bool> {
        &self.notes
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        free_bytes(&self.root)
            .map_err(|source| StorageError::io(Operation::Len, self.root.clone(), source))
    }

    fn locate(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

#[derive(Debug)]
struct DiskFile {
    file: fs::File,
    path: PathBuf,
}

impl DiskFile {
    fn to_storage_error<T>(
        &self,
        operation: Operation,
        result: io::Result<T>,
    ) -> Result<T, StorageError> {
        result.map_err(|source| StorageError::io(operation, self.path.clone(), source))
    }
}

impl File for DiskFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.to_storage_error(Operation::Write, self.file.write_all_at(bytes, offset))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(narrow::to_u64(filled));
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.to_storage_error(Operation::Read, Err(error)),
            }
        }
        Ok(filled)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.to_storage_error(Operation::Sync, self.file.sync_data())
    }

    fn sync_all(&self) -> Result<(), StorageError> {
        self.to_storage_error(Operation::Sync, self.file.sync_all())
    }

    fn set_len(&self, len: u64) -> Result<(), StorageError> {
        self.to_storage_error(Operation::SetLen, self.file.set_len(len))
    }

    fn len(&self) -> Result<u64, StorageError> {
        self.to_storage_error(
            Operation::Len,
            self.file.metadata().map(|metadata| metadata.len()),
        )
    }
}

/// A folder of somebody else is left alone: its mode would be changed, its files mixed with ours.
fn refuse_foreign(root: &Path) -> Result<(), StorageError> {
    let found = names(root).map_err(|source| explain(root, Operation::List, source))?;
    if found.iter().any(|name| name == FORMAT_FILE) {
        return Ok(());
    }
    refuse_headless(root, &found)?;
    let foreign = found
        .into_iter()
        .find(|name| !name.starts_with('.') && !NAMES_OF_A_NEW_FOLDER.contains(&name.as_str()));
    match foreign {
        None => Ok(()),
        Some(example) => Err(StorageError::Foreign {
            path: root.to_owned(),
            example,
        }),
    }
}

/// A data folder without its format file is not somebody else's.
fn refuse_headless(root: &Path, names: &[String]) -> Result<(), StorageError> {
    match is_ours(names) {
        false => Ok(()),
        true => Err(StorageError::Missing {
            path: root.to_owned(),
            parts: vec![MissingPart::format()],
        }),
    }
}

fn refuse_missing(root: &Path) -> Result<(), StorageError> {
    match names(root) {
        Ok(found) if found.iter().any(|name| name == FORMAT_FILE) => Ok(()),
        Ok(found) => {
            refuse_headless(root, &found)?;
            Err(StorageError::NoDataFolder {
                path: root.to_owned(),
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StorageError::NoDataFolder {
            path: root.to_owned(),
        }),
        Err(source) => Err(explain(root, Operation::List, source)),
    }
}

/// Closes a folder to others: an existing one (a mounted volume) may be open to them. If we may not
/// close it, the files in it are still ours alone.
fn keep_others_out(root: &Path) {
    let open = fs::metadata(root).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open && let Err(error) = fs::set_permissions(root, fs::Permissions::from_mode(0o700)) {
        tracing::warn!(
            folder = %root.display(), %error,
            "the data folder can be entered by other users, and its mode cannot be changed to 0700"
        );
    }
}

fn owner(root: &Path) -> Result<Owner, StorageError> {
    Owner::of(root).map_err(|source| explain(root, Operation::Open, source))
}

fn lock(root: &Path, owner: Owner) -> Result<fs::File, StorageError> {
    let path = root.join(LOCK_FILE);
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let made = match make_file(options.clone().create_new(true), &path, owner) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_file(&options, &path),
        made => made,
    };
    let file = made.map_err(|source| explain(root, Operation::Lock, source))?;
    try_lock(root, &path, &file)?;
    // For the error message of the next process that tries. On a full disk it stays empty.
    let pid = format!("{}\n", std::process::id());
    let _ = file
        .set_len(0)
        .and_then(|()| file.write_all_at(pid.as_bytes(), 0));
    Ok(file)
}

fn try_lock(root: &Path, path: &Path, file: &fs::File) -> Result<(), StorageError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(StorageError::InUse {
            path: root.to_owned(),
            pid: holder(file),
        }),
        Err(fs::TryLockError::Error(source)) => {
            Err(StorageError::io(Operation::Lock, path, source))
        }
    }
}

fn holder(file: &fs::File) -> Option<u32> {
    let mut bytes = [0; 16];
    let read = file.read_at(&mut bytes, 0).ok()?;
    std::str::from_utf8(bytes.get(..read)?)
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Returns the error that explains in plain words why the data folder itself cannot be used.
fn explain(root: &Path, operation: Operation, source: io::Error) -> StorageError {
    let path = root.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StorageError::NotWritable { path, source }
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            StorageError::NotAFolder { path }
        }
        _ => StorageError::io(operation, path, source),
    }
}

#[cfg(test)]
mod tests;
