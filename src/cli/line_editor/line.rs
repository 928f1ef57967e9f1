//! A line that is being edited: its characters, the cursor, and the older lines that it can be
//! replaced with. What it looks like on a terminal is decided here, nothing is written.

use std::collections::VecDeque;

use super::key::Key;
use crate::cli::terminal::{char_width, is_hidden};

/// A line that is being edited.
#[derive(Debug)]
pub(super) struct Line<'a> {
    characters: Vec<char>,
    /// The number of characters before the cursor.
    cursor: usize,
    older: &'a VecDeque<String>,
    /// The older line that is shown, counted from the first; their number for the new one.
    place: usize,
    /// The new line, while an older one is shown.
    new: Vec<char>,
}

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The line goes on.
    More,
    Clear,
    Enter,
    Cancel,
    Close,
}

impl<'a> Line<'a> {
    /// An empty line after these.
    pub(super) fn new(older: &'a VecDeque<String>) -> Self {
        Self {
            characters: Vec::new(),
            cursor: 0,
            older,
            place: older.len(),
            new: Vec::new(),
        }
    }

    /// The text so far.
    pub(super) fn text(&self) -> String {
        self.characters.iter().collect()
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: Key) -> Step {
        let end = self.characters.len();
        match key {
            Key::Char(character) => {
                self.characters.insert(self.cursor, character);
                self.cursor += 1;
            }
            Key::Backspace => self.cut(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete => self.cut(self.cursor, end.min(self.cursor + 1)),
            Key::Close if end > 0 => self.cut(self.cursor, end.min(self.cursor + 1)),
            Key::CutEnd => self.cut(self.cursor, end),
            Key::CutStart => self.cut(0, self.cursor),
            Key::CutWord => self.cut(self.word_start(), self.cursor),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = end.min(self.cursor + 1),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = end,
            Key::WordLeft => self.cursor = self.word_start(),
            Key::WordRight => self.cursor = self.word_end(),
            Key::Up => self.recall(self.place.saturating_sub(1)),
            Key::Down => self.recall(self.older.len().min(self.place + 1)),
            Key::Enter => return Step::Enter,
            Key::ClearScreen => return Step::Clear,
            Key::Cancel => return Step::Cancel,
            Key::Close => return Step::Close,
            Key::Unknown => {}
        }
        Step::More
    }

    /// The part that fits this many columns, and the column of the cursor in it.
    pub(super) fn window(&self, columns: usize) -> (String, usize) {
        // One column stays free for the cursor at the end.
        let room = columns.saturating_sub(1).max(2);
        let mut used = 0;
        // Only what is shown is looked at, however long the line is.
        let mut fits = |character: &char| {
            let needed = used + char_width(*character);
            let fits = needed <= room;
            used = if fits { needed } else { used };
            fits
        };
        let (before, after) = self.characters.split_at(self.cursor);
        let mut part: Vec<char> = before
            .iter()
            .rev()
            .map(|character| shown(*character))
            .take_while(&mut fits)
            .collect();
        part.reverse();
        let cursor = part.iter().map(|character| char_width(*character)).sum();
        part.extend(
            after
                .iter()
                .map(|character| shown(*character))
                .take_while(fits),
        );
        (part.into_iter().collect(), cursor)
    }

    fn cut(&mut self, from: usize, to: usize) {
        let mut at = 0;
        self.characters.retain(|_| {
            at += 1;
            at <= from || at > to
        });
        self.cursor = from;
    }

    /// The start of the word before the cursor.
    fn word_start(&self) -> usize {
        let before = self.characters.iter().take(self.cursor).rev();
        let blanks = before.clone().take_while(|c| !c.is_alphanumeric()).count();
        let word = before.skip(blanks).take_while(|c| c.is_alphanumeric());
        self.cursor - blanks - word.count()
    }

    /// The end of the word after the cursor.
    fn word_end(&self) -> usize {
        let after = self.characters.iter().skip(self.cursor);
        let blanks = after.clone().take_while(|c| !c.is_alphanumeric()).count();
        let word = after.skip(blanks).take_while(|c| c.is_alphanumeric());
        self.cursor + blanks + word.count()
    }

    fn recall(&mut self, place: usize) {
        if place == self.place {
            return;
        }
        if self.place == self.older.len() {
            self.new = self.characters.clone();
        }
        self.characters = match self.older.get(place) {
            Some(line) => line.chars().collect(),
            None => std::mem::take(&mut self.new),
        };
        self.place = place;
        self.cursor = self.characters.len();
    }
}

/// What stands for a character on the terminal.
fn shown(character: char) -> char {
    match character {
        '\n' => '⏎',
        '\t' => '⇥',
        hidden if is_hidden(hidden) => '·',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn older() -> VecDeque<String> {
        ["SELECT 1", "a\nb"].map(str::to_owned).into()
    }

    fn typed(line: &mut Line<'_>, text: &str) {
        for character in text.chars() {
            assert_eq!(line.press(Key::Char(character)), Step::More);
        }
    }

    /// The text, with `|` for the cursor.
    fn seen(line: &Line<'_>) -> String {
        let mut characters = line.characters.clone();
        characters.insert(line.cursor, '|');
        characters.iter().collect()
    }

    #[test]
    fn keys_edit_the_text_at_the_cursor() {
        use Key::*;
        for (keys, expected) in [
            (&[][..], "one two, three|"),
            (&[Backspace], "one two, thre|"),
            (&[Delete, Right], "one two, three|"),
            (&[Left, Left, Char('X')], "one two, thrX|ee"),
            (&[Home, Delete], "|ne two, three"),
            (&[Home, Left, Backspace], "|one two, three"),
            (&[Home, Close], "|ne two, three"),
            (&[WordLeft, WordLeft], "one |two, three"),
            (&[Home, WordRight, WordRight], "one two|, three"),
            (&[CutWord], "one two, |"),
            (&[CutWord, CutWord], "one |"),
            (&[WordLeft, CutEnd], "one two, |"),
            (&[WordLeft, CutStart], "|three"),
            (&[Home, End, Unknown], "one two, three|"),
        ] {
            let older = older();
            let mut line = Line::new(&older);
            typed(&mut line, "one two, three");
            for key in keys {
                assert_eq!(line.press(*key), Step::More);
            }
            assert_eq!(seen(&line), expected, "{keys:?}");
        }
    }

    #[test]
    fn older_lines_come_back_and_the_new_one_is_not_lost() {
        let older = older();
        let mut line = Line::new(&older);
        typed(&mut line, "new");
        for (key, expected) in [
            (Key::Up, "a\nb|"),
            (Key::Up, "SELECT 1|"),
            (Key::Up, "SELECT 1|"),
            (Key::Down, "a\nb|"),
            (Key::Down, "new|"),
            (Key::Down, "new|"),
        ] {
            line.press(key);
            assert_eq!(seen(&line), expected, "{key:?}");
        }
    }

    #[test]
    fn keys_end_the_line() {
        let older = VecDeque::new();
        let mut line = Line::new(&older);
        assert_eq!(line.press(Key::Close), Step::Close);
        for (key, step) in [
            (Key::Enter, Step::Enter),
            (Key::Cancel, Step::Cancel),
            (Key::ClearScreen, Step::Clear),
        ] {
            assert_eq!(line.press(key), step);
        }
    }

    /// From a bug: every key took longer the longer the line was, with the square of its length.
    /// Then this takes minutes.
    #[test]
    fn the_window_of_a_long_line_is_as_quick_as_another() {
        let older = VecDeque::new();
        let mut line = Line::new(&older);
        typed(&mut line, &"温x".repeat(100_000));
        let (part, cursor) = line.window(80);
        assert_eq!((part, cursor), (format!("x{}", "温x".repeat(26)), 79));
    }

    #[test]
    fn the_window_follows_the_cursor_and_nothing_in_it_is_hidden() {
        let older = older();
        let mut line = Line::new(&older);
        typed(&mut line, "温度 ab\x1b");
        assert_eq!(line.window(80), ("温度 ab·".to_owned(), 8));
        assert_eq!(line.window(6), (" ab·".to_owned(), 4));
        line.press(Key::Home);
        assert_eq!(line.window(6), ("温度 ".to_owned(), 0));
        line.press(Key::Up);
        assert_eq!(line.window(80), ("a⏎b".to_owned(), 3));
    }
}
