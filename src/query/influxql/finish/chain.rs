//! The way of one call through a series: function, fill, transformations, limit.

use std::collections::VecDeque;

use super::super::ast::Fill;
use super::super::value::Value;
use super::collected::{distinct, median, mode, percentile, rank, sample};
use super::fill::Filler;
use super::integral::Integral;
use super::plan::{Call, Function, Plan};
use super::point::{Cell, Point};
use super::step::Transformer;

/// What a chain has for its row.
#[derive(Debug)]
pub(super) enum Next {
    /// The next point.
    Point(Point),
    /// Nothing yet; what comes is not before this time in the order of the answer.
    Wait(i64),
    /// Nothing yet, though nothing must come for it: points were passed over, and there are more.
    Busy,
    /// Nothing any more.
    End,
}

/// The most points that are passed over at once: windows that an offset leaves out, or from which a
/// transformation makes nothing, may be more than anybody waits for.
const PASSED_OVER_MAX: usize = 10_000;

/// One call in one series.
#[derive(Debug)]
pub(super) struct Chain {
    function: Function,
    keeps_time: bool,
    has_windows: bool,
    descending: bool,
    /// The time of the row without windows.
    row_ns: i64,
    integral: Option<Integral>,
    random: u64,
    filler: Option<Filler>,
    steps: Vec<Transformer>,
    skip: u64,
    left: Option<u64>,
    input: VecDeque<Point>,
    from_ns: i64,
    ended: bool,
}

impl Chain {
    pub(super) fn new(plan: &Plan, call: &Call) -> Self {
        let integral = match call.function {
            Function::Integral { unit_ns } => Some(Integral::new(
                unit_ns,
                plan.descending,
                plan.grid,
                plan.lower_ns,
            )),
            _ => None,
        };
        let random = match call.function {
            Function::Sample { seed, .. } => seed,
            _ => 0,
        };
        Self {
            function: call.function.clone(),
            keeps_time: call.keeps_time,
            has_windows: plan.grid.is_some(),
            descending: plan.descending,
            row_ns: plan.lower_ns.unwrap_or(0),
            integral,
            random,
            filler: filler(plan, call),
            steps: call.steps.iter().copied().map(Transformer::new).collect(),
            skip: plan.offset,
            left: (plan.limit > 0).then_some(plan.limit),
            input: VecDeque::new(),
            from_ns: if plan.descending { i64::MAX } else { i64::MIN },
            ended: false,
        }
    }

    /// Notes that what comes is not before a time.
    pub(super) fn advance(&mut self, time_ns: i64) {
        self.from_ns = time_ns;
    }

    /// Takes what the aggregation gives for the window that starts at a time, or for a row of that time.
    pub(super) fn push(&mut self, time_ns: i64, cell: Cell) {
        let row_ns = if self.has_windows || self.function == Function::Rows {
            time_ns
        } else {
            self.row_ns
        };
        match cell {
            Cell::Value(value) => match &mut self.integral {
                Some(_) => self.integrate(vec![Point::new(time_ns, value)]),
                None => self.input.push_back(Point::new(row_ns, value)),
            },
            Cell::Chosen(point) => self.take_chosen(row_ns, point),
            Cell::Points(points) => self.reduce(row_ns, points),
        }
    }

