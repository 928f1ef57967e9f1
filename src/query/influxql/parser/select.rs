//! SELECT and subqueries.

use super::super::ast::{
    Call, Expression, Field, Fill, FillValue, Literal, Reference, Regex, Select,
};
use super::super::error::ParseError;
use super::super::token::{Keyword, Kind, Place, Symbol};
use super::value::clause;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// The rest of a statement after SELECT; with `into` it must have a target.
    pub(super) fn select(&mut self, into: bool) -> Parsed<Select> {
        let fields = self.fields()?;
        let token = self.cursor.next();
        let target = if token.is(Keyword::Into) {
            Some(self.target()?)
        } else if into {
            return Err(self.cursor.unexpected(&token, &["INTO"]));
        } else {
            self.cursor.back(&token);
            None
        };
        self.cursor.expect(Keyword::From)?;
        Ok(Select {
            fields,
            target,
            sources: self.sources(true)?,
            condition: self.condition()?,
            dimensions: self.dimensions()?,
            fill: self.fill()?,
            order: self.order()?,
            limit: self.count_after(Keyword::Limit)?,
            offset: self.count_after(Keyword::Offset)?,
            series_limit: self.count_after(Keyword::Slimit)?,
            series_offset: self.count_after(Keyword::Soffset)?,
            zone: self.zone()?,
        })
    }

    fn fields(&mut self) -> Parsed<Vec<Field>> {
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            let token = self.cursor.scan();
            if !token.is_symbol(Symbol::Comma) {
                self.cursor.back(&token);
                return Ok(fields);
            }
        }
    }

    fn field(&mut self) -> Parsed<Field> {
        let expression = match self.cursor.accept_regex()? {
            Some(regex) => Expression::Regex(Regex(regex)),
            None => {
                let first = self.cursor.next();
                self.cursor.back(&first);
                let expression = self.expression()?;
                self.check_field(&expression, first.at)?;
                expression
            }
        };
        let alias = self
            .optional_identifier(Keyword::As)?
            .filter(|alias| !alias.is_empty());
        self.cursor.skip_space();
        Ok(Field { expression, alias })
    }

    /// Refuses conditions in a list of fields.
    fn check_field(&self, expression: &Expression, at: Place) -> Parsed<()> {
        match condition_in(expression) {
            Some(operator) => Err(ParseError::Condition {
                operator,
                at: self.cursor.position(at),
            }),
            None => Ok(()),
        }
    }

    /// [fill(option)]
    fn fill(&mut self) -> Parsed<Fill> {
        let Some(call) = self.clause_call("fill", "fill must be a function call")? else {
            return Ok(Fill::Null);
        };
        let [argument] = call.arguments.as_slice() else {
            return Err(clause(
                "fill requires an argument, e.g.: 0, null, none, previous, linear",
            ));
        };
        let value = match argument {
            Expression::Literal(Literal::Integer(value)) => FillValue::Integer(*value),
            Expression::Literal(Literal::Float(value)) => FillValue::Float(*value),
            Expression::Reference(Reference { name, cast: None }) => {
                // 1.x wants lower case here and nowhere else.
                return match name.to_ascii_lowercase().as_str() {
                    "null" => Ok(Fill::Null),
                    "none" => Ok(Fill::None),
                    "previous" => Ok(Fill::Previous),
                    "linear" => Ok(Fill::Linear),
                    _ => Err(clause("expected number argument in fill()")),
                };
            }
            _ => return Err(clause("expected number argument in fill()")),
        };
        Ok(Fill::Value(value))
    }

    /// [tz('zone')]
    fn zone(&mut self) -> Parsed<Option<String>> {
        let Some(call) = self.clause_call("tz", "tz must be a function call")? else {
            return Ok(None);
        };
        let [argument] = call.arguments.as_slice() else {
            return Err(clause("tz requires exactly one argument"));
        };
        let Expression::Literal(Literal::String(zone)) = argument else {
            return Err(clause("expected string argument in tz()"));
        };
        if !(self.environment.knows_zone)(zone) {
            return Err(clause(&format!("unable to find time zone {zone}")));
        }
        Ok(Some(zone.clone()))
    }

    /// Reads the call of a clause that looks like a function, if it is next.
    fn clause_call(&mut self, name: &str, no_call: &str) -> Parsed<Option<Call>> {
        let token = self.cursor.next();
        self.cursor.back(&token);
        if token.kind != Kind::Identifier || !token.text.eq_ignore_ascii_case(name) {
            return Ok(None);
        }
        match self.expression()? {
            Expression::Call(call) => Ok(Some(call)),
            _ => Err(clause(no_call)),
        }
    }
}

/// Returns an operator of an expression that makes a condition: the outermost, the last of several.
fn condition_in(expression: &Expression) -> Option<&'static str> {
    match expression {
        Expression::Binary { operator, .. } if operator.compares() => Some(operator.text()),
        Expression::Logical { operator, .. } => Some(operator.text()),
        _ => expression
            .children()
            .into_iter()
            .rev()
            .find_map(condition_in),
    }
}
