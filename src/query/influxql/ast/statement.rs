//! Statements and lists of them.

use super::{Administration, Explain, Expression, Select, Show, Source};

/// The statements of one text, in its order; empty ones are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// SELECT
    Select(Box<Select>),
    /// EXPLAIN
    Explain(Explain),
    /// SHOW
    Show(Box<Show>),
    /// CREATE DATABASE
    CreateDatabase(CreateDatabase),
    /// DROP DATABASE name
    DropDatabase(String),
    /// CREATE RETENTION POLICY
    CreateRetentionPolicy(CreateRetentionPolicy),
    /// ALTER RETENTION POLICY
    AlterRetentionPolicy(AlterRetentionPolicy),
    /// DROP RETENTION POLICY
    DropRetentionPolicy {
        /// The retention policy.
        name: String,
        /// Its database.
        database: String,
    },
    /// KILL QUERY
    KillQuery {
        /// The number that SHOW QUERIES gives.
        id: u64,
        /// The host after ON, for clusters.
        host: Option<String>,
    },
    /// DELETE
    Delete(Deletion),
    /// DROP SERIES
    DropSeries(Deletion),
    /// DROP MEASUREMENT name
    DropMeasurement(String),
    /// Users, grants, subscriptions, continuous queries, shards.
    Administration(Box<Administration>),
}

/// CREATE DATABASE
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateDatabase {
    /// The name of the database.
    pub name: String,
    /// The options after WITH, for its first retention policy.
    pub policy: Option<Policy>,
    /// The name after NAME, of that policy.
    pub policy_name: Option<String>,
}

/// The options of a retention policy; what was not written is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The time for which points are kept, in nanoseconds; 0 for ever (`INF`).
    pub duration_ns: Option<i64>,
    /// The number of copies.
    pub replication: Option<u32>,
    /// The length of a shard group, in nanoseconds.
    pub shard_duration_ns: Option<i64>,
}

/// CREATE RETENTION POLICY
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRetentionPolicy {
    /// The name of the retention policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// Its options; duration and replication are always there.
    pub policy: Policy,
    /// True if it becomes the default one.
    pub default: bool,
}

/// ALTER RETENTION POLICY; at least one option is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterRetentionPolicy {
    /// The name of the retention policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// The options that change.
    pub policy: Policy,
    /// True if it becomes the default one.
    pub default: bool,
}

/// The points that DELETE or DROP SERIES removes; has sources, a condition, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion {
    /// The sources after FROM, without databases and retention policies.
    pub sources: Vec<Source>,
    /// The expression after WHERE.
    pub condition: Option<Expression>,
}

impl Statement {
    /// Returns the words that name the statement, as in `GRANT is not supported`.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Select(select) if select.target.is_some() => "SELECT INTO",
            Self::Select(_) => "SELECT",
            Self::Explain(_) => "EXPLAIN",
            Self::Show(show) => show.title(),
            Self::CreateDatabase(_) => "CREATE DATABASE",
            Self::DropDatabase(_) => "DROP DATABASE",
            Self::CreateRetentionPolicy(_) => "CREATE RETENTION POLICY",
            Self::AlterRetentionPolicy(_) => "ALTER RETENTION POLICY",
            Self::DropRetentionPolicy { .. } => "DROP RETENTION POLICY",
            Self::KillQuery { .. } => "KILL QUERY",
            Self::Delete(_) => "DELETE",
            Self::DropSeries(_) => "DROP SERIES",
            Self::DropMeasurement(_) => "DROP MEASUREMENT",
            Self::Administration(administration) => administration.title(),
        }
    }

    /// Returns true if the statement changes nothing, so that a GET may carry it.
    pub fn reads_only(&self) -> bool {
        match self {
            Self::Select(select) => select.target.is_none(),
            Self::Explain(_) | Self::Show(_) => true,
            _ => false,
        }
    }
}

impl Show {
    /// Returns the words that name the statement.
    pub fn title(&self) -> &'static str {
        match self {
            Self::ContinuousQueries => "SHOW CONTINUOUS QUERIES",
            Self::Databases => "SHOW DATABASES",
            Self::Diagnostics(_) => "SHOW DIAGNOSTICS",
            Self::FieldKeys(_) => "SHOW FIELD KEYS",
            Self::Grants(_) => "SHOW GRANTS",
            Self::Measurements(_) => "SHOW MEASUREMENTS",
            Self::Queries => "SHOW QUERIES",
            Self::RetentionPolicies(_) => "SHOW RETENTION POLICIES",
            Self::Series(_) => "SHOW SERIES",
            Self::ShardGroups => "SHOW SHARD GROUPS",
            Self::Shards => "SHOW SHARDS",
            Self::Stats(_) => "SHOW STATS",
            Self::Subscriptions => "SHOW SUBSCRIPTIONS",
            Self::TagKeys(_) => "SHOW TAG KEYS",
            Self::TagValues(_) => "SHOW TAG VALUES",
            Self::Users => "SHOW USERS",
            Self::Cardinality(cardinality) => match cardinality.of {
                super::CardinalityOf::FieldKeys => "SHOW FIELD KEY CARDINALITY",
                super::CardinalityOf::Measurements => "SHOW MEASUREMENT CARDINALITY",
                super::CardinalityOf::Series => "SHOW SERIES CARDINALITY",
                super::CardinalityOf::TagKeys => "SHOW TAG KEY CARDINALITY",
                super::CardinalityOf::TagValues(_) => "SHOW TAG VALUES CARDINALITY",
            },
        }
    }
}
