//! The parser of a body: physical lines, their numbers, and recovery after an error.
//!
//! After a bad point, parsing continues at the first line end after the point's start, whatever is
//! wrong and on whichever of its lines. A stray quote opens a string that swallows lines up to the
//! next quote, and the text after that quote proves nothing: a blank or a comma begins a good text as
//! often as it ends one. So the lines that a bad point seemed to span are read again, each as the
//! start of a point. Hence every line with text is part of a point that was read, or has an error
//! of its own.
//!
//! Reading lines again does not make parsing slow. A point extends past a line only inside a string.
//! In a line within that string, every quote that opens a string when the line is read by itself
//! closes one of the longer point, and vice versa: where the longer point continues, the line by
//! itself ends. So a line is read at most twice.

use memchr::memchr;
use nom::Err;

use super::error::LineError;
use super::fast::FastPath;
use super::fault::{Fault, Parsed, Reason};
use super::grammar;
use super::layout::{comment, line_end, spaces};
use super::oddities::Oddities;
use super::point::Point;
use super::precision::Precision;
use super::source::Source;
use super::string::to_closing_quote;
use crate::certain::Certain;

/// The mark that some editors put at the start of a file. Files get concatenated, so it may occur at
/// the start of any line, where it would make an invisible second measurement.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads points from a body, one at a time.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    source: Source<'a>,
    precision: Precision,
    /// The text that is left: it starts at the start of a physical line.
    rest: &'a [u8],
    /// The number of that line.
    line: u32,
    behind: Behind,
    /// The verdict on the current line may change with the text after the piece.
    is_undecided: bool,
    oddities: Oddities,
    /// Nothing if the grammar reads every line.
    fast: Option<FastPath<'a>>,
}

/// The text after a piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Nothing: the body ends with it.
    Nothing,
    /// More text: a point that may need it is left unread.
    Text,
    /// More text than anyone can wait for: a string that the piece does not close counts as one
    /// that is never closed. A line that the piece does not end is left unread.
    TooMuchText,
}

impl<'a> Parser<'a> {
    /// A parser of `body`, whose timestamps are in `precision`. Reads all of it once, to learn
    /// whether it is UTF-8.
    pub fn new(body: &'a [u8], precision: Precision) -> Self {
        Self::piece(body, precision, 1, Behind::Nothing)
    }

    /// A parser of a piece of a body that starts with physical line `line`. If each piece starts
    /// where the parser of the piece before stopped, the pieces give the points and errors of the
    /// body as a whole.
    pub fn piece(piece: &'a [u8], precision: Precision, line: u32, behind: Behind) -> Self {
        Self {
            source: Source::new(piece),
            precision,
            rest: piece,
            line,
            behind,
            is_undecided: false,
            oddities: Oddities::default(),
            fast: Some(FastPath::default()),
        }
    }

    /// A parser that reads every line by the grammar alone, as written in the module's doc: slower,
    /// with the same results. Tests and fuzz targets compare the two.
    pub fn by_grammar(body: &'a [u8], precision: Precision) -> Self {
        Self {
            fast: None,
            ..Self::new(body, precision)
        }
    }

    /// A parser of the one point that starts a line of `body`: the text after it is not looked at.
    pub fn lone_point(body: &'a [u8], precision: Precision) -> Self {
        Self {
            source: Source::unchecked(body),
            precision,
            rest: body,
            line: 1,
            behind: Behind::Nothing,
            is_undecided: false,
            oddities: Oddities::default(),
            fast: None,
        }
    }

    /// Reads the next point into `point`, or returns the error of the next line that is neither
    /// blank nor a comment. Returns `None` at the end of the body, or at the end of what a piece of
    /// it can decide.
    ///
    /// After an error, the contents of `point` are meaningless.
    pub fn next_point(&mut self, point: &mut Point<'a>) -> Option<Result<(), LineError>> {
        loop {
            let (start, line, oddities) = (self.rest, self.line, self.oddities);
            if start.is_empty() {
                return None;
            }
            while let Some(rest) = self.rest.strip_prefix(BYTE_ORDER_MARK) {
                self.rest = rest;
            }
            let read = match self.known_point(point) {
                Some(()) => Some(Ok(())),
                None => self.line(point),
            };
            if self.behind != Behind::Nothing && self.needs_more(start) {
                (self.rest, self.line, self.oddities) = (start, line, oddities);
                return None;
            }
            if read.is_some() {
                return read;
            }
        }
    }

    /// The number of bytes of the body that have been read. Always just after a line end, or at the
    /// end of the body.
    pub fn offset(&self) -> usize {
        self.source.body().len().saturating_sub(self.rest.len())
    }

    /// The memory in use beside the body, in bytes: what is remembered of how lines were written. It is
    /// bounded, whatever the body.
    pub fn memory_bytes(&self) -> usize {
        self.fast.as_ref().map_or(0, FastPath::memory_bytes)
    }

    /// The oddities of the lines that were read since the last call.
    pub fn take_oddities(&mut self) -> Oddities {
        std::mem::take(&mut self.oddities)
    }

