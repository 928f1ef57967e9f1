//! What a SELECT makes of the rows that scan and aggregation give: the peculiar part of InfluxQL.
//!
//! It works on one series at a time, streamed: windows in the order of the answer go in, parts of the
//! series come out.
//!
//! ```text
//! cells of a window ─> function over a list ─> fill ─> transformations ─> limit ─┐  one chain per call
//! cells of a window ─> …                                                        ─┴─> join by time
//!                                                     ─> slots ─> columns ─> rows of a part
//! ```
//!
//! - [`plan`]: what a statement wants, without names of fields; [`Prepared`]: the plan of an
//!   analysed query;
//! - [`window`]: windows and their walk over days on which clocks change;
//! - `collected`, `integral`: functions over the points of a window;
//! - `fill`: what stands in windows without a point;
//! - `step`: transformations; [`arithmetic`], [`expression`]: columns over values;
//! - `chain`: the way of one call; [`series`]: chains joined to the rows of a series;
//! - [`plain`]: queries without calls.
//!
//! Memory is bounded: a series holds one row per call and what its functions must remember. Two things
//! hold more: the points of one window that a function over a list needs, which the caller gives; and
//! in a query with several calls that are filled, the windows of one wait, unfilled, for the first
//! point of another, and with `fill(linear)` for its next one.
//!
//! The rules are those of the query contract, sections 11.2 to 11.4, 11.6, 11.10 and 11.11, and where
//! it is silent those of InfluxDB 1.x. Nothing here fails: types are checked by the analysis, and a
//! value of a type that it excludes is null.
//!
//! # What differs from 1.6.7
//!
//! - `integral()` with `ORDER BY time DESC` is that of the ascending query, not its negative, and the
//!   windows keep their starts;
//! - `integral()` of integers splits areas at the edges of windows as that of floats does; 1.x
//!   continues after an edge from a wrong value;
//! - `integral()` of floats without windows has the time of other aggregates, in 1.x the epoch;
//! - `top`, `bottom` and `distinct` give the points of a window in the order of the query, 1.6.7 in
//!   ascending order even if it is descending;
//! - a number of `fill` in a text or boolean column is null where 1.x puts the number;
//! - a field that is nowhere and selected as it is is null also with `fill(number)`;
//! - a function over a subquery takes all rows of a group together; 1.6.7 begins a window anew in every
//!   series, and without windows has no answer if one of the subquery starts before the range;
//! - a row of a subquery without a value, as the deviation of one point or a root of a negative number, is
//!   passed over by a function; 1.6.7 takes it for a point, counts it, and has a row for it;
//! - `fill(previous)` begins anew in every series;
//! - with `tz()` and an offset the windows start at the offset in local time;
//! - a window without the rank of a percentile is one without a point; in 1.x it ends the call;
//! - of values that are as frequent, `mode` takes them with their points in order of time; 1.6.7 in whatever
//!   order its sort leaves them, from 13 points on;
//! - where clocks change, windows are filled where they are; 1.6.7 fills beside them if the change is at
//!   the start of one, or is no multiple of the interval;
//! - an offset without a limit leaves out rows; 1.x also keeps no more than that of each series;
//! - windows without a lower bound of time start with the first point, also with an offset.

pub mod arithmetic;
mod chain;
mod collected;
pub mod expression;
mod fill;
mod integral;
pub mod number;
pub mod plain;
pub mod plan;
mod point;
pub(crate) mod prepare;
mod rows;
pub mod series;
mod step;
pub mod window;

#[cfg(test)]
mod tests;

pub use arithmetic::Math;
pub use expression::Expression;
pub use plain::PlainSeries;
pub use plan::{Call, Function, Output, Plan, Ranking, Step};
pub use point::{Cell, Point};
pub use prepare::Prepared;
pub use series::Series;
pub use window::{Grid, Walk, Windows};
