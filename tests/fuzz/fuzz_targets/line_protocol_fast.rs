//! The fast path against the grammar: both read any body as the same points and errors. The body is read
//! twice over, so that its second half is written like lines before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::line_protocol::{Name, Parser, Point, Precision};

fuzz_target!(|body: &[u8]| {
    let body = [body, b"\n", body].concat();
    let mut fast = Parser::new(&body, Precision::Nanosecond);
    let mut reference = Parser::by_grammar(&body, Precision::Nanosecond);
    let (mut point, mut expected) = (Point::default(), Point::default());
    loop {
        let read = fast.next_point(&mut point);
        assert_eq!(read, reference.next_point(&mut expected));
        assert_eq!(fast.offset(), reference.offset());
        match read {
            None => break,
            Some(Err(_)) => {}
            Some(Ok(())) => assert_eq!(all_of(&point), all_of(&expected)),
        }
    }
    assert_eq!(fast.take_oddities(), reference.take_oddities());
});

/// Everything in a point, with names as they were written and floats to the sign of zero.
fn all_of(point: &Point<'_>) -> String {
    let name = |name: Name<'_>| format!("{:?} {}", name.raw(), name.is_escaped());
    let mut text = format!(
        "{} {:?} {} {:?}",
        point.line,
        point.series_key.as_ptr_range(),
        name(point.measurement),
        point.timestamp
    );
    for tag in &point.tags {
        text += &format!(", {}={} {}", name(tag.key), name(tag.value), tag.column);
    }
    for field in &point.fields {
        text += &format!(", {}={:?} {}", name(field.key), field.value, field.column);
    }
    text
}
