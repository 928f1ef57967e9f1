//! Statements about users, grants, subscriptions, continuous queries and shards.
//!
//! They are parsed in full so that a mistake in them is reported as one, and so that a refusal can
//! name them. A password is read past and never kept.

use super::Select;

/// A statement that administers a server of the 1.x line.
#[derive(Clone, Debug, PartialEq)]
pub enum Administration {
    /// CREATE CONTINUOUS QUERY
    CreateContinuousQuery(ContinuousQuery),
    /// DROP CONTINUOUS QUERY
    DropContinuousQuery {
        /// The continuous query.
        name: String,
        /// Its database.
        database: String,
    },
    /// CREATE SUBSCRIPTION
    CreateSubscription {
        /// The subscription.
        subscription: Subscription,
        /// The way in which writes are shared out.
        destinations: Destinations,
        /// The addresses; at least one.
        addresses: Vec<String>,
    },
    /// DROP SUBSCRIPTION
    DropSubscription(Subscription),
    /// CREATE USER
    CreateUser(CreateUser),
    /// DROP USER name
    DropUser(String),
    /// SET PASSWORD FOR name
    SetPassword(String),
    /// GRANT
    Grant(Grant),
    /// REVOKE
    Revoke(Grant),
    /// DROP SHARD id
    DropShard(u64),
}

/// CREATE CONTINUOUS QUERY
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousQuery {
    /// The name of the continuous query.
    pub name: String,
    /// Its database.
    pub database: String,
    /// The duration after EVERY, in nanoseconds; 0 if there is none.
    pub resample_every_ns: i64,
    /// The duration after FOR, in nanoseconds; 0 if there is none.
    pub resample_for_ns: i64,
    /// The statement, which has a target.
    pub select: Box<Select>,
}

/// A subscription and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The name of the subscription.
    pub name: String,
    /// Its database.
    pub database: String,
    /// Its retention policy.
    pub retention_policy: String,
}

/// The way in which the destinations of a subscription share writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destinations {
    /// All of them.
    All,
    /// One of them, in turn.
    Any,
}

/// CREATE USER, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// The name of the user.
    pub name: String,
    /// True if WITH ALL PRIVILEGES was written.
    pub administrator: bool,
}

/// The right that GRANT gives or REVOKE takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The right.
    pub privilege: Privilege,
    /// The database; `None` for the right to administer, which needs [`Privilege::All`].
    pub database: Option<String>,
    /// The name of the user.
    pub user: String,
}

/// A right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// READ
    Read,
    /// WRITE
    Write,
    /// ALL PRIVILEGES
    All,
}

impl Administration {
    /// Returns the words that name the statement.
    pub fn title(&self) -> &'static str {
        match self {
            Self::CreateContinuousQuery(_) => "CREATE CONTINUOUS QUERY",
            Self::DropContinuousQuery { .. } => "DROP CONTINUOUS QUERY",
            Self::CreateSubscription { .. } => "CREATE SUBSCRIPTION",
            Self::DropSubscription(_) => "DROP SUBSCRIPTION",
            Self::CreateUser(_) => "CREATE USER",
            Self::DropUser(_) => "DROP USER",
            Self::SetPassword(_) => "SET PASSWORD",
            Self::Grant(_) => "GRANT",
            Self::Revoke(_) => "REVOKE",
            Self::DropShard(_) => "DROP SHARD",
        }
    }
}
