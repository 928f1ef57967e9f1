//! Columns of an answer as expressions over the slots of a row.

use std::borrow::Cow;

use super::super::ast::Operator;
use super::super::value::{Value, ValueType};
use super::arithmetic::{Math, binary};
use super::number::cast;

/// How the value of a column comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Always null.
    Null,
    /// The value of a slot.
    Slot(usize),
    /// A value of the text.
    Literal(Value),
    /// Two operands and an arithmetic operator.
    Binary {
        /// The operator.
        operator: Operator,
        /// The operand before it.
        left: Box<Expression>,
        /// The operand after it.
        right: Box<Expression>,
    },
    /// A mathematical function of one argument or two.
    Math {
        /// The function.
        function: Math,
        /// Its first argument.
        first: Box<Expression>,
        /// Its second argument.
        second: Option<Box<Expression>>,
    },
    /// A value as another type of number; null if it is no number.
    Cast {
        /// The value.
        operand: Box<Expression>,
        /// The type.
        to: ValueType,
    },
}

impl Expression {
    /// Returns the value for the slots of one row. The depth of recursion is that of the statement's
    /// tree, which its parser bounds.
    pub fn evaluate<'a>(&'a self, slots: &'a [Option<Value>]) -> Option<Cow<'a, Value>> {
        match self {
            Self::Null => None,
            Self::Slot(index) => slots.get(*index)?.as_ref().map(Cow::Borrowed),
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Binary {
                operator,
                left,
                right,
            } => {
                let (left, right) = (left.evaluate(slots), right.evaluate(slots));
                binary(*operator, left.as_deref(), right.as_deref()).map(Cow::Owned)
            }
            Self::Math {
                function,
                first,
                second,
            } => {
                let first = first.evaluate(slots);
                let second = second.as_ref().and_then(|second| second.evaluate(slots));
                function
                    .apply(first.as_deref(), second.as_deref())
                    .map(Cow::Owned)
            }
            Self::Cast { operand, to } => cast(&*operand.evaluate(slots)?, *to).map(Cow::Owned),
        }
    }
}
