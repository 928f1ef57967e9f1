//! Properties that hold for every input.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{read, show};
use crate::line_protocol::{Behind, Parser, Point, Precision};

/// Bytes that mean something in line protocol, and some that are not UTF-8.
fn soup(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    vec(select(alphabet), 0..80)
}

const MEANINGFUL: &[u8] = b"mmmfff,,,===   \\\\\"\"\"\n\n\r#0159.-+eEiutTF\t\x7f\xff\xc3\xa9";
const NO_QUOTES: &[u8] = b"mmmfff,,,===   \\\\\n\n\r#0159.-+eEiutTF\t\x7f\xff\xc3\xa9";

/// Pieces of good lines, so that more than the first error is reached.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"m f=1\n",
        b"m,a=b f=\"",
        b"\"",
        b",g=2i",
        b" 5",
        b"\n",
        b"\r\n",
        b"x",
        b"\\",
        b"m ",
        b"f=\"y\"",
        b"# c\n",
        b"\xff",
        b",a=b",
        b"f=t",
        b",",
        b" ",
        b"\xef\xbb\xbf",
    ];
    vec(select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

/// The results, with where the parser stood after each.
fn walk(body: &[u8]) -> Vec<(usize, u32)> {
    let mut parser = Parser::new(body, Precision::Nanosecond);
    let mut point = Point::default();
    let mut steps = Vec::new();
    while let Some(read) = parser.next_point(&mut point) {
        let line = read.map_or_else(|error| error.line, |()| point.line);
        steps.push((parser.offset(), line));
    }
    assert_eq!(parser.offset(), body.len());
    steps
}

fn check_walk(body: &[u8]) {
    let mut before = (0, 0);
    for step in walk(body) {
        assert!(
            step.0 > before.0 && step.1 > before.1,
            "{step:?} after {before:?}"
        );
        assert!(
            step.0 == body.len() || body[step.0 - 1] == b'\n',
            "{} is in a line",
            step.0
        );
        let lines_before = body[..step.0].iter().filter(|byte| **byte == b'\n').count();
        assert!(step.1 as usize <= lines_before + 1);
        before = step;
    }
}

/// A line error or point without its line number.
fn unnumbered(results: Vec<String>) -> Vec<String> {
    results
        .into_iter()
        .map(|text| text.split_once(':').unwrap().1.to_owned())
        .collect()
}

/// A name that can be written: not empty, no control byte, no backslash at its end.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,8}",
        "[a-c,= \\\\\"é]{0,6}[a-c,= \"]",
        "[^\\x00-\\x1f\\x7f]{0,5}[^\\x00-\\x1f\\x7f\\\\]"
    ]
}

fn measurement() -> impl Strategy<Value = String> {
    name().prop_filter("neither a comment nor a mark", |name| {
        !name.starts_with('#') && !name.starts_with('\u{feff}')
    })
}

