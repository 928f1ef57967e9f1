//! Random statements of all kinds.

use super::super::super::ast::{
    Administration, AlterRetentionPolicy, Call, Cardinality, CardinalityOf, ContinuousQuery,
    CreateDatabase, CreateRetentionPolicy, CreateUser, Deletion, Destinations, Explain, Expression,
    Grant, Literal, Measurement, Page, Policy, Privilege, Scope, Show, ShowFieldKeys,
    ShowMeasurements, ShowSeries, ShowTagKeys, ShowTagValues, Source, Statement, Subscription,
    TagKeyFilter, Wildcarded,
};
use super::Random;
use super::select::{
    condition, count, dimensions, measurement, name, order, regex, select, sources, target, text,
};

fn scope(r: &mut Random) -> Scope {
    Scope {
        database: r.maybe(30, name),
        sources: if r.chance(40) { sources(r) } else { Vec::new() },
        condition: r.maybe(40, |r| condition(r, 1)),
    }
}

fn page(r: &mut Random) -> Page {
    Page {
        order: order(r),
        limit: count(r),
        offset: count(r),
    }
}

fn keys(r: &mut Random) -> TagKeyFilter {
    match r.below(5) {
        0 => TagKeyFilter::Equal(name(r)),
        1 => TagKeyFilter::NotEqual(name(r)),
        2 => TagKeyFilter::Matches(regex(r)),
        3 => TagKeyFilter::MatchesNot(regex(r)),
        _ => TagKeyFilter::In(r.several(3, name)),
    }
}

fn wildcarded(r: &mut Random) -> Wildcarded {
    if r.chance(30) {
        Wildcarded::All
    } else {
        Wildcarded::Name(name(r))
    }
}

fn show_measurements(r: &mut Random) -> ShowMeasurements {
    let database = r.maybe(50, wildcarded);
    let retention_policy = if database.is_some() {
        r.maybe(50, wildcarded)
    } else {
        None
    };
    ShowMeasurements {
        database,
        retention_policy,
        with: r.maybe(40, measurement),
        condition: r.maybe(40, |r| condition(r, 1)),
        page: page(r),
    }
}

fn cardinality(r: &mut Random) -> Cardinality {
    let of = match r.below(5) {
        0 => CardinalityOf::FieldKeys,
        1 => CardinalityOf::Measurements,
        2 => CardinalityOf::Series,
        3 => CardinalityOf::TagKeys,
        _ => CardinalityOf::TagValues(keys(r)),
    };
    Cardinality {
        of,
        exact: r.chance(50),
        scope: scope(r),
        dimensions: dimensions(r, 1),
        limit: count(r),
        offset: count(r),
    }
}

fn show(r: &mut Random) -> Show {
    match r.below(12) {
        0 => r.pick(&[
            Show::ContinuousQueries,
            Show::Databases,
            Show::Queries,
            Show::ShardGroups,
        ]),
        1 => r.pick(&[Show::Shards, Show::Subscriptions, Show::Users]),
        2 => Show::Diagnostics(r.maybe(50, text)),
        3 => Show::Stats(r.maybe(50, text)),
        4 => Show::Grants(name(r)),
        5 => Show::RetentionPolicies(r.maybe(50, name)),
        6 => {
            let scope = Scope {
                condition: None,
                ..scope(r)
            };
            Show::FieldKeys(ShowFieldKeys {
                scope,
                page: page(r),
            })
        }
        7 => Show::Measurements(show_measurements(r)),
        8 => Show::Series(ShowSeries {
            scope: scope(r),
            page: page(r),
        }),
        9 => Show::TagKeys(ShowTagKeys {
            scope: scope(r),
            keys: r.maybe(50, keys),
            page: page(r),
            series_limit: count(r),
            series_offset: count(r),
        }),
        10 => Show::TagValues(ShowTagValues {
            scope: scope(r),
            keys: keys(r),
            page: page(r),
        }),
        _ => Show::Cardinality(cardinality(r)),
    }
}

fn duration(r: &mut Random) -> i64 {
    r.pick(&[3_600_000_000_000, 1, 1_500_000, 604_800_000_000_000])
}

fn policy(r: &mut Random) -> Policy {
    Policy {
        duration_ns: r.maybe(50, |r| if r.chance(30) { 0 } else { duration(r) }),
        replication: r.maybe(50, |r| r.pick(&[1, 2, 2_147_483_647])),
        shard_duration_ns: r.maybe(50, |r| if r.chance(30) { 0 } else { duration(r) }),
    }
}

