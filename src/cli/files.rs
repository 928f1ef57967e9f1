//! Files that the user names: read, and written so that a file with the wanted name is always complete.
//! Files of the data folder are not touched here.
#![allow(
    clippy::disallowed_methods,
    reason = "these are the user's own files, not those of the data folder"
)]

mod destination;
mod outlet;
mod unfinished;

pub(super) use outlet::Outlet;
pub(super) use unfinished::Unfinished;

use std::fs::{self, File};
#[cfg(feature = "query")]
use std::io::Write as _;
use std::io::{self, Read as _};
use std::path::Path;

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

/// The ends of the names of compressed files.
const COMPRESSED: [&str; 9] = ["7z", "br", "bz2", "gz", "lz4", "tgz", "xz", "zip", "zst"];

/// Refuses a name for an output that promises a compressed file: none is written here.
pub(super) fn uncompressed(path: &Path) -> Result<(), CliError> {
    let end = path.extension().unwrap_or_default().to_ascii_lowercase();
    match COMPRESSED.iter().any(|known| end == *known) {
        false => Ok(()),
        true => Err(CliError::Usage(format!(
            "{} would not be compressed: name it without .{}, or pipe standard output into the \
             program that compresses",
            path.display(),
            end.display()
        ))),
    }
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

#[cfg(all(test, feature = "query"))]
mod tests {
    use std::fs;
    use std::path::Path;

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
}
