//! Single values in each format.

use super::super::number::{write_json_float, write_plain_float};
use super::super::text::{push_tag, write_csv_text, write_json_text};
use super::super::time::Clock;
use super::random::Dice;
use super::*;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn floats_are_short_and_take_an_exponent_where_javascript_does() {
    for (value, json) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.1, "0.1"),
        (1e-5, "0.00001"),
        (1.25e-5, "0.0000125"),
        (1e-6, "0.000001"),
        (9.999e-7, "9.999e-7"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (123_456_789e-15, "1.23456789e-7"),
        (-1.5e-9, "-1.5e-9"),
        (3.0e-10, "3e-10"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (1.5e16, "15000000000000000"),
        (123_456_789_012_345_680.0, "123456789012345680"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (1e20, "100000000000000000000"),
        (9.99e20, "999000000000000000000"),
        (1e21, "1e+21"),
        (123e19, "1.23e+21"),
        (-1e21, "-1e+21"),
        (1e23, "1e+23"),
        (1e100, "1e+100"),
        (f64::MAX, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
    ] {
        assert_eq!(written(|out| write_json_float(value, out)), json);
        assert_eq!(
            written(|out| write_plain_float(value, out)),
            value.to_string()
        );
    }
}

/// The standard library writes the fewest digits too, but not the even one of two that are as near.
#[test]
fn random_floats_are_as_short_as_those_of_the_standard_library_and_read_back() {
    let mut dice = Dice::new(7);
    for _ in 0..200_000 {
        let value = dice.float();
        let exponential = value != 0.0 && !(1e-6..1e21).contains(&value.abs());
        let plain = value.to_string();
        let json = if exponential {
            let text = format!("{value:e}");
            if text.contains("e-") {
                text
            } else {
                text.replace('e', "e+")
            }
        } else {
            plain.clone()
        };
        for (found, expected) in [
            (written(|out| write_json_float(value, out)), json),
            (written(|out| write_plain_float(value, out)), plain),
        ] {
            let read: f64 = found.parse().unwrap();
            assert_eq!(read.to_bits(), value.to_bits(), "{found}");
            assert_eq!(found.len(), expected.len(), "{found} {expected}");
        }
    }
}

/// As Go; the standard library would write 3 and 8.
#[test]
fn of_two_digits_that_are_as_near_the_even_one_is_written() {
    for (quarters, text) in [
        (7_466_567_770_301_521.0, "1866641942575380.2"),
        (7_466_567_770_301_523.0, "1866641942575380.8"),
        (4_503_599_627_370_501.0, "1125899906842625.2"),
        (-4_503_599_627_370_503.0, "-1125899906842625.8"),
    ] {
        let value = quarters / 4.0;
        assert_eq!(written(|out| write_json_float(value, out)), text);
        assert_eq!(written(|out| write_plain_float(value, out)), text);
    }
}

#[test]
fn numbers_that_json_does_not_have_are_nulls() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Some);
    let rows = [select(vec![part(
        "m",
        None,
        &["time", "f"],
        vec![times([1, 2, 3]), floats(values)],
    )])];
    let text = body(epoch(json(), Unit::Nanosecond), &rows);
    assert!(text.contains("[[1,null],[2,null],[3,null]]"), "{text}");
    assert!(body(csv(), &rows).ends_with("\nm,,1,\nm,,2,\nm,,3,\n"));
    let packed = bytes(epoch(msgpack(), Unit::Nanosecond), 1, &rows);
    assert!(packed.ends_with(b"\x93\x92\x01\xc0\x92\x02\xc0\x92\x03\xc0"));
}

#[test]
fn every_type_has_its_values_and_nulls() {
    let arrays = vec![
        times([1, 2]),
        floats([Some(1.5), None]),
        integers([Some(i64::MIN), None]),
        unsigned([Some(u64::MAX), None]),
        booleans([Some(false), None]),
        texts([Some("x"), None]),
        Arc::new(arrow_array::NullArray::new(2)) as ArrayRef,
    ];
    let columns = &["time", "f", "i", "u", "b", "s", "n"];
    let rows = [select(vec![part("m", None, columns, arrays)])];
    let text = body(epoch(json(), Unit::Nanosecond), &rows);
    let first = "[1,1.5,-9223372036854775808,18446744073709551615,false,\"x\",null]";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("[2,null,null,null,null,null,null]"), "{text}");
    let expected = "m,,1,1.5,-9223372036854775808,18446744073709551615,false,x,\nm,,2,,,,,,\n";
    assert!(body(csv(), &rows).ends_with(expected));
}

