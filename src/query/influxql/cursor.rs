//! A place among the tokens of a text.
//!
//! A cursor reads the next token and can go back to one that it has read. It also knows how far the
//! text was ever read, because 1.x looks for the slash of a regular expression there, and because
//! the position of the end of the text depends on whether a token has run into it before.

use std::borrow::Cow;

use super::LENGTH_MAX_BYTES;
use super::bindings::{Binding, Environment};
use super::error::{ParseError, Position};
use super::lexer;
use super::token::{Keyword, Kind, Place, Symbol, Token};

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    environment: &'a Environment,
    /// The byte at which the next token starts.
    offset: usize,
    /// The end of the last token that was read for the first time.
    read_to: usize,
    /// True once a token or a look ahead has used up the end of the text.
    end_used: bool,
    /// True if the token of the end is placed one character further; set when it is first read.
    end_passed: Option<bool>,
    /// The bytes of values that were read in place of parameters.
    bound_bytes: usize,
    /// The token that was read last, to be read again cheaply.
    last: Option<Token<'a>>,
    /// The three tokens that are furthest in the text, the furthest last.
    trail: [Option<Token<'a>>; 3],
}

impl<'a> Cursor<'a> {
    /// Returns a cursor at the start of `text`.
    pub(super) fn new(text: &'a str, environment: &'a Environment) -> Self {
        Self {
            text,
            environment,
            offset: 0,
            read_to: 0,
            end_used: false,
            end_passed: None,
            bound_bytes: 0,
            last: None,
            trail: [None, None, None],
        }
    }

