//! The faults of a line, as the grammar sees them: a position and a reason, both small and `Copy`,
//! so that trying an alternative costs nothing. The words are chosen in [`super::error`], once a
//! line is known to be bad.

use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Parser};

use super::precision::Precision;

/// The result of every parser of the grammar.
pub(super) type Parsed<'a, O> = IResult<&'a [u8], O, Fault>;

/// The position at which a parser stopped, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The number of bytes of the body that were left: a position that needs no reference to the body.
    pub(super) left: usize,
    /// The reason, such as what was expected there.
    pub(super) reason: Reason,
}

/// The reason for which a line was rejected. `Display` of [`super::LineError`] has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A comment holds a control byte.
    ControlByteInComment,
    /// The line does not start with a measurement.
    MeasurementExpected,
    /// Neither tags nor fields follow the measurement.
    FieldsExpectedAfterMeasurement,
    /// No tag key follows a comma.
    TagKeyExpected,
    /// No `=` follows a tag key.
    TagEqualsExpected,
    /// No tag value follows the `=`.
    TagValueExpected,
    /// Neither another tag nor fields follow a tag value.
    FieldsExpectedAfterTag,
    /// A tag key occurs twice.
    DuplicateTagKey,
    /// No field key is found where a field has to start.
    FieldKeyExpected,
    /// No `=` follows a field key.
    FieldEqualsExpected,
    /// No value follows the `=` of a field.
    FieldValueExpected,
    /// The text after the `=` of a field does not start like a value of any type.
    NotAValue,
    /// It starts like a boolean but is not one.
    NotABoolean,
    /// It starts like a number but is not one.
    NotANumber,
    /// A value with `i` is outside the range of 64-bit integers.
    IntegerOutOfRange,
    /// A value with `u` is outside the range of unsigned 64-bit integers.
    UnsignedOutOfRange,
    /// A float's magnitude is beyond that of 64-bit floats.
    FloatOutOfRange,
    /// The closing quote is missing, or the quote that closes the string on a later line looks like
    /// the opening quote of another string.
    UnterminatedString,
    /// Something that separates nothing follows a string's closing quote.
    SeparatorExpected,
    /// The bytes of a name are not UTF-8.
    InvalidUtf8InName,
    /// The bytes of a string value are not UTF-8.
    InvalidUtf8InString,
    /// Neither a timestamp nor the end of the line follows the space after the fields.
    TimestampExpected,
    /// The text after the fields is not a timestamp.
    NotATimestamp,
    /// The timestamp, read in this unit, is outside the range that can be stored.
    TimestampOutOfRange(Precision),
    /// Something follows the timestamp.
    LineEndExpected,
}

impl Reason {
    /// The code of the HTTP contract, section 1.3: `timestamp` or `syntax`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotATimestamp | Self::TimestampOutOfRange(_) => "timestamp",
            _ => "syntax",
        }
    }
}

impl Fault {
    /// A fault at the start of `input`.
    pub(super) fn at(input: &[u8], reason: Reason) -> Self {
        Self {
            left: input.len(),
            reason,
        }
    }
}

impl ParseError<&[u8]> for Fault {
    /// nom's own parsers only say "not here": [`expect`] replaces it wherever that is final.
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self::at(input, Reason::SeparatorExpected)
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Ends the parse of this line with `reason` at the start of `input`.
pub(super) fn fail<'a, O>(input: &'a [u8], reason: Reason) -> Parsed<'a, O> {
    Err(Err::Failure(Fault::at(input, reason)))
}

/// Runs `parser` without an alternative: if it does not match here, the line is bad, for `reason`.
pub(super) fn expect<'a, O>(
    reason: Reason,
    mut parser: impl Parser<&'a [u8], Output = O, Error = Fault>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, O> {
    move |input| match parser.parse(input) {
        Err(Err::Error(_) | Err::Incomplete(_)) => fail(input, reason),
        done => done,
    }
}
