//! Single tokens that have a value: names, strings, numbers, durations.

use super::super::duration;
use super::super::error::ParseError;
use super::super::token::{Keyword, Kind, Symbol};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn identifier(&mut self) -> Parsed<String> {
        self.text_of(Kind::Identifier, "identifier")
    }

    pub(super) fn string(&mut self) -> Parsed<String> {
        self.text_of(Kind::String, "string")
    }

    fn text_of(&mut self, kind: Kind, name: &'static str) -> Parsed<String> {
        let token = self.cursor.next();
        if token.kind == kind {
            Ok(token.text.into_owned())
        } else {
            Err(self.cursor.unexpected(&token, &[name]))
        }
    }

    /// Reads an identifier if `keyword` announces one.
    pub(super) fn optional_identifier(&mut self, keyword: Keyword) -> Parsed<Option<String>> {
        if self.cursor.accept(keyword) {
            self.identifier().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn identifiers(&mut self) -> Parsed<Vec<String>> {
        let mut list = vec![self.identifier()?];
        while self.cursor.accept_symbol(Symbol::Comma) {
            list.push(self.identifier()?);
        }
        Ok(list)
    }

    pub(super) fn strings(&mut self) -> Parsed<Vec<String>> {
        let mut list = vec![self.string()?];
        while self.cursor.accept_symbol(Symbol::Comma) {
            list.push(self.string()?);
        }
        Ok(list)
    }

    /// Reads an unsigned integer.
    pub(super) fn unsigned(&mut self) -> Parsed<u64> {
        let token = self.cursor.next();
        if token.kind != Kind::Integer {
            return Err(self.cursor.unexpected(&token, &["integer"]));
        }
        token.text.parse().map_err(|_| {
            let why = if token.text.starts_with('-') {
                "invalid syntax"
            } else {
                "value out of range"
            };
            let reason = format!("strconv.ParseUint: parsing \"{}\": {why}", token.text);
            self.cursor.refused(&token, &reason)
        })
    }

    /// Reads a number of copies: 1 to 2147483647.
    pub(super) fn replication(&mut self) -> Parsed<u32> {
        const MAX: i64 = i32::MAX as i64;
        let token = self.cursor.next();
        if token.kind != Kind::Integer {
            return Err(self.cursor.unexpected(&token, &["integer"]));
        }
        let number: i64 = token.text.parse().map_err(|_| {
            let text = &token.text;
            let reason = format!("strconv.Atoi: parsing \"{text}\": value out of range");
            self.cursor.refused(&token, &reason)
        })?;
        u32::try_from(number)
            .ok()
            .filter(|_| (1..=MAX).contains(&number))
            .ok_or_else(|| {
                let reason = format!("invalid value {number}: must be 1 <= n <= {MAX}");
                self.cursor.refused(&token, &reason)
            })
    }

    /// Reads the number after LIMIT and its like; 0 if the keyword is not next.
    pub(super) fn count_after(&mut self, keyword: Keyword) -> Parsed<u64> {
        if !self.cursor.accept(keyword) {
            return Ok(0);
        }
        let token = self.cursor.next();
        if token.kind != Kind::Integer {
            return Err(self.cursor.unexpected(&token, &["integer"]));
        }
        if token.text.starts_with('-') {
            let reason = format!("{} must be >= 0", keyword.text());
            return Err(self.cursor.refused(&token, &reason));
        }
        // A number that no count of rows can reach is as good as the largest one.
        let largest = i64::MAX.unsigned_abs();
        Ok(token
            .text
            .parse::<u64>()
            .map_or(largest, |count| count.min(largest)))
    }

    /// Reads a duration, or INF, which is 0.
    pub(super) fn duration_or_infinite(&mut self) -> Parsed<i64> {
        let token = self.cursor.next();
        if token.is(Keyword::Inf) {
            return Ok(0);
        }
        if token.kind != Kind::Duration {
            return Err(self.cursor.unexpected(&token, &["duration"]));
        }
        duration::read(&token.text).map_err(|reason| self.cursor.refused(&token, &reason))
    }

    /// Reads a duration that must be finite.
    pub(super) fn shard_duration(&mut self) -> Parsed<i64> {
        let token = self.cursor.next();
        if token.is(Keyword::Inf) {
            return Err(self
                .cursor
                .refused(&token, "invalid duration INF for shard duration"));
        }
        self.cursor.back(&token);
        self.duration_or_infinite()
    }
}

/// Returns the error of a clause that is refused as a whole.
pub(super) fn clause(reason: &str) -> ParseError {
    ParseError::Clause(reason.to_owned())
}
