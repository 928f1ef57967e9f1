//! SHOW of what the program knows: databases, retention policies, questions that run; and the empty
//! answers about what there never is, for tools that only look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_query::influxql::ast::{Show, Statement};
use tidegate_query::influxql::series::SeriesPart;

use super::answering::{Answering, Refused, unsupported};
use super::parts::{booleans, integers, part, texts, unsigned};
use super::session::{Session, no_database, not_found};
use crate::api::database::{AUTOGEN, find, parts};
use crate::catalog::Bucket;

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
const NS: i64 = 1_000_000_000;

/// The answer to a SHOW that reads no points.
pub(super) fn answer(session: &Session, show: &Show) -> Result<Answering, Refused> {
    let none = || texts([""; 0]);
    match show {
        Show::Databases => Ok(Answering::ready([databases(session)])),
        Show::RetentionPolicies(database) => {
            let policies = policies(session, database.as_deref())?;
            Ok(Answering::ready([shown(&policies)]))
        }
        Show::Queries => Ok(Answering::ready([queries(session)])),
        Show::Users => {
            let users = part("", [("user", none()), ("admin", booleans([]))]);
            Ok(Answering::ready([users]))
        }
        Show::Grants(_) => Err(Refused::new("user not found")),
        Show::ContinuousQueries => {
            let of = |name| part(name, [("name", none()), ("query", none())]);
            let names = names(session);
            Ok(Answering::ready(names.iter().map(|name| of(name))))
        }
        Show::Subscriptions => Ok(Answering::ready([])),
        other => Err(unsupported(&Statement::Show(Box::new(other.clone())))),
    }
}

/// The databases that the sender may see, sorted.
fn names(session: &Session) -> Vec<String> {
    let seen = session.seen();
    let names = seen.iter().map(|bucket| parts(&bucket.name).0.to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

fn databases(session: &Session) -> SeriesPart {
    part("databases", [("name", texts(names(session)))])
}

/// The retention policies of a database that the sender may see, the default one first.
fn policies(
    session: &Session,
    database: Option<&str>,
) -> Result<Vec<(String, Arc<Bucket>)>, Refused> {
    let named = database.filter(|name| !name.is_empty());
    let database = named.or(session.database.as_deref());
    let database = database.ok_or_else(no_database)?;
    let seen = session.seen();
    let of_database = seen.iter().filter_map(|bucket| {
        let (name, policy) = parts(&bucket.name);
        (name == database).then(|| (policy.to_owned(), Arc::clone(bucket)))
    });
    let mut policies: BTreeMap<String, Arc<Bucket>> = of_database.collect();
    if policies.is_empty() {
        return Err(not_found(database).into());
    }
    // Two buckets may be the default policy: the one that is found by it counts.
    let default = policies.remove(AUTOGEN).map(|bucket| {
        let found = find(&session.engine.catalog, database, "");
        let found = found.filter(|found| session.identity.may_see(&found.name));
        (AUTOGEN.to_owned(), found.unwrap_or(bucket))
    });
    Ok(default.into_iter().chain(policies).collect())
}

fn shown(policies: &[(String, Arc<Bucket>)]) -> SeriesPart {
    let retentions = || {
        let retentions = policies.iter().map(|(_, bucket)| bucket.retention_ns);
        retentions.map(|ns| ns.unwrap_or(0) / NS)
    };
    let is_default = policies.iter().map(|(name, _)| name == AUTOGEN);
    part(
        "",
        [
            ("name", texts(policies.iter().map(|(name, _)| name))),
            ("duration", texts(retentions().map(in_go))),
            (
                "shardGroupDuration",
                texts(retentions().map(|s| in_go(shard_group_s(s)))),
            ),
            ("replicaN", integers(policies.iter().map(|_| 1))),
            ("default", booleans(is_default)),
        ],
    )
}

/// The length of a shard group that 1.x chooses for a retention, both in seconds; 0 is for ever.
fn shard_group_s(retention_s: i64) -> i64 {
    match retention_s {
        0 => 7 * DAY_S,
        s if s >= 180 * DAY_S => 7 * DAY_S,
        s if s >= 2 * DAY_S => DAY_S,
        _ => HOUR_S,
    }
}

fn queries(session: &Session) -> SeriesPart {
    let running = session.engine.queries.asked_by(&session.asker());
    let status = |is_killed: bool| match is_killed {
        true => "killed",
        false => "running",
    };
    part(
        "",
        [
            ("qid", unsigned(running.iter().map(|query| query.id))),
            (
                "query",
                texts(running.iter().map(|query| &query.record.text)),
            ),
            (
                "database",
                texts(running.iter().map(|query| &query.record.asker.bucket)),
            ),
            (
                "duration",
                texts(running.iter().map(|query| lasted(query.record.lasted))),
            ),
            (
                "status",
                texts(running.iter().map(|query| status(query.is_killed))),
            ),
        ],
    )
}

/// A duration in seconds as Go writes it.
fn in_go(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / HOUR_S, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// A duration in its largest unit, as 1.x shows how long a query runs.
fn lasted(duration: Duration) -> String {
    let (ms, us) = (duration.as_millis(), duration.as_micros());
    match i64::try_from(duration.as_secs()) {
        Ok(seconds) if seconds > 0 => in_go(seconds),
        _ if ms > 0 => format!("{ms}ms"),
        _ if us > 0 => format!("{us}µs"),
        _ => format!("{}ns", duration.as_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DAY_S, in_go, lasted, shard_group_s};

    /// As InfluxDB 1.6.7 shows them.
    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (seconds, text, shard_group) in [
            (0, "0s", "168h0m0s"),
            (3600, "1h0m0s", "1h0m0s"),
            (DAY_S, "24h0m0s", "1h0m0s"),
            (3 * DAY_S, "72h0m0s", "24h0m0s"),
            (180 * DAY_S, "4320h0m0s", "168h0m0s"),
            (90, "1m30s", "1h0m0s"),
            (5, "5s", "1h0m0s"),
        ] {
            assert_eq!(in_go(seconds), text);
            assert_eq!(in_go(shard_group_s(seconds)), shard_group, "{text}");
        }
        for (duration, text) in [
            (Duration::from_micros(38), "38µs"),
            (Duration::from_micros(2700), "2ms"),
            (Duration::from_millis(90_999), "1m30s"),
            (Duration::from_nanos(7), "7ns"),
        ] {
            assert_eq!(lasted(duration), text);
        }
    }
}
