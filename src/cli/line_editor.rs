//! A line editor for a prompt: cursor keys, older lines, the keys that shells have, wide characters.
//!
//! ```text
//! bytes > key > line > window > terminal
//! ```
//!
//! A line stays one line of the terminal; a longer one is moved below the cursor. The terminal is
//! raw only while a line is read, and as it was before afterwards, also after a panic or
//! [`end_process`].
//!
//! Why not a library: those that are kept up come with `nix` or `crossterm`, which turn on features
//! of `libc`, `mio` and `rustix` for the whole program, for this one prompt.

mod key;
mod line;

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::{ioctl_fionread, read, retry_on_intr};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::terminal::{self, width};
use line::{Line, Step};

/// The width of a terminal that does not tell.
const COLUMNS: usize = 80;

/// What a person has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Entered a line.
    Line(String),
    /// Pressed Ctrl-C.
    Cancelled,
    /// Pressed Ctrl-D on an empty line, or closed the terminal.
    Closed,
}

/// Reads one line. `prompt` has nothing that cannot be seen; `older` are lines to come back to, the
/// last one first.
pub(super) fn read_line(prompt: &str, older: &VecDeque<String>) -> io::Result<Input> {
    let _raw = Raw::begin()?;
    let mut line = Line::new(older);
    let mut bytes = Typed;
    loop {
        // A text that is pasted is drawn once, not once per character.
        let is_drawn = !is_more_typed();
        if is_drawn {
            draw(prompt, &line)?;
        }
        let step = match key::next(&mut bytes)? {
            Some(key) => line.press(key),
            None => Step::Close,
        };
        if !is_drawn && step != Step::More {
            draw(prompt, &line)?;
        }
        match step {
            Step::More => continue,
            Step::Clear => {
                write("\x1b[2J\x1b[H")?;
                continue;
            }
            Step::Enter | Step::Close => write("\n")?,
            Step::Cancel => write("^C\n")?,
        }
        return Ok(match step {
            Step::Enter => Input::Line(line.text()),
            Step::Cancel => Input::Cancelled,
            Step::More | Step::Clear | Step::Close => Input::Closed,
        });
    }
}

fn draw(prompt: &str, line: &Line<'_>) -> io::Result<()> {
    let columns = terminal::columns().unwrap_or(COLUMNS);
    let (part, cursor) = line.window(columns.saturating_sub(width(prompt)));
    let mut text = format!("\r{prompt}{part}\x1b[K\r");
    // Nought columns to the right would be one.
    match width(prompt) + cursor {
        0 => {}
        right => text.push_str(&format!("\x1b[{right}C")),
    }
    write(&text)
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What is typed, byte by byte: nothing is held here, so that what waits can be counted.
#[derive(Debug)]
struct Typed;

impl Iterator for Typed {
    type Item = io::Result<u8>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut byte = [0];
        match retry_on_intr(|| read(io::stdin(), &mut byte)) {
            Ok(0) => None,
            Ok(_) => {
                let [byte] = byte;
                Some(Ok(byte))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Returns true if something was typed that has not been read.
fn is_more_typed() -> bool {
    ioctl_fionread(io::stdin()).is_ok_and(|bytes| bytes > 0)
}

/// The terminal as it was, while it is raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process, whatever it does, with the terminal as it was.
pub(super) fn end_process(code: i32) -> ! {
    // Held to the end, so that the terminal does not become raw again.
    let before = before();
    if let Some(before) = before.as_ref() {
        // A terminal that is gone needs nothing. One that is stopped is not waited for.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
    }
    process::exit(code)
}

/// The terminal, raw until this is dropped.
#[derive(Debug)]
struct Raw;

impl Raw {
    fn begin() -> io::Result<Self> {
        let mut before = before();
        let cooked = tcgetattr(io::stdin())?;
        let mut raw = cooked.clone();
        // What is written is still processed: a line feed begins a line.
        raw.local_modes -=
            LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.input_modes -= InputModes::IXON | InputModes::ICRNL;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        *before = Some(cooked);
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = before().take() {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &before);
        }
    }
}
