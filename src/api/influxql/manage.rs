//! Statements that make, change and delete databases and retention policies: buckets and their
//! retention.
//!
//! Whoever may write to a bucket may make it, if `server.auto_create_buckets` is on; changing and
//! deleting is for operators. The texts are those of 1.x, which its clients look for.

use std::sync::Arc;

use tidegate_query::influxql::ast::{
    AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, Policy,
};

use super::answering::Refused;
use super::session::{Session, not_found};
use crate::api::blocking::blocking;
use crate::api::bucket;
use crate::api::database::{find, is_default, new_name, parts};
use crate::api::error::{ApiError, Code};
use crate::catalog::{Bucket, CatalogError};

/// The shortest retention that 1.x accepts.
const RETENTION_MIN_NS: i64 = 3600 * 1_000_000_000;

const NO_DEFAULT: &str = "is not supported: the default retention policy of a database is autogen";

/// What to do instead: a policy of any name takes writes and answers, if they name it.
const NAMED: &str =
    "create it without, and name it in writes (rp) and queries (FROM \"policy\".\"measurement\")";

/// Returns an error unless the sender may create the database, or write to it if it exists under any
/// name by which writes find it. A sender that may not gets no hint which of the two it was.
pub(in crate::api) fn may_create_database(session: &Session, name: &str) -> Result<(), ApiError> {
    let found = find(&session.engine.catalog, name, "");
    let bucket = found.as_ref().map_or(name, |bucket| &bucket.name);
    if !session.identity.may_write(bucket) {
        return Err(bucket::forbidden());
    }
    if found.is_none() && !session.creates {
        return Err(ApiError::new(Code::Forbidden, ONLY_OPERATORS));
    }
    Ok(())
}

const ONLY_OPERATORS: &str = "insufficient permissions: buckets are created by an operator \
                              (server.auto_create_buckets is off)";

/// CREATE DATABASE
pub(super) async fn create_database(
    session: &Session,
    new: &CreateDatabase,
) -> Result<(), Refused> {
    valid_name(&new.name)?;
    if new
        .policy_name
        .as_ref()
        .is_some_and(|name| !is_default(name))
    {
        let text = "create the database without, and the policy by CREATE RETENTION POLICY";
        return Err(Refused::new(format!("NAME {NO_DEFAULT}; {text}")));
    }
    let duration_ns = duration_ns(new.policy.as_ref())?;
    match find(&session.engine.catalog, &new.name, "") {
        Some(found) if duration_ns.is_some_and(|asked| asked != found.retention_ns) => Err(
            Refused::new("retention policy conflicts with an existing policy"),
        ),
        Some(_) => Ok(()),
        None => create(session, new.name.clone(), duration_ns.flatten()).await,
    }
}

/// DROP DATABASE: all its retention policies.
pub(super) async fn drop_database(session: &Session, name: &str) -> Result<(), Refused> {
    operator(session, "DROP DATABASE")?;
    for bucket in session.seen() {
        if parts(&bucket.name).0 == name {
            delete(session, bucket).await?;
        }
    }
    Ok(())
}

/// CREATE RETENTION POLICY
pub(super) async fn create_policy(
    session: &Session,
    new: &CreateRetentionPolicy,
) -> Result<(), Refused> {
    let database = seen(session, &new.database)?;
    valid_name(&new.name)?;
    not_default(&new.name, new.default)?;
    let retention_ns = duration_ns(Some(&new.policy))?.flatten();
    let found = find(&session.engine.catalog, database, &new.name);
    let name = new_name(database, &new.name);
    let written = found.as_ref().map_or(&name, |bucket| &bucket.name);
    if !session.identity.may_write(written) {
        return Err(Refused::new(bucket::forbidden().message()));
    }
    match found {
        Some(found) if found.retention_ns == retention_ns => Ok(()),
        Some(_) => Err(Refused::new("retention policy already exists")),
        None if session.creates => create(session, name, retention_ns).await,
        None => Err(Refused::new(ONLY_OPERATORS)),
    }
}

