//! Conditions on tags and fields, with the rules of contract 11.8 made explicit.
//!
//! A condition of a measurement is about points, one of a subquery about its rows. Whether a name is
//! a field or a tag is decided by all sources together, as in 1.x: a name that is a field in one
//! measurement is a field that is missing in the others, even if they have such a tag.

use std::sync::Arc;

use super::super::ast::{Cast, Expression, Literal, Logic, Operator, Reference};
use super::super::value::ValueType;
use super::AnalysisError;
use super::fold::fold;
use super::operand::{Operand, Operands};
use super::pattern::Pattern;
use super::schema::Kind;
use super::sources::{Resolved, kind_of};

/// What a point or a row must be like, apart from its time. It holds or does not: where a value is
/// null, the comparison with it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Holds always or never.
    Constant(bool),
    /// Holds if all of these do.
    All(Vec<Condition>),
    /// Holds if one of these does.
    Any(Vec<Condition>),
    /// A test of one tag, which is the same for all points of a series. A tag that a point does not
    /// have, or that rows of a subquery are not grouped by, is "" here.
    Tag {
        /// The key of the tag.
        key: Arc<str>,
        /// What its value must be like.
        test: TagTest,
    },
    /// Two tags of a measurement. They are the same if both are there with one value; in all other
    /// cases they differ, also if both are missing.
    SameTags {
        /// The key of one.
        left: Arc<str>,
        /// The key of the other.
        right: Arc<str>,
        /// Whether they must be the same, or else differ.
        same: bool,
    },
    /// Two numbers in any comparison, two texts or two booleans by `=` or `!=`. The numbers may be
    /// of different types; an integer beside a float is compared as a float.
    Compare {
        /// The comparison; none of regular expressions.
        operator: Operator,
        /// What is before it.
        left: Operand,
        /// What is after it.
        right: Operand,
    },
    /// A text and a regular expression.
    Matches {
        /// The text.
        operand: Operand,
        /// The expression.
        pattern: Pattern,
        /// Whether it must not match.
        negated: bool,
    },
    /// A boolean that is not null and true.
    Truth(Operand),
}

/// What the value of a tag must be like.
#[derive(Clone, Debug, PartialEq)]
pub enum TagTest {
    /// This value; "" stands for a missing tag.
    Equal(Arc<str>),
    /// Another value than this one.
    NotEqual(Arc<str>),
    /// A value that matches.
    Matches(Pattern),
    /// A value that does not match.
    MatchesNot(Pattern),
}

impl TagTest {
    /// Returns true if the test holds for a value, which is "" for a missing tag.
    pub fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(text) => **text == *value,
            Self::NotEqual(text) => **text != *value,
            Self::Matches(pattern) => pattern.is_match(value),
            Self::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

impl Condition {
    /// Joins conditions that must all hold.
    pub(crate) fn all(conditions: Vec<Self>) -> Self {
        if conditions.contains(&Self::Constant(false)) {
            return Self::Constant(false);
        }
        let rest = conditions
            .into_iter()
            .filter(|part| *part != Self::Constant(true));
        match single(rest.collect()) {
            Ok(only) => only,
            Err(rest) if rest.is_empty() => Self::Constant(true),
            Err(rest) => Self::All(rest),
        }
    }

    /// Joins conditions of which one must hold.
    pub(crate) fn any(conditions: Vec<Self>) -> Self {
        if conditions.contains(&Self::Constant(true)) {
            return Self::Constant(true);
        }
        let rest = conditions
            .into_iter()
            .filter(|part| *part != Self::Constant(false));
        match single(rest.collect()) {
            Ok(only) => only,
            Err(rest) if rest.is_empty() => Self::Constant(false),
            Err(rest) => Self::Any(rest),
        }
    }
}

fn single(mut conditions: Vec<Condition>) -> Result<Condition, Vec<Condition>> {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => Ok(only),
        Some(last) => {
            conditions.push(last);
            Err(conditions)
        }
        None => Err(conditions),
    }
}

/// Gives names in conditions their meaning.
pub(super) struct Resolving<'a> {
    sources: &'a [Resolved],
}

/// What a name is in a condition.
pub(super) enum Meaning {
    /// A field of this type, or a column; `None` for null.
    Field(Option<ValueType>),
    /// A tag, or what is nowhere.
    Tag,
    /// The name of the measurement.
    MeasurementName(Arc<str>),
}

impl<'a> Resolving<'a> {
    pub(super) fn new(sources: &'a [Resolved]) -> Self {
        Self { sources }
    }

    /// Returns the condition of one source.
    pub(super) fn of(
        &self,
        predicate: Option<&Expression>,
        source: &Resolved,
    ) -> Result<Condition, AnalysisError> {
        match predicate {
            Some(predicate) => {
                let conditions = Conditions {
                    resolving: self,
                    source,
                    is_operand: false,
                };
                conditions.condition(&fold(predicate))
            }
            None => Ok(Condition::Constant(true)),
        }
    }

    /// Returns what a name is for one source.
    pub(super) fn meaning(&self, reference: &Reference, source: &Resolved) -> Meaning {
        let table = match source {
            Resolved::Subquery(query) => {
                let mut columns = query.columns.iter();
                let Some(column) = columns.find(|column| column.name == reference.name) else {
                    return Meaning::Tag;
                };
                let cast = Kind::of_cast(reference.cast).filter(|kind| *kind != Kind::Tag);
                return Meaning::Field(cast.map(Kind::value_type).or(column.value_type));
            }
            Resolved::Measurement(table) => table,
        };
        if reference.name == "_name" {
            return Meaning::MeasurementName(Arc::clone(&table.name));
        }
        let kind = match reference.cast {
            None => match kind_of(self.sources, &reference.name) {
                Some(Kind::Tag) | None => return Meaning::Tag,
                kind => kind,
            },
            Some(Cast::Field) => match kind_of(self.sources, &reference.name) {
                None => return Meaning::Tag,
                kind => kind.filter(|kind| *kind != Kind::Tag),
            },
            Some(Cast::Tag) => return Meaning::Tag,
            cast => Kind::of_cast(cast),
        };
        Meaning::Field(kind.map(Kind::value_type))
    }
}

