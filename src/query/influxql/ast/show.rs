//! SHOW in all its forms.

use super::{Expression, Measurement, Order, Regex, Source};

/// A SHOW statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    /// SHOW CONTINUOUS QUERIES
    ContinuousQueries,
    /// SHOW DATABASES
    Databases,
    /// SHOW DIAGNOSTICS, of one module if named.
    Diagnostics(Option<String>),
    /// SHOW FIELD KEYS
    FieldKeys(ShowFieldKeys),
    /// SHOW GRANTS FOR a user.
    Grants(String),
    /// SHOW MEASUREMENTS
    Measurements(ShowMeasurements),
    /// SHOW QUERIES
    Queries,
    /// SHOW RETENTION POLICIES, of this database if named.
    RetentionPolicies(Option<String>),
    /// SHOW SERIES
    Series(ShowSeries),
    /// SHOW SHARD GROUPS
    ShardGroups,
    /// SHOW SHARDS
    Shards,
    /// SHOW STATS, of one module if named.
    Stats(Option<String>),
    /// SHOW SUBSCRIPTIONS
    Subscriptions,
    /// SHOW TAG KEYS
    TagKeys(ShowTagKeys),
    /// SHOW TAG VALUES
    TagValues(ShowTagValues),
    /// SHOW USERS
    Users,
    /// SHOW … CARDINALITY
    Cardinality(Cardinality),
}

/// The part of the data that a SHOW statement looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The database after ON; `None` for the one of the request.
    pub database: Option<String>,
    /// The measurements after FROM; never a subquery.
    pub sources: Vec<Source>,
    /// The expression after WHERE.
    pub condition: Option<Expression>,
}

/// The rows of an answer that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The order, if ORDER BY was written.
    pub order: Option<Order>,
    /// Rows; 0 for all.
    pub limit: u64,
    /// Rows left out at the start.
    pub offset: u64,
}

/// SHOW FIELD KEYS
#[derive(Clone, Debug, PartialEq)]
pub struct ShowFieldKeys {
    /// The part of the data to look at; has no condition.
    pub scope: Scope,
    /// Rows per measurement.
    pub page: Page,
}

/// SHOW MEASUREMENTS
#[derive(Clone, Debug, PartialEq)]
pub struct ShowMeasurements {
    /// The database after ON; `None` for the one of the request.
    pub database: Option<Wildcarded>,
    /// The retention policy after the full stop of `ON db.rp`.
    pub retention_policy: Option<Wildcarded>,
    /// The measurement after WITH MEASUREMENT, by name or regular expression.
    pub with: Option<Measurement>,
    /// The expression after WHERE.
    pub condition: Option<Expression>,
    /// Rows.
    pub page: Page,
}

/// A name or all names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wildcarded {
    /// One name.
    Name(String),
    /// `*`
    All,
}

/// SHOW SERIES
#[derive(Clone, Debug, PartialEq)]
pub struct ShowSeries {
    /// The part of the data to look at.
    pub scope: Scope,
    /// Rows.
    pub page: Page,
}

/// SHOW TAG KEYS
#[derive(Clone, Debug, PartialEq)]
pub struct ShowTagKeys {
    /// The part of the data to look at.
    pub scope: Scope,
    /// The keys after WITH KEY.
    pub keys: Option<TagKeyFilter>,
    /// Rows per measurement.
    pub page: Page,
    /// Measurements; 0 for all.
    pub series_limit: u64,
    /// Measurements left out at the start.
    pub series_offset: u64,
}

/// SHOW TAG VALUES
#[derive(Clone, Debug, PartialEq)]
pub struct ShowTagValues {
    /// The part of the data to look at.
    pub scope: Scope,
    /// The keys after WITH KEY.
    pub keys: TagKeyFilter,
    /// Rows per measurement.
    pub page: Page,
}

/// The keys after WITH KEY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagKeyFilter {
    /// `= key`
    Equal(String),
    /// `!= key`
    NotEqual(String),
    /// `=~ /regex/`
    Matches(Regex),
    /// `!~ /regex/`
    MatchesNot(Regex),
    /// `IN (key, …)`; at least one.
    In(Vec<String>),
}

/// SHOW … CARDINALITY
#[derive(Clone, Debug, PartialEq)]
pub struct Cardinality {
    /// The things that are counted.
    pub of: CardinalityOf,
    /// True if EXACT was written.
    pub exact: bool,
    /// The part of the data to look at.
    pub scope: Scope,
    /// The expressions after GROUP BY.
    pub dimensions: Vec<Expression>,
    /// Rows; 0 for all.
    pub limit: u64,
    /// Rows left out at the start.
    pub offset: u64,
}

/// The things that SHOW … CARDINALITY counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardinalityOf {
    /// FIELD KEY
    FieldKeys,
    /// MEASUREMENT
    Measurements,
    /// SERIES
    Series,
    /// TAG KEY
    TagKeys,
    /// TAG VALUES, with the keys after WITH KEY.
    TagValues(TagKeyFilter),
}
