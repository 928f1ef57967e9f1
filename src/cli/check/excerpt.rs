//! A line of a file as a terminal can show it: cut around a column, with a mark under that, and
//! with everything that is not plain text written as an escape.

/// Bytes of the line that are shown before the column at most.
const BEFORE_BYTES_MAX: usize = 50;

/// Bytes of the line that are shown from the column on at most.
const BEHIND_BYTES_MAX: usize = 50;

/// The shown line and the line with the mark; without the mark if the column is 0.
pub(super) fn excerpt(line: &[u8], column: u32) -> (String, Option<String>) {
    let at = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    let at = at.min(line.len());
    let (before, behind) = line.split_at_checked(at).unwrap_or((line, &[]));
    let (cut_before, before) = match before.len().checked_sub(BEFORE_BYTES_MAX) {
        Some(cut) if cut > 0 => ("…", before.get(char_start(before, cut)..)),
        _ => ("", Some(before)),
    };
    let (behind, cut_behind) = match behind.len() > BEHIND_BYTES_MAX {
        true => (behind.get(..char_start(behind, BEHIND_BYTES_MAX)), "…"),
        false => (Some(behind), ""),
    };
    let before = format!("{cut_before}{}", visible(before.unwrap_or_default()));
    let behind = visible(behind.unwrap_or_default());
    let mark = format!("{}^", " ".repeat(before.chars().count()));
    let mark = (column > 0).then_some(mark);
    (format!("{before}{behind}{cut_behind}"), mark)
}

/// Where the character that `at` lies in starts.
fn char_start(text: &[u8], at: usize) -> usize {
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A character has four bytes at most.
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|at| !is_inside(at))
        .unwrap_or(at)
}

/// Text without anything that moves the cursor or hides.
fn visible(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_plain(character) {
                true => shown.push(character),
                false => shown.extend(character.escape_default()),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Not a control character, and none of those that change the direction of text or have no width.
fn is_plain(character: char) -> bool {
    let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !hides
}