#[test]
fn texts_are_escaped_in_json_as_for_a_browser() {
    for (text, json) in [
        ("", ""),
        ("\"", "\\\""),
        ("\\", "\\\\"),
        ("\n\r\t", "\\n\\r\\t"),
        (
            "\0\u{1}\u{8}\u{c}\u{1f}",
            "\\u0000\\u0001\\u0008\\u000c\\u001f",
        ),
        ("\u{7f}\u{85}\u{a0}", "\u{7f}\u{85}\u{a0}"),
        ("<a & b>", "\\u003ca \\u0026 b\\u003e"),
        ("\u{2028}\u{2029}", "\\u2028\\u2029"),
        ("\u{2027}\u{202a}€", "\u{2027}\u{202a}€"),
        ("é😀'/", "é😀'/"),
        ("\u{feff}\u{fffd}", "\u{feff}\u{fffd}"),
        ("x\u{2028}", "x\\u2028"),
    ] {
        let expected = format!("\"{json}\"");
        assert_eq!(
            written(|out| write_json_text(text, out)),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn texts_are_quoted_in_csv_where_go_does_it() {
    for (text, csv) in [
        ("", ""),
        ("\"", "\"\"\"\""),
        ("\\", "\\"),
        ("\\.", "\"\\.\""),
        ("\\. ", "\\. "),
        ("\n", "\"\n\""),
        ("a\rb", "\"a\rb\""),
        ("\tx", "\"\tx\""),
        ("x\t", "x\t"),
        ("\u{c}", "\"\u{c}\""),
        ("\0", "\0"),
        ("\u{2028}", "\"\u{2028}\""),
        ("\u{85}", "\"\u{85}\""),
        ("\u{3000}x", "\"\u{3000}x\""),
        (" x", "\" x\""),
        ("x ", "x "),
        ("a,b", "\"a,b\""),
        ("'", "'"),
        ("\u{feff}", "\u{feff}"),
        ("=", "="),
    ] {
        assert_eq!(written(|out| write_csv_text(text, out)), csv, "{text:?}");
    }
}

#[test]
fn tags_are_escaped_in_csv_as_in_line_protocol_and_left_out_without_a_value() {
    let mut tag = String::new();
    push_tag("a =,\\\"", &mut tag);
    assert_eq!(tag, "a\\ \\=\\,\\\"");
    let tags = [
        ("a", "x y"),
        ("b", "p,q"),
        ("c", "k=v"),
        ("d", "back\\slash"),
        ("e", "\"quote\""),
        ("f", "<&>"),
        ("g", ""),
    ];
    let rows = part(
        "tg",
        Some(&tags),
        &["time", "v"],
        vec![times([1]), floats([Some(1.0)])],
    );
    assert_eq!(
        body(csv(), &[select(vec![rows])]),
        "name,tags,time,v\n\
         tg,\"a=x\\ y,b=p\\,q,c=k\\=v,d=back\\slash,e=\"\"quote\"\",f=<&>\",1,1\n"
    );
}

#[test]
fn times_have_the_decimals_they_need_and_the_offset_of_their_zone() {
    let late = i64::MAX - 1;
    let early = -late;
    for (zone, time, text) in [
        ("UTC", early, "1677-09-21T00:12:43.145224194Z"),
        ("UTC", -1_500_000_000, "1969-12-31T23:59:58.5Z"),
        ("UTC", -1, "1969-12-31T23:59:59.999999999Z"),
        ("UTC", 0, "1970-01-01T00:00:00Z"),
        ("UTC", 1, "1970-01-01T00:00:00.000000001Z"),
        ("UTC", 10, "1970-01-01T00:00:00.00000001Z"),
        ("UTC", 1_000, "1970-01-01T00:00:00.000001Z"),
        ("UTC", 100_000_000, "1970-01-01T00:00:00.1Z"),
        ("UTC", 951_782_400 * SECOND, "2000-02-29T00:00:00Z"),
        ("UTC", 4_107_542_400 * SECOND, "2100-03-01T00:00:00Z"),
        ("UTC", late, "2262-04-11T23:47:16.854775806Z"),
        (
            "Europe/Berlin",
            early,
            "1677-09-21T01:06:11.145224194+00:53",
        ),
        ("Europe/Berlin", -1, "1970-01-01T00:59:59.999999999+01:00"),
        (
            "America/St_Johns",
            early,
            "1677-09-20T20:41:51.145224194-03:30",
        ),
        ("America/St_Johns", 0, "1969-12-31T20:30:00-03:30"),
        (
            "Asia/Kathmandu",
            early,
            "1677-09-21T05:53:59.145224194+05:41",
        ),
        (
            "Asia/Kathmandu",
            4_107_542_400 * SECOND,
            "2100-03-01T05:45:00+05:45",
        ),
        (
            "Europe/London",
            early,
            "1677-09-21T00:11:28.145224194-00:01",
        ),
        ("Europe/London", 0, "1970-01-01T01:00:00+01:00"),
        (
            "Europe/London",
            951_782_400 * SECOND,
            "2000-02-29T00:00:00Z",
        ),
        ("Africa/Monrovia", 0, "1969-12-31T23:15:30-00:44"),
        (
            "Australia/Lord_Howe",
            951_782_400 * SECOND,
            "2000-02-29T11:00:00+11:00",
        ),
    ] {
        let mut clock = Clock::new(Some(zone.parse().unwrap()));
        assert_eq!(written(|out| clock.write(time, out)), text, "{zone}");
    }
}

#[test]
fn random_times_are_those_of_chrono() {
    let mut dice = Dice::new(3);
    let zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"];
    for zone in zones {
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        let mut clock = Clock::new(Some(zone));
        let mut time = 0_i64;
        for _ in 0..20_000 {
            time = match dice.below(4) {
                0 => time.saturating_add(1_000_000_007),
                1 => time.wrapping_add(3_600 * SECOND),
                _ => dice.integer(),
            };
            let local = chrono::DateTime::from_timestamp_nanos(time).with_timezone(&zone);
            let nanosecond = format!("{:09}", time.rem_euclid(SECOND));
            let fraction = match nanosecond.trim_end_matches('0') {
                "" => String::new(),
                digits => format!(".{digits}"),
            };
            let text = local.format("%Y-%m-%dT%H:%M:%S").to_string();
            let found = written(|out| clock.write(time, out));
            assert!(
                found.starts_with(&format!("{text}{fraction}")),
                "{found} {text} {fraction}"
            );
            let offset = local.format("%:z").to_string();
            let offset = if offset == "+00:00" { "Z" } else { &offset };
            let second = {
                use chrono::Offset;
                local.offset().fix().local_minus_utc() % 60
            };
            // Chrono rounds odd seconds, Go leaves them out.
            assert!(second != 0 || found.ends_with(offset), "{found} {offset}");
        }
    }
}

#[test]
fn an_epoch_counts_whole_units_towards_it() {
    let values = [
        -9_223_372_036_854_775_806,
        -1_500_000_000,
        -1,
        0,
        999,
        4_107_542_400_000_000_000,
    ];
    for (word, expected) in [
        (
            "n",
            "-9223372036854775806 -1500000000 -1 0 999 4107542400000000000",
        ),
        (
            "ns",
            "-9223372036854775806 -1500000000 -1 0 999 4107542400000000000",
        ),
        (
            "other",
            "-9223372036854775806 -1500000000 -1 0 999 4107542400000000000",
        ),
        ("u", "-9223372036854775 -1500000 0 0 0 4107542400000000"),
        ("us", "-9223372036854775 -1500000 0 0 0 4107542400000000"),
        ("µ", "-9223372036854775 -1500000 0 0 0 4107542400000000"),
        ("ms", "-9223372036854 -1500 0 0 0 4107542400000"),
        ("s", "-9223372036 -1 0 0 0 4107542400"),
        ("m", "-153722867 0 0 0 0 68459040"),
        ("h", "-2562047 0 0 0 0 1140984"),
        ("d", "-106751 0 0 0 0 47541"),
        ("w", "-15250 0 0 0 0 6791"),
    ] {
        let unit = Unit::of_epoch(word);
        let counts = values.map(|value| unit.count(value).to_string());
        assert_eq!(counts.join(" "), expected, "{word}");
    }
}

#[test]
fn a_zone_counts_for_texts_only_and_only_for_its_statement() {
    let rows = || {
        part(
            "m",
            None,
            &["time", "i"],
            vec![times([0]), integers([Some(1)])],
        )
    };
    let mut zoned = select(vec![rows()]);
    zoned.head.zone = Some(chrono_tz::Asia::Kathmandu);
    let run = [zoned, select(vec![rows()])];
    let text = body(json(), &run);
    let (first, second) = text.split_once("\"statement_id\":1").unwrap();
    assert!(first.contains("1970-01-01T05:30:00+05:30"), "{text}");
    assert!(second.contains("1970-01-01T00:00:00Z"), "{text}");
    assert!(body(csv(), &run).contains("m,,0,1\n"));
    let rfc3339 = |options| Options {
        times: Times::Rfc3339,
        ..options
    };
    assert_eq!(
        body(rfc3339(csv()), &run),
        "name,tags,time,i\nm,,1970-01-01T05:30:00+05:30,1\n\n\
         name,tags,time,i\nm,,1970-01-01T00:00:00Z,1\n"
    );
    let packed = bytes(rfc3339(msgpack()), 2, &run);
    assert!(packed.ends_with(b"\x91\x92\xb41970-01-01T00:00:00Z\x01"));
}

#[test]
fn msgpack_takes_the_encodings_of_1_x() {
    let values = [
        (0, "00"),
        (127, "7f"),
        (128, "d10080"),
        (255, "d100ff"),
        (256, "d10100"),
        (32_767, "d17fff"),
        (32_768, "d200008000"),
        (2_147_483_647, "d27fffffff"),
        (2_147_483_648, "d30000000080000000"),
        (i64::MAX, "d37fffffffffffffff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (-32_768, "d18000"),
        (-32_769, "d2ffff7fff"),
        (-2_147_483_648, "d280000000"),
        (-2_147_483_649, "d3ffffffff7fffffff"),
        (i64::MIN, "d38000000000000000"),
    ];
    for (value, expected) in values {
        let rows = [show(vec![part(
            "",
            None,
            &["i"],
            vec![integers([Some(value)])],
        )])];
        let packed = bytes(msgpack(), 1, &rows);
        let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.ends_with(&format!("9191{expected}")), "{value}: {hex}");
    }
    for (value, expected) in [
        (127_u64, "7f"),
        (128, "cc80"),
        (256, "cd0100"),
        (65_536, "ce00010000"),
        (4_294_967_296, "cf0000000100000000"),
    ] {
        let rows = [show(vec![part(
            "",
            None,
            &["u"],
            vec![unsigned([Some(value)])],
        )])];
        let packed = bytes(msgpack(), 1, &rows);
        let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.ends_with(&format!("9191{expected}")), "{value}: {hex}");
    }
}

#[test]
fn msgpack_counts_what_is_long() {
    for (length, header) in [
        (31, "bf"),
        (32, "d920"),
        (255, "d9ff"),
        (256, "da0100"),
        (65_536, "db00010000"),
    ] {
        let text = "x".repeat(length);
        let rows = [show(vec![part(
            "",
            None,
            &["s"],
            vec![texts([Some(&text)])],
        )])];
        let packed = bytes(msgpack(), 1, &rows);
        let head = packed.len() - length;
        let hex: String = packed[..head]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert!(hex.ends_with(&format!("9191{header}")), "{length}: {hex}");
    }
    for (length, header) in [
        (15, "9f"),
        (16, "dc0010"),
        (65_535, "dcffff"),
        (65_536, "dd00010000"),
    ] {
        let array: ArrayRef = Arc::new(BooleanArray::from(vec![true; length]));
        let rows = [show(vec![part("", None, &["b"], vec![array])])];
        let packed = bytes(msgpack(), 1, &rows);
        let head = packed.len() - 2 * length;
        let hex: String = packed[..head]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert!(hex.ends_with(header), "{length}: {hex}");
    }
}
