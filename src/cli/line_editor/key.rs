//! Keys, as the bytes that terminals send for them.
//!
//! Source: ECMA-48 for control sequences, and what xterm sends for cursor keys in both of its modes.

use std::io;

/// A key that a line knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    /// Removes what follows the cursor.
    CutEnd,
    /// Removes what precedes the cursor.
    CutStart,
    /// Removes the word before the cursor.
    CutWord,
    ClearScreen,
    /// Ctrl-C.
    Cancel,
    /// Ctrl-D: the end if the line is empty.
    Close,
    /// Any other.
    Unknown,
}

const ESCAPE: u8 = 0x1b;

/// The next key; none at the end of the input.
pub(super) fn next(bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Option<Key>> {
    let Some(first) = bytes.next().transpose()? else {
        return Ok(None);
    };
    Ok(Some(match first {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Char('\t'),
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Cancel,
        0x04 => Key::Close,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x0b => Key::CutEnd,
        0x0c => Key::ClearScreen,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::CutStart,
        0x17 => Key::CutWord,
        ESCAPE => sequence(bytes)?,
        0..0x20 => Key::Unknown,
        byte => character(byte, bytes)?,
    }))
}

/// The rest of a character in UTF-8.
fn character(first: u8, bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    let length = match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => 1,
    };
    let mut encoded = vec![first];
    while encoded.len() < length {
        match bytes.next().transpose()? {
            Some(byte) => encoded.push(byte),
            None => return Ok(Key::Unknown),
        }
    }
    let text = str::from_utf8(&encoded).ok();
    let character = text.and_then(|text| text.chars().next());
    Ok(character.map_or(Key::Unknown, Key::Char))
}

/// What follows an escape: `[` or `O`, numbers, and a letter or `~`.
fn sequence(bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    match bytes.next().transpose()? {
        Some(b'b') => return Ok(Key::WordLeft),
        Some(b'f') => return Ok(Key::WordRight),
        Some(b'[' | b'O') => {}
        _ => return Ok(Key::Unknown),
    }
    let mut numbers = String::new();
    loop {
        let Some(byte) = bytes.next().transpose()? else {
            return Ok(Key::Unknown);
        };
        match byte {
            b'0'..=b'9' | b';' => numbers.push(char::from(byte)),
            last => return Ok(of_sequence(&numbers, last)),
        }
    }
}

fn of_sequence(numbers: &str, last: u8) -> Key {
    // `1;5` is with Ctrl, `1;3` with Alt.
    let is_far = numbers.ends_with(";5") || numbers.ends_with(";3");
    match (last, numbers) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) if is_far => Key::WordRight,
        (b'C', _) => Key::Right,
        (b'D', _) if is_far => Key::WordLeft,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', "1" | "7") => Key::Home,
        (b'F', _) | (b'~', "4" | "8") => Key::End,
        (b'~', "3") => Key::Delete,
        _ => Key::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut bytes = bytes.iter().copied().map(Ok);
        let next = || next(&mut bytes).expect("in memory");
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn the_bytes_of_terminals_are_keys() {
        use Key::*;
        for (bytes, expected) in [
            (&b"a\r"[..], &[Char('a'), Enter][..]),
            // From a bug: it became a blank, in a literal, too.
            (b"'\t'", &[Char('\''), Char('\t'), Char('\'')]),
            ("ä温🙂".as_bytes(), &[Char('ä'), Char('温'), Char('🙂')]),
            (b"\x1b[A\x1b[B\x1bOC\x1bOD", &[Up, Down, Right, Left]),
            (
                b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[3~",
                &[Home, End, Home, End, Delete],
            ),
            (
                b"\x1b[1;5C\x1b[1;3D\x1bb\x1bf",
                &[WordRight, WordLeft, WordLeft, WordRight],
            ),
            (
                b"\x01\x05\x0b\x15\x17\x0c",
                &[Home, End, CutEnd, CutStart, CutWord, ClearScreen],
            ),
            (b"\x03\x04\x7f\x08", &[Cancel, Close, Backspace, Backspace]),
            (b"\x1b[200~x\x00", &[Unknown, Char('x'), Unknown]),
            (b"\xffa\xe4b", &[Unknown, Char('a'), Unknown]),
            (b"\x1b[1", &[Unknown]),
        ] {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }
}