fn create_database(r: &mut Random) -> CreateDatabase {
    let mut create = CreateDatabase {
        name: name(r),
        policy: r.maybe(60, policy),
        policy_name: None,
    };
    if create.policy.is_some() {
        create.policy_name = r.maybe(50, name);
        if create.policy == Some(Policy::default()) {
            create.policy_name.get_or_insert_with(|| "p".to_owned());
        }
    }
    create
}

fn create_retention_policy(r: &mut Random) -> CreateRetentionPolicy {
    let mut policy = policy(r);
    policy.duration_ns.get_or_insert(0);
    policy.replication.get_or_insert(1);
    CreateRetentionPolicy {
        name: name(r),
        database: name(r),
        policy,
        default: r.chance(50),
    }
}

fn alter_retention_policy(r: &mut Random) -> AlterRetentionPolicy {
    let policy = policy(r);
    let default = policy == Policy::default() || r.chance(50);
    AlterRetentionPolicy {
        name: name(r),
        database: name(r),
        policy,
        default,
    }
}

fn deletion(r: &mut Random) -> Deletion {
    let condition = r.maybe(60, |r| condition(r, 1));
    let sources = if condition.is_none() || r.chance(50) {
        sources(r)
    } else {
        Vec::new()
    };
    let bare = |source| match source {
        Source::Measurement(Measurement { name, .. }) => Source::Measurement(Measurement {
            database: None,
            retention_policy: None,
            name,
        }),
        subquery => subquery,
    };
    Deletion {
        sources: sources.into_iter().map(bare).collect(),
        condition,
    }
}

fn grant(r: &mut Random) -> Grant {
    let privilege = r.pick(&[Privilege::Read, Privilege::Write, Privilege::All]);
    let mut database = r.maybe(50, name);
    if privilege != Privilege::All {
        database.get_or_insert_with(|| "d".to_owned());
    }
    Grant {
        privilege,
        database,
        user: name(r),
    }
}

fn subscription(r: &mut Random) -> Subscription {
    Subscription {
        name: name(r),
        database: name(r),
        retention_policy: name(r),
    }
}

fn continuous_query(r: &mut Random) -> ContinuousQuery {
    let mut select = select(r, 1);
    select.target.get_or_insert_with(|| target(r));
    let interval = Expression::Literal(Literal::Duration(60_000_000_000));
    let time = Call {
        name: "time".to_owned(),
        arguments: vec![interval],
    };
    select.dimensions.insert(0, Expression::Call(time));
    ContinuousQuery {
        name: name(r),
        database: name(r),
        resample_every_ns: r.pick(&[0, 60_000_000_000]),
        resample_for_ns: r.pick(&[0, 3_600_000_000_000]),
        select: Box::new(select),
    }
}

fn administration(r: &mut Random) -> Administration {
    match r.below(10) {
        0 => Administration::CreateContinuousQuery(continuous_query(r)),
        1 => Administration::DropContinuousQuery {
            name: name(r),
            database: name(r),
        },
        2 => Administration::CreateSubscription {
            subscription: subscription(r),
            destinations: r.pick(&[Destinations::All, Destinations::Any]),
            addresses: r.several(2, text),
        },
        3 => Administration::DropSubscription(subscription(r)),
        4 => Administration::CreateUser(CreateUser {
            name: name(r),
            administrator: r.chance(50),
        }),
        5 => Administration::DropUser(name(r)),
        6 => Administration::SetPassword(name(r)),
        7 => Administration::Grant(grant(r)),
        8 => Administration::Revoke(grant(r)),
        _ => Administration::DropShard(r.next()),
    }
}

pub(super) fn statement(r: &mut Random, depth: usize) -> Statement {
    match r.below(20) {
        0..=7 => Statement::Select(Box::new(select(r, depth))),
        8 => Statement::Explain(Explain {
            analyze: r.chance(50),
            select: Box::new(select(r, depth)),
        }),
        9..=12 => Statement::Show(Box::new(show(r))),
        13 => Statement::CreateDatabase(create_database(r)),
        14 => Statement::DropDatabase(name(r)),
        15 => Statement::CreateRetentionPolicy(create_retention_policy(r)),
        16 => Statement::AlterRetentionPolicy(alter_retention_policy(r)),
        17 => match r.below(3) {
            0 => Statement::DropRetentionPolicy {
                name: name(r),
                database: name(r),
            },
            1 => Statement::KillQuery {
                id: r.next(),
                host: r.maybe(50, name),
            },
            _ => Statement::DropMeasurement(name(r)),
        },
        18 if r.chance(50) => Statement::Delete(deletion(r)),
        18 => Statement::DropSeries(deletion(r)),
        _ => Statement::Administration(Box::new(administration(r))),
    }
}
