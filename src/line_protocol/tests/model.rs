//! The fate of each line of a body, decided by a reader that is slow and simple: it looks at one
//! byte after the other and starts again at every line. A point takes the lines that it spans;
//! whatever is wrong with one costs its first line, and reading continues at the next.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::line_protocol::{Behind, Parser, Point, Precision};

/// The fate of a line, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A point starts here and spans this many lines.
    Stored(usize, usize),
    /// Rejected, and counted as that.
    Rejected(usize),
}

/// The model, for names without escapes.
fn expected(body: &[u8]) -> Vec<Fate> {
    let (mut at, mut line, mut fates) = (0, 1, Vec::new());
    while at < body.len() {
        let end = line_end(body, at);
        let blank = body[at..end].iter().all(|byte| *byte == b' ');
        let (next, fate) = match point(body, at) {
            _ if blank => (end + 1, None),
            Some(end) => {
                let lines = lines(&body[at..end]) + 1;
                (end + 1, Some(Fate::Stored(line, lines)))
            }
            None => (end + 1, Some(Fate::Rejected(line))),
        };
        fates.extend(fate);
        let next = next.min(body.len());
        line += lines(&body[at..next]);
        at = next;
    }
    fates
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn line_end(body: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < body.len() && body[at] != b'\n' {
        at += 1;
    }
    at
}

/// The end of the point that starts here, before its line end; nothing if it is not a point.
fn point(body: &[u8], start: usize) -> Option<usize> {
    let at = |position: usize| body.get(position).copied();
    let mut position = spaces(body, start);
    position = word(body, position, b", \n")?;
    let mut keys = Vec::new();
    while at(position) == Some(b',') {
        let key = &body[position + 1..];
        keys.push(key.split(|byte| *byte == b'=').next());
        position = pair(body, position + 1, false)?;
    }
    let repeated = |(place, key)| keys[..place].contains(key);
    if keys.iter().enumerate().any(repeated) {
        return None;
    }
    let fields = spaces(body, position);
    if fields == position {
        return None;
    }
    position = pair(body, fields, true)?;
    while at(position) == Some(b',') {
        position = pair(body, position + 1, true)?;
    }
    position = spaces(body, position);
    if !ends_line(body, position) {
        position = digits(body, position)?;
        if !ends_line(body, position) && at(position) != Some(b' ') {
            return None;
        }
        position = spaces(body, position);
    }
    ends_line(body, position).then_some(position)
}

fn ends_line(body: &[u8], position: usize) -> bool {
    position >= body.len() || body[position] == b'\n'
}

fn spaces(body: &[u8], from: usize) -> usize {
    let mut at = from;
    while body.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

fn digits(body: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while body.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > from).then_some(at)
}

/// A name: a quote in it is an ordinary byte.
fn word(body: &[u8], from: usize, ends: &[u8]) -> Option<usize> {
    let mut at = from;
    while body.get(at).is_some_and(|byte| !ends.contains(byte)) {
        at += 1;
    }
    (at > from && std::str::from_utf8(&body[from..at]).is_ok()).then_some(at)
}

/// A tag or a field.
fn pair(body: &[u8], from: usize, is_field: bool) -> Option<usize> {
    const ENDS: &[u8] = b",= \n";
    let key = word(body, from, ENDS)?;
    if body.get(key) != Some(&b'=') {
        return None;
    }
    if !is_field {
        return word(body, key + 1, ENDS);
    }
    if body.get(key + 1) != Some(&b'"') {
        return digits(body, key + 1);
    }
    let mut at = key + 2;
    while *body.get(at)? != b'"' {
        at += 1;
    }
    let is_text = std::str::from_utf8(&body[key + 2..at]).is_ok();
    let ends = ends_line(body, at + 1) || b", ".contains(&body[at + 1]);
    (is_text && ends).then_some(at + 1)
}

/// The parser.
fn found(body: &[u8]) -> Vec<Fate> {
    let mut parser = Parser::piece(body, Precision::Nanosecond, 1, Behind::Nothing);
    let (mut point, mut fates) = (Point::default(), Vec::new());
    let number = |line: u32| usize::try_from(line).expect("few");
    loop {
        let before = parser.offset();
        match parser.next_point(&mut point) {
            None => return fates,
            Some(Ok(())) => {
                let read = &body[before..parser.offset()];
                let skipped = number(point.line) - 1 - lines(&body[..before]);
                let ends = usize::from(!read.ends_with(b"\n"));
                let spanned = lines(read) + ends - skipped;
                fates.push(Fate::Stored(number(point.line), spanned));
            }
            Some(Err(error)) => fates.push(Fate::Rejected(number(error.line))),
        }
    }
}

/// Pieces of which quotes go astray in every way.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"m v=2 2\n",
        b"log msg=\"",
        b"log,a=b msg=\"",
        b"\"",
        b"\" 4",
        b"\",g=1",
        b"\",g=\"",
        b" a blank first",
        b",a comma first",
        b",b=2",
        b" 5",
        b"\n",
        b"\n\n",
        b"x",
        b"m ",
        b"f=\"y\"",
        b"\xff",
        b",",
        b" ",
        b"=",
    ];
    vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_line_is_stored_or_counted_as_rejected_as_the_model_says(body in body()) {
        prop_assert_eq!(found(&body), expected(&body), "{:?}", String::from_utf8_lossy(&body));
    }

    /// Without the model: no line of text is left out.
    #[test]
    fn every_line_that_is_not_blank_is_stored_or_counted_as_rejected(body in body()) {
        let mut accounted = vec![false; lines(&body) + 2];
        for fate in found(&body) {
            let (line, spanned) = match fate {
                Fate::Stored(line, spanned) => (line, spanned),
                Fate::Rejected(line) => (line, 1),
            };
            accounted[line..line + spanned].fill(true);
        }
        for (number, text) in (1..).zip(body.split(|byte| *byte == b'\n')) {
            let blank = text.iter().all(|byte| *byte == b' ');
            prop_assert!(blank || accounted[number], "line {number} of {:?}", String::from_utf8_lossy(&body));
        }
    }
}
