//! Functions that choose, combine or transform points.

use super::super::value::ValueType;

/// A function with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function and what is said about it.
    pub function: Function,
    /// What it is computed from.
    pub argument: Argument,
    /// The type of the result; `None` if what it is computed from is nowhere and has no type. Such a
    /// call has no rows and is always null; where the type does not depend on the argument, as of
    /// `mean`, it is filled by fill(number) in the rows of others.
    pub value_type: Option<ValueType>,
    /// How many windows before the first one (after the last one if the newest come first) are read
    /// for this function in addition; they give no rows of their own.
    pub extra_windows: u32,
}

/// What a function is computed from.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// The input with this index.
    Input(usize),
    /// The rows of another function, per window.
    Call(Box<Call>),
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "most of the names say it all")]
pub enum Function {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    First,
    Last,
    Spread,
    Stddev,
    Median,
    Mode,
    /// The point of this rank, from 0 to 100.
    Percentile(f64),
    Distinct,
    /// The points with the largest values, at most one per combination of tags if there are any.
    Top(Ranked),
    /// The points with the smallest values, in the same way.
    Bottom(Ranked),
    /// This many points by chance.
    Sample(usize),
    /// The area under the points, in this unit.
    Integral {
        unit_ns: i64,
    },
    /// The change per unit.
    Derivative {
        unit_ns: i64,
        non_negative: bool,
    },
    Difference {
        non_negative: bool,
    },
    CumulativeSum,
    /// The mean of this many points; at least 2.
    MovingAverage(usize),
    /// The time since the point before, in this unit, cut off.
    Elapsed {
        unit_ns: i64,
    },
}

/// What is said about `top` and `bottom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// How many points are chosen; at least 1.
    pub count: usize,
    /// The inputs, tags as a rule, of whose combinations each gives one point at most.
    pub by: Vec<usize>,
}

/// How a function is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// By an aggregate per group and window: count, sum, mean, min, max, first, last, spread,
    /// stddev.
    Builtin,
    /// From the list of all points of a group and window.
    Collected,
    /// From the points of a group, one after the other.
    Raw,
    /// From the rows of another function.
    Nested,
}

/// Which time a row has (contract 11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowTime {
    /// The start of the window.
    Window,
    /// The start of the [range](super::Analysed::range), or the epoch if it has none.
    Start,
    /// The epoch, whatever the range: `integral` without windows.
    Epoch,
    /// The one of the point that was chosen, or of the later one of two.
    Point,
}

impl Call {
    /// Returns how the function is computed.
    pub fn class(&self) -> Class {
        match (&self.argument, self.function.class()) {
            (Argument::Call(_), _) => Class::Nested,
            (Argument::Input(_), class) => class,
        }
    }

    /// Returns the function that is computed from points: itself, or the innermost argument.
    pub fn base(&self) -> &Self {
        match &self.argument {
            Argument::Call(inner) => inner.base(),
            Argument::Input(_) => self,
        }
    }

    /// Returns the input that the innermost function is computed from.
    pub fn input(&self) -> usize {
        match &self.argument {
            Argument::Call(inner) => inner.input(),
            Argument::Input(index) => *index,
        }
    }

    /// Returns the inputs by which points are ranked apart.
    pub fn ranked_by(&self) -> &[usize] {
        match &self.base().function {
            Function::Top(ranked) | Function::Bottom(ranked) => &ranked.by,
            _ => &[],
        }
    }

    /// Returns true if windows without points get a row by fill(…); the other functions have rows
    /// only where they have values. Only of meaning with windows.
    pub fn is_filled(&self) -> bool {
        !matches!(
            self.function,
            Function::Distinct | Function::Top(_) | Function::Bottom(_) | Function::Sample(_)
        ) && !matches!(self.function, Function::Integral { .. })
            && !self.function.is_transformation()
    }

    /// Returns which time the rows have; `alone` says that the query has no other function.
    pub fn row_time(&self, windows: bool, alone: bool) -> RowTime {
        match &self.function {
            Function::Top(_) | Function::Bottom(_) | Function::Sample(_) => RowTime::Point,
            function if function.is_transformation() => match &self.argument {
                Argument::Call(inner) => inner.row_time(windows, false),
                Argument::Input(_) => RowTime::Point,
            },
            _ if windows => RowTime::Window,
            Function::Integral { .. } => RowTime::Epoch,
            function if function.is_selector() && alone => RowTime::Point,
            _ => RowTime::Start,
        }
    }
}

impl Function {
    /// Returns the name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Spread => "spread",
            Self::Stddev => "stddev",
            Self::Median => "median",
            Self::Mode => "mode",
            Self::Percentile(_) => "percentile",
            Self::Distinct => "distinct",
            Self::Top(_) => "top",
            Self::Bottom(_) => "bottom",
            Self::Sample(_) => "sample",
            Self::Integral { .. } => "integral",
            Self::Derivative { non_negative, .. } if *non_negative => "non_negative_derivative",
            Self::Derivative { .. } => "derivative",
            Self::Difference { non_negative } if *non_negative => "non_negative_difference",
            Self::Difference { .. } => "difference",
            Self::CumulativeSum => "cumulative_sum",
            Self::MovingAverage(_) => "moving_average",
            Self::Elapsed { .. } => "elapsed",
        }
    }

    /// Returns true if the function makes rows from successive ones.
    pub fn is_transformation(&self) -> bool {
        matches!(
            self,
            Self::Derivative { .. }
                | Self::Difference { .. }
                | Self::CumulativeSum
                | Self::MovingAverage(_)
                | Self::Elapsed { .. }
        )
    }

    /// Returns true if the function chooses one point, of which other fields may be selected too.
    pub fn is_selector(&self) -> bool {
        matches!(
            self,
            Self::Min | Self::Max | Self::First | Self::Last | Self::Percentile(_)
        )
    }

    /// Returns true if the function takes fields of a type.
    pub fn takes(&self, value_type: ValueType) -> bool {
        match self {
            Self::Count
            | Self::First
            | Self::Last
            | Self::Mode
            | Self::Distinct
            | Self::Sample(_)
            | Self::Elapsed { .. } => true,
            Self::Min | Self::Max => value_type != ValueType::String,
            _ => value_type.is_number(),
        }
    }

    /// Returns the type of the result for an argument of a type.
    pub fn result(&self, argument: ValueType) -> ValueType {
        match self {
            Self::Count | Self::Elapsed { .. } => ValueType::Integer,
            Self::Mean
            | Self::Median
            | Self::Stddev
            | Self::Integral { .. }
            | Self::Derivative { .. }
            | Self::MovingAverage(_) => ValueType::Float,
            _ => argument,
        }
    }

    /// Returns how many windows are read in addition for the function itself.
    pub(super) fn extra_windows(&self) -> u32 {
        u32::from(self.is_transformation() && *self != Self::CumulativeSum)
    }

    fn class(&self) -> Class {
        match self {
            Self::Count
            | Self::Sum
            | Self::Mean
            | Self::Min
            | Self::Max
            | Self::First
            | Self::Last
            | Self::Spread
            | Self::Stddev => Class::Builtin,
            function if function.is_transformation() => Class::Raw,
            _ => Class::Collected,
        }
    }
}
