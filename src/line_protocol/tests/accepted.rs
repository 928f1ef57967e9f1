//! Lines that have to be accepted, and their meaning: our own cases, a group for every row of the
//! grammar.

use super::read;
use crate::line_protocol::{Parser, Point, Precision};

/// Each body is one point, shown as in [`super::show`] without the line number.
fn assert_points(cases: &[(&str, &str)]) {
    for (body, point) in cases {
        assert_eq!(read(body), [format!("1: {point}")], "{body:?}");
    }
}

#[test]
fn a_point_has_a_measurement_tags_fields_and_a_timestamp() {
    assert_points(&[
        ("m f=1", "m f=1.0"),
        ("m f=1 5", "m f=1.0 @5"),
        ("m,a=b f=1", "m {a=b} f=1.0"),
        ("m,b=2,a=1 g=1,f=2 5", "m {b=2} {a=1} g=1.0 f=2.0 @5"),
        ("m f=1,f=2i", "m f=1.0 f=2i"),
        ("m,f=x f=1", "m {f=x} f=1.0"),
        (
            "time,time=1,_field=2,_measurement=3 time=4",
            "time {time=1} {_field=2} {_measurement=3} time=4.0",
        ),
    ]);
}

#[test]
fn spaces_may_repeat_between_parts_and_surround_the_line() {
    assert_points(&[
        ("  m f=1", "m f=1.0"),
        ("m   f=1", "m f=1.0"),
        ("m,a=b   f=1   5   ", "m {a=b} f=1.0 @5"),
        ("m f=1   ", "m f=1.0"),
    ]);
}

#[test]
fn a_carriage_return_before_a_line_end_is_dropped() {
    assert_points(&[
        ("m f=1\r\n", "m f=1.0"),
        ("m f=1\r", "m f=1.0"),
        ("m f=1 5\r", "m f=1.0 @5"),
        ("m f=1 5 \r\n", "m f=1.0 @5"),
        ("m f=t\r\n", "m f=true"),
        ("m f=\"x\"\r\n", "m f=\"x\""),
        ("m f=1i\r", "m f=1i"),
    ]);
}

#[test]
fn a_measurement_escapes_comma_and_space_only() {
    assert_points(&[
        (r"a\,b\ c f=1", "a,b c f=1.0"),
        (r"a\=b f=1", r"a\=b f=1.0"),
        ("a=b f=1", "a=b f=1.0"),
        ("\"m\" f=1", "\"m\" f=1.0"),
        (r"a\b\\ f=1 g=2", r"a\b\ f=1 g=2.0"),
        (r"\#m f=1", r"\#m f=1.0"),
        ("mé f=1", "mé f=1.0"),
    ]);
}

#[test]
fn keys_and_tag_values_escape_comma_space_and_equals() {
    assert_points(&[
        (r"m,a\,b=c\,d f=1", "m {a,b=c,d} f=1.0"),
        (r"m,a\ b=c\ d f=1", "m {a b=c d} f=1.0"),
        (r"m,a\=b=c\=d f=1", "m {a=b=c=d} f=1.0"),
        (r"m f\,g\ h\=i=1", "m f,g h=i=1.0"),
        ("m,\"a\"=\"b\" \"f\"=1", "m {\"a\"=\"b\"} \"f\"=1.0"),
    ]);
}

#[test]
fn any_other_backslash_is_an_ordinary_byte() {
    assert_points(&[
        (r"m,a=C:\x f=1", r"m {a=C:\x} f=1.0"),
        (r"m,a=b\\\ c f=1", r"m {a=b\\ c} f=1.0"),
        (r"m,a=b\\ c f=1", r"m {a=b\ c} f=1.0"),
        (r"m f\x=1", r"m f\x=1.0"),
        (r"m,a=b\\,c f=1", r"m {a=b\,c} f=1.0"),
        (r"m,a\\=b=c f=1", r"m {a\=b=c} f=1.0"),
    ]);
}

#[test]
fn a_tag_value_may_hold_any_byte_but_a_line_end() {
    assert_points(&[
        ("m,a=\t f=1", "m {a=\t} f=1.0"),
        ("m,a=\0\x01\x7f f=1", "m {a=\0\x01\x7f} f=1.0"),
        ("m,a=\"x f=1", "m {a=\"x} f=1.0"),
    ]);
}

