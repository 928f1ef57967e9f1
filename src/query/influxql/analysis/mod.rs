//! Analysis of a SELECT: what its names, wildcards, times and functions mean where it is run.
//!
//! A tree says what the text says. The analysis asks a [`Schema`] which measurements, fields and
//! tags there are and gives an [`Analysed`] query, in which nothing has to be looked up by name
//! any more:
//!
//! - the sources, each with a typed [`Condition`] and with what every input is read from;
//! - the range of times, the windows, the tags of the groups, the fill, the limits;
//! - the unique [`Call`]s of functions, each with its arguments, its type and the times of its rows;
//! - the columns: a name, a type, and a [`Formula`] over inputs and calls.
//!
//! The order is the one of 1.x, and so are names, types and error texts: validation, subqueries from
//! the inside, types of the references, wildcards, columns, conditions. In short:
//!
//! ```text
//! validate ─> sources ─> references get types ─> wildcards ─> calls and columns ─> conditions
//! ```
//!
//! Nothing here reads points, and nothing knows how a query is run. What is left to those who run it:
//!
//! - A point or row takes part if the condition of its source holds, and if it is a point within the
//!   range: for each call the range of the query and its [`Call::extra_windows`].
//! - Series are those of a measurement's name and the tags; they are answered in this order, in the
//!   reverse one if the newest rows come first.
//! - A call is computed from the points of which its [`Call::input`] is not null. Beside a selector
//!   the plain inputs are those of the chosen point, whether they are null or not.
//! - Calls are joined by the times of their rows ([`Analysed::row_time`]), each limited by itself.
//!
//! # What differs from 1.6.7
//!
//! - A function on fields of a type that it does not know is refused by name and type. 1.6.7 shows
//!   names of its own code, only if there are points, and fails where measurements differ in types.
//! - A column of a subquery has the type of its values; 1.6.7 cuts off what integers divide to, and
//!   the results of mathematics on integers, where another query reads them.
//! - `GROUP BY time(1w, '2020-01-01')` works, as in later versions; 1.6.7 calls the offset invalid.
//! - Mathematics of arithmetic work in conditions, `abs(a - b) < 2`; in 1.6.7 nothing fits them.
//! - A condition that is arithmetic of booleans, `a & b`, holds where its value is true; in 1.6.7
//!   everywhere. Arithmetic that is null is not `false` in a condition: `(x & 1.5) = false` never
//!   holds.
//! - `holt_winters`, the functions of technical analysis and INTO are refused.
//! - Errors show floats with their digits, 1.6.7 with three.

mod calls;
mod condition;
mod fields;
mod fold;
mod function;
mod model;
mod names;
mod operand;
mod pattern;
mod references;
mod schema;
mod sources;
mod times;
mod types;
mod wildcards;
mod zone;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::sync::Arc;

use super::ast::{Fill, Select};
use super::validate::{self, Clock, ValidateError};

pub use condition::{Condition, TagTest};
pub use function::{Argument, Call, Class, Function, Ranked, RowTime};
pub use model::{
    Analysed, Column, Formula, Input, InputKind, MathFunction, MeasurementSource, Read, SeriesCut,
    Source, SubquerySource, Window,
};
pub use operand::Operand;
pub use pattern::Pattern;
pub use schema::{Origin, Schema, SchemaError};
pub use zone::{find as find_zone, to_utc_ns};

/// Why a SELECT cannot be run; the text is what the client reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// The statement makes no sense, whatever is stored.
    #[error(transparent)]
    Invalid(#[from] ValidateError),
    /// A database or retention policy is not there, or could not be asked.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Two operands cannot be joined.
    #[error("type error: {expression}: {reason}")]
    Type {
        /// The operator and its operands, with their types.
        expression: String,
        /// Why not.
        reason: String,
    },
    /// A wildcard stands where none may.
    #[error("{0}")]
    Wildcard(String),
    /// A regular expression is none, or too large.
    #[error("{0}")]
    Regex(String),
    /// A time zone is not known.
    #[error("unable to find time zone {0}")]
    Zone(String),
    /// A function does not take fields of this type.
    #[error("{function}() is not supported for {value_type} fields")]
    Argument {
        /// The function.
        function: String,
        /// The word for the type.
        value_type: &'static str,
    },
    /// A function or clause of 1.x is not offered.
    #[error("{0} is not supported")]
    Unsupported(String),
}

