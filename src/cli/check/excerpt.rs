//! A line of a file as a terminal can show it: cut around a column to the terminal's width, with a
//! mark under that column, and with everything that cannot be seen written as an escape.

use crate::certain::Certain as _;
use crate::cli::terminal::{char_width, is_hidden, width};

/// The mark where something was cut off: one column.
const CUT: &str = "…";

/// The most characters per column that are read: marks on letters take no columns.
const CHARS_PER_COLUMN_MAX: usize = 8;

/// The bytes of the longest character.
const CHAR_BYTES_MAX: usize = 4;

/// Returns the line as shown, of at most `columns` columns, and a second line with the mark, or none
/// if `column` is 0. `column` is that of a byte, from 1.
pub(super) fn excerpt(line: &[u8], column: u32, columns: usize) -> (String, Option<String>) {
    let at = column.saturating_sub(1) as usize;
    let (before, from) = line
        .split_at_checked(char_start(line, at.min(line.len())))
        .certain("a character starts within the line");
    let bytes_max = columns
        .saturating_mul(CHARS_PER_COLUMN_MAX)
        .saturating_mul(CHAR_BYTES_MAX);
    let (mut before, mut from) = (tail(before, bytes_max), head(from, bytes_max));
    // One side may take what the other leaves; otherwise each has half, and the mark has its place.
    let columns = columns.max(4);
    let half = columns / 2;
    from.cut_after(columns.saturating_sub(before.columns()).max(columns - half));
    before.cut_before(columns.saturating_sub(from.columns()));
    let before = before.text();
    let mark = (column > 0).then(|| {
        // A fault in a mark is shown under its letter.
        let letter = before.chars().next_back().map_or(0, char_width);
        let under = match from.starts_with_a_mark() {
            true => letter,
            false => 0,
        };
        format!("{}^", " ".repeat(width(&before).saturating_sub(under)))
    });
    (format!("{before}{}", from.text()), mark)
}

/// Text as it is shown, character by character: an escape is never split.
struct Shown {
    /// Each with the columns that it takes.
    pieces: std::collections::VecDeque<(String, usize)>,
    is_cut_before: bool,
    is_cut_after: bool,
}

/// The first bytes of a text.
fn head(text: &[u8], bytes_max: usize) -> Shown {
    let end = char_start(text, bytes_max.min(text.len()));
    let mut shown = Shown::of(
        text.get(..end)
            .certain("a character starts within the text"),
    );
    shown.is_cut_after = end < text.len();
    shown
}

/// The last bytes of a text.
fn tail(text: &[u8], bytes_max: usize) -> Shown {
    let start = char_start(text, text.len().saturating_sub(bytes_max));
    let mut shown = Shown::of(
        text.get(start..)
            .certain("a character starts within the text"),
    );
    shown.is_cut_before = start > 0;
    shown
}

impl Shown {
    fn of(bytes: &[u8]) -> Self {
        let mut pieces = std::collections::VecDeque::new();
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                pieces.push_back(match is_hidden(character) {
                    true => escaped(character.escape_default().to_string()),
                    false => (character.to_string(), char_width(character)),
                });
            }
            for byte in chunk.invalid() {
                pieces.push_back(escaped(format!("\\x{byte:02x}")));
            }
        }
        Self {
            pieces,
            is_cut_before: false,
            is_cut_after: false,
        }
    }

    fn columns(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|(_, columns)| columns).sum();
        pieces + usize::from(self.is_cut_before) + usize::from(self.is_cut_after)
    }

    /// Drops characters from the end until the rest fits.
    fn cut_after(&mut self, columns_max: usize) {
        let mut columns = self.columns();
        while columns > columns_max {
            let Some((_, dropped)) = self.pieces.pop_back() else {
                return;
            };
            columns -= dropped;
            columns += usize::from(!self.is_cut_after);
            self.is_cut_after = true;
        }
    }

    /// Drops characters from the start until the rest fits and begins with a letter.
    fn cut_before(&mut self, columns_max: usize) {
        let mut columns = self.columns();
        while columns > columns_max || (self.is_cut_before && self.starts_with_a_mark()) {
            let Some((_, dropped)) = self.pieces.pop_front() else {
                return;
            };
            columns -= dropped;
            columns += usize::from(!self.is_cut_before);
            self.is_cut_before = true;
        }
    }

    fn starts_with_a_mark(&self) -> bool {
        self.pieces
            .front()
            .is_some_and(|(_, columns)| *columns == 0)
    }

    fn text(&self) -> String {
        let cut = |is_cut| if is_cut { CUT } else { "" };
        let pieces = self.pieces.iter().map(|(text, _)| text.as_str());
        let before = std::iter::once(cut(self.is_cut_before));
        let after = std::iter::once(cut(self.is_cut_after));
        before.chain(pieces).chain(after).collect()
    }
}

/// An escape in ASCII for something that cannot be seen, with its columns.
fn escaped(text: String) -> (String, usize) {
    let columns = text.len();
    (text, columns)
}

/// The start of the character that contains the byte `at`.
fn char_start(text: &[u8], at: usize) -> usize {
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(CHAR_BYTES_MAX - 1)..=at)
        .rev()
        .find(|at| !is_inside(at))
        .unwrap_or(at)
}
