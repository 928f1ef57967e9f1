//! The sources after FROM, the target after INTO, and names of several parts.

use super::super::SUBQUERY_LEVELS;
use super::super::ast::{Measurement, MeasurementName, Regex, Source};
use super::super::error::ParseError;
use super::super::printer::{needs_quotes, quote_identifier};
use super::super::token::{Keyword, Place, Symbol};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// [FROM source, …] without subqueries
    pub(super) fn optional_sources(&mut self) -> Parsed<Vec<Source>> {
        if self.cursor.accept(Keyword::From) {
            self.sources(false)
        } else {
            Ok(Vec::new())
        }
    }

    /// source, …
    pub(super) fn sources(&mut self, subqueries: bool) -> Parsed<Vec<Source>> {
        let mut sources = vec![self.source(subqueries)?];
        while self.cursor.accept_symbol(Symbol::Comma) {
            sources.push(self.source(subqueries)?);
        }
        Ok(sources)
    }

    fn source(&mut self, subqueries: bool) -> Parsed<Source> {
        if let Some(measurement) = self.regex_measurement()? {
            return Ok(Source::Measurement(measurement));
        }
        if subqueries && self.cursor.accept_symbol(Symbol::ParenLeft) {
            return self.subquery();
        }
        self.named_measurement().map(Source::Measurement)
    }

    /// SELECT … ")", after the opening parenthesis
    fn subquery(&mut self) -> Parsed<Source> {
        self.enter(SUBQUERY_LEVELS)?;
        self.cursor.expect(Keyword::Select)?;
        let select = Box::new(self.select(false)?);
        self.cursor.expect_symbol(Symbol::ParenRight)?;
        self.leave(SUBQUERY_LEVELS);
        Ok(Source::Subquery(select))
    }

    /// name | rp.name | db.rp.name | db..name, where the name may be a regular expression
    pub(super) fn measurement(&mut self) -> Parsed<Measurement> {
        match self.regex_measurement()? {
            Some(measurement) => Ok(measurement),
            None => self.named_measurement(),
        }
    }

    fn regex_measurement(&mut self) -> Parsed<Option<Measurement>> {
        let regex = self.cursor.accept_regex()?;
        Ok(regex.map(|regex| measurement(None, None, MeasurementName::Regex(Regex(regex)))))
    }

    fn named_measurement(&mut self) -> Parsed<Measurement> {
        let mut segments = self.segments()?.into_iter();
        let parts = (segments.next(), segments.next(), segments.next());
        if let (database, policy, Some(name)) = parts {
            return Ok(measurement(database, policy, MeasurementName::Name(name)));
        }
        // 1.x looks for a slash after the next token even if that is a comma, and so refuses
        // `FROM m,/x/`; here the comma is one.
        let regex = if self.cursor.stands_at(',') {
            None
        } else {
            self.cursor.accept_regex()?
        };
        let regex = regex.map(|regex| MeasurementName::Regex(Regex(regex)));
        Ok(match (parts, regex) {
            ((Some(database), policy @ Some(_), _), Some(regex)) => {
                measurement(Some(database), policy, regex)
            }
            ((policy, ..), Some(regex)) => measurement(None, policy, regex),
            ((policy, Some(name), _), None) => {
                measurement(None, policy, MeasurementName::Name(name))
            }
            ((name, ..), None) => {
                measurement(None, None, MeasurementName::Name(name.unwrap_or_default()))
            }
        })
    }

    /// INTO measurement; the name may be `:MEASUREMENT` after a full stop.
    pub(super) fn target(&mut self) -> Parsed<Measurement> {
        let segments = self.segments()?;
        let of_source = segments.len() < 3 && self.cursor.peek() == Some(':');
        if of_source {
            self.cursor.expect_symbol(Symbol::Colon)?;
            self.cursor.expect(Keyword::Measurement)?;
        }
        let mut parts = segments.into_iter().rev();
        let name = if of_source {
            MeasurementName::OfSource
        } else {
            MeasurementName::Name(parts.next().unwrap_or_default())
        };
        let policy = parts.next();
        Ok(measurement(parts.next(), policy, name))
    }

    /// name *("." name), where an inner name may be missing
    pub(super) fn segments(&mut self) -> Parsed<Vec<String>> {
        let mut segments = vec![self.identifier()?];
        loop {
            let token = self.cursor.scan();
            if !token.is_symbol(Symbol::Dot) {
                self.cursor.back(&token);
                break;
            }
            match self.cursor.peek() {
                Some('/' | ':') => break,
                Some('.') => segments.push(String::new()),
                _ => segments.push(self.identifier()?),
            }
        }
        if segments.len() > 3 {
            return Err(self.too_many(&segments));
        }
        Ok(segments)
    }

    /// Returns the error that a name has too many parts; 1.x has no position for it.
    fn too_many(&self, segments: &[String]) -> ParseError {
        let last = segments.len() - 1;
        let shown: Vec<_> = segments
            .iter()
            .enumerate()
            .map(|(index, segment)| {
                let outer = index == 0 || index == last;
                let quoted = if segment.is_empty() {
                    outer
                } else {
                    index < last || needs_quotes(segment)
                };
                if quoted {
                    quote_identifier(segment)
                } else {
                    segment.clone()
                }
            })
            .collect();
        ParseError::Refused {
            reason: format!("too many segments in {}", shown.join(".")),
            at: self.cursor.position(Place::Byte(0)),
        }
    }
}

/// Returns a measurement; an empty database or retention policy is none.
fn measurement(
    database: Option<String>,
    retention_policy: Option<String>,
    name: MeasurementName,
) -> Measurement {
    Measurement {
        database: database.filter(|part| !part.is_empty()),
        retention_policy: retention_policy.filter(|part| !part.is_empty()),
        name,
    }
}
