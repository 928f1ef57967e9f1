//! Expressions, by operator precedence.

use super::super::HEIGHT_MAX;
use super::super::ast::{
    Call, Cast, Expression, Literal, Logic, Operator, Reference, Regex, WildcardKind,
};
use super::super::duration;
use super::super::token::{Keyword, Kind, Symbol, Token};
use super::value::clause;
use super::{Parsed, Parser};

/// A part of a tree and its height; a leaf has 1.
struct Grown {
    expression: Expression,
    height: usize,
}

impl From<Expression> for Grown {
    fn from(expression: Expression) -> Self {
        Self {
            expression,
            height: 1,
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy)]
enum Joint {
    Binary(Operator),
    Logical(Logic),
}

impl Joint {
    fn precedence(self) -> u8 {
        match self {
            Self::Binary(operator) => operator.precedence(),
            Self::Logical(operator) => operator.precedence(),
        }
    }
}

impl Parser<'_> {
    /// operand *(operator operand)
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.grown().map(|grown| grown.expression)
    }

    fn grown(&mut self) -> Parsed<Grown> {
        // Operands and the operators between them that wait for one that binds less.
        let mut operands = vec![self.operand()?];
        let mut joints: Vec<Joint> = Vec::new();
        while let Some(joint) = self.joint() {
            let operand = match joint {
                Joint::Binary(operator) if operator.takes_regex() => self.regex()?.into(),
                _ => self.operand()?,
            };
            while let Some(waiting) =
                joints.pop_if(|waiting| waiting.precedence() >= joint.precedence())
            {
                self.join(&mut operands, waiting)?;
            }
            joints.push(joint);
            operands.push(operand);
        }
        while let Some(waiting) = joints.pop() {
            self.join(&mut operands, waiting)?;
        }
        operands
            .pop()
            .ok_or_else(|| clause("internal error: an expression without an operand"))
    }

    /// Joins the last two operands.
    fn join(&self, operands: &mut Vec<Grown>, joint: Joint) -> Parsed<()> {
        let (Some(right), Some(left)) = (operands.pop(), operands.pop()) else {
            return Err(clause("internal error: an operator without operands"));
        };
        let mut height = 1 + left.height.max(right.height);
        let expression = match (joint, left.expression) {
            (
                Joint::Logical(operator),
                Expression::Logical {
                    operator: same,
                    mut terms,
                },
            ) if operator == same => {
                // The list grows in width, not in height.
                height = left.height.max(1 + right.height);
                terms.push(right.expression);
                Expression::Logical { operator, terms }
            }
            (Joint::Logical(operator), left) => Expression::Logical {
                operator,
                terms: vec![left, right.expression],
            },
            (Joint::Binary(operator), left) => Expression::Binary {
                operator,
                left: Box::new(left),
                right: Box::new(right.expression),
            },
        };
        self.check_depth(height, HEIGHT_MAX)?;
        operands.push(Grown { expression, height });
        Ok(())
    }

    /// Reads an operator between operands if one is next.
    fn joint(&mut self) -> Option<Joint> {
        let token = self.cursor.next();
        let joint = match token.kind {
            Kind::Symbol(symbol) => operator(symbol).map(Joint::Binary),
            Kind::Keyword(Keyword::And) => Some(Joint::Logical(Logic::And)),
            Kind::Keyword(Keyword::Or) => Some(Joint::Logical(Logic::Or)),
            _ => None,
        };
        if joint.is_none() {
            self.cursor.back(&token);
        }
        joint
    }

    /// Reads the regular expression that must follow `=~`.
    fn regex(&mut self) -> Parsed<Expression> {
        match self.cursor.accept_regex()? {
            Some(regex) => Ok(Expression::Regex(Regex(regex))),
            None => {
                let token = self.cursor.next();
                Err(self.cursor.unexpected(&token, &["regex"]))
            }
        }
    }

    fn operand(&mut self) -> Parsed<Grown> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Symbol(Symbol::ParenLeft) => self.parenthesised(),
            Kind::Symbol(Symbol::Plus | Symbol::Minus) => self.signed(&token),
            Kind::Symbol(Symbol::Star) => self.wildcard().map(Grown::from),
            Kind::Identifier => {
                let after = self.cursor.scan();
                if after.is_symbol(Symbol::ParenLeft) {
                    return self.call(&token.text);
                }
                self.cursor.back(&token);
                self.reference().map(Grown::from)
            }
            Kind::Keyword(Keyword::Distinct) => self.distinct(),
            _ => self.literal(&token).map(Grown::from),
        }
    }

    fn parenthesised(&mut self) -> Parsed<Grown> {
        self.enter(1)?;
        let inner = self.grown()?;
        self.leave(1);
        self.cursor.expect_symbol(Symbol::ParenRight)?;
        let expression = Expression::Parenthesised(Box::new(inner.expression));
        Ok(Grown {
            expression,
            height: inner.height + 1,
        })
    }

    /// Reads what follows a sign; a sign before a number is a part of it.
    fn signed(&mut self, sign: &Token<'_>) -> Parsed<Grown> {
        let negative = sign.is_symbol(Symbol::Minus);
        let token = self.cursor.next();
        let signable = matches!(
            token.kind,
            Kind::Number | Kind::Integer | Kind::Duration | Kind::Identifier
        );
        if !signable && !token.is_symbol(Symbol::ParenLeft) {
            let expected = ["identifier", "number", "duration", "("];
            return Err(self.cursor.unexpected(&token, &expected));
        }
        self.cursor.back(&token);
        self.enter(1)?;
        let operand = self.operand()?;
        self.leave(1);
        if let Expression::Literal(literal) = operand.expression {
            let literal = if negative { negated(literal)? } else { literal };
            return Ok(Expression::Literal(literal).into());
        }
        let expression = Expression::Signed {
            negative,
            operand: Box::new(operand.expression),
        };
        Ok(Grown {
            expression,
            height: operand.height + 1,
        })
    }

    /// Reads what follows `*`.
    fn wildcard(&mut self) -> Parsed<Expression> {
        let token = self.cursor.scan();
        if !token.is_symbol(Symbol::DoubleColon) {
            self.cursor.back(&token);
            return Ok(Expression::Wildcard(None));
        }
        let token = self.cursor.scan();
        match token.kind {
            Kind::Keyword(Keyword::Field) => Ok(Expression::Wildcard(Some(WildcardKind::Field))),
            Kind::Keyword(Keyword::Tag) => Ok(Expression::Wildcard(Some(WildcardKind::Tag))),
            _ => Err(self.cursor.unexpected(&token, &["field", "tag"])),
        }
    }

    /// Reads what follows DISTINCT.
    fn distinct(&mut self) -> Parsed<Grown> {
        let token = self.cursor.scan();
        match token.kind {
            Kind::Symbol(Symbol::ParenLeft) => self.call("distinct"),
            Kind::Space => self
                .identifier()
                .map(|name| Expression::Distinct(name).into()),
            _ => Err(self.cursor.unexpected(&token, &["(", "identifier"])),
        }
    }

    fn literal(&self, token: &Token<'_>) -> Parsed<Expression> {
        let text = &token.text;
        let literal = match token.kind {
            Kind::String => Literal::String(text.to_string()),
            Kind::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Literal::Float(number),
                _ => return Err(self.cursor.refused(token, "unable to parse number")),
            },
            Kind::Integer => text
                .parse()
                .map(Literal::Integer)
                .or_else(|_| text.parse().map(Literal::Unsigned))
                .map_err(|_| self.cursor.refused(token, "unable to parse integer"))?,
            Kind::Duration => {
                Literal::Duration(duration::read(text).map_err(|reason| clause(&reason))?)
            }
            Kind::Keyword(Keyword::True) => Literal::Boolean(true),
            Kind::Keyword(Keyword::False) => Literal::Boolean(false),
            Kind::Parameter => return Err(clause(&unbound(text))),
            // 1.x accepts a regular expression here if it is bound to a parameter, and never matches.
            _ => {
                let expected = ["identifier", "string", "number", "bool"];
                return Err(self.cursor.unexpected(token, &expected));
            }
        };
        Ok(Expression::Literal(literal))
    }

    /// name[::type], where the name may have up to three parts
    fn reference(&mut self) -> Parsed<Expression> {
        let name = self.segments()?.join(".");
        let token = self.cursor.scan();
        let cast = if token.is_symbol(Symbol::DoubleColon) {
            Some(self.cast()?)
        } else {
            self.cursor.back(&token);
            None
        };
        Ok(Expression::Reference(Reference { name, cast }))
    }

    /// Reads the type after `::`.
    fn cast(&mut self) -> Parsed<Cast> {
        let token = self.cursor.scan();
        match token.kind {
            Kind::Keyword(Keyword::Field) => Ok(Cast::Field),
            Kind::Keyword(Keyword::Tag) => Ok(Cast::Tag),
            Kind::Identifier => match token.text.to_ascii_lowercase().as_str() {
                "float" => Ok(Cast::Float),
                "integer" => Ok(Cast::Integer),
                "unsigned" => Ok(Cast::Unsigned),
                "string" => Ok(Cast::String),
                "boolean" => Ok(Cast::Boolean),
                _ => Err(self.cursor.unexpected(&token, &CASTS)),
            },
            _ => {
                let expected = ["float", "integer", "string", "boolean", "field", "tag"];
                Err(self.cursor.unexpected(&token, &expected))
            }
        }
    }

    /// Reads the arguments of a call, after the opening parenthesis.
    fn call(&mut self, name: &str) -> Parsed<Grown> {
        let name = name.to_lowercase();
        self.enter(1)?;
        let mut arguments = Vec::new();
        let mut height = 0;
        let first = self.cursor.accept_regex()?;
        if first.is_none() {
            let token = self.cursor.scan();
            if token.is_symbol(Symbol::ParenRight) {
                self.leave(1);
                return Ok(Expression::Call(Call { name, arguments }).into());
            }
            self.cursor.back(&token);
        }
        let mut argument = self.argument(first)?;
        loop {
            height = argument.height.max(height);
            arguments.push(argument.expression);
            if !self.cursor.accept_symbol(Symbol::Comma) {
                break;
            }
            let regex = self.cursor.accept_regex()?;
            argument = self.argument(regex)?;
        }
        self.leave(1);
        let token = self.cursor.scan();
        if !token.is_symbol(Symbol::ParenRight) {
            return Err(self.cursor.unexpected(&token, &[")"]));
        }
        let expression = Expression::Call(Call { name, arguments });
        Ok(Grown {
            expression,
            height: height + 1,
        })
    }

    fn argument(&mut self, regex: Option<String>) -> Parsed<Grown> {
        match regex {
            Some(regex) => Ok(Expression::Regex(Regex(regex)).into()),
            None => self.grown(),
        }
    }
}