/// ALTER RETENTION POLICY
pub(super) async fn alter_policy(
    session: &Session,
    change: &AlterRetentionPolicy,
) -> Result<(), Refused> {
    operator(session, "ALTER RETENTION POLICY")?;
    let database = seen(session, &change.database)?;
    let found = find(&session.engine.catalog, database, &change.name);
    let found = found
        .ok_or_else(|| Refused::new(format!("retention policy not found: {}", change.name)))?;
    not_default(&change.name, change.default)?;
    let Some(retention_ns) = duration_ns(Some(&change.policy))? else {
        return Ok(());
    };
    let catalog = session.engine.catalog.clone();
    let id = found.id;
    done(blocking(move || catalog.set_retention(id, retention_ns)).await)?;
    tracing::info!(
        bucket = found.name,
        retention_ns,
        "a bucket's retention was changed"
    );
    Ok(())
}

/// DROP RETENTION POLICY
pub(super) async fn drop_policy(
    session: &Session,
    database: &str,
    name: &str,
) -> Result<(), Refused> {
    operator(session, "DROP RETENTION POLICY")?;
    match find(&session.engine.catalog, database, name) {
        Some(found) => delete(session, found).await,
        None => Ok(()),
    }
}

/// A name that 1.x accepts.
fn valid_name(name: &str) -> Result<(), Refused> {
    match name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\\']) {
        true => Err(Refused::new("invalid name")),
        false => Ok(()),
    }
}

fn not_default(name: &str, wants_default: bool) -> Result<(), Refused> {
    match wants_default && !is_default(name) {
        true => Err(Refused::new(format!("DEFAULT {NO_DEFAULT}; {NAMED}"))),
        false => Ok(()),
    }
}

fn operator(session: &Session, title: &str) -> Result<(), Refused> {
    match session.identity.may_manage() {
        true => Ok(()),
        false => Err(Refused::new(format!(
            "insufficient permissions: {title} needs an operator's token"
        ))),
    }
}

fn seen<'a>(session: &Session, database: &'a str) -> Result<&'a str, Refused> {
    match session.sees(database) {
        true => Ok(database),
        false => Err(not_found(database).into()),
    }
}

/// The retention that is asked for, if one is; for ever is none in it.
fn duration_ns(policy: Option<&Policy>) -> Result<Option<Option<i64>>, Refused> {
    match policy.and_then(|policy| policy.duration_ns) {
        None => Ok(None),
        Some(0) => Ok(Some(None)),
        Some(ns) if ns < RETENTION_MIN_NS => Err(Refused::new(
            "retention policy duration must be at least 1h0m0s",
        )),
        Some(ns) => Ok(Some(Some(ns))),
    }
}

async fn create(session: &Session, name: String, retention_ns: Option<i64>) -> Result<(), Refused> {
    let catalog = session.engine.catalog.clone();
    let create = async {
        bucket::valid_name(&name)?;
        let created = blocking(move || catalog.create_bucket(&name, retention_ns)).await??;
        tracing::info!(bucket = created.name, "a bucket was created");
        Ok::<_, ApiError>(())
    };
    match create.await {
        // Another request was faster: it exists.
        Err(error) if error.code() == Code::Conflict => Ok(()),
        Err(error) if error.code() == Code::Invalid => Err(Refused::new(error.message())),
        created => created.map_err(Refused::Request),
    }
}

async fn delete(session: &Session, found: Arc<Bucket>) -> Result<(), Refused> {
    let (ingest, id) = (session.engine.ingest.clone(), found.id);
    match blocking(move || ingest.delete_bucket(id)).await {
        // Another request was faster.
        Ok(Err(CatalogError::UnknownBucket(_))) => return Ok(()),
        deleted => done(deleted)?,
    }
    tracing::info!(bucket = found.name, "a bucket was deleted");
    Ok(())
}

fn done<T>(done: Result<Result<T, CatalogError>, ApiError>) -> Result<(), Refused> {
    let done = done.and_then(|done| done.map(drop).map_err(ApiError::from));
    done.map_err(Refused::Request)
}
