//! Where lines come from: files and standard input, decompressed as they are read.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::ImportError;
use super::cutter::{Batch, Cutter, Rules};
use crate::cli::{CliError, files};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// An input that exists, and is not open yet.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// How it is called in reports.
    pub(super) name: String,
    /// Its size as it is stored; nothing for pipes.
    pub(super) bytes: Option<u64>,
    /// Nothing for standard input.
    path: Option<PathBuf>,
}

impl Input {
    /// All of them, or an error before anything is sent.
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

    fn open(&self) -> Result<Opened, String> {
        let raw: Box<dyn Read + Send> = match &self.path {
            None => Box::new(io::stdin()),
            Some(path) => {
                Box::new(files::open(path).map_err(|error| crate::cli::one_line(&error))?)
            }
        };
        decompressed(raw).map_err(|error| error.to_string())
    }
}

/// An input as plain text.
struct Opened {
    text: Box<dyn Read + Send>,
    /// Bytes taken of what is stored; nothing if it is stored as it is read.
    taken: Option<Arc<AtomicU64>>,
}

/// Looks at the first bytes. Compressed data is decompressed in small steps, however much it
/// becomes.
#[allow(
    clippy::disallowed_types,
    reason = "the user's own file, read piece by piece into a bounded buffer: no bomb's door"
)]
fn decompressed(mut raw: Box<dyn Read + Send>) -> io::Result<Opened> {
    let mut start = Vec::new();
    raw.by_ref().take(4).read_to_end(&mut start)?;
    let (is_gzip, is_zstd) = (start.starts_with(GZIP), start.starts_with(ZSTD));
    let whole = Cursor::new(start).chain(raw);
    if !is_gzip && !is_zstd {
        return Ok(Opened {
            text: Box::new(whole),
            taken: None,
        });
    }
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: whole,
        taken: Arc::clone(&taken),
    };
    let text: Box<dyn Read + Send> = if is_gzip {
        Box::new(flate2::read::MultiGzDecoder::new(counted))
    } else {
        Box::new(zstd::stream::read::Decoder::new(counted)?)
    };
    Ok(Opened {
        text,
        taken: Some(taken),
    })
}

struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Ok(read)
    }
}

/// The thread's work: reads the inputs one after the other, cuts them, hands the batches on.
pub(super) struct Reading {
    pub(super) rules: Rules,
    pub(super) batches: mpsc::Sender<Batch>,
    /// A place for each batch between here and the ledger.
    pub(super) window: Arc<Semaphore>,
    pub(super) runtime: Handle,
    pub(super) stop: CancellationToken,
}

impl Reading {
    /// Until the end of the inputs, a fault, or a stop. Gives back the sending end, so that the
    /// caller decides when the batches end.
    pub(super) fn run(self, inputs: Vec<Input>) -> (Result<(), ImportError>, mpsc::Sender<Batch>) {
        let mut number = 0;
        let mut result = Ok(());
        for (file, input) in inputs.iter().enumerate() {
            result = self.read(file, input, &mut number);
            if result.is_err() || self.stop.is_cancelled() {
                break;
            }
        }
        (result, self.batches)
    }

    fn read(&self, file: usize, input: &Input, number: &mut u64) -> Result<(), ImportError> {
        let wrong = |line: u64, problem: String| ImportError::Input {
            name: input.name.clone(),
            line,
            problem,
        };
        let opened = input.open().map_err(|problem| wrong(0, problem))?;
        let mut cutter = Cutter::new(opened.text, self.rules);
        let mut told = 0;
        loop {
            let cut = cutter.next();
            let cut = cut.map_err(|error| wrong(cutter.line(), error.to_string()))?;
            let is_last = cut.is_none();
            let mut batch = cut.unwrap_or_else(|| Batch::empty(cutter.line()));
            if let Some(taken) = &opened.taken {
                let taken = taken.load(Ordering::Relaxed);
                batch.progress = taken.saturating_sub(told);
                told = taken;
            }
            (batch.number, batch.file, batch.is_last) = (*number, file, is_last);
            *number += 1;
            if !self.hand_on(batch) || is_last {
                return Ok(());
            }
        }
    }

    /// Whether there is anyone to take it.
    fn hand_on(&self, mut batch: Batch) -> bool {
        let place = Arc::clone(&self.window).acquire_owned();
        let place = async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                place = place => place.ok(),
            }
        };
        batch.place = self.runtime.block_on(place);
        batch.place.is_some() && self.batches.blocking_send(batch).is_ok()
    }
}