    /// Reads the next token, spaces and comments included.
    pub(super) fn scan(&mut self) -> Token<'a> {
        if let Some(last) = self.last.as_ref().filter(|last| last.start == self.offset) {
            let last = last.clone();
            self.offset = last.end;
            return last;
        }
        let (token, end_used) = lexer::read(self.text, self.offset);
        self.take(token, end_used)
    }

    /// Reads the regular expression that starts here, unless a token was already read here.
    fn scan_regex(&mut self) -> Token<'a> {
        if self.offset < self.read_to {
            return self.scan();
        }
        let (token, end_used) = lexer::read_regex(self.text, self.offset);
        self.take(token, end_used)
    }

    fn take(&mut self, mut token: Token<'a>, end_used: bool) -> Token<'a> {
        if token.kind == Kind::End {
            let passed = *self.end_passed.get_or_insert(self.end_used);
            token.at = Place::End { passed };
            self.end_used = true;
        } else if token.kind == Kind::Parameter {
            self.bind(&mut token);
        }
        self.offset = token.end;
        self.read_to = self.read_to.max(token.end);
        self.end_used |= end_used;
        self.last = Some(token.clone());
        self.remember(&token);
        token
    }

    /// Replaces a parameter by the value that is bound to it. A short text can name a long value often:
    /// what it names counts as if it were written.
    fn bind(&mut self, token: &mut Token<'a>) {
        let name = token.text.strip_prefix('$').unwrap_or_default();
        if let Some(binding) = self
            .environment
            .parameters
            .get(name)
            .filter(|_| !name.is_empty())
        {
            if token.end > self.read_to {
                self.bound_bytes = self.bound_bytes.saturating_add(binding.bytes());
            }
            let (kind, text) = match self.bound_bytes {
                0..=LENGTH_MAX_BYTES => binding.token(),
                _ => {
                    let reason = format!(
                        "the values of parameters have more than {LENGTH_MAX_BYTES} bytes together"
                    );
                    Binding::Invalid(reason).token()
                }
            };
            token.kind = kind;
            token.text = Cow::Owned(text);
        }
    }

    /// Reads the next token that is neither space nor comment.
    pub(super) fn next(&mut self) -> Token<'a> {
        loop {
            let token = self.scan();
            if !matches!(token.kind, Kind::Space | Kind::Comment) {
                return token;
            }
        }
    }

    /// Returns to the start of a token that was read.
    pub(super) fn back(&mut self, token: &Token<'_>) {
        self.offset = token.start;
    }

    /// Keeps the three tokens that are furthest in the text.
    fn remember(&mut self, token: &Token<'a>) {
        let [oldest, older, newer] = &mut self.trail;
        if newer.as_ref().is_none_or(|newer| newer.start < token.start) {
            *oldest = older.take();
            *older = newer.take();
            *newer = Some(token.clone());
        }
    }

    /// Returns the error that names a token shortly before the next one, as 1.x does when only the
    /// end of a statement shows that something was missing: the first significant one of the last
    /// three.
    pub(super) fn unexpected_before(&self, expected: &[&'static str]) -> ParseError {
        let significant = |token: &&Token<'_>| !matches!(token.kind, Kind::Space | Kind::Comment);
        let before = self.trail.iter().flatten().find(significant);
        let place = before.map_or(Place::Byte(0), |token| token.at);
        self.unexpected_at(before.map_or("EOF", Token::shown), place, expected)
    }

    /// Reads a space if one is next.
    pub(super) fn skip_space(&mut self) {
        let token = self.scan();
        if token.kind != Kind::Space {
            self.back(&token);
        }
    }

    /// Reads a keyword if it is next.
    pub(super) fn accept(&mut self, keyword: Keyword) -> bool {
        let token = self.next();
        let found = token.is(keyword);
        if !found {
            self.back(&token);
        }
        found
    }

    /// Reads a symbol if it is next.
    pub(super) fn accept_symbol(&mut self, symbol: Symbol) -> bool {
        let token = self.next();
        let found = token.is_symbol(symbol);
        if !found {
            self.back(&token);
        }
        found
    }

    /// Reads a keyword that must be next.
    pub(super) fn expect(&mut self, keyword: Keyword) -> Result<(), ParseError> {
        let token = self.next();
        if token.is(keyword) {
            Ok(())
        } else {
            Err(self.unexpected(&token, &[keyword.text()]))
        }
    }

    /// Reads a symbol that must be next.
    pub(super) fn expect_symbol(&mut self, symbol: Symbol) -> Result<(), ParseError> {
        let token = self.next();
        if token.is_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&token, &[symbol.text()]))
        }
    }

    /// Reads a regular expression if one is next.
    ///
    /// The character after the last token that was ever read decides if one is next.
    pub(super) fn accept_regex(&mut self) -> Result<Option<String>, ParseError> {
        self.skip_to_regex();
        match self.peek() {
            Some('/') => {}
            Some('$') => {
                let token = self.scan();
                self.back(&token);
                if token.kind != Kind::Regex {
                    return Ok(None);
                }
            }
            _ => return Ok(None),
        }
        let token = self.scan_regex();
        match token.kind {
            Kind::Regex => self.checked_regex(&token).map(Some),
            Kind::BadRegex => Err(self.refused(&token, "bad regex: ")),
            _ => Err(self.unexpected(&token, &["regex"])),
        }
    }

    /// Reads spaces, and comments where nothing was read ahead.
    ///
    /// 1.x takes a comment here for a regular expression, and refuses it.
    fn skip_to_regex(&mut self) {
        if matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.skip_space();
        }
        while self.offset == self.read_to && self.comment_is_next() {
            let token = self.scan();
            if token.kind != Kind::Comment {
                self.back(&token);
                return;
            }
            if matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
                self.skip_space();
            }
        }
    }

    fn comment_is_next(&self) -> bool {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        rest.starts_with("/*") || rest.starts_with("--")
    }

    /// Returns the text of a regular expression that the environment does not refuse.
    fn checked_regex(&self, token: &Token<'_>) -> Result<String, ParseError> {
        match (self.environment.check_regex)(&token.text) {
            Ok(()) => Ok(token.text.clone().into_owned()),
            Err(reason) => Err(self.refused(token, &reason)),
        }
    }

    /// Returns the character after everything that was read.
    pub(super) fn peek(&mut self) -> Option<char> {
        let next = self
            .text
            .get(self.read_to..)
            .and_then(|rest| rest.chars().next());
        self.end_used |= next.is_none();
        next
    }

    /// Returns the position of the cursor.
    pub(super) fn here(&self) -> Position {
        self.position(Place::Byte(self.offset))
    }

    /// Returns true if the character at the cursor is this one.
    pub(super) fn stands_at(&self, c: char) -> bool {
        self.text
            .get(self.offset..)
            .is_some_and(|rest| rest.starts_with(c))
    }

    /// Returns the error that a token is not one of those expected.
    pub(super) fn unexpected(&self, token: &Token<'_>, expected: &[&'static str]) -> ParseError {
        self.unexpected_at(token.shown(), token.at, expected)
    }

    fn unexpected_at(&self, found: &str, at: Place, expected: &[&'static str]) -> ParseError {
        let at = self.position(at);
        ParseError::Unexpected {
            found: found.to_owned(),
            expected: expected.to_vec(),
            at,
        }
    }

    /// Returns the error that the value of a token is refused.
    pub(super) fn refused(&self, token: &Token<'_>, reason: &str) -> ParseError {
        ParseError::Refused {
            reason: reason.to_owned(),
            at: self.position(token.at),
        }
    }

    /// Counts the lines and characters before a place.
    pub(super) fn position(&self, place: Place) -> Position {
        let (bytes, passed) = match place {
            Place::Byte(byte) => (byte, false),
            Place::Before(byte) => (self.before(byte), false),
            Place::End { passed } => (self.text.len(), passed),
        };
        let mut position = Position {
            line: 1,
            character: 1 + usize::from(passed),
        };
        let mut chars = self.text.char_indices().peekable();
        while let Some((index, c)) = chars.next().filter(|(index, _)| *index < bytes) {
            let breaks = c == '\n' || c == '\r';
            if c == '\r' && chars.peek().is_some_and(|(_, c)| *c == '\n') {
                if index + 1 == bytes {
                    break;
                }
                chars.next();
            }
            if breaks {
                position.line += 1;
                position.character = 1 + usize::from(passed);
            } else {
                position.character += 1;
            }
        }
        position
    }

    /// Returns the byte of the character before `byte`, or 0.
    fn before(&self, byte: usize) -> usize {
        let before = self.text.get(..byte).unwrap_or_default();
        before
            .char_indices()
            .next_back()
            .map_or(0, |(index, _)| index)
    }
}
