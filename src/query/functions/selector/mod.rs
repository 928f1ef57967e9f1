//! Selectors: the first, last, smallest or largest value of a group, with the time of its point.
//!
//! Points without the value are skipped. Of equal values `selector_min` and `selector_max` take the
//! earliest. Of equal times, which only points of several series have, `selector_first` and
//! `selector_last` take the larger value, as InfluxDB 1 does. A group without values gives null.
//!
//! Source of the rule: the functions of SQL that InfluxDB 3 documents.

mod values;
mod winners;

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, Signature, Volatility,
};

pub(crate) use winners::Choice;
use winners::{Single, fields};

/// A selector.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Selector {
    name: &'static str,
    choice: Choice,
    signature: Signature,
}

/// Every selector.
pub(super) fn all() -> [Selector; 4] {
    [
        ("selector_first", Choice::First),
        ("selector_last", Choice::Last),
        ("selector_min", Choice::Min),
        ("selector_max", Choice::Max),
    ]
    .map(|(name, choice)| Selector::new(name, choice))
}

impl Selector {
    fn new(name: &'static str, choice: Choice) -> Self {
        Self {
            name,
            choice,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Returns the first value of a group that is not null, with its time: a struct of `value` and `time`.
pub(crate) fn first(value: Expr, time: Expr) -> Expr {
    call("selector_first", Choice::First, value, time)
}

/// Returns the last value in the same way.
pub(crate) fn last(value: Expr, time: Expr) -> Expr {
    call("selector_last", Choice::Last, value, time)
}

/// Returns the smallest value in the same way.
pub(crate) fn min(value: Expr, time: Expr) -> Expr {
    call("selector_min", Choice::Min, value, time)
}

/// Returns the largest value in the same way.
pub(crate) fn max(value: Expr, time: Expr) -> Expr {
    call("selector_max", Choice::Max, value, time)
}

fn call(name: &'static str, choice: Choice, value: Expr, time: Expr) -> Expr {
    let selector = AggregateUDF::new_from_impl(Selector::new(name, choice));
    selector.call(vec![value, time])
}

impl AggregateUDFImpl for Selector {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time] = given else {
            return plan_err!("{}(value, time) takes two arguments", self.name);
        };
        let Some(value) = values::supported(value) else {
            return plan_err!("{} cannot choose among values of type {value}", self.name);
        };
        let zone = match time {
            DataType::Timestamp(_, zone) => zone.clone(),
            DataType::Null => None,
            _ => return plan_err!("the second argument of {} must be a time", self.name),
        };
        Ok(vec![value, DataType::Timestamp(TimeUnit::Nanosecond, zone)])
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [value, time] => Ok(DataType::Struct(fields(value, time))),
            _ => internal_err!("a selector of {} arguments", given.len()),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let named = args.input_fields.iter().zip(["value", "time"]);
        let state = named.map(|(field, part)| {
            let name = format_state_name(args.name, part);
            Arc::new(Field::new(name, field.data_type().clone(), true))
        });
        Ok(state.collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let [value, time] = args.expr_fields else {
            return internal_err!("a selector of {} arguments", args.expr_fields.len());
        };
        let groups = values::winners(self.choice, value.data_type(), time.data_type())?;
        Single::make(groups, value.data_type(), time.data_type())
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let [value, time] = args.expr_fields else {
            return internal_err!("a selector of {} arguments", args.expr_fields.len());
        };
        let groups = values::winners(self.choice, value.data_type(), time.data_type())?;
        Ok(groups)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
