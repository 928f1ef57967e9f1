//! The points that are written. Which text a point has follows from its client and its number
//! alone, and it is the text that an export gives: so whatever is exported can be checked to the
//! last byte, and only two numbers have to be remembered about the points sent.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::random::mix;

const TIME_START_NS: u64 = 1_700_000_000_000_000_000;
/// Clients share the time line without meeting.
const CLIENTS_MAX: u64 = 64;
const TABLES: u64 = 5;
/// The number of points of a client after which there is a new column...
const POINTS_A_COLUMN: u64 = 200;
/// ...until there are this many columns: a wide table is slow to export.
const COLUMNS_MAX: u64 = 40;
/// Long strings make bodies of several frames.
const LONG_BYTES: u64 = 12_000;

/// Strings are parts of this.
static LETTERS: LazyLock<String> = LazyLock::new(|| {
    let letter = |index: u64| char::from(b'a' + (mix(index) % 26) as u8);
    (0..0x1000 + LONG_BYTES).map(letter).collect()
});

/// The line of a point, without line end. It has strings, all kinds of numbers, escapes, several
/// tables and columns that come up as the numbers rise.
pub fn line(client: u64, number: u64) -> String {
    let bits = mix(client << 48 ^ number);
    let mut line = format!("table\\ {},client={client}", bits % TABLES);
    if bits & 0x100 != 0 {
        let _ = write!(line, ",host\\,name=h\\ {}", bits >> 16 & 0xf);
    }
    let _ = write!(
        line,
        " bool={},float={:?},number={number}i",
        bits & 0x200 != 0,
        f64::from((bits >> 32) as u16) / 8.0
    );
    let _ = write!(line, ",text=\"say \\\"{:x}\\\" \\\\ ü", bits);
    let long = if bits >> 56 < 8 {
        LONG_BYTES
    } else {
        bits >> 40 & 0x1f
    };
    let start = (bits & 0xfff) as usize;
    line.push_str(&LETTERS[start..start + long as usize]);
    let column = (number / POINTS_A_COLUMN).min(COLUMNS_MAX);
    let time = TIME_START_NS + number * CLIENTS_MAX + client;
    let _ = write!(
        line,
        "\",unsigned={}u,x{column}={}i {time}",
        bits >> 1,
        (bits >> 3) as i64
    );
    line
}

/// A body of these points of a client.
pub fn body(client: u64, numbers: std::ops::Range<u64>) -> String {
    let mut body = String::new();
    for number in numbers {
        body.push_str(&line(client, number));
        body.push('\n');
    }
    body
}

/// The point that an exported line claims to be. It is not checked here that the line is that
/// point, to the byte.
pub fn identify(line: &str) -> Option<(u64, u64)> {
    let number_after = |key: &str| -> Option<u64> {
        let digits = line.split_once(key)?.1;
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        digits[..end].parse().ok()
    };
    Some((number_after(",client=")?, number_after(",number=")?))
}

#[test]
fn a_point_is_known_by_its_line() {
    for (client, number) in [(0, 0), (3, 1), (7, 123_456)] {
        assert_eq!(identify(&line(client, number)), Some((client, number)));
    }
}
