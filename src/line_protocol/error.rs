//! The words for a bad line: what was found and what was expected. They are for the person whose
//! client sent the line and who sees nothing else of the server.

use std::error::Error;
use std::fmt;

use memchr::memchr;

use super::fault::Reason;
use super::precision::Precision;
use crate::certain::Certain;
use crate::narrow;

/// The bytes of a body that an error repeats at most (contract section 1.3).
const EXCERPT_BYTES_MAX: usize = 64;

/// A line that was rejected, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The physical line on which the bad point starts, 1-based.
    pub line: u32,
    /// The 1-based byte in that line; 0 if the error is on a later line of the point.
    pub column: u32,
    /// The kind of error.
    pub reason: Reason,
    /// The byte, key or value that the error is about; empty at the end of the line.
    pub found: Excerpt,
}

/// A short piece of a body, cut at 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; EXCERPT_BYTES_MAX],
    length: u8,
    is_cut: bool,
}

impl LineError {
    /// The error for `reason` at `at` in `lines`, which start with the point's line.
    pub(super) fn new(line: u32, lines: &[u8], at: usize, reason: Reason) -> Self {
        let (before, found) = lines
            .split_at_checked(at)
            .certain("a fault lies in its line");
        let column = match memchr(b'\n', before) {
            Some(_) => 0,
            None => narrow::capped_u32(narrow::to_u64(at)).saturating_add(1),
        };
        // Only as far as it can be shown: looking at the rest of the body for each of many errors
        // would be slow.
        let found = found.get(..=EXCERPT_BYTES_MAX).unwrap_or(found);
        let found = Excerpt::new(subject(reason, found));
        Self {
            line,
            column,
            reason,
            found,
        }
    }
}

impl Error for LineError {}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = &self.found;
        match words(self.reason) {
            Words::Expected(what) => {
                write!(f, "expected {what}, found {}", Position(found))?;
                f.write_str(hint(self.reason, found.bytes()))
            }
            Words::About(what, why) => write!(f, "{what}`{found}` {why}"),
            Words::Plain(what) => write!(f, "{what}: {}", Position(found)),
            Words::Fixed(what) => f.write_str(what),
        }
    }
}

