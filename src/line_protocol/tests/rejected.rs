//! Lines that have to be rejected, with the place and the words of each error.

use super::read;
use crate::line_protocol::{Parser, Point, Precision};

/// Each body is one error: `line:column: text`.
fn assert_errors<B: AsRef<[u8]>>(cases: &[(B, &str)]) {
    for (body, error) in cases {
        let shown = String::from_utf8_lossy(body.as_ref()).into_owned();
        assert_eq!(read(body), [*error], "{shown:?}");
    }
}

#[test]
fn a_line_starts_with_a_measurement() {
    assert_errors(&[
        (",a=b f=1", "1:1: expected a measurement, found `,`"),
        ("  ,a=b f=1", "1:3: expected a measurement, found `,`"),
        ("\tm f=1", "1:1: expected a measurement, found a tab"),
        (
            "\rm f=1",
            "1:1: expected a measurement, found a carriage return",
        ),
        ("\x7f f=1", "1:1: expected a measurement, found byte 0x7f"),
    ]);
}

#[test]
fn fields_follow_the_measurement() {
    assert_errors(&[
        (
            "m",
            "1:2: expected `,` and a tag, or a space and a field, after the measurement, found the end of the line",
        ),
        (
            "m\n",
            "1:2: expected `,` and a tag, or a space and a field, after the measurement, found the end of the line",
        ),
        (
            "m\r\n",
            "1:2: expected `,` and a tag, or a space and a field, after the measurement, found the end of the line",
        ),
        (
            "m\x0bf=1",
            "1:2: expected `,` and a tag, or a space and a field, after the measurement, found byte 0x0b",
        ),
        (
            "a\\\n",
            "1:3: expected `,` and a tag, or a space and a field, after the measurement, found the end of the line",
        ),
        ("m ", "1:3: expected a field key, found the end of the line"),
        (
            "m  \n",
            "1:4: expected a field key, found the end of the line",
        ),
    ]);
}

#[test]
fn a_tag_is_a_key_and_a_value() {
    assert_errors(&[
        ("m, f=1", "1:3: expected a tag key after `,`, found a space"),
        (
            "m,",
            "1:3: expected a tag key after `,`, found the end of the line",
        ),
        ("m,=b f=1", "1:3: expected a tag key after `,`, found `=`"),
        ("m,,a=b f=1", "1:3: expected a tag key after `,`, found `,`"),
        (
            "m,a f=1",
            "1:4: expected `=` after the tag key, found a space (a space in a name is written `\\ `)",
        ),
        (
            "m,a,b=c f=1",
            "1:4: expected `=` after the tag key, found `,` (a comma in a name is written `\\,`)",
        ),
        (
            "m,a",
            "1:4: expected `=` after the tag key, found the end of the line",
        ),
        (
            "m,a\tb=c f=1",
            "1:4: expected `=` after the tag key, found a tab",
        ),
        (
            "m,a= f=1",
            "1:5: expected a tag value after `=`, found a space",
        ),
        (
            "m,a=,b=c f=1",
            "1:5: expected a tag value after `=`, found `,`",
        ),
        (
            "m,a==b f=1",
            "1:5: expected a tag value after `=`, found `=`",
        ),
        (
            "m,a=b=c f=1",
            "1:6: expected `,` and a tag, or a space and a field, after the tag value, found `=` (`=` in a tag value is written `\\=`)",
        ),
        (
            "m,a=b",
            "1:6: expected `,` and a tag, or a space and a field, after the tag value, found the end of the line",
        ),
        (
            "m,a=b\rc f=1",
            "1:6: expected `,` and a tag, or a space and a field, after the tag value, found a carriage return",
        ),
        (
            "m,a=b\\\n",
            "1:7: expected `,` and a tag, or a space and a field, after the tag value, found the end of the line",
        ),
    ]);
}

#[test]
fn a_tag_key_occurs_once() {
    assert_errors(&[
        ("m,a=1,b=2,a=3 f=1", "1:11: tag key `a` occurs twice"),
        ("m,a=1,a=1 f=1", "1:7: tag key `a` occurs twice"),
        (
            r"m,b=1,a\,c=1,a\,c=2 f=1",
            r"1:14: tag key `a\,c` occurs twice",
        ),
    ]);
    let mut many: String = (0..40).rev().map(|tag| format!(",k{tag:02}=v")).collect();
    assert_eq!(read(format!("m{many} f=1")).len(), 1);
    assert!(read(format!("m{many} f=1"))[0].starts_with("1: m {k39=v}"));
    many.push_str(",k07=w");
    assert_errors(&[(format!("m{many} f=1"), "1:243: tag key `k07` occurs twice")]);
}

