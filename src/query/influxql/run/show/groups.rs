//! GROUP BY of the cardinalities: series of one group have the same values of some tags.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::analysis::Pattern;
use super::super::super::ast::{Expression, WildcardKind};
use super::super::super::series::Tags;
use super::condition;
use super::keys::all_keys;
use super::scope::Found;
use crate::error::QueryError;

/// The values of the tags of a group, in the order of the tags; "" for a missing one.
pub(super) type Group = Vec<Arc<str>>;

/// The tags of GROUP BY, of which wildcards stand for the tags of the measurements.
///
/// # Errors
/// It has something other than tags, or the columns of the measurements cannot be read.
pub(super) async fn tags(
    dimensions: &[Expression],
    found: &[Found],
) -> Result<Arc<[Arc<str>]>, QueryError> {
    let mut tags: BTreeSet<Arc<str>> = BTreeSet::new();
    for dimension in dimensions {
        let pattern: Option<Pattern> = match dimension {
            Expression::Reference(reference) => {
                tags.insert(Arc::from(reference.name.as_str()));
                continue;
            }
            Expression::Regex(regex) => Some(condition::pattern(regex)?),
            Expression::Wildcard(None | Some(WildcardKind::Tag)) => None,
            other => {
                let text = format!("only tags can be in GROUP BY of a cardinality, not {other}");
                return Err(QueryError::Invalid(text));
            }
        };
        let of_all = all_keys(found).await?.into_iter();
        tags.extend(of_all.filter(|key| {
            let pattern = pattern.as_ref();
            pattern.is_none_or(|pattern| pattern.is_match(key))
        }));
    }
    Ok(tags.into_iter().collect())
}

/// The tags of a group as they are answered; none without GROUP BY.
pub(super) fn named(tags: &[Arc<str>], group: &Group) -> Option<Tags> {
    let pairs = tags.iter().zip(group);
    (!tags.is_empty()).then(|| Tags::new(pairs.map(|(key, value)| (&**key, &**value))))
}
