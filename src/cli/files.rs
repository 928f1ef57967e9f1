//! Files that the user names: read, and written so that a file with the wanted name is always complete.
//! Files of the data folder are not touched here.
#![allow(
    clippy::disallowed_methods,
    reason = "these are the user's own files, not those of the data folder"
)]

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use super::CliError;
use crate::narrow;

/// The most bytes of a token file or of some certificates: a larger file is something else.
const SMALL_BYTES_MAX: u64 = 1024 * 1024;

/// The whole of a small file.
pub(super) fn read_small(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = open(path)?
        .take(SMALL_BYTES_MAX + 1)
        .read_to_end(&mut bytes);
    let read = read.map_err(|error| CliError::file("read", path, error))?;
    if narrow::to_u64(read) > SMALL_BYTES_MAX {
        let text = format!("more than {SMALL_BYTES_MAX} bytes, which is not what belongs here");
        return Err(CliError::file("read", path, io::Error::other(text)));
    }
    Ok(bytes)
}

/// Opens a file to read from. The error does not name the file: the caller does.
pub(super) fn open_plainly(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file to read from.
fn open(path: &Path) -> Result<File, CliError> {
    let file = open_plainly(path).map_err(|error| CliError::file("open", path, error))?;
    let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if is_folder {
        let source = io::ErrorKind::IsADirectory.into();
        return Err(CliError::file("read", path, source));
    }
    Ok(file)
}

/// The size of a file that can be read, in bytes. None for a pipe, which is not opened here: its writer
/// would take the end of this look for the end of the reader.
pub(super) fn stored_bytes(path: &Path) -> Result<Option<u64>, CliError> {
    let metadata = fs::metadata(path).map_err(|error| CliError::file("open", path, error))?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Ok(None);
    }
    open(path).map(|_| Some(metadata.len()))
}

/// A file that is being written under a temporary name. It gets the wanted name when it is
/// complete, and is removed if it never is. If the wanted name exists and is not a file (`/dev/null`, a
/// named pipe), it is written to directly and never replaced; if it is a symbolic link, the link's target
/// is replaced, not the link.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: File,
    /// None if the wanted name is written to directly.
    temporary: Option<PathBuf>,
    wanted: PathBuf,
}

impl Unfinished {
    pub(super) fn create(wanted: &Path) -> Result<Self, CliError> {
        let wrong = |source| CliError::file("write", wanted, source);
        let target = fs::canonicalize(wanted).unwrap_or_else(|_| wanted.to_owned());
        let (file, temporary) = match fs::metadata(&target) {
            Ok(there) if there.is_dir() => {
                return Err(wrong(io::ErrorKind::IsADirectory.into()));
            }
            Ok(there) if !there.is_file() => {
                let file = File::options().write(true).open(&target);
                (file.map_err(wrong)?, None)
            }
            _ => {
                let temporary = temporary_name(&target).map_err(wrong)?;
                let file = File::create_new(&temporary).map_err(wrong)?;
                (file, Some(temporary))
            }
        };
        Ok(Self {
            file,
            temporary,
            wanted: target,
        })
    }

    /// Syncs the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        // A pipe or a device has its name already, and often cannot be synced.
        let Some(temporary) = &self.temporary else {
            return Ok(());
        };
        self.file
            .sync_all()
            .and_then(|()| fs::rename(temporary, &self.wanted))
            .map_err(|error| CliError::file("write", &self.wanted, error))?;
        self.temporary = None;
        Ok(())
    }
}

/// Beside the wanted file, so that it can be renamed.
fn temporary_name(wanted: &Path) -> io::Result<PathBuf> {
    let name = wanted
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.unfinished", std::process::id()));
    Ok(wanted.with_file_name(temporary))
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // A leftover does no harm, and its name says what it is.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// The text of a file that is for its owner alone, or none if there is no such file: the last part of
/// it if it has grown too large.
#[cfg(feature = "query")]
pub(super) fn read_private(path: &Path) -> Result<String, CliError> {
    use std::io::{Seek as _, SeekFrom};
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(CliError::file("open", path, error)),
    };
    let mut read = || {
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(SMALL_BYTES_MAX)))?;
        let mut text = Vec::new();
        (&mut file).take(SMALL_BYTES_MAX).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    read().map_err(|error| CliError::file("read", path, error))
}

/// Adds to a file that is for its owner alone, and makes it and its folders if there are none.
#[cfg(feature = "query")]
pub(super) fn append_private(path: &Path, text: &str) -> Result<(), CliError> {
    write_private(path, text, File::options().append(true))
}

/// Replaces what is in a file that is for its owner alone.
#[cfg(feature = "query")]
pub(super) fn replace_private(path: &Path, text: &str) -> Result<(), CliError> {
    write_private(path, text, File::options().write(true).truncate(true))
}

#[cfg(feature = "query")]
fn write_private(path: &Path, text: &str, how: &mut fs::OpenOptions) -> Result<(), CliError> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let folder = path.parent().unwrap_or(path);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.and_then(|()| how.create(true).mode(0o600).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| CliError::file("write", path, error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::Command;

    use super::Unfinished;

    #[cfg(feature = "query")]
    #[test]
    fn a_private_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("state/tidegate/history");
        assert_eq!(super::read_private(&path).expect("none"), "");
        super::append_private(&path, "a\n").expect("written");
        super::append_private(&path, "b\n").expect("written");
        assert_eq!(super::read_private(&path).expect("there"), "a\nb\n");
        super::replace_private(&path, "c\n").expect("written");
        assert_eq!(super::read_private(&path).expect("there"), "c\n");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        let folder = path.parent().expect("a folder");
        assert_eq!((mode(&path), mode(folder)), (0o600, 0o700));
        let large = "x".repeat(2 << 20);
        super::replace_private(&path, &format!("{large}\nd\n")).expect("written");
        assert!(
            super::read_private(&path)
                .expect("there")
                .ends_with("x\nd\n")
        );
    }

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

    /// From a bug: `-o /dev/null`, as root, put a file in the place of the device.
    #[test]
    fn what_is_no_file_is_written_to_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt as _;

        // A pipe in a folder of our own: a device would be gone for everybody where this fails.
        let folder = tempfile::tempdir().expect("a folder");
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        std::os::unix::fs::symlink("pipe", &link).expect("linked");
        for wanted in [&pipe, &link] {
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).expect("readable")
            });
            let mut through = Unfinished::create(wanted).expect("writable");
            through.write_all(b"x").expect("writable");
            through.finish().expect("nothing to do");
            assert_eq!(reader.join().expect("ends"), b"x");
        }
        let kind = fs::symlink_metadata(&pipe).expect("there").file_type();
        assert!(kind.is_fifo() && link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
        for wrong in [
            folder.path(),
            Path::new(""),
            Path::new("/no/such/folder/file"),
        ] {
            let error = Unfinished::create(wrong).expect_err("not writable");
            let shown = format!("cannot write {}", wrong.display());
            assert_eq!(error.to_string(), shown);
        }
    }

    #[test]
    fn behind_a_link_the_file_is_replaced_and_the_link_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("writable");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        let mut whole = Unfinished::create(&link).expect("writable");
        whole.write_all(b"new").expect("writable");
        whole.finish().expect("renamed");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).expect("readable"), b"new");
    }
}
