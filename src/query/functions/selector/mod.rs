//! Selectors: the first, last, smallest or largest value of a group, with the time of its point.
//!
//! Points without the value are skipped. Of equal values `selector_min` and `selector_max` take the
//! earliest. Of equal times, which only points of several series have, `selector_first` and
//! `selector_last` take the larger value, as InfluxDB 1 does. A group without values gives null.
//!
//! InfluxQL chooses a point with more columns of its row; SQL has no form for that.
//!
//! Source of the rule: the functions of SQL that InfluxDB 3 documents.

mod beside;
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
use winners::{Single, Types, fields};

/// A selector.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Selector {
    name: &'static str,
    choice: Choice,
    /// How many columns follow value and time.
    beside: usize,
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
    .map(|(name, choice)| Selector::new(name, choice, 0))
}

impl Selector {
    fn new(name: &'static str, choice: Choice, beside: usize) -> Self {
        Self {
            name,
            choice,
            beside,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Returns the value of a group that is chosen among those that are not null, with its time and what else
/// its row has: a struct of `value`, `time`, `other0` and so on.
pub(crate) fn chosen(choice: Choice, value: Expr, time: Expr, beside: Vec<Expr>) -> Expr {
    let name = match choice {
        Choice::First => "selector_first",
        Choice::Last => "selector_last",
        Choice::Min => "selector_min",
        Choice::Max => "selector_max",
    };
    let selector = Selector::new(name, choice, beside.len());
    let columns = [value, time].into_iter().chain(beside);
    AggregateUDF::new_from_impl(selector).call(columns.collect())
}

/// The part of such a struct that is the column at a place after value and time.
pub(crate) fn other(place: usize) -> String {
    format!("other{place}")
}

impl AggregateUDFImpl for Selector {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (value, time, beside) = match given {
            [value, time, beside @ ..] if beside.len() == self.beside => (value, time, beside),
            _ => return plan_err!("{}(value, time) takes two arguments", self.name),
        };
        let Some(value) = values::supported(value) else {
            return plan_err!("{} cannot choose among values of type {value}", self.name);
        };
        let zone = match time {
            DataType::Timestamp(_, zone) => zone.clone(),
            DataType::Null => None,
            _ => return plan_err!("the second argument of {} must be a time", self.name),
        };
        let time = DataType::Timestamp(TimeUnit::Nanosecond, zone);
        let columns = [value, time].into_iter().chain(beside.iter().cloned());
        Ok(columns.collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [value, time, beside @ ..] => {
                let types = Types {
                    value: value.clone(),
                    time: time.clone(),
                    beside: beside.to_vec(),
                };
                Ok(DataType::Struct(fields(&types)))
            }
            _ => internal_err!("a selector of {} arguments", given.len()),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let others = (0..self.beside).map(other);
        let names = ["value", "time"].map(str::to_owned).into_iter();
        let named = args.input_fields.iter().zip(names.chain(others));
        let state = named.map(|(field, part)| {
            let name = format_state_name(args.name, &part);
            Arc::new(Field::new(name, field.data_type().clone(), true))
        });
        Ok(state.collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let types = types(&args)?;
        let groups = values::winners(self.choice, &types)?;
        Single::make(groups, &types)
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let groups = values::winners(self.choice, &types(&args)?)?;
        Ok(groups)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The types of the columns that a selector is given.
fn types(args: &AccumulatorArgs<'_>) -> Result<Types> {
    let [value, time, beside @ ..] = args.expr_fields else {
        return internal_err!("a selector of {} arguments", args.expr_fields.len());
    };
    let beside = beside.iter().map(|field| field.data_type().clone());
    Ok(Types {
        value: value.data_type().clone(),
        time: time.data_type().clone(),
        beside: beside.collect(),
    })
}
