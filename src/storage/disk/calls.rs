//! The system calls that open and change folders and files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown, lchown};
use std::path::Path;

use crate::storage::traits::Entry;

/// The owner that the files of a folder are to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Returns the owner of an existing folder.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        fs::metadata(folder).map(|found| Self::in_metadata(&found))
    }

    fn in_metadata(found: &fs::Metadata) -> Self {
        Self {
            user: found.uid(),
            group: found.gid(),
        }
    }

    /// Returns true if a new file is to be given to the owner, so that one run as root leaves
    /// nothing that the service's user cannot read. Only root gives files away; anybody else's stay
    /// theirs.
    fn wants(self, made: &fs::Metadata) -> bool {
        Self::in_metadata(made).user != self.user && rustix::process::geteuid().is_root()
    }
}

/// Returns the bytes that are free on the disk of a folder, without those kept for root.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Creates a folder and those above it, durably. Those below `root` belong to its owner. Returns the
/// number of folders that it made and synced, as [`make_folder`].
pub(super) fn make_folder_in(root: &Path, owner: Owner, folder: &Path) -> io::Result<usize> {
    let mut made = Vec::new();
    let above = folder.ancestors().take_while(|above| *above != root);
    made.extend(above.take_while(|above| !above.is_dir()));
    let ours = make_folder(folder)?;
    for folder in made {
        if owner.wants(&fs::symlink_metadata(folder)?) {
            lchown(folder, Some(owner.user), Some(owner.group))?;
        }
    }
    Ok(ours)
}

/// Creates a file, which must be new, for the owner.
pub(super) fn make_file(
    options: &fs::OpenOptions,
    path: &Path,
    owner: Owner,
) -> io::Result<fs::File> {
    let file = open_file(options, path)?;
    if owner.wants(&file.metadata()?) {
        fchown(&file, Some(owner.user), Some(owner.group))?;
    }
    Ok(file)
}

/// Creates a folder and those above it, durably. Returns how many of the innermost ones this call
/// made and synced; of those above, each was there before, or somebody else made it meanwhile, or it
/// cannot be synced.
///
/// All are made before the first is synced: then a journaling file system writes its journal once for
/// all of them.
pub(super) fn make_folder(folder: &Path) -> io::Result<usize> {
    let above = folder.ancestors();
    let named = above.take_while(|above| !above.as_os_str().is_empty());
    let missing: Vec<&Path> = named.take_while(|above| !above.is_dir()).collect();
    let mut made = Vec::with_capacity(missing.len());
    let outermost_first = missing.iter().rev().try_for_each(|folder| {
        made.push((*folder, make_one_folder(folder)?));
        Ok(())
    });
    let sync_all = |()| missing.iter().map(|at| sync_entry(at)).collect();
    let synced: io::Result<Vec<bool>> = outermost_first.and_then(sync_all);
    let innermost_first = made.iter().rev();
    match synced {
        Ok(synced) => {
            let both = innermost_first.zip(synced);
            let durable = both.take_while(|((_, is_ours), is_synced)| *is_ours && *is_synced);
            Ok(durable.count())
        }
        // Whoever comes next would take them for durable: they are made anew.
        Err(error) => {
            for (folder, _) in innermost_first.filter(|(_, is_ours)| *is_ours) {
                let _ = remove_folder(folder);
            }
            Err(error)
        }
    }
}

/// Creates a folder in an existing one. Returns false if somebody else was faster.
fn make_one_folder(folder: &Path) -> io::Result<bool> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(false),
        made => made.map(|()| true),
    }
}

/// Makes the entry of a folder in the one above durable. Returns false if there is no way to.
fn sync_entry(folder: &Path) -> io::Result<bool> {
    let parent = folder.parent().filter(|at| !at.as_os_str().is_empty());
    match sync_folder(parent.unwrap_or(Path::new("."))) {
        // Creating in a folder can be permitted without reading it; then there is no way to sync
        // it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        synced => synced.map(|()| true),
    }
}

pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that opens the data folder"
)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that opens the data folder"
)]
pub(super) fn open_file(options: &fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
    options.open(path)
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that changes the data folder"
)]
pub(super) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that changes the data folder"
)]
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Renames a file; returns false if the new name exists already.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that changes the data folder"
)]
pub(super) fn move_new_file(from: &Path, to: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Some network file systems do not know the flag, but they know links.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match fs::hard_link(from, to) {
            Ok(()) => fs::remove_file(from).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    }
}

pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Ok(())
        }
        removed => removed,
    }
}

/// Returns the entries sorted by name; none if there is no such folder. Only files are asked for
/// their metadata: a folder may have very many folders, and what is known of them is in its listing.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found?,
    };
    let mut entries = Vec::new();
    for entry in found {
        match listed(&entry?) {
            // It went while the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            listed => entries.push(listed?),
        }
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn listed(entry: &fs::DirEntry) -> io::Result<Entry> {
    match entry.file_type()?.is_dir() {
        true => Ok(folder_entry(&entry.file_name())),
        false => Ok(entry_of(&entry.path(), &entry.metadata()?)),
    }
}

pub(super) fn entry_of(path: &Path, metadata: &fs::Metadata) -> Entry {
    let name = path.file_name().unwrap_or_default();
    if metadata.is_dir() {
        return folder_entry(name);
    }
    Entry {
        name: name.to_string_lossy().into_owned(),
        is_folder: false,
        bytes: metadata.len(),
        modified_ms: metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000,
    }
}

fn folder_entry(name: &OsStr) -> Entry {
    Entry {
        name: name.to_string_lossy().into_owned(),
        is_folder: true,
        bytes: 0,
        modified_ms: 0,
    }
}
