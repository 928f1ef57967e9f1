//! WHERE of a SHOW statement: times, and a condition on tags.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::super::super::analysis::{Condition, Pattern, TagTest, to_utc_ns};
use super::super::super::ast::{Cast, Expression, Literal, Logic, Operator, Reference, Regex};
use super::super::super::validate::{self, Clock};
use crate::database::TagFilter;
use crate::error::QueryError;

/// The points that WHERE is about.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// The expression without its times.
    predicate: Option<Expression>,
    /// Nanoseconds, both ends included.
    pub(super) times: RangeInclusive<i64>,
}

/// What the tags of a series of one measurement must be like. All keys are tags of it.
#[derive(Clone, Debug)]
pub(super) struct OfTable {
    pub(super) condition: Condition,
    pub(super) times: RangeInclusive<i64>,
}

/// A regular expression, ready to match.
///
/// # Errors
/// It is none.
pub(super) fn pattern(regex: &Regex) -> Result<Pattern, QueryError> {
    Pattern::new(regex).map_err(|error| QueryError::Invalid(error.to_string()))
}

/// Fails if WHERE has a time, for statements of this name, which take none.
pub(super) fn refuse_times(condition: Option<&Expression>, name: &str) -> Result<(), QueryError> {
    let is_time = |part: &Expression| match part {
        Expression::Reference(Reference { name, .. }) => name.eq_ignore_ascii_case("time"),
        _ => false,
    };
    match condition.is_some_and(|condition| condition.any(&is_time)) {
        true => invalid(format!("{name} doesn't support time in WHERE clause")),
        false => Ok(()),
    }
}

impl Filter {
    /// Understands WHERE.
    ///
    /// # Errors
    /// It is no condition on times and tags.
    pub(super) fn of(condition: Option<&Expression>, now_ns: i64) -> Result<Self, QueryError> {
        let clock = Clock { now_ns, to_utc_ns };
        let split = match condition {
            Some(condition) => validate::split(condition, None, &clock)
                .map_err(|error| QueryError::Invalid(error.to_string()))?,
            None => validate::Split::default(),
        };
        let filter = Self {
            predicate: split.predicate,
            times: split.range.min_ns.unwrap_or(i64::MIN)..=split.range.max_ns.unwrap_or(i64::MAX),
        };
        // What is wrong is so whatever there is.
        filter.condition("")?;
        Ok(filter)
    }

    /// Returns true if every point fits.
    pub(super) fn is_open(&self) -> bool {
        self.predicate.is_none() && self.times == (i64::MIN..=i64::MAX)
    }

    /// What it means for a measurement with these tags; none if no series can fit.
    pub(super) fn of_table(
        &self,
        name: &str,
        tags: &[Arc<str>],
    ) -> Result<Option<OfTable>, QueryError> {
        let condition = known(self.condition(name)?, tags);
        let has_none = condition == Condition::Constant(false) || self.times.is_empty();
        Ok((!has_none).then(|| OfTable {
            condition,
            times: self.times.clone(),
        }))
    }

    fn condition(&self, measurement: &str) -> Result<Condition, QueryError> {
        match &self.predicate {
            Some(predicate) => understood(predicate, measurement),
            None => Ok(Condition::Constant(true)),
        }
    }
}

fn invalid<T>(text: String) -> Result<T, QueryError> {
    Err(QueryError::Invalid(text))
}

fn understood(expression: &Expression, measurement: &str) -> Result<Condition, QueryError> {
    match expression {
        Expression::Parenthesised(inner) => understood(inner, measurement),
        Expression::Literal(Literal::Boolean(holds)) => Ok(Condition::Constant(*holds)),
        Expression::Logical { operator, terms } => {
            let terms = terms.iter().map(|term| understood(term, measurement));
            let terms = terms.collect::<Result<_, _>>()?;
            Ok(match operator {
                Logic::And => Condition::all(terms),
                Logic::Or => Condition::any(terms),
            })
        }
        Expression::Binary {
            operator,
            left,
            right,
        } if operator.compares() => comparison(*operator, left, right, measurement),
        other => invalid(format!("invalid condition expression: {other}")),
    }
}