#[test]
fn a_field_is_a_key_and_a_value() {
    assert_errors(&[
        ("m =1", "1:3: expected a field key, found `=`"),
        ("m ,f=1", "1:3: expected a field key, found `,`"),
        (
            "m f=1,",
            "1:7: expected a field key, found the end of the line",
        ),
        ("m f=1, g=2", "1:7: expected a field key, found a space"),
        ("m \x0bf=1", "1:3: expected a field key, found byte 0x0b"),
        (
            "m f",
            "1:4: expected `=` after the field key, found the end of the line",
        ),
        (
            "m f 1",
            "1:4: expected `=` after the field key, found a space (a space in a name is written `\\ `)",
        ),
        (
            "m f,g=1",
            "1:4: expected `=` after the field key, found `,` (a comma in a name is written `\\,`)",
        ),
        (
            "m 1434055562000000000i",
            "1:23: expected `=` after the field key, found the end of the line",
        ),
        (
            "m f=",
            "1:5: expected a field value (a number, a boolean, or a string in double quotes) after `=`, found the end of the line",
        ),
        (
            "m f= 5",
            "1:5: expected a field value (a number, a boolean, or a string in double quotes) after `=`, found a space",
        ),
        (
            "m f=,g=1",
            "1:5: expected a field value (a number, a boolean, or a string in double quotes) after `=`, found `,`",
        ),
        (
            "m f==1",
            "1:5: expected a field value (a number, a boolean, or a string in double quotes) after `=`, found `=`",
        ),
    ]);
}

#[test]
fn a_value_is_of_one_of_the_five_types() {
    let unknown = [
        "nan", "NaN", "inf", "Inf", "abc", "+1", "+1i", "_1", "'a'", "é",
    ];
    for value in unknown {
        let error = format!(
            "1:5: `{value}` is not a field value: expected a number, true or false, or a string in double quotes"
        );
        assert_errors(&[(format!("m f={value}"), error.as_str())]);
        assert_errors(&[(format!("m f={value},g=1 5\n"), error.as_str())]);
    }
}

#[test]
fn a_number_is_well_formed() {
    let malformed = [
        "-", ".", "-.", "--1", "1.2.3", "1e", "1e+", ".e5", "1e5.5", "0x10", "1_000", "-inf",
        "1.0i", "1e3i", "-i", "-1u", "1.5u", "12abc", "1ii", "1\t", "1\"a\"", "5s", "1é", "1\u{b}",
    ];
    for value in malformed {
        let shown: String = value
            .chars()
            .flat_map(|c| match c.is_control() {
                true => c.escape_default().collect::<Vec<_>>(),
                false => vec![c],
            })
            .collect();
        let error = format!(
            "1:5: `{shown}` is not a number: expected a float like 1.5, an integer like 1i or an unsigned integer like 1u"
        );
        assert_errors(&[(format!("m f={value} 5"), error.as_str())]);
    }
}

#[test]
fn a_number_fits_its_type() {
    assert_errors(&[
        (
            "m f=9223372036854775808i",
            "1:5: `9223372036854775808i` does not fit a signed 64-bit integer",
        ),
        (
            "m f=-9223372036854775809i",
            "1:5: `-9223372036854775809i` does not fit a signed 64-bit integer",
        ),
        (
            "m f=99999999999999999999i",
            "1:5: `99999999999999999999i` does not fit a signed 64-bit integer",
        ),
        (
            "m f=18446744073709551616u",
            "1:5: `18446744073709551616u` does not fit an unsigned 64-bit integer",
        ),
        ("m f=1e309", "1:5: `1e309` does not fit a 64-bit float"),
        (
            "m f=-1e309,g=1",
            "1:5: `-1e309` does not fit a 64-bit float",
        ),
    ]);
}

