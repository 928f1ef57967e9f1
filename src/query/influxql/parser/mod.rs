//! Tokens to a tree, by recursive descent.
//!
//! Each method reads one rule of the grammar in the order in which 1.x reads it, since its errors
//! name the first token that does not fit and what could have stood there. Depth is counted on the
//! way down and heights on the way up, so that neither the parser nor what walks its trees needs
//! more than a part of a stack of 2 MiB.

mod administration;
mod cardinality;
mod clause;
mod create;
mod expression;
mod select;
mod show;
mod source;
mod value;

use super::ast::{Deletion, Explain, Query, Source, Statement};
use super::bindings::Environment;
use super::cursor::Cursor;
use super::error::ParseError;
use super::token::{Keyword, Kind, Place, Symbol};
use super::{DEPTH_MAX, LENGTH_MAX_BYTES, STATEMENTS_MAX};

type Parsed<T> = Result<T, ParseError>;

/// Parses a text of any number of statements.
///
/// # Errors
///
/// The first token that does not fit, or the limit that the text exceeds; then nothing of the text
/// may be run.
pub fn parse(text: &str, environment: &Environment) -> Result<Query, ParseError> {
    if text.len() > LENGTH_MAX_BYTES {
        return Err(ParseError::Length {
            length_bytes: text.len(),
            limit_bytes: LENGTH_MAX_BYTES,
        });
    }
    Parser {
        cursor: Cursor::new(text, environment),
        environment,
        depth: 0,
    }
    .query()
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    environment: &'a Environment,
    /// The levels that are open above the current place.
    depth: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Parsed<Query> {
        let mut query = Query::default();
        let mut separated = true;
        loop {
            let token = self.cursor.next();
            if token.kind == Kind::End {
                return Ok(query);
            }
            if token.is_symbol(Symbol::Semicolon) {
                separated = true;
                continue;
            }
            if !separated {
                return Err(self.cursor.unexpected(&token, &[";"]));
            }
            if query.statements.len() >= STATEMENTS_MAX {
                return Err(ParseError::Statements {
                    limit: STATEMENTS_MAX,
                });
            }
            self.cursor.back(&token);
            query.statements.push(self.statement()?);
            separated = false;
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let token = self.cursor.next();
        let Kind::Keyword(keyword) = token.kind else {
            return Err(self.cursor.unexpected(&token, STATEMENTS));
        };
        match keyword {
            Keyword::Select => Ok(Statement::Select(Box::new(self.select(false)?))),
            Keyword::Delete => Ok(Statement::Delete(self.deletion()?)),
            Keyword::Show => Ok(Statement::Show(Box::new(self.show()?))),
            Keyword::Create => self.create(),
            Keyword::Drop => self.drop_statement(),
            Keyword::Explain => Ok(Statement::Explain(self.explain()?)),
            Keyword::Grant => self.grant(),
            Keyword::Revoke => self.revoke(),
            Keyword::Alter => self.alter(),
            Keyword::Set => self.set_password(),
            Keyword::Kill => self.kill(),
            _ => Err(self.cursor.unexpected(&token, STATEMENTS)),
        }
    }

    /// EXPLAIN [ANALYZE] SELECT …
    fn explain(&mut self) -> Parsed<Explain> {
        let analyze = self.cursor.accept(Keyword::Analyze);
        self.cursor.expect(Keyword::Select)?;
        Ok(Explain {
            analyze,
            select: Box::new(self.select(false)?),
        })
    }

    /// KILL QUERY id [ON host]
    fn kill(&mut self) -> Parsed<Statement> {
        self.cursor.expect(Keyword::Query)?;
        let id = self.unsigned()?;
        let host = self.optional_identifier(Keyword::On)?;
        Ok(Statement::KillQuery { id, host })
    }

    /// [FROM source, …] [WHERE expression], one of them at least
    fn deletion(&mut self) -> Parsed<Deletion> {
        let token = self.cursor.next();
        let sources = if token.is(Keyword::From) {
            let sources = self.sources(false)?;
            self.check_deleted(&sources)?;
            sources
        } else {
            self.cursor.back(&token);
            Vec::new()
        };
        let condition = self.condition()?;
        if sources.is_empty() && condition.is_none() {
            return Err(self.cursor.unexpected(&token, &["FROM", "WHERE"]));
        }
        Ok(Deletion { sources, condition })
    }

    /// Refuses databases and retention policies: what is deleted is deleted from all of them.
    fn check_deleted(&self, sources: &[Source]) -> Parsed<()> {
        let mut refused = None;
        for source in sources {
            let Source::Measurement(measurement) = source else {
                continue;
            };
            if measurement.database.is_some() {
                refused = Some("database not supported");
            }
            if measurement.retention_policy.is_some() {
                refused = Some("retention policy not supported");
            }
        }
        match refused {
            // 1.x has no position for this and says so by the first one.
            Some(reason) => Err(ParseError::Refused {
                reason: reason.to_owned(),
                at: self.cursor.position(Place::Byte(0)),
            }),
            None => Ok(()),
        }
    }

    /// Opens this many levels, or refuses to.
    fn enter(&mut self, levels: usize) -> Parsed<()> {
        self.depth += levels;
        self.check_depth(self.depth, DEPTH_MAX)
    }

    /// Closes this many levels.
    fn leave(&mut self, levels: usize) {
        self.depth = self.depth.saturating_sub(levels);
    }

    /// Refuses more levels than the limit.
    fn check_depth(&self, levels: usize, limit: usize) -> Parsed<()> {
        if levels > limit {
            return Err(ParseError::Depth {
                limit,
                at: self.cursor.here(),
            });
        }
        Ok(())
    }
}

/// The words that begin a statement, in the order of 1.x.
const STATEMENTS: &[&str] = &[
    "SELECT", "DELETE", "SHOW", "CREATE", "DROP", "EXPLAIN", "GRANT", "REVOKE", "ALTER", "SET",
    "KILL",
];
