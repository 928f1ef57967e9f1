//! SHOW to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    Cardinality, CardinalityOf, MeasurementName, Page, Scope, Show, ShowMeasurements, ShowTagKeys,
    TagKeyFilter, Wildcarded,
};
use super::{List, Name, Text, count, list, optional};

impl Display for Show {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Self::Cardinality(cardinality) = self {
            return write!(out, "{cardinality}");
        }
        out.write_str(self.title())?;
        match self {
            Self::Diagnostics(module) | Self::Stats(module) => {
                optional(out, "FOR", module.as_deref().map(Text))
            }
            Self::Grants(user) => write!(out, " FOR {}", Name(user)),
            Self::RetentionPolicies(database) => optional(out, "ON", database.as_deref().map(Name)),
            Self::FieldKeys(show) => write!(out, "{}{}", show.scope, show.page),
            Self::Series(show) => write!(out, "{}{}", show.scope, show.page),
            Self::Measurements(show) => measurements(out, show),
            Self::TagKeys(show) => tag_keys(out, show),
            Self::TagValues(show) => {
                place(out, &show.scope)?;
                write!(out, "{}", show.keys)?;
                optional(out, "WHERE", show.scope.condition.as_ref())?;
                write!(out, "{}", show.page)
            }
            Self::ContinuousQueries
            | Self::Databases
            | Self::Queries
            | Self::ShardGroups
            | Self::Shards
            | Self::Subscriptions
            | Self::Users
            | Self::Cardinality(_) => Ok(()),
        }
    }
}

fn measurements(out: &mut Formatter<'_>, show: &ShowMeasurements) -> fmt::Result {
    optional(out, "ON", show.database.as_ref())?;
    if let Some(policy) = &show.retention_policy {
        write!(out, ".{policy}")?;
    }
    if let Some(with) = &show.with {
        let operator = match with.name {
            MeasurementName::Regex(_) => "=~",
            _ => "=",
        };
        write!(out, " WITH MEASUREMENT {operator} {with}")?;
    }
    optional(out, "WHERE", show.condition.as_ref())?;
    write!(out, "{}", show.page)
}

fn tag_keys(out: &mut Formatter<'_>, show: &ShowTagKeys) -> fmt::Result {
    place(out, &show.scope)?;
    if let Some(keys) = &show.keys {
        write!(out, "{keys}")?;
    }
    optional(out, "WHERE", show.scope.condition.as_ref())?;
    write!(out, "{}", show.page)?;
    count(out, "SLIMIT", show.series_limit)?;
    count(out, "SOFFSET", show.series_offset)
}

/// Writes ON and FROM.
fn place(out: &mut Formatter<'_>, scope: &Scope) -> fmt::Result {
    optional(out, "ON", scope.database.as_deref().map(Name))?;
    list(out, "FROM", &scope.sources)
}

/// The clauses with a space before each.
impl Display for Scope {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        place(out, self)?;
        optional(out, "WHERE", self.condition.as_ref())
    }
}

/// The clauses with a space before each.
impl Display for Page {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        optional(out, "ORDER BY time", self.order)?;
        count(out, "LIMIT", self.limit)?;
        count(out, "OFFSET", self.offset)
    }
}

impl Display for Wildcarded {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(out, "{}", Name(name)),
            Self::All => out.write_str("*"),
        }
    }
}

/// The clause with a space before it.
impl Display for TagKeyFilter {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(" WITH KEY ")?;
        match self {
            Self::Equal(key) => write!(out, "= {}", Name(key)),
            Self::NotEqual(key) => write!(out, "!= {}", Name(key)),
            Self::Matches(regex) => write!(out, "=~ {regex}"),
            Self::MatchesNot(regex) => write!(out, "!~ {regex}"),
            Self::In(keys) => {
                let keys: Vec<_> = keys.iter().map(|key| Name(key)).collect();
                write!(out, "IN ({})", List(&keys))
            }
        }
    }
}

impl Display for Cardinality {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let exact = if self.exact { "EXACT " } else { "" };
        let of = match &self.of {
            CardinalityOf::FieldKeys => "FIELD KEY",
            CardinalityOf::Measurements => "MEASUREMENT",
            CardinalityOf::Series => "SERIES",
            CardinalityOf::TagKeys => "TAG KEY",
            CardinalityOf::TagValues(_) => "TAG VALUES",
        };
        write!(out, "SHOW {of} {exact}CARDINALITY")?;
        place(out, &self.scope)?;
        if let CardinalityOf::TagValues(keys) = &self.of {
            write!(out, "{keys}")?;
        }
        optional(out, "WHERE", self.scope.condition.as_ref())?;
        list(out, "GROUP BY", &self.dimensions)?;
        count(out, "LIMIT", self.limit)?;
        count(out, "OFFSET", self.offset)
    }
}
