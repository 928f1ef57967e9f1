//! Physical lines: how they are counted, and what a bad one costs.

use super::read;
use crate::line_protocol::{Behind, Oddities, Parser, Point, Precision};

/// `read`, with errors cut down to `line:column`.
fn outline(body: impl AsRef<[u8]>) -> Vec<String> {
    let shorten = |text: String| match text.split_once(": ") {
        Some((place, _)) if place.contains(':') => place.to_owned(),
        _ => text,
    };
    read(body).into_iter().map(shorten).collect()
}

#[test]
fn blank_lines_and_comments_are_counted_but_hold_no_point() {
    assert_eq!(outline(""), [""; 0]);
    assert_eq!(outline("\n\r\n  \n   \r\n# c\n  # m f=1\r\n#"), [""; 0]);
    assert_eq!(
        outline("\n# c\n \r\nm f=1\n\nm f=2\n"),
        ["4: m f=1.0", "6: m f=2.0"]
    );
}

#[test]
fn a_bad_line_costs_that_line_only() {
    assert_eq!(
        outline("a f=1\nb\nc f=1\n\nd f=\ne f=1 x\n#\t\nf f=1"),
        [
            "1: a f=1.0",
            "2:2",
            "3: c f=1.0",
            "5:5",
            "6:7",
            "7:2",
            "8: f f=1.0"
        ],
    );
}

#[test]
fn a_point_that_spans_lines_is_counted_where_it_starts() {
    assert_eq!(
        outline("a f=\"x\n\ny\" 5\nb f=1\nc f=\"\n\"\nd"),
        [
            "1: a f=\"x\\n\\ny\" @5",
            "4: b f=1.0",
            "5: c f=\"\\n\"",
            "7:2"
        ],
    );
}

#[test]
fn an_error_on_a_later_line_of_a_point_costs_the_first_line_only() {
    assert_eq!(
        outline("a f=\"x\nb f=1\n\",g=x\nc f=1"),
        ["1:0", "2: b f=1.0", "3:6", "4: c f=1.0"]
    );
    assert_eq!(
        outline("a f=\"x\ny\" z\nc f=1"),
        ["1:0", "2:5", "3: c f=1.0"]
    );
    assert_eq!(
        outline(b"a f=\"\xff\nb f=1\n\"\nc f=1"),
        ["1:6", "2: b f=1.0", "3:2", "4: c f=1.0"]
    );
    assert_eq!(outline(b"a f=\"\xff\nb f=1"), ["1:5", "2: b f=1.0"]);
}

/// The next string used to swallow the lines before it where a blank or a comma followed its
/// opening quote: the point was rejected up to there, and its lines neither stored nor reported.
#[test]
fn a_stray_quote_costs_one_line_whatever_the_next_string_begins_with() {
    let body = |text: &str| {
        format!("log msg=\"stray 1\nm v=2i 2\nm v=3i 3\nlog msg=\"{text}\" 4\nm v=5i 5\n")
    };
    for text in [" a blank first", ",a comma first", ",b=x", " 5", "text", ""] {
        let fourth = format!("4: log msg={text:?} @4");
        let stored = ["2: m v=2i @2", "3: m v=3i @3", &fourth, "5: m v=5i @5"];
        let read = outline(body(text));
        let (first, rest) = read.split_first().expect("five lines");
        assert!(first.starts_with("1:"), "{first}");
        assert_eq!(rest, stored, "{text:?}");
    }
}

#[test]
fn a_stray_quote_costs_one_line() {
    assert_eq!(
        outline("a f=\"x\nb f=1\nc f=1"),
        ["1:5", "2: b f=1.0", "3: c f=1.0"]
    );
    assert_eq!(
        outline("a f=\"x\nb f=\"y\"\nc f=1"),
        ["1:5", "2: b f=\"y\"", "3: c f=1.0"],
    );
    assert_eq!(
        outline("a f=\"x 5\nb f=1\nc f=\"\" 5\nd f=\"y\""),
        ["1:5", "2: b f=1.0", "3: c f=\"\" @5", "4: d f=\"y\""],
    );
}

#[test]
fn only_lines_with_bad_utf8_are_rejected() {
    assert_eq!(
        outline(b"a\xc3\xa9 f=1\nb\xff f=1\nc f=\"\xc3\xa9\",g=1.5 7\n"),
        ["1: a\u{e9} f=1.0", "2:2", "3: c f=\"\u{e9}\" g=1.5 @7"],
    );
}

