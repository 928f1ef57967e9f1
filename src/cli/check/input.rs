//! Text from a file or from standard input, compressed or not, of which a window is held.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Text is read in steps of at least this size, in bytes.
const STEP_BYTES: usize = 1536 * 1024;

/// A window that moves over a text.
pub(super) struct Input {
    reader: Box<dyn Read>,
    window: Vec<u8>,
    /// Bytes of the window that are done with.
    start: usize,
    is_last: bool,
}

impl Input {
    /// A file, or standard input for `-`.
    #[allow(
        clippy::disallowed_methods,
        reason = "a file that the user named, not one of the data folder"
    )]
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match path.as_os_str() == "-" {
            true => Self::new(Box::new(io::stdin().lock())),
            false => Self::new(Box::new(File::open(path)?)),
        }
    }

    /// Whatever can be read.
    pub(super) fn new(mut reader: Box<dyn Read>) -> io::Result<Self> {
        let mut magic = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut magic)?;
        let is_gzip = magic == GZIP_MAGIC;
        let whole = Cursor::new(magic).chain(reader);
        let reader: Box<dyn Read> = match is_gzip {
            true => Box::new(Gunzip::new(BufReader::new(whole))),
            false => Box::new(whole),
        };
        Ok(Self {
            reader,
            window: Vec::new(),
            start: 0,
            is_last: false,
        })
    }

    /// What is held and not done with.
    pub(super) fn text(&self) -> &[u8] {
        self.window.get(self.start..).unwrap_or_default()
    }

    /// Whether there is nothing behind it.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// So many bytes are done with.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes);
    }

    /// Reads on: as much as is held already, so that a long search for the end of a point does
    /// not begin anew all too often.
    pub(super) fn more(&mut self) -> io::Result<()> {
        self.window.drain(..self.start.min(self.window.len()));
        self.start = 0;
        let wanted = self.window.len().max(STEP_BYTES);
        let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
        let read = self
            .reader
            .by_ref()
            .take(limit)
            .read_to_end(&mut self.window)?;
        self.is_last = read < wanted;
        Ok(())
    }
}

/// Gzip with all its members; what follows the last one is an error.
struct Gunzip<R> {
    /// Absent behind the end.
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    fn new(reader: R) -> Self {
        Self {
            decoder: Some(GzDecoder::new(reader)),
        }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.decoder.take() {
            match decoder.read(out) {
                Ok(0) if !out.is_empty() => {
                    let mut rest = decoder.into_inner();
                    if rest.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    self.decoder = Some(GzDecoder::new(rest));
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    let reason = "the gzip stream ends too early";
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, reason));
                }
                result => {
                    self.decoder = Some(decoder);
                    return result;
                }
            }
        }
        Ok(0)
    }
}