/// The form of the words around an excerpt.
enum Words {
    /// Something else was expected in place of the excerpt, which is one character.
    Expected(&'static str),
    /// The excerpt is a key or a value, with these words before and after it.
    About(&'static str, &'static str),
    /// The fault of one character.
    Plain(&'static str),
    /// No excerpt.
    Fixed(&'static str),
}

fn words(reason: Reason) -> Words {
    use Words::{About, Expected, Fixed, Plain};
    match reason {
        Reason::ControlByteInComment => Plain("a comment holds a control byte"),
        Reason::MeasurementExpected => Expected("a measurement"),
        Reason::FieldsExpectedAfterMeasurement => {
            Expected("`,` and a tag, or a space and a field, after the measurement")
        }
        Reason::TagKeyExpected => Expected("a tag key after `,`"),
        Reason::TagEqualsExpected => Expected("`=` after the tag key"),
        Reason::TagValueExpected => Expected("a tag value after `=`"),
        Reason::FieldsExpectedAfterTag => {
            Expected("`,` and a tag, or a space and a field, after the tag value")
        }
        Reason::DuplicateTagKey => About("tag key ", "occurs twice"),
        Reason::FieldKeyExpected => Expected("a field key"),
        Reason::FieldEqualsExpected => Expected("`=` after the field key"),
        Reason::FieldValueExpected => {
            Expected("a field value (a number, a boolean, or a string in double quotes) after `=`")
        }
        Reason::NotAValue => About(
            "",
            "is not a field value: expected a number, true or false, or a string in double quotes",
        ),
        Reason::NotABoolean => About("", "is not a boolean: expected true or false"),
        Reason::NotANumber => About(
            "",
            "is not a number: expected a float like 1.5, an integer like 1i or an unsigned integer like 1u",
        ),
        Reason::IntegerOutOfRange => About("", "does not fit a signed 64-bit integer"),
        Reason::UnsignedOutOfRange => About("", "does not fit an unsigned 64-bit integer"),
        Reason::FloatOutOfRange => About("", "does not fit a 64-bit float"),
        Reason::UnterminatedString => Fixed("a string value has no closing quote"),
        Reason::SeparatorExpected => Expected(
            "`,` and a field, a space and a timestamp, or the end of the line after the string",
        ),
        Reason::InvalidUtf8InName | Reason::InvalidUtf8InString => Plain("the text is not UTF-8"),
        Reason::TimestampExpected => Expected("a timestamp or the end of the line"),
        Reason::NotATimestamp => About(
            "",
            "is not a timestamp: expected an integer, without a unit or a fraction",
        ),
        Reason::TimestampOutOfRange(precision) => About("timestamp ", out_of_range(precision)),
        Reason::LineEndExpected => Expected("the end of the line after the timestamp"),
    }
}

/// The unit in which the timestamp was read, and the range that it is outside of.
fn out_of_range(precision: Precision) -> &'static str {
    match precision {
        Precision::Nanosecond => {
            "is outside -9223372036854775806 to 9223372036854775806 nanoseconds: is the precision right?"
        }
        Precision::Microsecond => {
            "in microseconds is outside the years 1677 to 2262: is the precision right?"
        }
        Precision::Millisecond => {
            "in milliseconds is outside the years 1677 to 2262: is the precision right?"
        }
        Precision::Second => {
            "in seconds is outside the years 1677 to 2262: is the precision right?"
        }
        Precision::Minute => {
            "in minutes is outside the years 1677 to 2262: is the precision right?"
        }
        Precision::Hour => "in hours is outside the years 1677 to 2262: is the precision right?",
        Precision::Auto => {
            "in the unit that its size tells is outside the years 1677 to 2262: name the precision"
        }
    }
}

/// Advice on the mistakes that people make.
fn hint(reason: Reason, found: &[u8]) -> &'static str {
    match (reason, found) {
        (Reason::TagEqualsExpected | Reason::FieldEqualsExpected, b" ") => {
            r" (a space in a name is written `\ `)"
        }
        (Reason::TagEqualsExpected | Reason::FieldEqualsExpected, b",") => {
            r" (a comma in a name is written `\,`)"
        }
        (Reason::FieldsExpectedAfterTag, b"=") => r" (`=` in a tag value is written `\=`)",
        _ => "",
    }
}

/// The part of `found`, which starts where the error is, that the error is about.
fn subject(reason: Reason, found: &[u8]) -> &[u8] {
    let end = match words(reason) {
        Words::About(..) if reason == Reason::DuplicateTagKey => memchr(b'=', found),
        Words::About(..) => found
            .iter()
            .position(|byte| matches!(byte, b',' | b' ' | b'\r' | b'\n')),
        Words::Fixed(_) => Some(0),
        Words::Expected(_) | Words::Plain(_) if at_line_end(found) => Some(0),
        Words::Expected(_) | Words::Plain(_) => {
            let character = found
                .utf8_chunks()
                .next()
                .and_then(|chunk| chunk.valid().chars().next());
            Some(character.map_or(1, char::len_utf8))
        }
    };
    found.get(..end.unwrap_or(found.len())).unwrap_or_default()
}

/// Returns whether the line ends here. A carriage return before the line feed, or before the end of
/// the input, belongs to the line's end.
fn at_line_end(found: &[u8]) -> bool {
    found.starts_with(b"\n") || found.starts_with(b"\r\n") || found == b"\r"
}

impl Excerpt {
    fn new(whole: &[u8]) -> Self {
        let mut length = whole.len().min(EXCERPT_BYTES_MAX);
        let is_cut = length < whole.len();
        // Not in the middle of a character, as far as there are characters.
        while is_cut && length > 0 && whole.get(length).is_some_and(|byte| byte & 0xc0 == 0x80) {
            length -= 1;
        }
        let mut bytes = [0; EXCERPT_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(whole.iter().take(length)) {
            *to = *from;
        }
        Self {
            bytes,
            length: u8::try_from(length).certain("an excerpt has at most 64 bytes"),
            is_cut,
        }
    }

    /// The bytes as they stand in the body.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .certain("it was cut to what there is room for")
    }
}

impl fmt::Display for Excerpt {
    /// The text, with what cannot be shown as escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes().utf8_chunks() {
            for character in chunk.valid().chars() {
                match character.is_control() {
                    true => write!(f, "{}", character.escape_default())?,
                    false => write!(f, "{character}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str(if self.is_cut { "…" } else { "" })
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// One character of a body, or the end of a line, in words.
struct Position<'a>(&'a Excerpt);

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.bytes() {
            [] => f.write_str("the end of the line"),
            b" " => f.write_str("a space"),
            b"\t" => f.write_str("a tab"),
            b"\r" => f.write_str("a carriage return"),
            [byte @ (0..=0x1f | 0x7f..=0xff)] => write!(f, "byte 0x{byte:02x}"),
            _ => write!(f, "`{}`", self.0),
        }
    }
}
