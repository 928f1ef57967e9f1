//! Times what is made of the rows of a series: `cargo run --release --example finish_speed`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a measurement at a desk"
)]

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use iql::ast::{Fill, Operator};
use iql::finish::{
    Call, Cell, Expression, Function, Grid, Output, PlainSeries, Plan, Series, Step,
};
use iql::value::{Value, ValueType};

const COUNT: i64 = 2_000_000;

fn plan(calls: Vec<Call>, fill: Fill) -> Plan {
    let slots = 0..calls.len().max(1);
    Plan {
        columns: vec![].into(),
        outputs: slots
            .map(|slot| Output {
                expression: Expression::Slot(slot),
                value_type: ValueType::Float,
            })
            .collect(),
        calls,
        others: vec![],
        grid: None,
        lower_ns: Some(0),
        upper_ns: Some(COUNT * 1_000_000_000 - 1),
        fill,
        descending: false,
        limit: 0,
        offset: 0,
        is_subquery: false,
    }
}

fn call(function: Function, steps: Vec<Step>) -> Call {
    Call {
        function,
        value_type: ValueType::Float,
        keeps_time: false,
        steps,
    }
}

fn time(name: &str, plan: Plan, every: i64) {
    let start = Instant::now();
    let calls = plan.calls.len();
    let mut series = Series::new(Arc::new(plan), "m".into(), None);
    let mut rows = 0;
    for index in (0..COUNT).step_by(usize::try_from(every).unwrap()) {
        let cell = Some(Cell::Value(Value::Float(index as f64)));
        series.push(index * 1_000_000_000, vec![cell; calls]);
        while let Some(part) = series.next_part().unwrap() {
            rows += part.rows.num_rows();
        }
    }
    series.end();
    while let Some(part) = series.next_part().unwrap() {
        rows += part.rows.num_rows();
    }
    report(name, start, rows);
}

fn report(name: &str, start: Instant, rows: usize) {
    let elapsed = start.elapsed().as_secs_f64();
    println!(
        "{name}: {rows} rows, {:.0} ns a row",
        elapsed * 1e9 / rows as f64
    );
}

fn plain(name: &str, expression: Expression) {
    let mut plan = plan(vec![], Fill::Null);
    plan.others = vec![Some(ValueType::Float)];
    plan.outputs = vec![Output {
        expression,
        value_type: ValueType::Float,
    }];
    let times: ArrayRef = Arc::new((0..8192_i64).collect::<Int64Array>());
    let floats: ArrayRef = Arc::new(
        (0..8192)
            .map(|n| Some(f64::from(n)))
            .collect::<Float64Array>(),
    );
    let batch = RecordBatch::try_from_iter([("t", times), ("f", floats)]).unwrap();
    let start = Instant::now();
    let mut series = PlainSeries::new(Arc::new(plan), "m".into(), None);
    let (mut parts, mut rows) = (Vec::new(), 0);
    for _ in 0..COUNT / 8192 {
        series.push(&batch, &mut parts).unwrap();
        rows += parts
            .drain(..)
            .map(|part| part.rows.num_rows())
            .sum::<usize>();
    }
    report(name, start, rows);
}

fn main() {
    let derivative = Step::Derivative {
        unit_ns: 1,
        non_negative: false,
    };
    let aggregate = || call(Function::Aggregate, vec![]);
    let mut windows = plan(vec![aggregate()], Fill::Null);
    windows.grid = Grid::new(1_000_000_000, 0, None);
    let mut zoned = windows.clone();
    zoned.grid = Grid::new(1_000_000_000, 0, Some(chrono_tz::Tz::Europe__Berlin));
    let mut three = windows.clone();
    three.calls = vec![
        aggregate(),
        aggregate(),
        call(Function::Aggregate, vec![derivative]),
    ];
    three.outputs = plan(three.calls.clone(), Fill::Null).outputs;
    time(
        "derivative(f)",
        plan(vec![call(Function::Rows, vec![derivative])], Fill::Null),
        1,
    );
    time("mean(f), every window", windows.clone(), 1);
    time("mean(f), one window of 1,000", windows, 1_000);
    time(
        "mean(f) tz('Europe/Berlin'), one window of 1,000",
        zoned,
        1_000,
    );
    time("mean(f), max(f), derivative(mean(f))", three, 1);
    plain("f", Expression::Slot(0));
    plain(
        "f * f",
        Expression::Binary {
            operator: Operator::Multiply,
            left: Box::new(Expression::Slot(0)),
            right: Box::new(Expression::Slot(0)),
        },
    );
}
