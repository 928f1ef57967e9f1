//! CREATE, ALTER and DROP; databases and retention policies.

use super::super::ast::{
    Administration, AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, Policy, Statement,
};
use super::super::token::{Keyword, Kind};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// The rest of a statement after CREATE.
    pub(super) fn create(&mut self) -> Parsed<Statement> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::Continuous) => {
                self.cursor.expect(Keyword::Query)?;
                self.create_continuous_query()
            }
            Kind::Keyword(Keyword::Database) => {
                self.create_database().map(Statement::CreateDatabase)
            }
            Kind::Keyword(Keyword::User) => self.create_user(),
            Kind::Keyword(Keyword::Retention) => {
                self.cursor.expect(Keyword::Policy)?;
                self.create_retention_policy()
                    .map(Statement::CreateRetentionPolicy)
            }
            Kind::Keyword(Keyword::Subscription) => self.create_subscription(),
            _ => {
                let expected = [
                    "CONTINUOUS",
                    "DATABASE",
                    "USER",
                    "RETENTION",
                    "SUBSCRIPTION",
                ];
                Err(self.cursor.unexpected(&token, &expected))
            }
        }
    }

    /// The rest of a statement after DROP.
    pub(super) fn drop_statement(&mut self) -> Parsed<Statement> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::Continuous) => {
                self.cursor.expect(Keyword::Query)?;
                let (name, database) = self.name_on_database()?;
                Ok(Administration::DropContinuousQuery { name, database }.into())
            }
            Kind::Keyword(Keyword::Database) => self.identifier().map(Statement::DropDatabase),
            Kind::Keyword(Keyword::Measurement) => {
                self.identifier().map(Statement::DropMeasurement)
            }
            Kind::Keyword(Keyword::Retention) => {
                self.cursor.expect(Keyword::Policy)?;
                let (name, database) = self.name_on_database()?;
                Ok(Statement::DropRetentionPolicy { name, database })
            }
            Kind::Keyword(Keyword::Series) => self.deletion().map(Statement::DropSeries),
            Kind::Keyword(Keyword::Shard) => Ok(Administration::DropShard(self.unsigned()?).into()),
            Kind::Keyword(Keyword::Subscription) => {
                Ok(Administration::DropSubscription(self.subscription()?).into())
            }
            Kind::Keyword(Keyword::User) => Ok(Administration::DropUser(self.identifier()?).into()),
            _ => Err(self.cursor.unexpected(&token, DROPPED)),
        }
    }

    /// RETENTION POLICY name ON database option …
    pub(super) fn alter(&mut self) -> Parsed<Statement> {
        self.cursor.expect(Keyword::Retention)?;
        self.cursor.expect(Keyword::Policy)?;
        let token = self.cursor.next();
        let name = match token.kind {
            Kind::Keyword(Keyword::Default) => "default".to_owned(),
            Kind::Identifier => token.text.into_owned(),
            _ => return Err(self.cursor.unexpected(&token, &["identifier"])),
        };
        self.cursor.expect(Keyword::On)?;
        let database = self.identifier()?;
        let mut altered = AlterRetentionPolicy {
            name,
            database,
            policy: Policy::default(),
            default: false,
        };
        self.alter_options(&mut altered)?;
        Ok(Statement::AlterRetentionPolicy(altered))
    }

    /// One or more options in any order, each at most once.
    fn alter_options(&mut self, altered: &mut AlterRetentionPolicy) -> Parsed<()> {
        let mut seen: Vec<Kind> = Vec::new();
        loop {
            let token = self.cursor.next();
            if seen.contains(&token.kind) {
                let reason = format!("found duplicate {} option", token.shown());
                return Err(self.cursor.refused(&token, &reason));
            }
            let policy = &mut altered.policy;
            match token.kind {
                Kind::Keyword(Keyword::Duration) => {
                    policy.duration_ns = Some(self.duration_or_infinite()?);
                }
                Kind::Keyword(Keyword::Replication) => {
                    policy.replication = Some(self.replication()?);
                }
                Kind::Keyword(Keyword::Shard) => {
                    self.cursor.expect(Keyword::Duration)?;
                    policy.shard_duration_ns = Some(self.shard_duration()?);
                }
                Kind::Keyword(Keyword::Default) => altered.default = true,
                _ if seen.is_empty() => {
                    let expected = ["DURATION", "REPLICATION", "SHARD", "DEFAULT"];
                    return Err(self.cursor.unexpected(&token, &expected));
                }
                _ => {
                    self.cursor.back(&token);
                    return Ok(());
                }
            }
            seen.push(token.kind);
        }
    }

    /// name [WITH [DURATION d] [REPLICATION n] [SHARD DURATION d] [NAME policy]]
    fn create_database(&mut self) -> Parsed<CreateDatabase> {
        let name = self.identifier()?;
        if !self.cursor.accept(Keyword::With) {
            return Ok(CreateDatabase {
                name,
                ..CreateDatabase::default()
            });
        }
        let token = self.cursor.next();
        let options = [
            Keyword::Duration,
            Keyword::Name,
            Keyword::Replication,
            Keyword::Shard,
        ];
        if !options.iter().any(|option| token.is(*option)) {
            return Err(self.cursor.unexpected(&token, &options.map(Keyword::text)));
        }
        self.cursor.back(&token);
        let mut policy = Policy::default();
        if self.cursor.accept(Keyword::Duration) {
            policy.duration_ns = Some(self.duration_or_infinite()?);
        }
        if self.cursor.accept(Keyword::Replication) {
            policy.replication = Some(self.replication()?);
        }
        if self.cursor.accept(Keyword::Shard) {
            self.cursor.expect(Keyword::Duration)?;
            policy.shard_duration_ns = Some(self.duration_or_infinite()?);
        }
        let policy_name = self.optional_identifier(Keyword::Name)?;
        Ok(CreateDatabase {
            name,
            policy: Some(policy),
            policy_name,
        })
    }

    /// name ON database DURATION d REPLICATION n [SHARD DURATION d] [DEFAULT]
    fn create_retention_policy(&mut self) -> Parsed<CreateRetentionPolicy> {
        let (name, database) = self.name_on_database()?;
        self.cursor.expect(Keyword::Duration)?;
        let duration_ns = Some(self.duration_or_infinite()?);
        self.cursor.expect(Keyword::Replication)?;
        let replication = Some(self.replication()?);
        let mut shard_duration_ns = None;
        if self.cursor.accept(Keyword::Shard) {
            self.cursor.expect(Keyword::Duration)?;
            shard_duration_ns = Some(self.shard_duration()?);
        }
        let policy = Policy {
            duration_ns,
            replication,
            shard_duration_ns,
        };
        let default = self.cursor.accept(Keyword::Default);
        Ok(CreateRetentionPolicy {
            name,
            database,
            policy,
            default,
        })
    }

    /// name ON database
    pub(super) fn name_on_database(&mut self) -> Parsed<(String, String)> {
        let name = self.identifier()?;
        self.cursor.expect(Keyword::On)?;
        Ok((name, self.identifier()?))
    }
}

/// The words that may follow DROP, in the order of 1.x.
const DROPPED: &[&str] = &[
    "CONTINUOUS",
    "DATABASE",
    "MEASUREMENT",
    "RETENTION",
    "SERIES",
    "SHARD",
    "SUBSCRIPTION",
    "USER",
];
