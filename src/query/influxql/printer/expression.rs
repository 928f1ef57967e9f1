//! Expressions to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{Call, Cast, Expression, Literal, Reference, Regex, WildcardKind};
use super::super::format_duration;
use super::{List, Name, Text};

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => write!(out, "{reference}"),
            Self::Wildcard(None) => out.write_str("*"),
            Self::Wildcard(Some(WildcardKind::Field)) => out.write_str("*::field"),
            Self::Wildcard(Some(WildcardKind::Tag)) => out.write_str("*::tag"),
            Self::Regex(regex) => write!(out, "{regex}"),
            Self::Call(call) => write!(out, "{call}"),
            Self::Distinct(name) => write!(out, "DISTINCT {}", Name(name)),
            Self::Literal(literal) => write!(out, "{literal}"),
            Self::Parenthesised(inner) => write!(out, "({inner})"),
            Self::Signed { negative, operand } => {
                out.write_str(if *negative { "-" } else { "+" })?;
                match operand.as_ref() {
                    // A reserved word may not follow a sign, a quoted one may.
                    Self::Call(Call { name, arguments }) if name == "distinct" => {
                        write!(out, "\"distinct\"({})", List(arguments))
                    }
                    operand => write!(out, "{operand}"),
                }
            }
            Self::Binary {
                operator,
                left,
                right,
            } => {
                write!(out, "{left} {} {right}", operator.text())
            }
            Self::Logical { operator, terms } => {
                for (index, term) in terms.iter().enumerate() {
                    if index > 0 {
                        write!(out, " {} ", operator.text())?;
                    }
                    write!(out, "{term}")?;
                }
                Ok(())
            }
        }
    }
}

impl Display for Reference {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}", Name(&self.name))?;
        self.cast.map_or(Ok(()), |cast| write!(out, "::{cast}"))
    }
}

impl Display for Cast {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Field => "field",
            Self::Tag => "tag",
        })
    }
}

impl Display for Regex {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let text = self
            .0
            .replace('/', "\\/")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        let guard = if text.ends_with('\\') { "(?:)" } else { "" };
        write!(out, "/{text}{guard}/")
    }
}

impl Display for Call {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        // `distinct` is reserved and is a function nevertheless.
        if self.name == "distinct" {
            write!(out, "distinct({})", List(&self.arguments))
        } else {
            write!(out, "{}({})", Name(&self.name), List(&self.arguments))
        }
    }
}

impl Display for Literal {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) if value.fract() == 0.0 => write!(out, "{value}.0"),
            Self::Float(value) => write!(out, "{value}"),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::String(value) => write!(out, "{}", Text(value)),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Duration(value) => out.write_str(&format_duration(*value)),
        }
    }
}