    /// Reads the point that starts here, if it is written like others before it.
    #[inline]
    fn known_point(&mut self, point: &mut Point<'a>) -> Option<()> {
        let source = self.source.starting(self.rest);
        let fast = self.fast.as_mut()?;
        let rest = fast.point(source, self.precision, self.rest, point)?;
        self.accept(rest, point);
        Some(())
    }

    /// Reads the line that starts here by the grammar. Returns nothing if it is blank.
    fn line(&mut self, point: &mut Point<'a>) -> Option<Result<(), LineError>> {
        match blank(self.rest) {
            Ok((rest, ())) => {
                let is_point = is_commented_out(self.rest, self.precision);
                self.oddities.see_comment(is_point);
                self.go_on(rest, 1);
                None
            }
            Err(Err::Failure(fault)) => Some(Err(self.reject(fault))),
            Err(_) => Some(self.point(point)),
        }
    }

    fn point(&mut self, point: &mut Point<'a>) -> Result<(), LineError> {
        let source = self.source.starting(self.rest);
        let parsed = spaces(self.rest)
            .and_then(|(input, _)| grammar::point(source, self.precision, input, point));
        match parsed {
            Ok((rest, ())) => {
                // Most bodies of small clients are one line: there is nobody to remember it for.
                if let Some(fast) = self.fast.as_mut().filter(|_| !rest.is_empty()) {
                    fast.learn(point);
                }
                self.accept(rest, point);
                Ok(())
            }
            Err(Err::Error(fault) | Err::Failure(fault)) => Err(self.reject(fault)),
            Err(Err::Incomplete(_)) => {
                Err(self.reject(Fault::at(self.rest, Reason::LineEndExpected)))
            }
        }
    }

    /// Takes the point that was read from here to `rest`.
    #[inline]
    fn accept(&mut self, rest: &'a [u8], point: &mut Point<'a>) {
        point.line = self.line;
        let lines = point.lines_in_strings().saturating_add(1);
        self.oddities.see_time(point.timestamp);
        self.go_on(rest, lines);
    }

    /// Returns whether the text from `start` on may read differently with the text after the piece.
    fn needs_more(&mut self, start: &[u8]) -> bool {
        let read = start.len().saturating_sub(self.rest.len());
        let read = start.get(..read).certain("what is left is the end of it");
        let ends_line = read.ends_with(b"\n");
        !ends_line || std::mem::take(&mut self.is_undecided)
    }

    /// Returns the error of the line that starts here, and continues after that line.
    fn reject(&mut self, fault: Fault) -> LineError {
        let at = self.rest.len().saturating_sub(fault.left);
        let error = LineError::new(self.line, self.rest, at, fault.reason);
        self.is_undecided = self.behind == Behind::Text && !self.shows_why(at, fault.reason);
        let end = memchr(b'\n', self.rest).map_or(self.rest.len(), |end| end + 1);
        let rest = self.rest.get(end..);
        self.go_on(rest.certain("a line ends within the text"), 1);
        error
    }

    /// Returns whether everything that decides about a fault at `at` is there: the end of its line, or
    /// the end of the string and what follows it.
    fn shows_why(&self, at: usize, reason: Reason) -> bool {
        const QUOTE_AND_LINE_END_BYTES: usize = 3;
        let text = match reason {
            Reason::UnterminatedString => at.saturating_add(1),
            _ => at,
        };
        let behind = self.rest.get(text..).unwrap_or_default();
        match reason {
            Reason::UnterminatedString | Reason::InvalidUtf8InString => {
                let text_bytes = to_closing_quote(behind);
                behind.len() >= text_bytes.saturating_add(QUOTE_AND_LINE_END_BYTES)
            }
            _ => memchr(b'\n', behind).is_some(),
        }
    }

    fn go_on(&mut self, rest: &'a [u8], lines: u32) {
        self.rest = rest;
        self.line = self.line.saturating_add(lines);
    }
}

/// Returns whether the line that starts here is a comment, and would be a point without its `#`. A
/// point that extends past the line is not one: only its first line is commented out.
fn is_commented_out(input: &[u8], precision: Precision) -> bool {
    let line = memchr(b'\n', input).and_then(|end| input.get(..end));
    let text = line.unwrap_or(input).trim_ascii_start();
    let Some(text) = text.strip_prefix(b"#").map(<[u8]>::trim_ascii_start) else {
        return false;
    };
    if text.starts_with(b"#") {
        return false;
    }
    let (source, mut point) = (Source::unchecked(text), Point::default());
    grammar::point(source, precision, text, &mut point).is_ok()
}

/// A line without a point: spaces, and perhaps a comment.
fn blank(input: &[u8]) -> Parsed<'_, ()> {
    let (rest, _) = spaces(input)?;
    match rest.first() {
        Some(b'#') => {
            let (rest, _) = comment(rest)?;
            line_end(rest)
        }
        _ => line_end(rest),
    }
}
