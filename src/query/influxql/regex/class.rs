//! Classes of characters, and single characters with a backslash.

use super::error;
use super::unicode::is_class;

/// A character that was written with a backslash.
pub(super) struct Escape {
    /// Its number, which may be that of half a surrogate pair.
    pub(super) value: u32,
    /// The bytes of the text.
    pub(super) length: usize,
}

/// Returns a character for the outside or the inside of a class, where it means nothing else.
pub(super) fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() || c == '_' || c == ' ' || !c.is_ascii() {
        c.to_string()
    } else {
        format!("\\x{{{:x}}}", u32::from(c))
    }
}

/// Returns the character of a number; half a surrogate pair matches nothing.
pub(super) fn code(value: u32) -> String {
    char::from_u32(value).map_or_else(|| "[^\\x{0}-\\x{10ffff}]".to_owned(), literal)
}

/// Returns the class of `\d` and its like, which are ASCII.
pub(super) fn perl_class(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[\\t\\n\\x0c\\r ]",
        'S' => "[^\\t\\n\\x0c\\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// Reads `\pN`, `\p{Name}` or `\p{^Name}`; returns what it means and its length.
pub(super) fn unicode_class(text: &str) -> Result<(String, usize), String> {
    let invalid = |part: &str| error("invalid character class range", part);
    let mut negated = text.starts_with("\\P");
    let inner = text.get(2..).unwrap_or_default();
    let (name, length) = match inner.strip_prefix('{') {
        Some(braced) => {
            let end = braced.find('}').ok_or_else(|| invalid(text))?;
            (braced.get(..end).unwrap_or_default(), end + 4)
        }
        None => {
            let first = inner.chars().next().ok_or_else(|| invalid(text))?;
            (
                inner.get(..first.len_utf8()).unwrap_or_default(),
                2 + first.len_utf8(),
            )
        }
    };
    let plain = name.strip_prefix('^').unwrap_or(name);
    negated ^= plain.len() < name.len();
    if !is_class(plain) {
        return Err(invalid(text.get(..length).unwrap_or(text)));
    }
    Ok((
        format!("\\{}{{{plain}}}", if negated { 'P' } else { 'p' }),
        length,
    ))
}

/// Reads a character after a backslash, or its number.
pub(super) fn escape(text: &str) -> Result<Escape, String> {
    let mut chars = text.char_indices().skip(1);
    let Some((_, c)) = chars.next() else {
        return Err(error("trailing backslash at end of expression", ""));
    };
    let plain = |c: char| {
        Ok(Escape {
            value: u32::from(c),
            length: 1 + c.len_utf8(),
        })
    };
    let refused = |length: usize| {
        Err(error(
            "invalid escape sequence",
            text.get(..length).unwrap_or(text),
        ))
    };
    match c {
        'a' => plain('\x07').map(|escape| Escape {
            length: 2,
            ..escape
        }),
        'f' => Ok(Escape {
            value: 0x0c,
            length: 2,
        }),
        'n' => Ok(Escape {
            value: 0x0a,
            length: 2,
        }),
        'r' => Ok(Escape {
            value: 0x0d,
            length: 2,
        }),
        't' => Ok(Escape {
            value: 0x09,
            length: 2,
        }),
        'v' => Ok(Escape {
            value: 0x0b,
            length: 2,
        }),
        '0'..='7' => {
            let digits = text.get(1..).unwrap_or_default();
            let length = digits.chars().take(3).take_while(|c| c.is_digit(8)).count();
            // One digit other than 0 would refer to a group.
            if c != '0' && length < 2 {
                return refused(2);
            }
            let digits = digits.get(..length).unwrap_or_default();
            let value = u32::from_str_radix(digits, 8).unwrap_or_default();
            Ok(Escape {
                value,
                length: 1 + length,
            })
        }
        'x' => hexadecimal(text).or_else(refused),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => plain(c),
        c => refused(1 + c.len_utf8()),
    }
}

/// Reads `\xFF` or `\x{10FFFF}`; the error is the length of what was read.
fn hexadecimal(text: &str) -> Result<Escape, usize> {
    let mut value: u32 = 0;
    let mut digits = 0;
    let braced = text.starts_with("\\x{");
    for (index, c) in text.char_indices().skip(if braced { 3 } else { 2 }) {
        let end = index + c.len_utf8();
        if braced && c == '}' && digits > 0 {
            return Ok(Escape { value, length: end });
        }
        // Two digits are read before the first is looked at.
        if !braced && digits == 0 && !c.is_ascii_hexdigit() {
            let second = text.get(end..).and_then(|rest| rest.chars().next());
            return Err(end + second.map_or(0, char::len_utf8));
        }
        let digit = c.to_digit(16).ok_or(end)?;
        value = value * 16 + digit;
        digits += 1;
        if value > u32::from(char::MAX) {
            return Err(end);
        }
        if !braced && digits == 2 {
            return Ok(Escape { value, length: end });
        }
    }
    Err(text.len())
}

/// Reads a class in brackets; returns what it means and its length.
pub(super) fn read(text: &str) -> Result<(String, usize), String> {
    let mut out = String::from("[");
    let mut at = 1;
    if text.starts_with("[^") {
        out.push('^');
        at = 2;
    }
    let start = at;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(']') && at > start {
            out.push(']');
            return Ok((out, at + 1));
        }
        let (part, length) = match named(rest)? {
            Some(named) => named,
            None => range(rest, text)?,
        };
        out.push_str(&part);
        at += length;
    }
}

/// Reads `[:alpha:]`, `\p{Greek}` or `\d` if one is next.
fn named(rest: &str) -> Result<Option<(String, usize)>, String> {
    const NAMES: &[&str] = &[
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    if let Some(end) = rest.strip_prefix("[:").and_then(|inner| inner.find(":]")) {
        let whole = rest.get(..end + 4).unwrap_or_default();
        let name = rest.get(2..end + 2).unwrap_or_default();
        let plain = name.strip_prefix('^').unwrap_or(name);
        if !NAMES.contains(&plain) {
            return Err(error("invalid character class range", whole));
        }
        return Ok(Some((whole.to_owned(), whole.len())));
    }
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some('p' | 'P')) => unicode_class(rest).map(Some),
        (Some('\\'), Some(c)) => Ok(perl_class(c).map(|class| (class.to_owned(), 2))),
        _ => Ok(None),
    }
}

/// Reads one character or two with a hyphen between them.
fn range(rest: &str, class: &str) -> Result<(String, usize), String> {
    let first = character(rest, class)?;
    let after = rest.get(first.length..).unwrap_or_default();
    let Some(upper) = after
        .strip_prefix('-')
        .filter(|upper| !upper.is_empty() && !upper.starts_with(']'))
    else {
        return Ok((code(first.value), first.length));
    };
    let last = character(upper, class)?;
    let length = first.length + 1 + last.length;
    if last.value < first.value {
        let part = rest.get(..length).unwrap_or(rest);
        return Err(error("invalid character class range", part));
    }
    match (char::from_u32(first.value), char::from_u32(last.value)) {
        (Some(first), Some(last)) => Ok((format!("{}-{}", literal(first), literal(last)), length)),
        _ => Ok((format!("{}{}", code(first.value), code(last.value)), length)),
    }
}

fn character(text: &str, class: &str) -> Result<Escape, String> {
    match text.chars().next() {
        None => Err(error("missing closing ]", class)),
        Some('\\') => escape(text),
        Some(c) => Ok(Escape {
            value: u32::from(c),
            length: c.len_utf8(),
        }),
    }
}
