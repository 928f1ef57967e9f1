//! The fast path against the grammar: the same points, errors, places and oddities for every body. The
//! bodies are lines that resemble each other, as those of clients do, with faults.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::corpus;
use crate::line_protocol::{Name, Parser, Point, Precision};

/// All that a parser says about a body, addresses included: that of a series' key is used to measure
/// the point.
fn results(mut parser: Parser<'_>) -> Vec<String> {
    let mut point = Point::default();
    let mut results = Vec::new();
    while let Some(read) = parser.next_point(&mut point) {
        let result = match read {
            Err(error) => format!("{error:?}"),
            Ok(()) => all_of(&point),
        };
        results.push(format!("{result} to {}", parser.offset()));
    }
    results.push(format!("{:?}", parser.take_oddities()));
    results
}

fn all_of(point: &Point<'_>) -> String {
    let name = |name: Name<'_>| (name.raw().to_owned(), name.is_escaped());
    let tags = point.tags.iter();
    let tags = tags.map(|tag| (name(tag.key), name(tag.value), tag.column));
    let fields = point.fields.iter();
    let fields = fields.map(|field| (name(field.key), field.value, field.column));
    format!(
        "{} {:?} {:?} {:?} {:?} {:?}",
        point.line,
        point.series_key.as_ptr_range(),
        name(point.measurement),
        tags.collect::<Vec<_>>(),
        fields.collect::<Vec<_>>(),
        point.timestamp,
    )
}

fn assert_same(body: &[u8], precision: Precision) {
    let fast = results(Parser::new(body, precision));
    let reference = results(Parser::by_grammar(body, precision));
    assert_eq!(fast, reference, "{:?}", String::from_utf8_lossy(body));
}

const MEASUREMENTS: &[&str] = &[
    r"m",
    r"m\ x",
    r"cpu",
    r"a_measurement_with_a_longer_name",
    r"é",
];

const TAGS: &[&str] = &[
    r",a=b",
    r",a=a\ longer\,\ value",
    r",b=1234567890abcdefghij",
    r",host\ name=web-1.example.com",
    r",a_tag_key_with_a_longer_name=x",
    r",c=C:\x",
    r",d=é(+)",
];

const KEYS: &[&str] = &[
    r"f",
    r"g",
    r"h\,h",
    r"used\ percent",
    r"a_field_key_of_a_length",
    r"time",
    r"q\x",
];

const VALUES: &[&str] = &[
    "1",
    "-1",
    "0.5",
    "-0",
    "1.",
    ".5",
    "1e3",
    "1i",
    "-12345678i",
    "9223372036854775807i",
    "9223372036854775808i",
    "123456789u",
    "18446744073709551615u",
    "71.23401234567891",
    "0.41234567890123456",
    "9007199254740993",
    "9007199254740992.0",
    "1234567890123456789",
    "0.0000000000000000001",
    "t",
    "FALSE",
    "\"text\"",
    "\"a \\\"quoted\\\" text\"",
    "\"two\nlines\"",
    "\"é\"",
    "\"\"",
];

const ENDS: &[&str] = &[
    " 1700000000000000000\n",
    " 1700000000\n",
    " -5\n",
    "\n",
    "\r\n",
    " 1700000000\r\n",
    " 9223372036854775807\n",
    "  17  \n",
    " \n",
    "",
    " 007\n",
    " 99999999999999999999\n",
];

/// Lines of few measurements with tags and fields that come, go and change places, and every kind of
/// value.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let field = (select(KEYS), select(VALUES));
    let fields = vec(field, 1..5).prop_map(|fields| {
        let fields = fields.iter().map(|(key, value)| format!("{key}={value}"));
        fields.collect::<Vec<_>>().join(",")
    });
    let parts = (
        select(MEASUREMENTS),
        vec(select(TAGS), 0..4),
        fields,
        select(ENDS),
    );
    parts.prop_map(|(measurement, tags, fields, end)| {
        format!("{measurement}{} {fields}{end}", tags.concat()).into_bytes()
    })
}

/// Some lines, each again and again.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let lines = vec(line(), 1..4);
    let body = lines.prop_flat_map(|lines| vec(select(lines), 2..10));
    body.prop_map(|lines| lines.concat())
}

