//! Characters to tokens, by nom.
//!
//! A lexeme is read where the parser stands, never ahead: whether `/` divides or opens a regular
//! expression is for the parser to know. Every text has a lexeme at every place; what is wrong is a
//! lexeme of a kind that no grammar rule wants.
//!
//! Like 1.x, a carriage return is a line break. Unlike it, one within quotes is kept when no line
//! feed follows, and so is the character NUL, so that every name can be written.

use std::borrow::Cow;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, digit0, digit1, satisfy};
use nom::combinator::{opt, peek, recognize};
use nom::sequence::{pair, preceded, terminated};

use super::token::{Keyword, Kind, Place, Symbol, Token};

type Parsed<'a, T = &'a str> = nom::IResult<&'a str, T>;

/// Reads the token at `start`, which is a character boundary of `text`.
///
/// The second value is true if the end of the text was used up to find where the token ends.
pub(super) fn read(text: &str, start: usize) -> (Token<'_>, bool) {
    let rest = text.get(start..).unwrap_or_default();
    let Some(first) = rest.chars().next() else {
        return (token(Kind::End, "", start, 0), false);
    };
    match first {
        ' ' | '\t' | '\n' | '\r' => greedy(Kind::Space, take_while1(is_space)(rest), rest, start),
        'a'..='z' | 'A'..='Z' | '_' => word(rest, start),
        '0'..='9' => number(rest, start),
        '.' if dot_digit(rest).is_ok() => number(rest, start),
        '"' => quoted(rest, start, Kind::Identifier),
        '\'' => quoted(rest, start, Kind::String),
        '$' => parameter(rest, start),
        '-' if rest.starts_with("--") => line_comment(rest, start),
        '/' if rest.starts_with("/*") => block_comment(rest, start),
        _ => (symbol(rest, first, start), false),
    }
}

/// Reads the regular expression at `start`, where a slash stands.
pub(super) fn read_regex(text: &str, start: usize) -> (Token<'_>, bool) {
    let rest = text.get(start..).unwrap_or_default();
    let mut value = String::new();
    let mut left = rest.strip_prefix('/').unwrap_or(rest);
    loop {
        let parsed: Parsed<'_> = take_while(|c: char| !matches!(c, '/' | '\\' | '\n' | '\r'))(left);
        let (after, part) = parsed.unwrap_or((left, ""));
        value.push_str(part);
        left = after;
        if let Some(after) = left.strip_prefix("\\/") {
            value.push('/');
            left = after;
        } else if let Some(after) = left.strip_prefix('\\') {
            value.push('\\');
            left = after;
        } else if let Some(after) = left.strip_prefix('/') {
            let mut token = token(Kind::Regex, value, start, rest.len() - after.len());
            token.at = Place::Before(start);
            return (token, false);
        } else {
            break;
        }
    }
    let mut bad = token(Kind::BadRegex, "", start, rest.len() - left.len());
    bad.at = Place::Before(start);
    (bad, left.is_empty())
}

fn token<'a>(kind: Kind, text: impl Into<Cow<'a, str>>, start: usize, length: usize) -> Token<'a> {
    Token {
        kind,
        text: text.into(),
        start,
        end: start + length,
        at: Place::Byte(start),
    }
}

/// Returns a token of what was parsed, which runs on until another character or the end.
fn greedy<'a>(kind: Kind, parsed: Parsed<'a>, rest: &'a str, start: usize) -> (Token<'a>, bool) {
    let (after, found) = parsed.unwrap_or((rest, ""));
    (
        token(kind, found, start, rest.len() - after.len()),
        after.is_empty(),
    )
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A name or a keyword. A quote directly after a word starts a name that replaces the word, as
/// 1.x has it: `foo"bar"` is the name `bar`.
fn word(rest: &str, start: usize) -> (Token<'_>, bool) {
    let (mut token, at_end) = greedy(Kind::Identifier, take_while1(is_word)(rest), rest, start);
    let length = token.end - start;
    if let Some(after) = rest.get(length..).filter(|after| after.starts_with('"')) {
        let (mut name, at_end) = quoted(after, start + length, Kind::Identifier);
        name.start = start;
        if name.kind == Kind::Identifier {
            name.at = Place::Byte(start);
        }
        return (name, at_end);
    }
    if let Some(keyword) = Keyword::of(&token.text) {
        token.kind = Kind::Keyword(keyword);
        token.text = Cow::Borrowed("");
    }
    (token, at_end)
}

fn dot_digit(input: &str) -> Parsed<'_> {
    recognize(pair(char('.'), digit1)).parse(input)
}

