//! Clauses that several statements share.

use super::super::ast::{Expression, Order, Page, Regex, Scope, Source};
use super::super::token::{Keyword, Kind, Symbol};
use super::value::clause;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// [ON database] [FROM source, …] [WHERE expression]
    pub(super) fn scope(&mut self) -> Parsed<Scope> {
        let (database, sources) = self.on_and_from()?;
        let condition = self.condition()?;
        Ok(Scope {
            database,
            sources,
            condition,
        })
    }

    /// [ON database] [FROM source, …]
    pub(super) fn on_and_from(&mut self) -> Parsed<(Option<String>, Vec<Source>)> {
        let database = self.optional_identifier(Keyword::On)?;
        let sources = self.optional_sources()?;
        Ok((database, sources))
    }

    /// [ORDER BY …] [LIMIT n] [OFFSET n]
    pub(super) fn page(&mut self) -> Parsed<Page> {
        let order = self.order()?;
        let limit = self.count_after(Keyword::Limit)?;
        let offset = self.count_after(Keyword::Offset)?;
        Ok(Page {
            order,
            limit,
            offset,
        })
    }

    /// [WHERE expression]
    pub(super) fn condition(&mut self) -> Parsed<Option<Expression>> {
        if self.cursor.accept(Keyword::Where) {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    /// [GROUP BY dimension, …]
    pub(super) fn dimensions(&mut self) -> Parsed<Vec<Expression>> {
        let mut dimensions = Vec::new();
        if !self.cursor.accept(Keyword::Group) {
            return Ok(dimensions);
        }
        self.cursor.expect(Keyword::By)?;
        loop {
            dimensions.push(self.dimension()?);
            let token = self.cursor.scan();
            if !token.is_symbol(Symbol::Comma) {
                self.cursor.back(&token);
                return Ok(dimensions);
            }
        }
    }

    fn dimension(&mut self) -> Parsed<Expression> {
        if let Some(regex) = self.cursor.accept_regex()? {
            return Ok(Expression::Regex(Regex(regex)));
        }
        let expression = self.expression()?;
        self.cursor.skip_space();
        Ok(expression)
    }

    /// [ORDER BY [time] [ASC | DESC]]
    pub(super) fn order(&mut self) -> Parsed<Option<Order>> {
        if !self.cursor.accept(Keyword::Order) {
            return Ok(None);
        }
        self.cursor.expect(Keyword::By)?;
        let token = self.cursor.next();
        let order = match token.kind {
            Kind::Keyword(Keyword::Asc) => Order::Ascending,
            Kind::Keyword(Keyword::Desc) => Order::Descending,
            Kind::Identifier => {
                let order = self.direction();
                if token.text != "time" {
                    return Err(clause(ONLY_TIME));
                }
                order
            }
            _ => {
                return Err(self
                    .cursor
                    .unexpected(&token, &["identifier", "ASC", "DESC"]));
            }
        };
        let mut alone = true;
        while self.cursor.accept_symbol(Symbol::Comma) {
            self.identifier()?;
            self.direction();
            alone = false;
        }
        if alone {
            Ok(Some(order))
        } else {
            Err(clause(ONLY_TIME))
        }
    }

    /// [ASC | DESC]
    fn direction(&mut self) -> Order {
        if !self.cursor.accept(Keyword::Asc) && self.cursor.accept(Keyword::Desc) {
            Order::Descending
        } else {
            Order::Ascending
        }
    }
}

const ONLY_TIME: &str = "only ORDER BY time supported at this time";
