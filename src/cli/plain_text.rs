//! The texts that a user names: files and standard input, decompressed as they are read.
//!
//! ```text
//! Input (exists, not open) > Text: first bytes > as it is | gzip, all its members | zstd
//! ```
//!
//! Promises: a missing input is reported before any input is read; a stream that is cut, or followed
//! by something else, is an error and never a shorter text; memory is one buffer, however large a file
//! becomes. A file that is recognised as something other than text is reported once, not line by line.

mod explain;
mod gunzip;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Cursor, ErrorKind, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{CliError, files};
use crate::narrow;
use explain::explained;
use gunzip::{GZIP, Gunzip};

const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of files that people pass by mistake, and the advice for each.
const MISTAKES: [(&[u8], &str); 5] = [
    (
        b"\xfd7zXZ\0",
        "it is compressed with xz: decompress it first, with xz -dc",
    ),
    (
        b"BZh91AY&SY",
        "it is compressed with bzip2: decompress it first, with bzip2 -dc",
    ),
    (b"PK\x03\x04", "it is a zip archive: unpack it first"),
    (
        b"\xff\xfe",
        "it is UTF-16, line protocol is UTF-8: convert it first, with iconv",
    ),
    (
        b"\xfe\xff",
        "it is UTF-16, line protocol is UTF-8: convert it first, with iconv",
    ),
];

/// The length of the longest of these, in bytes.
const START_BYTES: u64 = 10;

/// An input that exists, and is not open yet.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Its name in reports.
    pub(super) name: String,
    /// Its size as stored, in bytes; none for pipes.
    pub(super) bytes: Option<u64>,
    /// None for standard input.
    path: Option<PathBuf>,
}

impl Input {
    /// Returns all inputs, or an error before any is read.
    pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Self>, CliError> {
        let is_stdin = |path: &&PathBuf| path.as_os_str() == "-";
        if paths.iter().filter(is_stdin).count() > 1 {
            let text = "standard input can be read once, `-` is given twice";
            return Err(CliError::Usage(text.to_owned()));
        }
        paths.iter().map(|path| Self::new(path)).collect()
    }

    fn new(path: &Path) -> Result<Self, CliError> {
        if path.as_os_str() == "-" {
            return Ok(Self {
                name: "stdin".to_owned(),
                bytes: None,
                path: None,
            });
        }
        Ok(Self {
            name: path.display().to_string(),
            bytes: files::stored_bytes(path)?,
            path: Some(path.to_owned()),
        })
    }

    /// Returns true if somebody types it.
    pub(super) fn is_typed(&self) -> bool {
        self.path.is_none() && io::stdin().is_terminal()
    }

    /// Opens the input. The file may be gone by now, or not be text.
    pub(super) fn open(&self) -> io::Result<Text> {
        Text::new(match &self.path {
            None => Box::new(io::stdin()),
            Some(path) => Box::new(files::open_plainly(path)?),
        })
    }
}

/// An input as plain text.
pub(super) struct Text {
    plain: Box<dyn Read + Send>,
    /// The bytes read of the stored file; none if it is not compressed.
    taken: Option<Arc<AtomicU64>>,
}

impl Text {
    /// Recognises compression by the first bytes, not by the name.
    pub(super) fn new(mut stored: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut start = Vec::new();
        stored.by_ref().take(START_BYTES).read_to_end(&mut start)?;
        if let Some((_, mistake)) = MISTAKES.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(io::Error::new(ErrorKind::InvalidData, *mistake));
        }
        let (is_gzip, is_zstd) = (start.starts_with(GZIP), start.starts_with(ZSTD));
        // A terminal reports its end once, and then waits for more.
        let has_ended = narrow::to_u64(start.len()) < START_BYTES;
        let rest: Box<dyn Read + Send> = match has_ended {
            true => Box::new(io::empty()),
            false => stored,
        };
        let whole = Cursor::new(start).chain(rest);
        if !is_gzip && !is_zstd {
            return Ok(Self {
                plain: Box::new(whole),
                taken: None,
            });
        }
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner: whole,
            taken: Arc::clone(&taken),
        };
        let plain: Box<dyn Read + Send> = match is_gzip {
            true => Box::new(Gunzip::new(BufReader::new(counted))),
            false => unzstd(counted)?,
        };
        Ok(Self {
            plain,
            taken: Some(taken),
        })
    }

    /// The bytes read of the stored file, if it is compressed.
    pub(super) fn taken(&self) -> Option<u64> {
        self.taken
            .as_ref()
            .map(|taken| taken.load(Ordering::Relaxed))
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.plain.read(buffer)
    }
}

struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken
            .fetch_add(narrow::to_u64(read), Ordering::Relaxed);
        Ok(read)
    }
}

#[allow(
    clippy::disallowed_types,
    reason = "the user's own file, read piece by piece into a bounded buffer: no bomb can do harm"
)]
fn unzstd(stored: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let decoder = zstd::stream::read::Decoder::new(stored)?;
    Ok(Box::new(Explained {
        decoder,
        kind: "zstd",
    }))
}

/// A decoder whose errors are whole sentences.
struct Explained<R> {
    decoder: R,
    kind: &'static str,
}

impl<R: Read> Read for Explained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder
            .read(buffer)
            .map_err(|error| explained(self.kind, &error))
    }
}
