//! The width of the terminal, and of texts on it.
//!
//! Columns are those of the Unicode standard's annex 11 (East Asian Width): two for an ideograph or
//! an emoji, none for a mark that stands on the letter before it.

use std::io;

use rustix::termios::tcgetwinsize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The columns of the terminal that standard output goes to; none if it goes elsewhere.
pub(super) fn columns() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The columns that a text takes. It has no control characters.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The columns that a character takes by itself: 0 if it is drawn on the one before it.
pub(super) fn char_width(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// Text from elsewhere, with control characters and invisible ones escaped.
pub(super) fn visible(text: &str) -> String {
    let show = |c: char| match is_hidden(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// Returns true for a character that cannot be seen, or that changes how others look: control
/// characters, those that change the direction of text, and those that Unicode calls
/// default-ignorable.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
