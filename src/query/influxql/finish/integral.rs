//! The area under the points, by windows.
//!
//! Between two points lies a straight line. Where they are in different windows it is split at the end
//! of the earlier point's window; what is beyond belongs to the later point's window, so windows
//! between them get nothing. Without windows there is one, the whole range.
//!
//! A window whose last point sits on its very start has no row if no later one follows.

use super::super::value::Value;
use super::number;
use super::point::Point;
use super::window::Grid;

/// What is known while the points go by, in the order of the query.
#[derive(Debug)]
pub(super) struct Integral {
    unit_ns: f64,
    descending: bool,
    grid: Option<Grid>,
    /// The start of the range; the time of the row without windows.
    lower_ns: Option<i64>,
    before: Option<(i64, f64)>,
    start_ns: i64,
    area: f64,
    /// Whether no other window was finished yet.
    first_window: bool,
    /// Whether the current window holds other points than at its start.
    has_extent: bool,
}

impl Integral {
    pub(super) fn new(
        unit_ns: i64,
        descending: bool,
        grid: Option<Grid>,
        lower_ns: Option<i64>,
    ) -> Self {
        Self {
            unit_ns: number::float(unit_ns.max(1)),
            descending,
            grid,
            lower_ns,
            before: None,
            start_ns: 0,
            area: 0.0,
            first_window: true,
            has_extent: false,
        }
    }

    /// Takes the next point and returns the row of a window that it ends.
    pub(super) fn push(&mut self, time_ns: i64, value: f64) -> Option<Point> {
        let Some((before_ns, before)) = self.before.replace((time_ns, value)) else {
            self.start_ns = self.window_of(time_ns);
            self.has_extent = time_ns != self.start_ns;
            return None;
        };
        if before_ns == time_ns {
            return None;
        }
        let start_ns = self.window_of(time_ns);
        if start_ns == self.start_ns {
            self.area += self.area_between(before_ns, before, time_ns, value);
            self.has_extent |= time_ns != self.start_ns;
            return None;
        }
        let edge_ns = self.end_of(before_ns.min(time_ns));
        let slope = (value - before) / number::float(time_ns.saturating_sub(before_ns));
        let at_edge = slope * number::float(edge_ns.saturating_sub(before_ns)) + before;
        self.area += self.area_between(before_ns, before, edge_ns, at_edge);
        let ended = self.row_of_earlier();
        self.start_ns = start_ns;
        self.area = self.area_between(edge_ns, at_edge, time_ns, value);
        self.has_extent = time_ns != self.start_ns;
        self.first_window = false;
        ended
    }

    /// Returns the row of the last window.
    pub(super) fn end(&mut self) -> Option<Point> {
        self.before.take()?;
        if self.descending && !self.first_window {
            return Some(self.row());
        }
        self.has_extent.then(|| self.row())
    }

    /// The start of the window that is not finished yet.
    pub(super) fn open_window(&self) -> Option<i64> {
        self.before.map(|_| self.start_ns)
    }

    /// A window that another one follows always has a row; in a descending query the first one seen is
    /// the last one of the ascending query.
    fn row_of_earlier(&self) -> Option<Point> {
        let is_last = self.descending && self.first_window;
        (!is_last || self.has_extent).then(|| self.row())
    }

    fn row(&self) -> Point {
        Point::new(self.start_ns, Value::Float(self.area))
    }

    fn area_between(&self, left_ns: i64, left: f64, right_ns: i64, right: f64) -> f64 {
        let length = number::float(right_ns.saturating_sub(left_ns).saturating_abs());
        0.5 * (left + right) * (length / self.unit_ns)
    }

    fn window_of(&self, time_ns: i64) -> i64 {
        match &self.grid {
            Some(grid) => grid.start_of(time_ns),
            None => self.lower_ns.unwrap_or(0),
        }
    }

    fn end_of(&self, time_ns: i64) -> i64 {
        self.grid.map_or(i64::MAX, |grid| grid.end_of(time_ns))
    }
}
