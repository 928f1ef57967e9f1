//! Transformations of a sequence of values, one value at a time.

use std::collections::VecDeque;

use super::super::value::Value;
use super::number;
use super::plan::Step;
use super::point::Point;

/// A transformation and what it remembers of a series.
#[derive(Debug)]
pub(super) struct Transformer {
    step: Step,
    before: Option<(i64, Value)>,
    recent: VecDeque<Value>,
    sum: Sum,
}

/// A running sum. Whole numbers are summed exactly, floats in the order in which they come.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    whole: i128,
    float: f64,
}

impl Transformer {
    pub(super) fn new(step: Step) -> Self {
        Self {
            step,
            before: None,
            recent: VecDeque::new(),
            sum: Sum::default(),
        }
    }

    /// Takes the next point and returns what it gives, if anything; a point without a value is passed
    /// over.
    pub(super) fn apply(&mut self, point: Point) -> Option<Point> {
        let time_ns = point.time_ns;
        let value = point.value?;
        let result = match self.step {
            Step::Derivative {
                unit_ns,
                non_negative,
            } => self.derivative(time_ns, value, unit_ns, non_negative),
            Step::Difference { non_negative } => self.difference(time_ns, value, non_negative),
            Step::MovingAverage(count) => self.moving_average(value, count),
            Step::CumulativeSum => self.cumulative_sum(&value),
            Step::Elapsed { unit_ns } => self.elapsed(time_ns, value, unit_ns),
        };
        result.map(|value| Point::new(time_ns, value))
    }

    /// Puts a point in the place of the one before; `None` if there is none, or if the time is the same,
    /// when the first one stays.
    fn advance(&mut self, time_ns: i64, value: Value) -> Option<(i64, Value)> {
        match &self.before {
            Some((before_ns, _)) if *before_ns == time_ns => None,
            _ => self.before.replace((time_ns, value)),
        }
    }

    fn derivative(
        &mut self,
        time_ns: i64,
        value: Value,
        unit_ns: i64,
        non_negative: bool,
    ) -> Option<Value> {
        let (before_ns, before) = self.advance(time_ns, value.clone())?;
        let difference = match (&value, &before) {
            (Value::Integer(value), Value::Integer(before)) => {
                number::float(value.wrapping_sub(*before))
            }
            (Value::Unsigned(value), Value::Unsigned(before)) => {
                number::wide_float(i128::from(*value) - i128::from(*before))
            }
            _ => value.as_float()? - before.as_float()?,
        };
        if non_negative && difference < 0.0 {
            return None;
        }
        let elapsed = time_ns.saturating_sub(before_ns).saturating_abs();
        let units = number::float(elapsed) / number::float(unit_ns.max(1));
        Some(Value::Float(difference / units))
    }

    fn difference(&mut self, time_ns: i64, value: Value, non_negative: bool) -> Option<Value> {
        let (_, before) = self.advance(time_ns, value.clone())?;
        let (result, negative) = match (&value, &before) {
            (Value::Float(value), Value::Float(before)) => {
                (Value::Float(value - before), value - before < 0.0)
            }
            (Value::Integer(value), Value::Integer(before)) => {
                let difference = value.wrapping_sub(*before);
                (Value::Integer(difference), difference < 0)
            }
            (Value::Unsigned(value), Value::Unsigned(before)) => {
                (Value::Unsigned(value.wrapping_sub(*before)), value < before)
            }
            _ => return None,
        };
        (!(non_negative && negative)).then_some(result)
    }

    fn moving_average(&mut self, value: Value, count: usize) -> Option<Value> {
        if self.recent.len() >= count {
            let oldest = self.recent.pop_front()?;
            self.sum.subtract(&oldest);
        }
        self.sum.add(&value);
        self.recent.push_back(value);
        if self.recent.len() < count {
            return None;
        }
        let newest = self.recent.back()?;
        Some(Value::Float(
            self.sum.as_float(newest) / number::count_float(self.recent.len()),
        ))
    }

    fn cumulative_sum(&mut self, value: &Value) -> Option<Value> {
        let zero = match value {
            Value::Float(_) => Value::Float(0.0),
            Value::Integer(_) => Value::Integer(0),
            Value::Unsigned(_) => Value::Unsigned(0),
            Value::Boolean(_) | Value::String(_) => return None,
        };
        let before = self.before.take().map_or(zero, |(_, before)| before);
        let sum = super::arithmetic::binary(
            super::super::ast::Operator::Add,
            Some(&before),
            Some(value),
        )?;
        self.before = Some((0, sum.clone()));
        Some(sum)
    }

    /// Counts whole units; negative in a descending query.
    fn elapsed(&mut self, time_ns: i64, value: Value, unit_ns: i64) -> Option<Value> {
        let (before_ns, _) = self.before.replace((time_ns, value))?;
        let elapsed = time_ns.saturating_sub(before_ns);
        Some(Value::Integer(elapsed.wrapping_div(unit_ns.max(1))))
    }
}

impl Sum {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Float(number) => self.float += number,
            Value::Integer(number) => self.whole = self.whole.wrapping_add(i128::from(*number)),
            Value::Unsigned(number) => self.whole = self.whole.wrapping_add(i128::from(*number)),
            Value::Boolean(_) | Value::String(_) => {}
        }
    }

    fn subtract(&mut self, value: &Value) {
        match value {
            Value::Float(number) => self.float -= number,
            Value::Integer(number) => self.whole = self.whole.wrapping_sub(i128::from(*number)),
            Value::Unsigned(number) => self.whole = self.whole.wrapping_sub(i128::from(*number)),
            Value::Boolean(_) | Value::String(_) => {}
        }
    }

    /// The sum as a float, of the kind of numbers that were summed.
    fn as_float(self, kind: &Value) -> f64 {
        match kind {
            Value::Float(_) => self.float,
            _ => number::wide_float(self.whole),
        }
    }
}
