//! What stands in the windows of a call that have no point.
//!
//! Every window of the range gets a point, from the one that holds the range's start (without a start
//! from the first point's) to the one that holds its end; in a descending query the other way round.

use std::collections::VecDeque;

use super::super::ast::{Fill, FillValue};
use super::super::value::{Value, ValueType};
use super::chain::Next;
use super::number;
use super::number::cast;
use super::point::{Point, key};
use super::window::{Grid, Walk};

/// Fills the windows of one call in one series.
#[derive(Debug)]
pub(super) struct Filler {
    fill: Fill,
    value_type: ValueType,
    descending: bool,
    grid: Grid,
    /// The first window, if the range says it.
    first_ns: Option<i64>,
    /// The last window, if the range says it.
    last_ns: Option<i64>,
    /// How many other columns a point has.
    others: usize,
    /// Whether points without a value are of no use.
    skips_null: bool,
    walk: Option<Walk>,
    before: Option<Value>,
    /// How many windows ago the value before was.
    distance: i64,
}

impl Filler {
    /// Returns a filler for a range, whose bounds are in the order of the answer.
    pub(super) fn new(
        fill: Fill,
        value_type: ValueType,
        grid: Grid,
        descending: bool,
        bounds: (Option<i64>, Option<i64>),
        others: usize,
    ) -> Self {
        let window = |time_ns| grid.start_of(time_ns);
        Self {
            fill,
            value_type,
            descending,
            grid,
            first_ns: bounds.0.map(window),
            last_ns: bounds.1.map(window),
            others,
            skips_null: false,
            walk: None,
            before: None,
            distance: 1,
        }
    }

    /// Leaves out the windows that would be null, for what passes over them anyway: there may be more
    /// of them than can be counted.
    pub(super) fn without_null(mut self) -> Self {
        self.skips_null = true;
        self
    }

    /// Returns the next point: of the input, or one that fills a window before it. What may still come
    /// of the input is not before the window `from_ns`.
    pub(super) fn next(&mut self, input: &mut VecDeque<Point>, from_ns: i64, ended: bool) -> Next {
        let head = input.front().map(|point| point.time_ns);
        if let Err(nothing) = self.arrive(head, from_ns, ended) {
            return nothing;
        }
        let Some(walk) = &mut self.walk else {
            return Next::End;
        };
        let here = walk.start_ns();
        let place = key(here, self.descending);
        let is_before = |time_ns| place < key(time_ns, self.descending);
        let must_fill = match (head, self.last_ns) {
            (Some(head), _) => is_before(head),
            (None, Some(last)) if ended => place <= key(last, self.descending),
            (None, None) if ended => false,
            // A line needs its other end.
            (None, _) => is_before(from_ns) && self.fill != Fill::Linear,
        };
        if must_fill {
            walk.step();
            let value = self.value(input.front());
            self.distance = self.distance.saturating_add(1);
            return Next::Point(Point {
                time_ns: here,
                value,
                others: vec![None; self.others],
            });
        }
        let Some(point) = input.pop_front() else {
            return if ended { Next::End } else { Next::Wait(here) };
        };
        if point.time_ns != here {
            *walk = self.grid.walk(point.time_ns, self.descending);
        }
        walk.step();
        self.before.clone_from(&point.value);
        self.distance = 1;
        Next::Point(point)
    }

    /// Puts the walk where the next point is due, at the start of the range or after windows that are
    /// left out; returns what there is instead of a point if that is not known yet.
    fn arrive(&mut self, head: Option<i64>, from_ns: i64, ended: bool) -> Result<(), Next> {
        let leaves_out = self.skips_null && is_null(self.fill, self.before.as_ref(), head);
        if self.walk.is_some() && !leaves_out {
            return Ok(());
        }
        // A series without any point of the call has no windows of it, and one with a late one has all
        // of them: so the others wait for the first point.
        let may_fill = !leaves_out || self.fill == Fill::Linear && self.before.is_some();
        let start_ns = self.walk.map(|walk| walk.start_ns()).or(self.first_ns);
        let due_ns = start_ns.filter(|_| may_fill);
        match head {
            Some(head) => {
                let start_ns = if leaves_out {
                    head
                } else {
                    due_ns.unwrap_or(head)
                };
                self.walk = Some(self.grid.walk(start_ns, self.descending));
                Ok(())
            }
            None if ended => Err(Next::End),
            None => Err(Next::Wait(due_ns.unwrap_or(from_ns))),
        }
    }

    fn value(&self, next: Option<&Point>) -> Option<Value> {
        match self.fill {
            Fill::Null | Fill::None => None,
            Fill::Value(value) => Some(number_as(value, self.value_type)),
            Fill::Previous => self.before.clone(),
            Fill::Linear => self.between(next?),
        }
    }

    /// The value on the line from the point before to the next one, counted in windows.
    fn between(&self, next: &Point) -> Option<Value> {
        // The walk stands at the window after this one already. The windows up to the next point are
        // counted by their length; what days with a change of clocks lack or have more is far less.
        let start_ns = self.walk?.start_ns();
        let length = next.time_ns.saturating_sub(start_ns).saturating_abs();
        let interval = self.grid.interval_ns();
        let rounded = length.saturating_add(interval / 2).checked_div(interval)?;
        let windows = self.distance.saturating_add(1).saturating_add(rounded);
        let (before, after) = (self.before.as_ref()?, next.value.as_ref()?);
        let x = number::float(self.distance);
        let line = |rise: f64, start: f64| rise / number::float(windows) * x + start;
        Some(match (before, after) {
            (Value::Float(before), Value::Float(after)) => {
                Value::Float(line(after - before, *before))
            }
            (Value::Integer(before), Value::Integer(after)) => {
                let rise = number::float(after.wrapping_sub(*before));
                Value::Integer(number::integer(line(rise, number::float(*before))))
            }
            (Value::Unsigned(start), Value::Unsigned(end)) => {
                let rise = number::wide_float(i128::from(*end) - i128::from(*start));
                Value::Unsigned(number::unsigned(line(rise, before.as_float()?)))
            }
            _ => return None,
        })
    }
}

/// Returns true if a window is null with the value before and the next point.
fn is_null(fill: Fill, before: Option<&Value>, next: Option<i64>) -> bool {
    match fill {
        Fill::Null | Fill::None => true,
        Fill::Value(_) => false,
        Fill::Previous => before.is_none(),
        Fill::Linear => before.is_none() || next.is_none(),
    }
}

/// Returns the number of `fill` in a column of a type: false or an empty text where it is no number.
pub(super) fn number_as(fill: FillValue, value_type: ValueType) -> Value {
    cast(&value_of(fill), value_type).unwrap_or_else(|| match value_type {
        ValueType::String => Value::text(""),
        _ => Value::Boolean(false),
    })
}

/// Returns the number of `fill`.
pub(super) fn value_of(fill: FillValue) -> Value {
    match fill {
        FillValue::Integer(number) => Value::Integer(number),
        FillValue::Float(number) => Value::Float(number),
    }
}
