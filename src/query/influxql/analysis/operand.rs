//! Operands of comparisons: arithmetic over fields and tags.

use std::sync::Arc;

use super::super::ast::{Call, Expression, Literal, Operator, Reference};
use super::super::value::{Value, ValueType};
use super::condition::{Condition, Conditions, Meaning};
use super::model::{MathFunction, Read};
use super::sources::Resolved;
use super::{AnalysisError, types};

/// A value of a point or a row. Where an operand is null, so is the result.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A field, a tag or a column.
    Read(Read),
    /// A value of the text.
    Literal(Value),
    /// A function of numbers.
    Math {
        /// The function.
        function: MathFunction,
        /// Its arguments.
        arguments: Vec<Operand>,
    },
    /// Two operands joined by arithmetic. Other than in the list of fields, integers divide to an
    /// integer, cut off.
    Binary {
        /// The operator; never a comparing one.
        operator: Operator,
        /// The operand before it.
        left: Box<Operand>,
        /// The operand after it.
        right: Box<Operand>,
    },
    /// Whether a condition holds; never null.
    Condition(Box<Condition>),
    /// A boolean that is false where it is null.
    OrFalse(Box<Operand>),
}

impl Operand {
    /// Makes a boolean that may be null one that may not.
    pub(super) fn or_false(self) -> Self {
        match self {
            operand @ (Self::Literal(_) | Self::Condition(_) | Self::OrFalse(_)) => operand,
            operand => Self::OrFalse(Box::new(operand)),
        }
    }
}

/// An operand and its type; `None` for null.
type Typed = Option<(Operand, ValueType)>;

/// What conditions ask about their operands.
pub(super) trait Operands {
    fn operand(self, expression: &Expression) -> Result<Typed, AnalysisError>;
}

impl Operands for Conditions<'_> {
    fn operand(self, expression: &Expression) -> Result<Typed, AnalysisError> {
        Ok(match expression {
            Expression::Parenthesised(inner) => self.operand(inner)?,
            Expression::Reference(reference) => self.reference(reference),
            Expression::Literal(literal) => literal_of(literal),
            Expression::Call(call) => self.math(call)?,
            Expression::Signed { negative, operand } => {
                let sign = Literal::Integer(if *negative { -1 } else { 1 });
                joined(
                    Operator::Multiply,
                    literal_of(&sign),
                    self.operand(operand)?,
                )
            }
            Expression::Binary {
                operator,
                left,
                right,
            } if !operator.compares() => {
                joined(*operator, self.operand(left)?, self.operand(right)?)
            }
            Expression::Binary { .. } | Expression::Logical { .. } => {
                let inner = Self {
                    is_operand: true,
                    ..self
                };
                let operand = match inner.condition(expression)? {
                    Condition::Constant(holds) => Operand::Literal(Value::Boolean(holds)),
                    condition => Operand::Condition(Box::new(condition)),
                };
                Some((operand, ValueType::Boolean))
            }
            Expression::Wildcard(_) | Expression::Regex(_) | Expression::Distinct(_) => None,
        })
    }
}

impl Conditions<'_> {
    fn reference(self, reference: &Reference) -> Typed {
        let read = match (self.resolving.meaning(reference, self.source), self.source) {
            (Meaning::Field(wanted), Resolved::Measurement(table)) => {
                table.field(&reference.name, wanted?)?
            }
            (Meaning::Field(wanted), Resolved::Subquery(query)) => {
                let mut columns = query.columns.iter();
                let index = columns.position(|column| column.name == reference.name)?;
                query.column(index, wanted?)?
            }
            (Meaning::Tag, Resolved::Measurement(table)) => {
                let key = table.tags.get(reference.name.as_str())?;
                let key = Arc::clone(key);
                Read::Tag { key }
            }
            (Meaning::Tag, Resolved::Subquery(_)) => Read::Group {
                key: Arc::from(reference.name.as_str()),
            },
            (Meaning::MeasurementName(name), _) => {
                return Some((Operand::Literal(Value::String(name)), ValueType::String));
            }
        };
        let value_type = read.value_type();
        Some((Operand::Read(read), value_type))
    }

    fn math(self, call: &Call) -> Result<Typed, AnalysisError> {
        let Some(function) = MathFunction::named(&call.name) else {
            // Validation has refused all others.
            return Ok(None);
        };
        let mut arguments = Vec::new();
        let mut first = None;
        for argument in &call.arguments {
            let Some((operand, value_type)) = self.operand(argument)? else {
                return Ok(None);
            };
            if !value_type.is_number() {
                return Ok(None);
            }
            first = first.or(Some(value_type));
            arguments.push(operand);
        }
        let operand = Operand::Math {
            function,
            arguments,
        };
        Ok(first.map(|first| (operand, function.result(first))))
    }
}

fn joined(operator: Operator, left: Typed, right: Typed) -> Typed {
    let ((left, left_type), (right, right_type)) = (left?, right?);
    let value_type = types::arithmetic(operator, left_type, right_type, true)?;
    let operand = Operand::Binary {
        operator,
        left: Box::new(left),
        right: Box::new(right),
    };
    Some((operand, value_type))
}

fn literal_of(literal: &Literal) -> Typed {
    let value = match literal {
        Literal::Float(value) => Value::Float(*value),
        Literal::Integer(value) => Value::Integer(*value),
        Literal::Unsigned(value) => Value::Unsigned(*value),
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::String(text) => Value::text(text),
        Literal::Duration(_) => return None,
    };
    let value_type = value.value_type();
    Some((Operand::Literal(value), value_type))
}

impl Read {
    /// Returns the type of the values.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Field { read_as, .. } | Self::Column { read_as, .. } => *read_as,
            Self::Tag { .. } | Self::Group { .. } => ValueType::String,
        }
    }
}