#[test]
fn byte_order_marks_are_dropped_at_the_start_of_every_line() {
    assert_eq!(outline("\u{feff}m f=1"), ["1: m f=1.0"]);
    assert_eq!(outline("\u{feff}m f="), ["1:5"]);
    assert_eq!(outline("\u{feff}"), [""; 0]);
    assert_eq!(outline("\u{feff}\u{feff}m f=1"), ["1: m f=1.0"]);
    assert_eq!(
        outline("m f=1\n\u{feff}m f=1"),
        ["1: m f=1.0", "2: m f=1.0"]
    );
    // Not within a text, where it is a character.
    assert_eq!(
        outline("m f=\"\n\u{feff}x\"\n\u{feff}# c\n\u{feff}"),
        ["1: m f=\"\\n\\u{feff}x\""]
    );
}

#[test]
fn the_offset_lies_behind_a_line_end_after_every_point() {
    let body = "\u{feff}a f=1\n# c\nb f=\"\n\"\r\nc\n\n";
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    let mut point = Point::default();
    let mut offsets = vec![parser.offset()];
    while parser.next_point(&mut point).is_some() {
        offsets.push(parser.offset());
    }
    offsets.push(parser.offset());
    assert_eq!(offsets, [0, 9, 22, 24, 25]);
    assert!(parser.next_point(&mut point).is_none());
}

#[test]
fn a_point_is_reused_without_growing_again() {
    let mut parser = Parser::new(b"m,a=1,b=2 f=1,g=2,h=3\nn i=4", Precision::Nanosecond);
    let mut point = Point::default();
    parser.next_point(&mut point).unwrap().unwrap();
    let room = (point.tags.as_ptr(), point.fields.as_ptr());
    parser.next_point(&mut point).unwrap().unwrap();
    assert_eq!((point.tags.as_ptr(), point.fields.as_ptr()), room);
    assert_eq!(
        (point.tags.len(), point.fields.len(), point.timestamp),
        (0, 1, None)
    );
}

#[test]
fn many_stray_quotes_do_not_make_parsing_slow() {
    let body = "m f=\"x\nm g=1\n".repeat(50_000);
    assert_eq!(read(&body).len(), 100_000);
}

#[test]
fn many_errors_do_not_make_parsing_slow() {
    let body = "m f\n".repeat(200_000);
    assert_eq!(read(&body).len(), 200_000);
}

#[test]
fn what_is_probably_not_meant_is_counted() {
    let body = "#m f=1\n# m f=1 5\n# a comment\n##m f=1\n#\n# f=1\n\
                m f=1\nm f=1 1\nm f=1 1700000000\nm f=1 1700000000000000000\n# m f=\"\n\"\n";
    let whole = |precision| {
        let mut parser = Parser::new(body.as_bytes(), precision);
        let mut point = Point::default();
        while parser.next_point(&mut point).is_some() {}
        let counted = parser.take_oddities();
        assert!(parser.take_oddities().is_empty(), "taken");
        (counted.commented_out, counted.in_january_1970)
    };
    assert_eq!(whole(Precision::Nanosecond), (2, 1));
    assert_eq!(
        whole(Precision::Millisecond),
        (2, 1),
        "seconds, read as milliseconds"
    );
    assert_eq!(whole(Precision::Auto), (2, 1), "1 is a second");
    // In pieces, a line that has to be read again is counted once.
    let (mut from, mut line, mut counted) = (0, 1, Oddities::default());
    for end in 1..=body.len() {
        let behind = match end == body.len() {
            true => Behind::Nothing,
            false => Behind::Text,
        };
        let piece = &body.as_bytes()[from..end];
        let mut parser = Parser::piece(piece, Precision::Nanosecond, line, behind);
        while parser.next_point(&mut Point::default()).is_some() {}
        line += u32::try_from(
            piece[..parser.offset()]
                .iter()
                .filter(|b| **b == b'\n')
                .count(),
        )
        .unwrap();
        from += parser.offset();
        counted += parser.take_oddities();
    }
    assert_eq!((counted.commented_out, counted.in_january_1970), (2, 1));
}
