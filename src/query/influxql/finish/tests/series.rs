//! Series as a whole: what a list of answers of 1.x does not show, or where we differ from it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Float64Array, Int64Array, RecordBatch};

use super::super::super::ast::{Fill, FillValue};
use super::super::super::series::{ROWS_MAX, SeriesPart};
use super::super::super::value::{Value, ValueType};
use super::super::{
    Call, Cell, Expression, Function, Grid, Output, PlainSeries, Plan, Point, Ranking, Series, Step,
};
use super::oracle::{Cells, cells_of};

const SECOND: i64 = 1_000_000_000;

fn call(function: Function, value_type: ValueType, steps: Vec<Step>) -> Call {
    Call {
        function,
        value_type,
        keeps_time: false,
        steps,
    }
}

/// A plan that answers its calls, with windows of 10 s from 0 to 40 s.
fn plan(calls: Vec<Call>, fill: Fill) -> Plan {
    let outputs = calls.iter().enumerate().map(|(slot, call)| Output {
        expression: Expression::Slot(slot),
        value_type: call.output_type(),
    });
    Plan {
        columns: vec!["time".to_owned()].into(),
        outputs: outputs.collect(),
        others: vec![],
        grid: Grid::new(10 * SECOND, 0, None),
        lower_ns: Some(0),
        upper_ns: Some(40 * SECOND - 1),
        fill,
        descending: false,
        limit: 0,
        offset: 0,
        is_subquery: false,
        calls,
    }
}

fn run(plan: Plan, windows: Vec<(i64, Vec<Option<Cell>>)>) -> Vec<Cells> {
    let mut series = Series::new(Arc::new(plan), "m".into(), None);
    let mut parts = Vec::new();
    for (start, cells) in windows {
        series.push(start * SECOND, cells);
        parts.extend(std::iter::from_fn(|| series.next_part().unwrap()));
    }
    series.end();
    parts.extend(std::iter::from_fn(|| series.next_part().unwrap()));
    parts.iter().flat_map(cells_of).collect()
}

/// The rows with times in seconds.
fn rows(plan: Plan, windows: Vec<(i64, Vec<Option<Cell>>)>) -> Vec<String> {
    let in_seconds = |cells: Cells| {
        let time = cells[0].parse::<i64>().unwrap() / SECOND;
        format!("{time} {}", cells[1..].join(" "))
    };
    run(plan, windows).into_iter().map(in_seconds).collect()
}

fn points(points: &[(i64, f64)]) -> Cell {
    let point = |(time, value): &(i64, f64)| Point::new(time * SECOND, Value::Float(*value));
    Cell::Points(points.iter().map(point).collect())
}

fn float(value: f64) -> Option<Cell> {
    Some(Cell::Value(Value::Float(value)))
}

#[test]
fn a_window_without_the_rank_of_a_percentile_is_empty_and_the_next_is_not() {
    let windows = |function| {
        let calls = vec![call(function, ValueType::Float, vec![])];
        let first = points(&[(1, 5.0)]);
        let second = points(&[(11, 1.0), (12, 2.0), (13, 3.0), (14, 4.0), (15, 9.0)]);
        rows(
            plan(calls, Fill::Null),
            vec![(0, vec![Some(first)]), (10, vec![Some(second)])],
        )
    };
    assert_eq!(
        windows(Function::Percentile(10.0)),
        ["0 null", "10 1", "20 null", "30 null"]
    );
    assert_eq!(windows(Function::Percentile(0.0)), Vec::<String>::new());
    assert_eq!(
        windows(Function::Percentile(101.0)),
        ["0 5", "10 9", "20 null", "30 null"]
    );
    assert_eq!(windows(Function::Percentile(1000.0)), Vec::<String>::new());
    assert_eq!(
        windows(Function::Percentile(f64::NAN)),
        Vec::<String>::new()
    );
}

#[test]
fn the_points_of_a_window_come_in_the_order_of_the_query() {
    let ranking = Ranking {
        count: 2,
        is_per_tags: false,
        tags: vec![],
    };
    let first = points(&[(1, 5.0), (2, 7.0), (3, 5.0), (4, 1.0)]);
    let second = points(&[(11, 1.0)]);
    let run = |function, descending| {
        let mut plan = plan(vec![call(function, ValueType::Float, vec![])], Fill::Null);
        plan.descending = descending;
        let mut windows = vec![
            (0, vec![Some(first.clone())]),
            (10, vec![Some(second.clone())]),
        ];
        if descending {
            windows.reverse();
        }
        rows(plan, windows)
    };
    assert_eq!(
        run(Function::Top(ranking.clone()), false),
        ["1 5", "2 7", "11 1"]
    );
    assert_eq!(
        run(Function::Top(ranking.clone()), true),
        ["11 1", "2 7", "1 5"]
    );
    assert_eq!(run(Function::Bottom(ranking), true), ["11 1", "4 1", "1 5"]);
    assert_eq!(
        run(Function::Distinct, false),
        ["0 5", "0 7", "0 1", "10 1"]
    );
    assert_eq!(run(Function::Distinct, true), ["10 1", "0 1", "0 5", "0 7"]);
    let sample = Function::Sample { count: 2, seed: 7 };
    assert_eq!(run(sample, false).len(), 3);
}

