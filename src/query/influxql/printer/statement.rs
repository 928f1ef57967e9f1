//! Statements and lists of them to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, Deletion, Policy, Query, Statement,
};
use super::super::format_duration;
use super::{Name, list, optional};

impl Display for Query {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, statement) in self.statements.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            write!(out, "{statement}")?;
        }
        Ok(())
    }
}

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(select) => write!(out, "{select}"),
            Self::Explain(explain) => write!(out, "{explain}"),
            Self::Show(show) => write!(out, "{show}"),
            Self::CreateDatabase(create) => write!(out, "{create}"),
            Self::DropDatabase(name) => write!(out, "DROP DATABASE {}", Name(name)),
            Self::CreateRetentionPolicy(create) => write!(out, "{create}"),
            Self::AlterRetentionPolicy(alter) => write!(out, "{alter}"),
            Self::DropRetentionPolicy { name, database } => {
                write!(
                    out,
                    "DROP RETENTION POLICY {} ON {}",
                    Name(name),
                    Name(database)
                )
            }
            Self::KillQuery { id, host } => {
                write!(out, "KILL QUERY {id}")?;
                optional(out, "ON", host.as_deref().map(Name))
            }
            Self::Delete(deletion) => write!(out, "DELETE{deletion}"),
            Self::DropSeries(deletion) => write!(out, "DROP SERIES{deletion}"),
            Self::DropMeasurement(name) => write!(out, "DROP MEASUREMENT {}", Name(name)),
            Self::Administration(administration) => write!(out, "{administration}"),
        }
    }
}

/// The clauses with a space before each.
impl Display for Deletion {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        list(out, "FROM", &self.sources)?;
        optional(out, "WHERE", self.condition.as_ref())
    }
}

/// A duration, or INF for 0.
struct Retention(i64);

impl Display for Retention {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            out.write_str("INF")
        } else {
            out.write_str(&format_duration(self.0))
        }
    }
}

/// A duration that may be 0 but not INF.
struct Shard(i64);

impl Display for Shard {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&format_duration(self.0))
    }
}

/// The options with a space before each.
impl Display for Policy {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        optional(out, "DURATION", self.duration_ns.map(Retention))?;
        optional(out, "REPLICATION", self.replication)?;
        optional(out, "SHARD DURATION", self.shard_duration_ns.map(Shard))
    }
}

impl Display for CreateDatabase {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "CREATE DATABASE {}", Name(&self.name))?;
        if let Some(policy) = &self.policy {
            write!(out, " WITH{policy}")?;
        }
        optional(out, "NAME", self.policy_name.as_deref().map(Name))
    }
}

impl Display for CreateRetentionPolicy {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (name, database) = (Name(&self.name), Name(&self.database));
        let default = if self.default { " DEFAULT" } else { "" };
        write!(
            out,
            "CREATE RETENTION POLICY {name} ON {database}{}{default}",
            self.policy
        )
    }
}

impl Display for AlterRetentionPolicy {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (name, database) = (Name(&self.name), Name(&self.database));
        let default = if self.default { " DEFAULT" } else { "" };
        write!(
            out,
            "ALTER RETENTION POLICY {name} ON {database}{}{default}",
            self.policy
        )
    }
}
