//! Users, grants, subscriptions and continuous queries.

use super::super::ast::{
    Administration, ContinuousQuery, CreateUser, Destinations, Expression, Grant, Literal,
    Privilege, Select, Statement, Subscription,
};
use super::super::duration::{self, format_duration};
use super::super::token::{Keyword, Kind, Symbol};
use super::value::clause;
use super::{Parsed, Parser};

impl From<Administration> for Statement {
    fn from(administration: Administration) -> Self {
        Self::Administration(Box::new(administration))
    }
}

impl Parser<'_> {
    /// name WITH PASSWORD 'password' [WITH ALL PRIVILEGES]
    pub(super) fn create_user(&mut self) -> Parsed<Statement> {
        let name = self.identifier()?;
        self.cursor.expect(Keyword::With)?;
        self.cursor.expect(Keyword::Password)?;
        self.string()?;
        let administrator = self.cursor.accept(Keyword::With);
        if administrator {
            self.cursor.expect(Keyword::All)?;
            self.cursor.expect(Keyword::Privileges)?;
        }
        Ok(Administration::CreateUser(CreateUser {
            name,
            administrator,
        })
        .into())
    }

    /// PASSWORD FOR name = 'password'
    pub(super) fn set_password(&mut self) -> Parsed<Statement> {
        self.cursor.expect(Keyword::Password)?;
        self.cursor.expect(Keyword::For)?;
        let name = self.identifier()?;
        self.cursor.expect_symbol(Symbol::Equal)?;
        self.string()?;
        Ok(Administration::SetPassword(name).into())
    }

    /// privilege [ON database] TO user
    pub(super) fn grant(&mut self) -> Parsed<Statement> {
        self.granted(Keyword::To)
            .map(|grant| Administration::Grant(grant).into())
    }

    /// privilege [ON database] FROM user
    pub(super) fn revoke(&mut self) -> Parsed<Statement> {
        self.granted(Keyword::From)
            .map(|grant| Administration::Revoke(grant).into())
    }

    fn granted(&mut self, direction: Keyword) -> Parsed<Grant> {
        let privilege = self.privilege()?;
        let token = self.cursor.next();
        let database = if token.is(Keyword::On) {
            let database = self.identifier()?;
            self.cursor.expect(direction)?;
            Some(database)
        } else if privilege != Privilege::All {
            return Err(self.cursor.unexpected(&token, &["ON"]));
        } else if token.is(direction) {
            None
        } else {
            return Err(self.cursor.unexpected(&token, &["ON", direction.text()]));
        };
        Ok(Grant {
            privilege,
            database,
            user: self.identifier()?,
        })
    }

    /// READ | WRITE | ALL [PRIVILEGES]
    fn privilege(&mut self) -> Parsed<Privilege> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Keyword(Keyword::Read) => Ok(Privilege::Read),
            Kind::Keyword(Keyword::Write) => Ok(Privilege::Write),
            Kind::Keyword(Keyword::All) => {
                self.cursor.accept(Keyword::Privileges);
                Ok(Privilege::All)
            }
            _ => Err(self
                .cursor
                .unexpected(&token, &["READ", "WRITE", "ALL [PRIVILEGES]"])),
        }
    }

    /// name ON database.policy DESTINATIONS ALL | ANY 'address', …
    pub(super) fn create_subscription(&mut self) -> Parsed<Statement> {
        let subscription = self.subscription()?;
        self.cursor.expect(Keyword::Destinations)?;
        let token = self.cursor.next();
        let destinations = match token.kind {
            Kind::Keyword(Keyword::All) => Destinations::All,
            Kind::Keyword(Keyword::Any) => Destinations::Any,
            _ => return Err(self.cursor.unexpected(&token, &["ALL", "ANY"])),
        };
        let addresses = self.strings()?;
        Ok(Administration::CreateSubscription {
            subscription,
            destinations,
            addresses,
        }
        .into())
    }

    /// name ON database.policy
    pub(super) fn subscription(&mut self) -> Parsed<Subscription> {
        let (name, database) = self.name_on_database()?;
        let token = self.cursor.scan();
        if !token.is_symbol(Symbol::Dot) {
            return Err(self.cursor.unexpected(&token, &["."]));
        }
        Ok(Subscription {
            name,
            database,
            retention_policy: self.identifier()?,
        })
    }

    /// name ON database [RESAMPLE …] BEGIN SELECT … INTO … END
    pub(super) fn create_continuous_query(&mut self) -> Parsed<Statement> {
        let (name, database) = self.name_on_database()?;
        let (every, keep) = if self.cursor.accept(Keyword::Resample) {
            self.resample()?
        } else {
            (0, 0)
        };
        self.cursor.expect(Keyword::Begin)?;
        self.cursor.expect(Keyword::Select)?;
        let select = self.select(true)?;
        let interval = self.interval_of_aggregates(&select)?;
        self.cursor.expect(Keyword::End)?;
        check_resample(every, keep, interval)?;
        let query = ContinuousQuery {
            name,
            database,
            resample_every_ns: every,
            resample_for_ns: keep,
            select: Box::new(select),
        };
        Ok(Administration::CreateContinuousQuery(query).into())
    }

    /// [EVERY duration] [FOR duration], one of them at least
    fn resample(&mut self) -> Parsed<(i64, i64)> {
        let every = self.duration_after(Keyword::Every)?;
        let keep = self.duration_after(Keyword::For)?;
        if every == 0 && keep == 0 {
            let token = self.cursor.next();
            return Err(self.cursor.unexpected(&token, &["EVERY", "FOR"]));
        }
        Ok((every, keep))
    }

    /// Reads a finite duration if `keyword` announces one; else 0.
    fn duration_after(&mut self, keyword: Keyword) -> Parsed<i64> {
        if !self.cursor.accept(keyword) {
            return Ok(0);
        }
        let token = self.cursor.next();
        if token.kind != Kind::Duration {
            return Err(self.cursor.unexpected(&token, &["duration"]));
        }
        duration::read(&token.text).map_err(|reason| self.cursor.refused(&token, &reason))
    }

    /// Returns the interval of GROUP BY time(…), which a statement with functions must have.
    fn interval_of_aggregates(&self, select: &Select) -> Parsed<i64> {
        const EXPECTED: &str = "GROUP BY time(...)";
        let is_call = |part: &Expression| matches!(part, Expression::Call(_));
        let aggregates = select
            .fields
            .iter()
            .any(|field| field.expression.any(&is_call));
        match group_by_interval(&select.dimensions) {
            Err(reason) if aggregates => Err(self.cursor.unexpected_before(&[EXPECTED, reason])),
            Ok(0) if aggregates => Err(self.cursor.unexpected_before(&[EXPECTED])),
            Err(reason) => Err(clause(reason)),
            Ok(interval) => Ok(interval),
        }
    }
}

/// Returns the interval of the first `time(…)`, or 0.
fn group_by_interval(dimensions: &[Expression]) -> Result<i64, &'static str> {
    let arguments = dimensions.iter().find_map(|dimension| match dimension {
        Expression::Call(call) if call.name == "time" => Some(call.arguments.as_slice()),
        _ => None,
    });
    match arguments {
        None => Ok(0),
        Some([Expression::Literal(Literal::Duration(interval))]) => Ok(*interval),
        Some([Expression::Literal(Literal::Duration(interval)), _]) => Ok(*interval),
        Some([_] | [_, _]) => Err("time dimension must have duration argument"),
        Some(_) => Err("time dimension expected 1 or 2 arguments"),
    }
}

/// Refuses to look back less far than one run of the query covers.
fn check_resample(every: i64, keep: i64, interval: i64) -> Parsed<()> {
    let least = interval.max(every);
    if keep != 0 && keep < least {
        return Err(clause(&format!(
            "FOR duration must be >= GROUP BY time duration: must be a minimum of {}, got {}",
            format_duration(least),
            format_duration(keep),
        )));
    }
    Ok(())
}