/// A whole number, a number with a full stop, or a duration.
fn number(rest: &str, start: usize) -> (Token<'_>, bool) {
    let is_unit = |c: char| c.is_ascii_alphabetic() || c == 'µ';
    let decimal = recognize(pair(digit0, dot_digit));
    // A full stop without a digit after it belongs to the number and is forgotten.
    let trailing = terminated(digit1, char('.'));
    let duration = recognize((
        digit1,
        satisfy(is_unit),
        take_while(|c: char| is_unit(c) || c.is_ascii_digit()),
    ));
    let mut kinds = (
        alt((decimal, trailing)).map(|text| (Kind::Number, text)),
        duration.map(|text| (Kind::Duration, text)),
        digit1.map(|text| (Kind::Integer, text)),
    );
    let parsed: Parsed<'_, (Kind, &str)> = alt((
        |i| kinds.0.parse(i),
        |i| kinds.1.parse(i),
        |i| kinds.2.parse(i),
    ))
    .parse(rest);
    let (after, (kind, text)) = parsed.unwrap_or((rest, (Kind::Illegal, "")));
    (token(kind, text, start, rest.len() - after.len()), false)
}

/// A name in double quotes or a string in single ones.
fn quoted(rest: &str, start: usize, kind: Kind) -> (Token<'_>, bool) {
    let mark = if kind == Kind::String { '\'' } else { '"' };
    let bad = |kind, text, left: &str| {
        let mut bad = token(kind, text, start, rest.len() - left.len());
        bad.at = Place::Before(start);
        bad
    };
    let mut value = Cow::Borrowed("");
    let mut left = rest.get(1..).unwrap_or_default();
    loop {
        let parsed: Parsed<'_> = take_till(|c| c == mark || matches!(c, '\\' | '\n'))(left);
        let (after, part) = parsed.unwrap_or((left, ""));
        if value.is_empty() {
            value = Cow::Borrowed(part);
        } else {
            value.to_mut().push_str(part);
        }
        left = after;
        if let Some(after) = left.strip_prefix(mark) {
            let mut token = token(kind, value, start, rest.len() - after.len());
            if kind == Kind::String {
                token.at = Place::Before(start);
            }
            return (token, false);
        }
        let Some(escaped) = left.strip_prefix('\\') else {
            // A carriage return before a line feed is a part of the line break.
            let text = value.strip_suffix('\r').unwrap_or(&value).to_owned();
            return (bad(Kind::BadString, text, left), left.is_empty());
        };
        match escape(escaped) {
            Ok((after, c)) => {
                value.to_mut().push(c);
                left = after;
            }
            Err(_) => {
                let found = escaped.chars().next();
                let mut bad = bad(Kind::BadEscape, bad_escape(found), escaped);
                bad.at = found.map_or(Place::End { passed: false }, |_| Place::Byte(bad.end));
                bad.end += found.map_or(0, char::len_utf8);
                return (bad, found.is_none());
            }
        }
    }
}

/// Returns the text that 1.x shows for an escape that is none; at the end it has a NUL.
fn bad_escape(found: Option<char>) -> String {
    let found = match found {
        Some('\r') => '\n',
        Some(c) => c,
        None => '\0',
    };
    format!("\\{found}")
}

fn escape(input: &str) -> Parsed<'_, char> {
    alt((char('n').map(|_| '\n'), char('\\'), char('"'), char('\''))).parse(input)
}

/// `$name` or `$"name"`; a quoted name directly after a bare one replaces it, as in a word.
fn parameter(rest: &str, start: usize) -> (Token<'_>, bool) {
    let parsed: Parsed<'_> = recognize(pair(char('$'), take_while(is_word))).parse(rest);
    let (bare, at_end) = greedy(Kind::Parameter, parsed, rest, start);
    let length = bare.end - start;
    let Some(after) = rest.get(length..).filter(|after| after.starts_with('"')) else {
        return (bare, at_end);
    };
    let (mut name, at_end) = quoted(after, start + length, Kind::Identifier);
    name.start = start;
    name.at = Place::Byte(start);
    name.text = Cow::Owned(format!("${}", name.text));
    if name.kind == Kind::Identifier {
        name.kind = Kind::Parameter;
    }
    (name, at_end)
}

fn line_comment(rest: &str, start: usize) -> (Token<'_>, bool) {
    let parsed: Parsed<'_> = recognize(pair(
        take_till(|c| matches!(c, '\n' | '\r')),
        opt(alt((tag("\r\n"), tag("\n"), tag("\r")))),
    ))
    .parse(rest);
    let (after, found) = parsed.unwrap_or((rest, ""));
    let ended = found.ends_with(['\n', '\r']);
    (
        token(Kind::Comment, "", start, rest.len() - after.len()),
        !ended,
    )
}

fn block_comment(rest: &str, start: usize) -> (Token<'_>, bool) {
    let inner = rest.get(2..).unwrap_or_default();
    match inner.find("*/") {
        Some(length) => (token(Kind::Comment, "", start, length + 4), false),
        None => (token(Kind::Illegal, "", start, rest.len()), true),
    }
}

fn symbol(rest: &str, first: char, start: usize) -> Token<'_> {
    for &symbol in Symbol::ALL {
        let parsed: Parsed<'_> =
            peek(preceded(tag(symbol.text()), take_while(|_| false))).parse(rest);
        if parsed.is_ok() {
            let length = symbol.text().len();
            let symbol = if symbol == Symbol::NotEqualOld {
                Symbol::NotEqual
            } else {
                symbol
            };
            return token(Kind::Symbol(symbol), "", start, length);
        }
    }
    token(Kind::Illegal, first.to_string(), start, first.len_utf8())
}
