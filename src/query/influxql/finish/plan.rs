//! What a query does with the rows that the scan and the aggregation give.
//!
//! A [`Plan`] is made once per statement from its analysis; it knows numbers of columns, not names of
//! fields. The rows of a series are first put into slots: one per call, then one per other column
//! (fields and tags beside a selector, or the columns of a query without calls). Each column of the
//! answer is an [`Expression`] over slots.

use std::sync::Arc;

use super::super::ast::Fill;
use super::super::value::ValueType;
use super::expression::Expression;
use super::window::Grid;

/// How the rows of every series of a statement are finished.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The names of the columns, with that of the time.
    pub columns: Arc<[String]>,
    /// The columns after the time.
    pub outputs: Vec<Output>,
    /// The calls, in the order of their slots; none for a query of plain fields.
    pub calls: Vec<Call>,
    /// The types of the other slots; `None` for a column that no series has.
    pub others: Vec<Option<ValueType>>,
    /// The windows of GROUP BY time.
    pub grid: Option<Grid>,
    /// The first time of the range, if it is bounded.
    pub lower_ns: Option<i64>,
    /// The last time of the range, if it is bounded; with windows it always is, at least by now.
    pub upper_ns: Option<i64>,
    /// What stands where a value is missing.
    pub fill: Fill,
    /// Whether the newest rows come first.
    pub descending: bool,
    /// The most rows of a series, per call; 0 for all.
    pub limit: u64,
    /// Rows left out at the start of a series, per call.
    pub offset: u64,
    /// Whether the query is read by another one. Transformations of its windows then read nothing
    /// before the range, as in 1.x.
    pub is_subquery: bool,
}

/// One column of the answer.
#[derive(Clone, Debug)]
pub struct Output {
    /// How its values come about.
    pub expression: Expression,
    /// Its type; a value of another type of number is cast, anything else becomes null.
    pub value_type: ValueType,
}

/// One call of a statement, with the transformations around it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The innermost function.
    pub function: Function,
    /// The type of what the function gives.
    pub value_type: ValueType,
    /// Whether a row keeps the time of the point that was chosen: it is the only call, a selector, and
    /// there are no windows.
    pub keeps_time: bool,
    /// The transformations, the innermost first.
    pub steps: Vec<Step>,
}

/// The innermost function of a call, by what the aggregation gives for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// A value per window: sum, mean, spread, stddev, min, max, first, last.
    Aggregate,
    /// A value per window, which is 0 where `fill(null)` fills: count.
    Count,
    /// The points of a window.
    Median,
    /// The points of a window.
    Mode,
    /// The points of a window and a rank in per cent.
    Percentile(f64),
    /// The points of a window: `count(distinct(…))`.
    CountDistinct,
    /// The points of a window.
    Distinct,
    /// The points of a window.
    Top(Ranking),
    /// The points of a window.
    Bottom(Ranking),
    /// The points of a window.
    Sample {
        /// How many points are chosen.
        count: usize,
        /// Where the sequence of random numbers starts.
        seed: u64,
    },
    /// The points of a window or rows; the unit of time.
    Integral {
        /// The unit of time.
        unit_ns: i64,
    },
    /// The rows themselves.
    Rows,
}

/// The arguments of top and bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// How many points are chosen.
    pub count: usize,
    /// Whether only the best point for each combination of tags takes part. A tag that is nowhere is the
    /// same for all points.
    pub is_per_tags: bool,
    /// The tags among the arguments, by their places in [`Point::others`](super::Point).
    pub tags: Vec<usize>,
}

/// A transformation of a sequence of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// derivative, non_negative_derivative
    Derivative {
        /// The unit of time: the argument, else the interval of the windows, else a second.
        unit_ns: i64,
        /// Whether negative results are left out.
        non_negative: bool,
    },
    /// difference, non_negative_difference
    Difference {
        /// Whether negative results are left out.
        non_negative: bool,
    },
    /// moving_average over so many values.
    MovingAverage(usize),
    /// cumulative_sum
    CumulativeSum,
    /// elapsed
    Elapsed {
        /// The unit of time.
        unit_ns: i64,
    },
}

impl Plan {
    /// Returns how many nanoseconds before the range (after it in a descending query) the points that
    /// a call reads start: a transformation of windows reads one window more than it answers. One
    /// around another reads two if a moving average is in the statement, else one, as in 1.x.
    ///
    /// The aggregation must give each call the windows of its own range, and their values of its own
    /// range.
    pub fn lead_ns(&self, call: &Call) -> i64 {
        if self.is_subquery {
            return 0;
        }
        let steps = self.calls.iter().flat_map(|call| &call.steps);
        let averages = steps.map(|step| match step {
            Step::MovingAverage(count) => i64::try_from(*count).unwrap_or(i64::MAX),
            _ => 1,
        });
        let most = averages.max().unwrap_or(0);
        let interval_ns = self.grid.map_or(0, |grid| grid.interval_ns());
        self.fill_lead_ns(call)
            .min(interval_ns.saturating_mul(most))
    }

    /// Returns how many nanoseconds before the range windows are filled for a call: one window for
    /// each transformation. As 1.x does, though there are no points in the windows before the first.
    pub(super) fn fill_lead_ns(&self, call: &Call) -> i64 {
        let Some(grid) = &self.grid else {
            return 0;
        };
        if call.function == Function::Rows {
            return 0;
        }
        let steps = call.steps.iter();
        let leads = steps.filter(|step| **step != Step::CumulativeSum).count();
        let leads = i64::try_from(leads).unwrap_or(i64::MAX);
        grid.interval_ns().saturating_mul(leads)
    }

    /// Returns the types of all slots.
    pub(super) fn slot_types(&self) -> Vec<Option<ValueType>> {
        let calls = self.calls.iter().map(|call| Some(call.output_type()));
        calls.chain(self.others.iter().copied()).collect()
    }
}

impl Call {
    /// Returns the type of what the call gives after its transformations.
    pub fn output_type(&self) -> ValueType {
        let steps = self.steps.iter();
        steps.fold(self.value_type, |before, step| step.output_type(before))
    }
}

impl Step {
    /// Returns the type of what the transformation makes of values of a type.
    pub fn output_type(self, input: ValueType) -> ValueType {
        match self {
            Self::Derivative { .. } | Self::MovingAverage(_) => ValueType::Float,
            Self::Elapsed { .. } => ValueType::Integer,
            Self::Difference { .. } | Self::CumulativeSum => input,
        }
    }
}