/// The condition of one source in the making.
#[derive(Clone, Copy)]
pub(super) struct Conditions<'a> {
    pub(super) resolving: &'a Resolving<'a>,
    pub(super) source: &'a Resolved,
    /// Whether the condition is an operand: `(t != 'a') = true`. A missing tag is null there.
    pub(super) is_operand: bool,
}

impl Conditions<'_> {
    pub(super) fn condition(self, expression: &Expression) -> Result<Condition, AnalysisError> {
        match expression {
            Expression::Parenthesised(inner) => self.condition(inner),
            Expression::Literal(Literal::Boolean(holds)) => Ok(Condition::Constant(*holds)),
            Expression::Logical { operator, terms } => {
                let terms: Result<Vec<_>, _> =
                    terms.iter().map(|term| self.condition(term)).collect();
                Ok(match operator {
                    Logic::And => Condition::all(terms?),
                    Logic::Or => Condition::any(terms?),
                })
            }
            Expression::Binary {
                operator,
                left,
                right,
            } if operator.compares() => self.comparison(*operator, left, right),
            other => Ok(match self.operand(other)? {
                Some((operand, ValueType::Boolean)) => Condition::Truth(operand),
                _ => Condition::Constant(false),
            }),
        }
    }

    fn comparison(
        self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Condition, AnalysisError> {
        let of_tags = match (left, right) {
            _ if self.is_operand => None,
            (Expression::Binary { .. } | Expression::Signed { .. }, _)
            | (_, Expression::Binary { .. } | Expression::Signed { .. }) => None,
            (Expression::Reference(reference), value)
            | (value, Expression::Reference(reference)) => {
                self.test_of_tag(operator, reference, value)?
            }
            _ => None,
        };
        if let Some(condition) = of_tags {
            return Ok(condition);
        }
        if let Expression::Regex(regex) = right {
            return Ok(match self.operand(left)? {
                Some((operand, ValueType::String)) => Condition::Matches {
                    operand,
                    pattern: Pattern::new(regex)?,
                    negated: operator == Operator::MatchesNot,
                },
                _ => Condition::Constant(false),
            });
        }
        Ok(match (self.operand(left)?, self.operand(right)?) {
            (Some(left), Some(right)) => self.compared(operator, left, right),
            _ => Condition::Constant(false),
        })
    }

    /// Returns the condition if it is about tags alone.
    fn test_of_tag(
        self,
        operator: Operator,
        reference: &Reference,
        value: &Expression,
    ) -> Result<Option<Condition>, AnalysisError> {
        let key = match self.resolving.meaning(reference, self.source) {
            Meaning::Field(_) => return Ok(None),
            Meaning::Tag => Ok(Arc::<str>::from(reference.name.as_str())),
            Meaning::MeasurementName(name) => Err(name),
        };
        let test = match (value, operator) {
            (Expression::Literal(Literal::String(text)), Operator::Equal) => {
                TagTest::Equal(Arc::from(text.as_str()))
            }
            (Expression::Literal(Literal::String(text)), Operator::NotEqual) => {
                TagTest::NotEqual(Arc::from(text.as_str()))
            }
            (Expression::Regex(regex), Operator::Matches) => TagTest::Matches(Pattern::new(regex)?),
            (Expression::Regex(regex), _) => TagTest::MatchesNot(Pattern::new(regex)?),
            (Expression::Reference(other), Operator::Equal | Operator::NotEqual) => {
                return Ok(self.two_tags(operator, key.ok(), other));
            }
            _ => return Ok(None),
        };
        Ok(Some(match key {
            Ok(key) => Condition::Tag { key, test },
            Err(name) => Condition::Constant(test.holds(&name)),
        }))
    }

    fn two_tags(
        self,
        operator: Operator,
        left: Option<Arc<str>>,
        right: &Reference,
    ) -> Option<Condition> {
        let is_measurement = matches!(self.source, Resolved::Measurement(_));
        let is_tag = matches!(self.resolving.meaning(right, self.source), Meaning::Tag);
        let left = left.filter(|_| is_measurement && is_tag)?;
        Some(Condition::SameTags {
            left,
            right: Arc::from(right.name.as_str()),
            same: operator == Operator::Equal,
        })
    }

    fn compared(
        self,
        operator: Operator,
        (left, left_type): (Operand, ValueType),
        (right, right_type): (Operand, ValueType),
    ) -> Condition {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let (left, right) = match (left_type, right_type) {
            (left_type, right_type) if left_type.is_number() && right_type.is_number() => {
                (left, right)
            }
            (ValueType::String, ValueType::String) if equality => (left, right),
            (ValueType::Boolean, ValueType::Boolean) if equality => match self.source {
                Resolved::Measurement(_) => (left, right),
                // In rows of subqueries a missing boolean is false beside another one.
                Resolved::Subquery(_) => (left.or_false(), right.or_false()),
            },
            _ => return Condition::Constant(false),
        };
        Condition::Compare {
            operator,
            left,
            right,
        }
    }
}
