//! Times of one level of a query: its range, its windows, its order.

use chrono_tz::Tz;

use super::super::ast::{Expression, Literal, Operator, Reference, Select};
use super::super::validate::{self, Clock, Offset, TimeRange};
use super::model::Window;
use super::{AnalysisError, zone};

/// The days from the first of January of the year 1 to the epoch, from which `now()` as an offset
/// is counted.
const DAYS_TO_EPOCH: i128 = 719_162;
const DAY_NS: i128 = 86_400_000_000_000;

/// What a query passes on to its subqueries.
#[derive(Clone, Copy)]
pub(super) struct Outer {
    range: TimeRange,
    window: Option<Window>,
    descending: bool,
}

/// The times of one level.
pub(super) struct Times {
    /// The condition without its times.
    pub(super) predicate: Option<Expression>,
    pub(super) range: TimeRange,
    pub(super) window: Option<Window>,
    pub(super) window_zone: Option<Tz>,
    pub(super) descending: bool,
}

impl Times {
    /// Finds the times of a SELECT that is valid.
    pub(super) fn of(
        select: &Select,
        clock: &Clock,
        outer: Option<&Outer>,
    ) -> Result<Self, AnalysisError> {
        let window_zone = match &select.zone {
            Some(name) => Some(zone::find(name).ok_or_else(|| AnalysisError::Zone(name.clone()))?),
            None => None,
        };
        let split = match &select.condition {
            Some(condition) => validate::split(condition, select.zone.as_deref(), clock)?,
            None => validate::Split::default(),
        };
        let own = window(select, clock, window_zone)?;
        let mut range = split.range;
        if own.is_some() && range.max_ns.is_none() {
            range.max_ns = Some(clock.now_ns);
        }
        // Windows of the query around are cut in the zone of this one, as in 1.x.
        let inherited = outer.and_then(|outer| outer.window).map(|window| Window {
            zone: window_zone,
            ..window
        });
        Ok(Self {
            predicate: split.predicate,
            range: outer.map_or(range, |outer| range.intersect(outer.range)),
            window: own.or(inherited),
            window_zone,
            descending: outer.map_or(select.is_descending(), |outer| outer.descending),
        })
    }

    /// Returns what subqueries get.
    pub(super) fn for_subqueries(&self) -> Outer {
        Outer {
            range: self.range,
            window: self.window,
            descending: self.descending,
        }
    }
}

/// Returns the windows that are written in a query.
fn window(
    select: &Select,
    clock: &Clock,
    zone: Option<Tz>,
) -> Result<Option<Window>, AnalysisError> {
    let Some(interval) = validate::interval(&select.dimensions)? else {
        return Ok(None);
    };
    let length = i128::from(interval.duration_ns);
    if length <= 0 {
        return Ok(None);
    }
    let offset = match interval.offset {
        Offset::Nanoseconds(offset) => i128::from(offset),
        Offset::Now => i128::from(clock.now_ns) + DAYS_TO_EPOCH * DAY_NS,
        Offset::Time => offset_time(select, clock)?.map_or(0, |time| {
            // Counted from the year 1, as `now()` is.
            i128::from(time) + DAYS_TO_EPOCH * DAY_NS
        }),
    };
    let offset_ns = i64::try_from(offset.rem_euclid(length)).unwrap_or_default();
    Ok(Some(Window {
        interval_ns: interval.duration_ns,
        offset_ns,
        zone,
    }))
}

/// Returns the time in the second argument of `time(…)`.
fn offset_time(select: &Select, clock: &Clock) -> Result<Option<i64>, AnalysisError> {
    let text = select.dimensions.iter().find_map(|dimension| {
        let Expression::Call(call) = unwrapped(dimension) else {
            return None;
        };
        match call.arguments.get(1).map(unwrapped) {
            Some(argument @ Expression::Literal(Literal::String(_))) => Some(argument.clone()),
            _ => None,
        }
    });
    let Some(text) = text else {
        return Ok(None);
    };
    // A comparison is the way to have the time of a string.
    let comparison = Expression::Binary {
        operator: Operator::Equal,
        left: Box::new(Expression::Reference(Reference {
            name: "time".to_owned(),
            cast: None,
        })),
        right: Box::new(text),
    };
    let split = validate::split(&comparison, select.zone.as_deref(), clock)?;
    Ok(split.range.min_ns)
}

fn unwrapped(expression: &Expression) -> &Expression {
    match expression {
        Expression::Parenthesised(inner) => unwrapped(inner),
        other => other,
    }
}