#[test]
fn a_boolean_is_spelled_as_listed() {
    for value in [
        "tr", "tRUE", "yes", "truex", "fals", "falSe", "T\t", "true\rx",
    ] {
        let [body] = [format!("m f={value}")];
        let [error] = <[String; 1]>::try_from(read(&body)).unwrap();
        let expected = if value == "yes" {
            "is not a field value"
        } else {
            "is not a boolean: expected true or false"
        };
        assert!(
            error.starts_with("1:5: ") && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn a_string_ends_before_the_next_part() {
    let after = "expected `,` and a field, a space and a timestamp, or the end of the line after the string";
    assert_errors(&[
        (r#"m f="a"b"#, format!("1:8: {after}, found `b`").as_str()),
        (
            r#"m f="a""b""#,
            format!("1:8: {after}, found `\"`").as_str(),
        ),
        (
            "m f=\"a\"\té",
            format!("1:8: {after}, found a tab").as_str(),
        ),
        (
            "m f=\"a\"\rb",
            format!("1:8: {after}, found a carriage return").as_str(),
        ),
        // It belongs to the end of the line there.
        (
            "m,\r\n",
            "1:3: expected a tag key after `,`, found the end of the line",
        ),
        ("m f=\"a\"é", format!("1:8: {after}, found `é`").as_str()),
        (r#"m f="a"#, "1:5: a string value has no closing quote"),
        (r#"m f="a\""#, "1:5: a string value has no closing quote"),
        (r#"m f="a\"#, "1:5: a string value has no closing quote"),
        (r#"m f=""#, "1:5: a string value has no closing quote"),
    ]);
}

#[test]
fn a_timestamp_is_an_integer_and_the_last_part() {
    let not = |text: &str| {
        format!(
            "1:7: `{text}` is not a timestamp: expected an integer, without a unit or a fraction"
        )
    };
    for text in [
        "-",
        "1.5",
        "1e9",
        "+1",
        "--1",
        "1-2",
        "abc",
        "1i",
        "2024-01-01T00:00:00Z",
        "1?",
        "g=2",
    ] {
        assert_errors(&[(format!("m f=1 {text}"), not(text).as_str())]);
        assert_errors(&[(format!("m f=1 {text} \n"), not(text).as_str())]);
    }
    assert_errors(&[
        (
            "m f=1 9223372036854775807",
            "1:7: timestamp `9223372036854775807` is outside -9223372036854775806 to 9223372036854775806 nanoseconds: is the precision right?",
        ),
        (
            "m f=1 5 6",
            "1:9: expected the end of the line after the timestamp, found `6`",
        ),
        (
            "m f=1 5\rx",
            "1:8: expected the end of the line after the timestamp, found a carriage return",
        ),
        (
            "m f=1 \rx",
            "1:7: expected a timestamp or the end of the line, found a carriage return",
        ),
        (
            "m f=1 ,g=2",
            "1:7: expected a timestamp or the end of the line, found `,`",
        ),
        (
            "m f=1 5 \0",
            "1:9: expected the end of the line after the timestamp, found byte 0x00",
        ),
    ]);
}

#[test]
fn a_comment_holds_no_control_byte() {
    assert_errors(&[
        ("# a\tb\n", "1:4: a comment holds a control byte: a tab"),
        (" #\x07", "1:3: a comment holds a control byte: byte 0x07"),
        (
            "#\rx",
            "1:2: a comment holds a control byte: a carriage return",
        ),
    ]);
}

#[test]
fn text_is_utf8_wherever_it_is_kept() {
    let bad = "the text is not UTF-8: byte 0xff";
    assert_errors(&[
        (&b"m\xff f=1"[..], format!("1:2: {bad}").as_str()),
        (b"m,\xff=1 f=1", format!("1:3: {bad}").as_str()),
        (b"m,a=b\xff f=1", format!("1:6: {bad}").as_str()),
        (b"m f\xff=1", format!("1:4: {bad}").as_str()),
        (b"m f=\"ab\xff\"", format!("1:8: {bad}").as_str()),
        (
            b"m f=\xff",
            "1:5: `\\xff` is not a field value: expected a number, true or false, or a string in double quotes",
        ),
        (b"m\xc3", "1:2: the text is not UTF-8: byte 0xc3"),
    ]);
    let of_two_lines = [format!("1:0: {bad}"), format!("2:1: {bad}")];
    assert_eq!(read(b"m f=\"a\n\xff\""), of_two_lines);
    assert_eq!(read(b"#\xff\nm f=1"), ["2: m f=1.0"]);
}

#[test]
fn an_error_repeats_64_bytes_at_most_and_no_half_characters() {
    let long = "9".repeat(100);
    let shown = "9".repeat(64);
    assert_errors(&[(
        format!("m f=1 {long}x"),
        format!(
            "1:7: `{shown}…` is not a timestamp: expected an integer, without a unit or a fraction"
        )
        .as_str(),
    )]);
    let accents = format!("x{}", "é".repeat(50));
    let shown = format!("x{}", "é".repeat(31));
    assert_errors(&[(format!("m f={accents}"), format!("1:5: `{shown}…` is not a field value: expected a number, true or false, or a string in double quotes").as_str())]);
}

#[test]
fn errors_are_of_two_kinds() {
    let code = |body: &str| {
        let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
        let error = parser
            .next_point(&mut Point::default())
            .unwrap()
            .unwrap_err();
        assert!(format!("{error:?}").contains("found: `"));
        error.reason.code()
    };
    assert_eq!(code("m f=1 9223372036854775807"), "timestamp");
    assert_eq!(code("m f=1 x"), "timestamp");
    assert_eq!(code("m f=x"), "syntax");
    assert_eq!(code("m"), "syntax");
}

/// A wrong `precision` is the most frequent reason, and the reader of the log did not set it.
#[test]
fn a_time_out_of_range_names_the_unit_that_was_applied() {
    for (precision, unit) in [
        (Precision::Microsecond, "in microseconds"),
        (Precision::Millisecond, "in milliseconds"),
        (Precision::Second, "in seconds"),
        (Precision::Minute, "in minutes"),
        (Precision::Hour, "in hours"),
    ] {
        let mut parser = Parser::new(b"m f=1 1700000000000000000", precision);
        let next = parser.next_point(&mut Point::default());
        let error = next.expect("a line").expect_err("out of range");
        let told = format!(
            "1:7: timestamp `1700000000000000000` {unit} is outside the years 1677 to 2262: is the \
             precision right?"
        );
        assert_eq!(format!("{}:{}: {error}", error.line, error.column), told);
    }
}
