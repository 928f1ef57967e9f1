//! Statements about users, grants, subscriptions and continuous queries to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    Administration, ContinuousQuery, Destinations, Grant, Privilege, Subscription,
};
use super::super::format_duration;
use super::{List, Name, Text};

impl Display for Administration {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} ", self.title())?;
        match self {
            Self::CreateContinuousQuery(query) => write!(out, "{query}"),
            Self::DropContinuousQuery { name, database } => {
                write!(out, "{} ON {}", Name(name), Name(database))
            }
            Self::CreateSubscription {
                subscription,
                destinations,
                addresses,
            } => {
                let mode = match destinations {
                    Destinations::All => "ALL",
                    Destinations::Any => "ANY",
                };
                let addresses: Vec<_> = addresses.iter().map(|address| Text(address)).collect();
                write!(
                    out,
                    "{subscription} DESTINATIONS {mode} {}",
                    List(&addresses)
                )
            }
            Self::DropSubscription(subscription) => write!(out, "{subscription}"),
            Self::CreateUser(user) => {
                write!(out, "{} WITH PASSWORD '[REDACTED]'", Name(&user.name))?;
                out.write_str(if user.administrator {
                    " WITH ALL PRIVILEGES"
                } else {
                    ""
                })
            }
            Self::DropUser(name) => write!(out, "{}", Name(name)),
            Self::SetPassword(name) => write!(out, "FOR {} = '[REDACTED]'", Name(name)),
            Self::Grant(grant) => granted(out, grant, "TO"),
            Self::Revoke(grant) => granted(out, grant, "FROM"),
            Self::DropShard(id) => write!(out, "{id}"),
        }
    }
}

fn granted(out: &mut Formatter<'_>, grant: &Grant, direction: &str) -> fmt::Result {
    out.write_str(match grant.privilege {
        Privilege::Read => "READ",
        Privilege::Write => "WRITE",
        Privilege::All => "ALL PRIVILEGES",
    })?;
    super::optional(out, "ON", grant.database.as_deref().map(Name))?;
    write!(out, " {direction} {}", Name(&grant.user))
}

impl Display for Subscription {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (name, database) = (Name(&self.name), Name(&self.database));
        write!(out, "{name} ON {database}.{}", Name(&self.retention_policy))
    }
}

impl Display for ContinuousQuery {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} ON {}", Name(&self.name), Name(&self.database))?;
        let (every, keep) = (self.resample_every_ns, self.resample_for_ns);
        if every != 0 || keep != 0 {
            out.write_str(" RESAMPLE")?;
        }
        if every != 0 {
            write!(out, " EVERY {}", format_duration(every))?;
        }
        if keep != 0 {
            write!(out, " FOR {}", format_duration(keep))?;
        }
        write!(out, " BEGIN {} END", self.select)
    }
}