/// A field value as it is written and as `show` shows it.
fn value() -> impl Strategy<Value = (String, String)> {
    let floats = any::<f64>().prop_filter("finite", |value| value.is_finite());
    prop_oneof![
        any::<i64>().prop_map(|value| (format!("{value}i"), format!("{value}i"))),
        any::<u64>().prop_map(|value| (format!("{value}u"), format!("{value}u"))),
        floats
            .clone()
            .prop_map(|value| (format!("{value}"), format!("{value:?}"))),
        floats.prop_map(|value| (format!("{value:e}"), format!("{value:?}"))),
        any::<bool>().prop_map(|value| (value.to_string(), value.to_string())),
        "\\PC{0,12}|[a\\\\\"\\n\\r\\t]{0,8}".prop_map(|text: String| {
            let written = text.replace('\\', r"\\").replace('"', r#"\""#);
            (format!("\"{written}\""), format!("{text:?}"))
        }),
    ]
}

fn escape(name: &str, special: &[char]) -> String {
    let escape = |c| {
        if special.contains(&c) {
            vec!['\\', c]
        } else {
            vec![c]
        }
    };
    name.chars().flat_map(escape).collect()
}

/// The points of a body that comes in pieces of at least `step` bytes, each longer where more
/// is needed to decide.
fn read_piecewise(body: &[u8], step: usize) -> Vec<String> {
    let (mut start, mut line, mut bytes) = (0, 1, step);
    let mut results = Vec::new();
    let mut point = Point::default();
    loop {
        let end = body.len().min(start + bytes);
        let behind = if end == body.len() {
            Behind::Nothing
        } else {
            Behind::Text
        };
        let piece = &body[start..end];
        let mut parser = Parser::piece(piece, Precision::Nanosecond, line, behind);
        while let Some(read) = parser.next_point(&mut point) {
            results.push(match read {
                Ok(()) => show(&point),
                Err(error) => format!("{}:{}: {error}", error.line, error.column),
            });
        }
        if end == body.len() {
            assert_eq!(parser.offset(), piece.len());
            return results;
        }
        // A mark at the start is passed over at once, but the piece has to be read with it.
        let done = match parser.offset() {
            3 if start == 0 && !piece[..3].contains(&b'\n') => 0,
            done => done,
        };
        let lines = piece[..done].iter().filter(|byte| **byte == b'\n').count();
        line += u32::try_from(lines).expect("few");
        bytes = if done == 0 { bytes + 1 } else { step };
        start += done;
    }
}

proptest! {
    #[test]
    fn pieces_of_any_length_read_like_the_whole(
        body in prop_oneof![soup(MEANINGFUL), pieces()],
        step in 1..40_usize,
    ) {
        prop_assert_eq!(read_piecewise(&body, step), read(&body));
    }

    #[test]
    fn no_bytes_panic_and_every_line_is_read_once(body: Vec<u8>) {
        check_walk(&body);
        read(&body);
    }

    #[test]
    fn no_meaningful_bytes_panic_and_every_line_is_read_once(
        body in prop_oneof![soup(MEANINGFUL), pieces()],
    ) {
        check_walk(&body);
        read(&body);
    }

    #[test]
    fn without_quotes_lines_do_not_depend_on_each_other(body in soup(NO_QUOTES)) {
        let one_by_one: Vec<_> = body.split(|byte| *byte == b'\n').flat_map(read).collect();
        prop_assert_eq!(unnumbered(read(&body)), unnumbered(one_by_one));
    }

    #[test]
    fn a_body_can_be_split_wherever_the_parser_stands(body in soup(MEANINGFUL)) {
        let whole = read(&body);
        for (done, (offset, _)) in walk(&body).into_iter().enumerate() {
            let rest = unnumbered(read(&body[offset..]));
            prop_assert_eq!(&rest, &unnumbered(whole[done + 1..].to_vec()));
        }
    }

    #[test]
    fn a_point_reads_as_it_was_written(
        measurement in measurement(),
        tags in btree_map(name(), name(), 0..20),
        fields in vec((name(), value()), 1..6),
        timestamp in option::of(-i64::MAX + 1..i64::MAX),
    ) {
        let (body, expected) = written(&measurement, &tags, &fields, timestamp);
        let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
        let mut point = Point::default();
        prop_assert_eq!(parser.next_point(&mut point), Some(Ok(())), "{}", body);
        prop_assert_eq!(show(&point), expected);
        prop_assert_eq!(parser.next_point(&mut point), None);
    }
}

/// A point in line protocol, and as `show` shows it.
fn written(
    measurement: &str,
    tags: &BTreeMap<String, String>,
    fields: &[(String, (String, String))],
    timestamp: Option<i64>,
) -> (String, String) {
    const SPECIAL: &[char] = &[',', ' ', '='];
    let mut body = escape(measurement, &[',', ' ']);
    let mut shown = format!("1: {measurement}");
    for (key, value) in tags {
        body += &format!(",{}={}", escape(key, SPECIAL), escape(value, SPECIAL));
        shown += &format!(" {{{key}={value}}}");
    }
    for (index, (key, (value, value_shown))) in fields.iter().enumerate() {
        body += if index == 0 { " " } else { "," };
        body += &format!("{}={value}", escape(key, SPECIAL));
        shown += &format!(" {key}={value_shown}");
    }
    if let Some(timestamp) = timestamp {
        body += &format!(" {timestamp}");
        shown += &format!(" @{timestamp}");
    }
    (body, shown)
}