/// A change of a body at a place: bytes put there, in the place of some.
type Change = (prop::sample::Index, usize, &'static [u8]);

fn change() -> impl Strategy<Value = Change> {
    let bytes: &[&'static [u8]] = &[
        b"",
        b",",
        b" ",
        b"=",
        b"\\",
        b"\"",
        b"\n",
        b"\r",
        b"\r\n",
        b"#",
        b"0",
        b"9",
        b"-",
        b".",
        b"e5",
        b"i",
        b"u",
        b"t",
        b"\t",
        b"\0",
        b"\x7f",
        b"\xff",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
        b",a=b",
        b"m ",
        b"00000000",
        b"x",
        b"+",
        b"(",
        b"\xc3",
    ];
    (any::<prop::sample::Index>(), 0..3_usize, select(bytes))
}

fn change_all(body: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut body = body.to_vec();
    for (place, removed, bytes) in changes {
        let start = place.index(body.len() + 1);
        let end = (start + removed).min(body.len());
        body.splice(start..end, bytes.iter().copied());
    }
    body
}

fn precision() -> impl Strategy<Value = Precision> {
    select(vec![
        Precision::Nanosecond,
        Precision::Microsecond,
        Precision::Second,
        Precision::Hour,
        Precision::Auto,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn good_lines_read_the_same(body in lines(), precision in precision()) {
        assert_same(&body, precision);
    }

    #[test]
    fn lines_with_faults_read_the_same(
        body in lines(),
        changes in vec(change(), 1..4),
        precision in precision(),
    ) {
        assert_same(&change_all(&body, &changes), precision);
    }

    #[test]
    fn bytes_that_mean_something_read_the_same(
        soup in vec(select(&b"mmff,,==  \\\"\"\n\n\r#0159.-eiutT\t\x7f\xff\xc3\xa9"[..]), 0..60),
    ) {
        let body = [b"m f=1\nm,f=1 f=1\n", &*soup, b"\n", &*soup].concat();
        assert_same(&body, Precision::Nanosecond);
    }

    #[test]
    fn numbers_read_the_same(
        number in "-?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{0,3})?[iu]?",
        end in select(&["\n", ",g=1\n", " 1\n", "\r\n", "", "x\n", "\r", "\r1\n"][..]),
    ) {
        assert_same(format!("m f=1\nm f={number}{end}").as_bytes(), Precision::Nanosecond);
    }

    #[test]
    fn floats_are_read_to_the_last_bit(value in any::<f64>(), places in 0..18_usize) {
        let short = value % 1e6;
        for text in [format!("{value}"), format!("{value:e}"), format!("{short:.places$}")] {
            assert_same(format!("m f=1\nm f={text}\n").as_bytes(), Precision::Nanosecond);
        }
    }

    #[test]
    fn timestamps_read_the_same(text in "-?[0-9]{0,21}[ x]?", precision in precision()) {
        assert_same(format!("m f=1\nm f=1 {text}\nm f=1 {text}").as_bytes(), precision);
    }
}

#[test]
fn the_corpus_reads_the_same_the_second_time() {
    let Some(corpus) = corpus::corpus() else {
        eprintln!("SKIPPED: no line-protocol-corpus.json beside the project");
        return;
    };
    for case in corpus["decode"].as_object().expect("cases by id").values() {
        let text = corpus::input(case);
        let body = [&*text, b"\n", &*text, b"\n", &*text].concat();
        assert_same(&body, corpus::precision(case));
    }
}

/// The bounds of what is remembered: names and measurements beyond them are read all the same.
#[test]
fn more_names_than_are_remembered_read_the_same() {
    let mut body = String::new();
    for round in 0..3 {
        for measurement in 0..1200 {
            body += &format!("m{measurement},a=1,t{round}=2 f{measurement}=1,g{round}=2\n");
        }
        let fields: Vec<String> = (0..700).map(|field| format!("f{field}=1i")).collect();
        let tags: Vec<String> = (0..100).map(|tag| format!(",t{tag}=x")).collect();
        body += &format!("wide{} {} 17\n", tags.concat(), fields.join(","));
    }
    assert_same(body.as_bytes(), Precision::Nanosecond);
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    let mut point = Point::default();
    while parser.next_point(&mut point).is_some() {}
    assert!(parser.memory_bytes() < 5 << 18, "{}", parser.memory_bytes());
}