    /// Notes that nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
        if let Some(integral) = &mut self.integral {
            self.input.extend(integral.end());
        }
    }

    /// Returns true if the limit is reached.
    pub(super) fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// Returns the next point after all that is done with it.
    pub(super) fn next(&mut self) -> Next {
        for _ in 0..PASSED_OVER_MAX {
            if self.is_done() {
                return Next::End;
            }
            let point = match self.before_steps() {
                Next::Point(point) => point,
                nothing => return nothing,
            };
            let mut steps = self.steps.iter_mut();
            let Some(point) = steps.try_fold(point, |point, step| step.apply(point)) else {
                continue;
            };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            if let Some(left) = &mut self.left {
                *left = left.saturating_sub(1);
            }
            return Next::Point(point);
        }
        Next::Busy
    }

    fn before_steps(&mut self) -> Next {
        if let Some(filler) = &mut self.filler {
            return filler.next(&mut self.input, self.from_ns, self.ended);
        }
        match self.input.pop_front() {
            Some(point) => Next::Point(point),
            None if self.ended => Next::End,
            None => Next::Wait(self.open_ns()),
        }
    }

    /// An integral's row comes when its window is over.
    fn open_ns(&self) -> i64 {
        let integral = self.integral.as_ref();
        integral
            .and_then(Integral::open_window)
            .unwrap_or(self.from_ns)
    }

    fn take_chosen(&mut self, row_ns: i64, mut point: Point) {
        if !self.keeps_time {
            point.time_ns = row_ns;
        }
        self.input.push_back(point);
    }

    fn reduce(&mut self, row_ns: i64, points: Vec<Point>) {
        match &self.function {
            Function::Median => self.put(row_ns, median(points)),
            Function::Mode => self.put(row_ns, mode(points)),
            Function::CountDistinct => {
                let count = distinct(points).len();
                self.put(row_ns, i64::try_from(count).ok().map(Value::Integer));
            }
            Function::Percentile(percent) => {
                if let Some(point) = percentile(points, *percent) {
                    self.take_chosen(row_ns, point);
                }
            }
            Function::Distinct => {
                for mut point in distinct(self.in_order(points)) {
                    point.time_ns = row_ns;
                    self.input.push_back(point);
                }
            }
            Function::Top(ranking) => {
                let points = rank(points, ranking, false);
                self.put_in_order(points);
            }
            Function::Bottom(ranking) => {
                let points = rank(points, ranking, true);
                self.put_in_order(points);
            }
            Function::Sample { count, .. } => {
                let points = sample(points, *count, &mut self.random);
                self.put_in_order(points);
            }
            Function::Integral { .. } => {
                let points = self.in_order(points);
                self.integrate(points);
            }
            Function::Aggregate | Function::Count | Function::Rows => {
                debug_assert!(false, "{:?} is not a function of points", self.function);
            }
        }
    }

    fn integrate(&mut self, points: Vec<Point>) {
        let Some(integral) = &mut self.integral else {
            return;
        };
        for point in points {
            if let Some(value) = point.value.as_ref().and_then(Value::as_float) {
                self.input.extend(integral.push(point.time_ns, value));
            }
        }
    }

    fn put(&mut self, row_ns: i64, value: Option<Value>) {
        let point = value.map(|value| Point::new(row_ns, value));
        self.input.extend(point);
    }

    fn put_in_order(&mut self, points: Vec<Point>) {
        let points = self.in_order(points);
        self.input.extend(points);
    }

    fn in_order(&self, mut points: Vec<Point>) -> Vec<Point> {
        if self.descending {
            points.reverse();
        }
        points
    }
}

/// The filler of a call; functions that give several points, or none of their own window, have none.
fn filler(plan: &Plan, call: &Call) -> Option<Filler> {
    match call.function {
        Function::Distinct
        | Function::Top(_)
        | Function::Bottom(_)
        | Function::Sample { .. }
        | Function::Integral { .. }
        | Function::Rows => return None,
        _ => {}
    }
    let fill = match plan.fill {
        Fill::None => return None,
        Fill::Null if is_count(&call.function) => {
            Fill::Value(super::super::ast::FillValue::Integer(0))
        }
        fill => fill,
    };
    let lead = plan.fill_lead_ns(call);
    let bounds = if plan.descending {
        let upper = plan.upper_ns.map(|upper| upper.saturating_add(lead));
        (upper, plan.lower_ns)
    } else {
        let lower = plan.lower_ns.map(|lower| lower.saturating_sub(lead));
        (lower, plan.upper_ns)
    };
    let filler = Filler::new(
        fill,
        call.value_type,
        plan.grid?,
        plan.descending,
        bounds,
        plan.others.len(),
    );
    Some(if call.steps.is_empty() {
        filler
    } else {
        filler.without_null()
    })
}

fn is_count(function: &Function) -> bool {
    matches!(function, Function::Count | Function::CountDistinct)
}
