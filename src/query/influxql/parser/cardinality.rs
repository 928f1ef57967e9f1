//! SHOW … CARDINALITY.

use super::super::ast::{Cardinality, CardinalityOf, Scope, Show};
use super::super::token::Keyword;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// [EXACT] CARDINALITY …, after FIELD KEY, MEASUREMENT or TAG KEY
    pub(super) fn cardinality_of_key(&mut self, of: CardinalityOf) -> Parsed<Show> {
        let exact = self.cursor.accept(Keyword::Exact);
        let token = self.cursor.next();
        if !token.is(Keyword::Cardinality) {
            let expected: &[_] = if exact {
                &["CARDINALITY"]
            } else {
                &["EXACT", "CARDINALITY"]
            };
            return Err(self.cursor.unexpected(&token, expected));
        }
        self.cardinality(of, exact)
    }

    /// [ON …] [FROM …] [WHERE …] [GROUP BY …] [LIMIT n] [OFFSET n]
    pub(super) fn cardinality(&mut self, of: CardinalityOf, exact: bool) -> Parsed<Show> {
        let scope = self.scope()?;
        self.counted(of, exact, scope)
    }

    /// [ON …] [FROM …] WITH KEY … [WHERE …] [GROUP BY …] [LIMIT n] [OFFSET n]
    pub(super) fn tag_values_cardinality(&mut self, exact: bool) -> Parsed<Show> {
        let (database, sources) = self.on_and_from()?;
        let of = CardinalityOf::TagValues(self.tag_keys()?);
        let condition = self.condition()?;
        self.counted(
            of,
            exact,
            Scope {
                database,
                sources,
                condition,
            },
        )
    }

    fn counted(&mut self, of: CardinalityOf, exact: bool, scope: Scope) -> Parsed<Show> {
        Ok(Show::Cardinality(Cardinality {
            of,
            exact,
            scope,
            dimensions: self.dimensions()?,
            limit: self.count_after(Keyword::Limit)?,
            offset: self.count_after(Keyword::Offset)?,
        }))
    }
}