fn comparison(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    measurement: &str,
) -> Result<Condition, QueryError> {
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    if !equality && !operator.takes_regex() {
        return invalid("invalid tag comparison operator".to_owned());
    }
    let negated = matches!(operator, Operator::NotEqual | Operator::MatchesNot);
    let (tag, value) = match (unwrapped(left), unwrapped(right)) {
        (Expression::Reference(tag), value) => (tag, value),
        (value, Expression::Reference(tag)) if equality => (tag, value),
        (Expression::Literal(left), Expression::Literal(right)) => {
            return Ok(Condition::Constant((left == right) != negated));
        }
        _ => {
            return invalid(format!(
                "left side of '{}' must be a tag key",
                operator.text()
            ));
        }
    };
    let test = match value {
        Expression::Literal(Literal::String(text)) if negated => TagTest::NotEqual(text_of(text)),
        Expression::Literal(Literal::String(text)) => TagTest::Equal(text_of(text)),
        Expression::Regex(regex) if negated => TagTest::MatchesNot(pattern(regex)?),
        Expression::Regex(regex) => TagTest::Matches(pattern(regex)?),
        Expression::Reference(other) => {
            return Ok(Condition::SameTags {
                left: text_of(&tag.name),
                right: text_of(&other.name),
                same: !negated,
            });
        }
        Expression::Literal(_) => return Ok(Condition::Constant(false)),
        _ => {
            return invalid(format!(
                "right side of '{}' must be a tag value string",
                operator.text()
            ));
        }
    };
    Ok(match (tag.name.as_str(), tag.cast) {
        ("_name", _) => Condition::Constant(test.holds(measurement)),
        (_, None | Some(Cast::Tag)) => Condition::Tag {
            key: text_of(&tag.name),
            test,
        },
        // A field, which no series has as a tag.
        _ => Condition::Constant(test.holds("")),
    })
}

fn text_of(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn unwrapped(expression: &Expression) -> &Expression {
    match expression {
        Expression::Parenthesised(inner) => unwrapped(inner),
        other => other,
    }
}

/// The condition for series that have no tags but these.
fn known(condition: Condition, tags: &[Arc<str>]) -> Condition {
    let of_all = |parts: Vec<Condition>| parts.into_iter().map(|part| known(part, tags)).collect();
    match condition {
        Condition::All(parts) => Condition::all(of_all(parts)),
        Condition::Any(parts) => Condition::any(of_all(parts)),
        Condition::Tag { key, test } if !tags.contains(&key) => Condition::Constant(test.holds("")),
        Condition::SameTags { left, right, same }
            if !tags.contains(&left) || !tags.contains(&right) =>
        {
            Condition::Constant(!same)
        }
        other => other,
    }
}

impl OfTable {
    /// The tags that it is about.
    pub(super) fn keys(&self) -> BTreeSet<Arc<str>> {
        let mut keys = BTreeSet::new();
        collect_keys(&self.condition, &mut keys);
        keys
    }

    /// What of it a scan can decide.
    pub(super) fn tag_filters(&self) -> Vec<TagFilter> {
        match &self.condition {
            Condition::All(parts) => parts.iter().filter_map(tag_filter).collect(),
            only => tag_filter(only).into_iter().collect(),
        }
    }

    /// Returns true if a series fits, whose tags `value` says; "" is a missing one.
    pub(super) fn holds<'a>(&self, value: &dyn Fn(&str) -> &'a str) -> bool {
        holds(&self.condition, value)
    }
}

fn collect_keys(condition: &Condition, keys: &mut BTreeSet<Arc<str>>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| collect_keys(part, keys));
        }
        Condition::Tag { key, .. } => {
            keys.insert(Arc::clone(key));
        }
        Condition::SameTags { left, right, .. } => {
            keys.extend([Arc::clone(left), Arc::clone(right)]);
        }
        _ => {}
    }
}

fn tag_filter(condition: &Condition) -> Option<TagFilter> {
    match condition {
        Condition::Tag {
            key,
            test: TagTest::Equal(text),
        } => Some(TagFilter {
            column: key.to_string(),
            one_of: vec![(!text.is_empty()).then(|| text.to_string())],
        }),
        Condition::Any(parts) => {
            let mut filters = parts.iter().map(tag_filter);
            let first = filters.next()??;
            filters.try_fold(first, |mut all, next| {
                let next = next?;
                (all.column == next.column).then(|| {
                    all.one_of.extend(next.one_of);
                    all
                })
            })
        }
        _ => None,
    }
}

fn holds<'a>(condition: &Condition, value: &dyn Fn(&str) -> &'a str) -> bool {
    match condition {
        Condition::Constant(holds) => *holds,
        Condition::All(parts) => parts.iter().all(|part| holds(part, value)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, value)),
        Condition::Tag { key, test } => test.holds(value(key)),
        Condition::SameTags { left, right, same } => {
            let (left, right) = (value(left), value(right));
            (!left.is_empty() && left == right) == *same
        }
        Condition::Compare { .. } | Condition::Matches { .. } | Condition::Truth(_) => {
            debug_assert!(false, "a condition of SHOW is about tags alone");
            false
        }
    }
}