#[test]
fn every_point_of_a_sample_is_as_likely_as_any_other() {
    let list: Vec<(i64, f64)> = (0_i32..8).map(|n| (i64::from(n), f64::from(n))).collect();
    let mut counts = [0_u32; 8];
    for seed in 0..4_000 {
        let sample = Function::Sample { count: 3, seed };
        let calls = vec![call(sample, ValueType::Float, vec![])];
        for row in rows(
            plan(calls, Fill::Null),
            vec![(0, vec![Some(points(&list))])],
        ) {
            let value: usize = row.split(' ').nth(1).unwrap().parse().unwrap();
            counts[value] += 1;
        }
    }
    assert_eq!(counts.iter().sum::<u32>(), 12_000);
    assert!(
        counts.iter().all(|count| (1_350..1_650).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn an_integral_is_split_at_the_edges_of_windows_in_both_orders() {
    let windows = vec![
        (0, vec![Some(points(&[(1, 1.0), (3, 3.0), (5, 1.0)]))]),
        (10, vec![Some(points(&[(12, 9.0), (14, 4.0)]))]),
        (30, vec![Some(points(&[(33, 4.0)]))]),
    ];
    let function = Function::Integral { unit_ns: SECOND };
    let plan = plan(vec![call(function, ValueType::Float, vec![])], Fill::Null);
    let ascending = rows(plan.clone(), windows.clone());
    let mut descending = plan;
    descending.descending = true;
    let mut turned = rows(descending, windows.into_iter().rev().collect());
    turned.reverse();
    let sums = |rows: &[String]| -> f64 {
        rows.iter()
            .map(|row| row.split(' ').nth(1).unwrap().parse::<f64>().unwrap())
            .sum()
    };
    assert_eq!(ascending.len(), 3);
    assert!(
        ascending[0].starts_with("0 27.28571428571428"),
        "{ascending:?}"
    );
    assert!(
        ascending[1].starts_with("10 52.71428571428"),
        "{ascending:?}"
    );
    assert_eq!(ascending[2], "30 52");
    assert!((sums(&ascending) - 132.0).abs() < 1e-9);
    assert!((sums(&turned) - 132.0).abs() < 1e-9);
    let starts = |rows: &[String]| -> Vec<String> {
        rows.iter()
            .map(|row| row.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(starts(&ascending), starts(&turned));
}

#[test]
fn a_single_point_has_no_area_and_none_at_all_on_the_start_of_its_window() {
    let function = Function::Integral { unit_ns: SECOND };
    for descending in [false, true] {
        let mut plan = plan(
            vec![call(function.clone(), ValueType::Float, vec![])],
            Fill::Null,
        );
        plan.descending = descending;
        let at = |time| rows(plan.clone(), vec![(10, vec![Some(points(&[(time, 3.0)]))])]);
        assert_eq!(at(12), ["10 0"]);
        assert_eq!(at(10), Vec::<String>::new());
    }
}

#[test]
fn rows_of_one_time_are_joined_one_by_one() {
    let calls = vec![
        call(Function::Rows, ValueType::Float, vec![Step::CumulativeSum]),
        call(
            Function::Rows,
            ValueType::Float,
            vec![Step::Difference {
                non_negative: false,
            }],
        ),
    ];
    let mut plan = plan(calls, Fill::Null);
    plan.grid = None;
    let both = |a, b| vec![float(a), float(b)];
    let windows = vec![
        (1, both(1.0, 1.0)),
        (2, both(2.0, 5.0)),
        (2, both(3.0, 9.0)),
        (3, both(4.0, 6.0)),
    ];
    // The second row of the time 2 has no difference: the first one of a time stays.
    assert_eq!(
        rows(plan, windows),
        ["1 1 null", "2 3 4", "2 6 null", "3 10 1"]
    );
}

#[test]
fn unsigned_integers_stay_unsigned() {
    let calls = vec![
        call(
            Function::Rows,
            ValueType::Unsigned,
            vec![Step::Difference {
                non_negative: false,
            }],
        ),
        call(
            Function::Rows,
            ValueType::Unsigned,
            vec![Step::CumulativeSum],
        ),
        call(
            Function::Rows,
            ValueType::Unsigned,
            vec![Step::Derivative {
                unit_ns: SECOND,
                non_negative: false,
            }],
        ),
    ];
    let mut plan = plan(calls, Fill::Null);
    plan.grid = None;
    let all = |value| vec![Some(Cell::Value(Value::Unsigned(value))); 3];
    let windows = vec![(1, all(5)), (2, all(3)), (3, all(u64::MAX))];
    let wrapped = u64::MAX - 1;
    assert_eq!(
        rows(plan, windows),
        [
            "1 null 5 null".to_owned(),
            format!("2 {wrapped} 8 -2"),
            format!("3 {} 7 18446744073709552000", u64::MAX - 3)
        ]
    );
}

#[test]
fn a_late_value_does_not_hold_up_memory_of_filled_windows() {
    // A year of windows of a millisecond, of which ten are wanted.
    let mut plan = plan(
        vec![call(Function::Aggregate, ValueType::Float, vec![])],
        Fill::Previous,
    );
    plan.grid = Grid::new(1_000_000, 0, None);
    plan.upper_ns = Some(365 * 86_400 * SECOND);
    plan.limit = 10;
    let mut series = Series::new(Arc::new(plan), "m".into(), None);
    series.push(0, vec![float(1.0)]);
    series.push(364 * 86_400 * SECOND, vec![float(2.0)]);
    let part = series.next_part().unwrap().unwrap();
    assert_eq!(part.rows.num_rows(), 10);
    assert!(series.is_done());
    assert!(series.next_part().unwrap().is_none());
}

#[test]
fn windows_that_a_transformation_passes_over_are_not_counted() {
    // A century of windows of a nanosecond.
    let century = 36_525 * 86_400 * SECOND;
    for fill in [Fill::Null, Fill::Previous, Fill::Linear] {
        let elapsed = Step::Elapsed { unit_ns: SECOND };
        let mut plan = plan(
            vec![call(Function::Aggregate, ValueType::Float, vec![elapsed])],
            fill,
        );
        plan.grid = Grid::new(1, 0, None);
        plan.upper_ns = Some(century);
        plan.limit = 3;
        let mut series = Series::new(Arc::new(plan), "m".into(), None);
        series.push(century / 2, vec![float(1.0)]);
        series.push(century / 2 + SECOND, vec![float(2.0)]);
        let mut parts: Vec<SeriesPart> = series.next_part().unwrap().into_iter().collect();
        if fill != Fill::Previous {
            series.end();
        }
        parts.extend(series.next_part().unwrap());
        let rows: usize = parts.iter().map(|part| part.rows.num_rows()).sum();
        assert_eq!(rows, if fill == Fill::Null { 1 } else { 3 }, "{fill:?}");
    }
}

#[test]
fn a_part_has_at_most_ten_thousand_rows_and_full_ones_come_before_the_end() {
    let mut plan = plan(
        vec![call(Function::Aggregate, ValueType::Float, vec![])],
        Fill::Linear,
    );
    plan.upper_ns = Some(250_000 * SECOND - 1);
    let mut series = Series::new(Arc::new(plan), "m".into(), None);
    series.push(0, vec![float(0.0)]);
    series.push(249_990 * SECOND, vec![float(24_999.0)]);
    let mut counts = Vec::new();
    while let Some(part) = series.next_part().unwrap() {
        counts.push(part.rows.num_rows());
    }
    assert_eq!(counts, [ROWS_MAX, ROWS_MAX]);
    series.end();
    let part = series.next_part().unwrap().unwrap();
    assert_eq!(part.rows.num_rows(), 5_000);
    let values = part.rows.column(1).as_primitive::<Float64Type>();
    assert!((values.value(0) - 20_000.0).abs() < 1e-6);
    assert!(series.next_part().unwrap().is_none());
}

#[test]
fn a_number_of_fill_has_the_type_of_its_column() {
    let calls = vec![
        call(Function::Aggregate, ValueType::Integer, vec![]),
        call(Function::Aggregate, ValueType::Float, vec![]),
        call(Function::Aggregate, ValueType::Unsigned, vec![]),
        call(Function::Aggregate, ValueType::String, vec![]),
        call(Function::Aggregate, ValueType::Boolean, vec![]),
    ];
    let plan = plan(calls, Fill::Value(FillValue::Float(2.5)));
    let cells = vec![
        Some(Cell::Value(Value::Integer(1))),
        float(1.0),
        Some(Cell::Value(Value::Unsigned(1))),
        Some(Cell::Value(Value::text("a"))),
        Some(Cell::Value(Value::Boolean(true))),
    ];
    assert_eq!(
        rows(plan, vec![(0, cells)])[..2],
        [r#"0 1 1 1 "a" true"#, r#"10 2 2.5 2 "" false"#]
    );
}

#[test]
fn a_column_without_a_point_in_the_series_is_null_beside_filled_ones() {
    let calls = vec![
        call(Function::Count, ValueType::Integer, vec![]),
        call(Function::Aggregate, ValueType::Float, vec![]),
    ];
    let windows = vec![(10, vec![None, float(1.0)])];
    assert_eq!(
        rows(plan(calls, Fill::Null), windows),
        ["0 null null", "10 null 1", "20 null null", "30 null null"]
    );
}

#[test]
fn a_call_that_is_over_does_not_hold_up_the_others() {
    let calls = vec![
        call(Function::Aggregate, ValueType::Float, vec![]),
        call(Function::Aggregate, ValueType::Float, vec![]),
    ];
    let mut plan = plan(calls, Fill::Null);
    plan.upper_ns = Some(i64::MAX);
    let rows = |ended: bool| {
        let mut series = Series::new(Arc::new(plan.clone()), "m".into(), None);
        if ended {
            series.end_call(1);
        }
        let mut rows = 0;
        for window in 0..30_000 {
            series.push(window * 10 * SECOND, vec![float(1.0), None]);
            rows += series
                .next_part()
                .unwrap()
                .map_or(0, |part| part.rows.num_rows());
        }
        rows
    };
    assert_eq!(rows(true), 3 * ROWS_MAX);
    assert_eq!(rows(false), 0);
}

fn plain(outputs: Vec<Output>, limit: u64, offset: u64) -> Plan {
    let mut plan = plan(vec![], Fill::Null);
    plan.others = vec![Some(ValueType::Float), Some(ValueType::Integer)];
    plan.grid = None;
    Plan {
        outputs,
        limit,
        offset,
        ..plan
    }
}

fn batch(from: i64, count: i64) -> RecordBatch {
    let times: Int64Array = (from..from + count).collect();
    let floats: Float64Array = (from..from + count)
        .map(|n| (n % 3 > 0).then_some(n as f64))
        .collect();
    let integers: Int64Array = (from..from + count).map(|n| Some(n * 2)).collect();
    RecordBatch::try_from_iter([
        ("t", Arc::new(times) as arrow_array::ArrayRef),
        ("f", Arc::new(floats)),
        ("i", Arc::new(integers)),
    ])
    .unwrap()
}

fn slot(slot: usize, value_type: ValueType) -> Output {
    Output {
        expression: Expression::Slot(slot),
        value_type,
    }
}

#[test]
fn plain_columns_are_passed_on_without_a_copy_and_limited() {
    let outputs = vec![slot(1, ValueType::Integer), slot(0, ValueType::Float)];
    let mut series = PlainSeries::new(Arc::new(plain(outputs, 12_000, 5)), "m".into(), None);
    let mut parts: Vec<SeriesPart> = Vec::new();
    let first = batch(0, 11_000);
    series.push(&first, &mut parts).unwrap();
    series.push(&batch(11_000, 11_000), &mut parts).unwrap();
    assert!(series.is_done());
    series.push(&batch(22_000, 10), &mut parts).unwrap();
    series.end(&mut parts).unwrap();
    let counts: Vec<usize> = parts.iter().map(|part| part.rows.num_rows()).collect();
    assert_eq!(counts, [ROWS_MAX, 995, 1_005]);
    let column = parts[0].rows.column(1).as_primitive::<Int64Type>();
    assert_eq!(column.value(0), 10);
    let origin = first.column(2).as_primitive::<Int64Type>();
    assert_eq!(column.values().as_ptr(), origin.values()[5..].as_ptr());
}

#[test]
fn expressions_over_plain_columns_are_rows_of_their_own() {
    let product = Output {
        expression: Expression::Binary {
            operator: super::super::super::ast::Operator::Divide,
            left: Box::new(Expression::Slot(1)),
            right: Box::new(Expression::Literal(Value::Integer(4))),
        },
        value_type: ValueType::Float,
    };
    let as_unsigned = slot(1, ValueType::Unsigned);
    let outputs = vec![product, slot(0, ValueType::Float), as_unsigned];
    let mut series = PlainSeries::new(Arc::new(plain(outputs, 0, 2)), "m".into(), None);
    let mut parts = Vec::new();
    series.push(&batch(0, 15_000), &mut parts).unwrap();
    series.end(&mut parts).unwrap();
    let counts: Vec<usize> = parts.iter().map(|part| part.rows.num_rows()).collect();
    assert_eq!(counts, [ROWS_MAX, 4_998]);
    assert_eq!(
        cells_of(&parts[0])[..2],
        [["2", "1", "2", "4"], ["3", "1.5", "null", "6"]]
    );
    assert_eq!(
        parts[0].rows.column(3).as_primitive::<UInt64Type>().len(),
        ROWS_MAX
    );
}