/// Analyses a SELECT and its subqueries.
///
/// `now_ns` is the time of the request, in nanoseconds since the epoch.
///
/// # Errors
///
/// The first thing that 1.x refuses, or a schema that cannot be read.
pub fn analyse(
    select: &Select,
    now_ns: i64,
    schema: &dyn Schema,
) -> Result<Analysed, AnalysisError> {
    let clock = Clock {
        now_ns,
        to_utc_ns: zone::to_utc_ns,
    };
    validate::select(select, &clock)?;
    if select.target.is_some() {
        return Err(AnalysisError::Unsupported("SELECT INTO".to_owned()));
    }
    let analysis = Analysis {
        clock,
        schema,
        sources: Cell::new(0),
        columns: Cell::new(0),
    };
    let mut analysed = analysis.select(select, None)?;
    let cut = SeriesCut {
        tags: Arc::clone(&analysed.tags),
        limit: 0,
        offset: 0,
    };
    analysed.settle(&[], &cut);
    match analysed.refusal.take() {
        Some(refusal) => Err(refusal),
        None => Ok(analysed),
    }
}

/// The most columns of a SELECT with its subqueries, once its wildcards are expanded.
pub const COLUMNS_MAX: usize = 20_000;

/// The most measurements that a SELECT with its subqueries reads, once its patterns are expanded.
pub const SOURCES_MAX: usize = 10_000;

/// The surroundings of an analysis.
pub(crate) struct Analysis<'a> {
    clock: Clock,
    schema: &'a dyn Schema,
    /// The measurements and the columns so far: a short text can stand for very many.
    sources: Cell<usize>,
    columns: Cell<usize>,
}

impl Analysis<'_> {
    /// Counts measurements that are read.
    fn count_sources(&self, more: usize) -> Result<(), AnalysisError> {
        self.sources.set(self.sources.get().saturating_add(more));
        match self.sources.get() {
            0..=SOURCES_MAX => Ok(()),
            _ => Err(AnalysisError::Unsupported(format!(
                "a SELECT from more than {SOURCES_MAX} measurements"
            ))),
        }
    }

    /// Counts columns.
    fn count_columns(&self, more: usize) -> Result<(), AnalysisError> {
        self.columns.set(self.columns.get().saturating_add(more));
        match self.columns.get() {
            0..=COLUMNS_MAX => Ok(()),
            _ => Err(AnalysisError::Unsupported(format!(
                "a SELECT of more than {COLUMNS_MAX} columns"
            ))),
        }
    }

    /// Analyses one level of a query that is valid.
    fn select(
        &self,
        select: &Select,
        outer: Option<&times::Outer>,
    ) -> Result<Analysed, AnalysisError> {
        let times = times::Times::of(select, &self.clock, outer)?;
        let sources = sources::resolve(self, select, &times.for_subqueries())?;
        let fields = references::typed_fields(select, &sources, outer.is_some());
        let expanded = wildcards::expand(self, &fields, select, &sources)?;
        let mut building = fields::Building::new(&sources, times.window.as_ref(), outer.is_some());
        for field in &expanded.fields {
            building.add(field)?;
        }
        let built = building.finish();
        let predicate = times.predicate.as_ref();
        let bound = sources::bind(sources, &built.inputs, &built.calls, predicate)?;
        let is_aggregate = !built.calls.is_empty();
        let fill = match select.fill {
            Fill::Null if outer.is_some() && is_aggregate => Fill::None,
            fill => fill,
        };
        Ok(Analysed {
            sources: bound.sources,
            range: times.range,
            zone: times.window_zone,
            window: times.window,
            dimensions: Arc::clone(&expanded.tags),
            tags: expanded.tags,
            fill,
            descending: times.descending,
            limit: select.limit,
            offset: select.offset,
            series_limit: select.series_limit,
            series_offset: select.series_offset,
            inputs: built.inputs,
            calls: built.calls,
            time_name: names::of_time(select),
            columns: built.columns,
            refusal: bound.refusal.or(built.refusal.filter(|_| bound.reads)),
        })
    }
}