#[test]
fn a_string_escapes_quote_and_backslash_only() {
    assert_points(&[
        (r#"m f="""#, r#"m f="""#),
        (r#"m f="a\"b""#, r#"m f="a\"b""#),
        (r#"m f="a\\""#, r#"m f="a\\""#),
        (r#"m f="\n\t\x""#, r#"m f="\\n\\t\\x""#),
        (r#"m f="a,b=c d",g=1"#, r#"m f="a,b=c d" g=1.0"#),
        ("m f=\"a\tb\0\" 5", r#"m f="a\tb\0" @5"#),
        ("m f=\"é\"", "m f=\"é\""),
    ]);
}

#[test]
fn a_line_end_in_a_string_is_data() {
    assert_points(&[
        ("m f=\"a\nb\"", r#"m f="a\nb""#),
        ("m f=\"a\r\nb\" 5", r#"m f="a\r\nb" @5"#),
        ("m f=\"\n\n\",g=1", r#"m f="\n\n" g=1.0"#),
    ]);
}

#[test]
fn a_float_needs_digits_on_one_side_of_the_dot() {
    assert_points(&[
        ("m f=1.", "m f=1.0"),
        ("m f=.5", "m f=0.5"),
        ("m f=-.5", "m f=-0.5"),
        ("m f=1.e3", "m f=1000.0"),
        ("m f=1E+5", "m f=100000.0"),
        ("m f=12e-1", "m f=1.2"),
        ("m f=007", "m f=7.0"),
        ("m f=0.1", "m f=0.1"),
        ("m f=71.2345678901234", "m f=71.2345678901234"),
        ("m f=1.7976931348623157e308", "m f=1.7976931348623157e308"),
        ("m f=5e-324", "m f=5e-324"),
        ("m f=9007199254740993", "m f=9007199254740992.0"),
    ]);
}

#[test]
fn underflow_is_zero_and_minus_zero_keeps_its_sign() {
    assert_points(&[
        ("m f=1e-400", "m f=0.0"),
        ("m f=-1e-400", "m f=-0.0"),
        ("m f=-0", "m f=-0.0"),
        ("m f=-0.0e5", "m f=-0.0"),
    ]);
}

#[test]
fn integers_use_all_64_bits() {
    assert_points(&[
        ("m f=9223372036854775807i", "m f=9223372036854775807i"),
        ("m f=-9223372036854775808i", "m f=-9223372036854775808i"),
        ("m f=007i,g=-0i", "m f=7i g=0i"),
        ("m f=18446744073709551615u", "m f=18446744073709551615u"),
        ("m f=000018446744073709551615u", "m f=18446744073709551615u"),
        ("m f=9007199254740993i", "m f=9007199254740993i"),
    ]);
}

#[test]
fn a_boolean_has_ten_spellings() {
    for word in ["t", "T", "true", "True", "TRUE"] {
        assert_points(&[(&format!("m f={word}"), "m f=true")]);
    }
    for word in ["f", "F", "false", "False", "FALSE"] {
        assert_points(&[(&format!("m f={word},g=1 5"), "m f=false g=1.0 @5")]);
    }
}

#[test]
fn a_timestamp_is_scaled_to_nanoseconds_within_its_range() {
    let read = |text: &str, precision| {
        let body = format!("m f=1 {text}");
        let mut point = Point::default();
        let read = Parser::new(body.as_bytes(), precision).next_point(&mut point);
        read.unwrap().ok().and(point.timestamp)
    };
    let cases = [
        ("0", Precision::Nanosecond, Some(0)),
        ("-1", Precision::Nanosecond, Some(-1)),
        ("-0", Precision::Second, Some(0)),
        ("007", Precision::Microsecond, Some(7_000)),
        (
            "00000000000000000000000000001",
            Precision::Millisecond,
            Some(1_000_000),
        ),
        ("1", Precision::Second, Some(1_000_000_000)),
        ("1", Precision::Minute, Some(60_000_000_000)),
        ("-1", Precision::Hour, Some(-3_600_000_000_000)),
        (
            "9223372036854775806",
            Precision::Nanosecond,
            Some(i64::MAX - 1),
        ),
        (
            "-9223372036854775806",
            Precision::Nanosecond,
            Some(-i64::MAX + 1),
        ),
        ("9223372036854775807", Precision::Nanosecond, None),
        ("-9223372036854775807", Precision::Nanosecond, None),
        ("-9223372036854775808", Precision::Nanosecond, None),
        (
            "9223372036",
            Precision::Second,
            Some(9_223_372_036_000_000_000),
        ),
        ("9223372037", Precision::Second, None),
        ("9223372036854775808", Precision::Nanosecond, None),
        ("99999999999999999999", Precision::Nanosecond, None),
        (
            "2562047",
            Precision::Hour,
            Some(2_562_047 * 3_600_000_000_000),
        ),
        ("2562048", Precision::Hour, None),
    ];
    for (text, precision, ns) in cases {
        assert_eq!(read(text, precision), ns, "{text} {precision:?}");
    }
}

#[test]
fn an_automatic_timestamp_tells_its_unit_by_its_size() {
    let timestamp = |text: &str| {
        let line = format!("m f=1 {text}");
        let mut point = Point::default();
        let read = Parser::new(line.as_bytes(), Precision::Auto).next_point(&mut point);
        read.and_then(Result::ok).and(point.timestamp)
    };
    for (text, ns) in [
        ("0", 0),
        ("1", 1_000_000_000),
        ("-1", -1_000_000_000),
        ("4999999999", 4_999_999_999_000_000_000),
        ("5000000000", 5_000_000_000_000_000),
        ("-4999999999999", -4_999_999_999_999_000_000),
        ("5000000000000", 5_000_000_000_000_000),
        ("4999999999999999", 4_999_999_999_999_999_000),
        ("5000000000000000", 5_000_000_000_000_000),
        ("1721548800000000000", 1_721_548_800_000_000_000),
        ("-9223372036854775806", -9_223_372_036_854_775_806),
    ] {
        assert_eq!(timestamp(text), Some(ns), "{text}");
    }
    assert_eq!(timestamp("9223372036854775807"), None);
    assert_eq!(
        Precision::Auto.truncate(1_999),
        1_999,
        "the clock's own unit"
    );
}

#[test]
fn the_servers_time_is_truncated_to_the_unit_before_it() {
    assert_eq!(Precision::Nanosecond.truncate(1_999), 1_999);
    assert_eq!(Precision::Microsecond.truncate(1_999), 1_000);
    assert_eq!(Precision::Second.truncate(-1), -1_000_000_000);
    assert_eq!(
        Precision::Hour.truncate(3_600_000_000_001),
        3_600_000_000_000
    );
    assert_eq!(Precision::default(), Precision::Nanosecond);
}

#[test]
fn names_and_texts_say_whether_they_are_escaped_and_show_what_they_mean() {
    let mut point = Point::default();
    let mut parser = Parser::new(br#"a\ b,c\x=d\,e f="g\"h",i="g""#, Precision::Nanosecond);
    parser.next_point(&mut point).unwrap().unwrap();
    assert_eq!(point.series_key, br"a\ b,c\x=d\,e");
    assert_eq!(point.measurement.raw(), r"a\ b");
    assert!(point.measurement.is_escaped());
    assert!(!point.tags[0].key.is_escaped() && point.tags[0].value.is_escaped());
    assert_eq!(format!("{:?}", point.measurement), "\"a b\"");
    let [f, i] = [&point.fields[0], &point.fields[1]].map(|field| match field.value {
        crate::line_protocol::Value::String(text) => text,
        other => panic!("{other:?}"),
    });
    assert!(f.is_escaped() && !i.is_escaped() && f != i && f == f);
    assert_eq!(
        (f.raw(), format!("{f:?}").as_str()),
        (r#"g\"h"#, r#""g\"h""#)
    );
}

#[test]
fn columns_are_the_first_byte_of_a_key_in_its_physical_line() {
    let mut point = Point::default();
    let mut parser = Parser::new(b"\n  m,aa=1,bb=2 f=1,g=\"\n\",h=3", Precision::Nanosecond);
    parser.next_point(&mut point).unwrap().unwrap();
    assert_eq!(point.line, 2);
    assert_eq!(
        point.tags.iter().map(|tag| tag.column).collect::<Vec<_>>(),
        [5, 10]
    );
    assert_eq!(
        point
            .fields
            .iter()
            .map(|field| field.column)
            .collect::<Vec<_>>(),
        [15, 19, 0]
    );
}