const CASTS: [&str; 7] = [
    "float", "integer", "unsigned", "string", "boolean", "field", "tag",
];

/// Returns why a parameter has no value.
fn unbound(text: &str) -> String {
    match text.strip_prefix('$').unwrap_or(text) {
        "" => "empty bound parameter".to_owned(),
        name => format!("missing parameter: {name}"),
    }
}

/// Returns a number times -1.
fn negated(literal: Literal) -> Parsed<Literal> {
    Ok(match literal {
        Literal::Float(value) => Literal::Float(-value),
        Literal::Integer(value) => Literal::Integer(value.wrapping_neg()),
        Literal::Duration(value) => Literal::Duration(value.wrapping_neg()),
        // The smallest integer has no positive counterpart.
        Literal::Unsigned(value) if value == i64::MIN.unsigned_abs() => Literal::Integer(i64::MIN),
        Literal::Unsigned(value) => {
            return Err(clause(&format!("constant -{value} underflows int64")));
        }
        other => other,
    })
}

fn operator(symbol: Symbol) -> Option<Operator> {
    Some(match symbol {
        Symbol::Plus => Operator::Add,
        Symbol::Minus => Operator::Subtract,
        Symbol::Star => Operator::Multiply,
        Symbol::Slash => Operator::Divide,
        Symbol::Percent => Operator::Modulo,
        Symbol::Ampersand => Operator::BitAnd,
        Symbol::Pipe => Operator::BitOr,
        Symbol::Caret => Operator::BitXor,
        Symbol::Equal => Operator::Equal,
        Symbol::NotEqual => Operator::NotEqual,
        Symbol::Matches => Operator::Matches,
        Symbol::MatchesNot => Operator::MatchesNot,
        Symbol::Less => Operator::Less,
        Symbol::LessOrEqual => Operator::LessOrEqual,
        Symbol::Greater => Operator::Greater,
        Symbol::GreaterOrEqual => Operator::GreaterOrEqual,
        _ => return None,
    })
}
