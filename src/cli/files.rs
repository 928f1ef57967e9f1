//! Files that the user names: read, and written so that a file of the wanted name is always whole.
//! Files of the data folder are not touched here.
#![allow(
    clippy::disallowed_methods,
    reason = "these are the user's own files, not those of the data folder"
)]

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use super::CliError;

/// A token or some certificates; more is another file, in bytes.
const SMALL_BYTES_MAX: u64 = 1024 * 1024;

/// The whole of a small file.
pub(super) fn read_small(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = open(path)?
        .take(SMALL_BYTES_MAX + 1)
        .read_to_end(&mut bytes);
    let read = read.map_err(|error| CliError::file("read", path, error))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > SMALL_BYTES_MAX {
        let text = format!("more than {SMALL_BYTES_MAX} bytes, which is not what belongs here");
        return Err(CliError::file("read", path, io::Error::other(text)));
    }
    Ok(bytes)
}

/// A file to read from.
pub(super) fn open(path: &Path) -> Result<File, CliError> {
    let file = File::open(path).map_err(|error| CliError::file("open", path, error))?;
    let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if is_folder {
        let source = io::ErrorKind::IsADirectory.into();
        return Err(CliError::file("read", path, source));
    }
    Ok(file)
}

/// How large a file is that can be read; nothing for a pipe, which is not opened for that: its
/// writer would take the end of this look for the end of the reader.
pub(super) fn stored_bytes(path: &Path) -> Result<Option<u64>, CliError> {
    let metadata = fs::metadata(path).map_err(|error| CliError::file("open", path, error))?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Ok(None);
    }
    open(path).map(|_| Some(metadata.len()))
}

/// A file that is being written under a name of its own. It gets the wanted name when it is
/// complete, and is removed if it never is.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: Option<File>,
    temporary: PathBuf,
    wanted: PathBuf,
}

impl Unfinished {
    pub(super) fn create(wanted: &Path) -> Result<Self, CliError> {
        let Some(name) = wanted.file_name() else {
            let source = io::Error::other("it names no file");
            return Err(CliError::file("write", wanted, source));
        };
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.unfinished", std::process::id()));
        let temporary = wanted.with_file_name(temporary);
        let file = File::create_new(&temporary)
            .map_err(|error| CliError::file("create", &temporary, error))?;
        Ok(Self {
            file: Some(file),
            temporary,
            wanted: wanted.to_owned(),
        })
    }

    /// Makes it durable and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let done = file
            .sync_all()
            .and_then(|()| fs::rename(&self.temporary, &self.wanted));
        if let Err(error) = done {
            self.file = Some(file);
            return Err(CliError::file("write", &self.wanted, error));
        }
        Ok(())
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.is_some() {
            // It has no use, and its name says so.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::Unfinished;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = folder.path().join("a");
        fs::write(&wanted, "old").expect("writable");
        let entries = || fs::read_dir(folder.path()).expect("readable").count();

        let mut cut = Unfinished::create(&wanted).expect("writable");
        cut.write_all(b"ne").expect("writable");
        assert_eq!(entries(), 2);
        drop(cut);
        assert_eq!(fs::read(&wanted).expect("readable"), b"old");
        assert_eq!(entries(), 1);

        let mut whole = Unfinished::create(&wanted).expect("writable");
        whole.write_all(b"new").expect("writable");
        whole.finish().expect("renamed");
        assert_eq!(fs::read(&wanted).expect("readable"), b"new");
        assert_eq!(entries(), 1);
    }
}
