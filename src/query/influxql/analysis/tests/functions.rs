use super::analysed;
use crate::influxql::analysis::{Argument, Class, Formula, Function, InputKind, RowTime};
use crate::influxql::value::ValueType;

const WINDOWS: &str = " WHERE time >= 0 AND time < 1h GROUP BY time(10m)";

/// Returns the class and the row time of each call.
fn rows(fields: &str, rest: &str) -> Vec<(Class, RowTime)> {
    let found = analysed(&format!("SELECT {fields} FROM m{rest}"));
    let calls = found.calls.iter();
    calls
        .map(|call| (call.class(), found.row_time(call)))
        .collect()
}

#[test]
fn functions_are_computed_in_four_ways() {
    for (fields, class) in [
        ("count(f)", Class::Builtin),
        ("sum(f)", Class::Builtin),
        ("mean(f)", Class::Builtin),
        ("min(f)", Class::Builtin),
        ("max(f)", Class::Builtin),
        ("first(f)", Class::Builtin),
        ("last(f)", Class::Builtin),
        ("spread(f)", Class::Builtin),
        ("stddev(f)", Class::Builtin),
        ("median(f)", Class::Collected),
        ("mode(f)", Class::Collected),
        ("percentile(f, 50)", Class::Collected),
        ("distinct(f)", Class::Collected),
        ("top(f, 2)", Class::Collected),
        ("bottom(f, host, 2)", Class::Collected),
        ("sample(f, 2)", Class::Collected),
        ("integral(f)", Class::Collected),
        ("derivative(f)", Class::Raw),
        ("difference(f)", Class::Raw),
        ("cumulative_sum(f)", Class::Raw),
        ("moving_average(f, 2)", Class::Raw),
        ("elapsed(f)", Class::Raw),
        ("count(distinct(f))", Class::Nested),
    ] {
        assert_eq!(rows(fields, "")[0].0, class, "{fields}");
    }
    assert_eq!(rows("derivative(mean(f))", WINDOWS)[0].0, Class::Nested);
}

#[test]
fn rows_have_the_times_of_the_table() {
    use RowTime::{Epoch, Point, Start, Window};
    for (fields, without, with) in [
        ("mean(f)", Start, Window),
        ("max(f)", Point, Window),
        ("max(f) * 2", Point, Window),
        ("max(f), host", Point, Window),
        ("max(f), max(f) / 2", Point, Window),
        ("percentile(f, 50)", Point, Window),
        ("max(f), min(f)", Start, Window),
        ("max(f), mean(f)", Start, Window),
        ("max(nope), max(f)", Start, Window),
        ("top(f, 2)", Point, Point),
        ("bottom(f, host, 2)", Point, Point),
        ("sample(f, 2)", Point, Point),
        ("sample(f, 2), mean(f)", Point, Point),
        ("distinct(f)", Start, Window),
        ("integral(f)", Epoch, Window),
        ("count(distinct(f))", Start, Window),
    ] {
        assert_eq!(rows(fields, "")[0].1, without, "{fields}");
        assert_eq!(rows(fields, WINDOWS)[0].1, with, "{fields} in windows");
    }
    assert_eq!(rows("derivative(f), elapsed(f)", "")[1].1, Point);
    assert_eq!(rows("elapsed(mean(f))", WINDOWS)[0].1, Window);
}

#[test]
fn a_transformation_of_windows_reads_one_more() {
    let windows = |fields: &str| {
        let found = analysed(&format!("SELECT {fields} FROM m{WINDOWS}"));
        found.calls[0].extra_windows
    };
    assert_eq!(windows("derivative(mean(f))"), 1);
    assert_eq!(windows("moving_average(mean(f), 5)"), 1);
    assert_eq!(windows("elapsed(last(s)), count(s)"), 1);
    assert_eq!(windows("difference(derivative(mean(f)))"), 2);
    assert_eq!(windows("cumulative_sum(mean(f))"), 0);
    assert_eq!(windows("mean(f)"), 0);
    let raw = analysed("SELECT derivative(f) FROM m");
    assert_eq!(raw.calls[0].extra_windows, 0);
}

#[test]
fn units_are_a_second_the_window_or_what_is_written() {
    let function = |fields: &str, rest: &str| {
        let mut found = analysed(&format!("SELECT {fields} FROM m{rest}"));
        found.calls.remove(0).function
    };
    let derivative = |unit_ns| Function::Derivative {
        unit_ns,
        non_negative: false,
    };
    assert_eq!(function("derivative(f)", ""), derivative(1_000_000_000));
    assert_eq!(
        function("derivative(f, 1m)", ""),
        derivative(60_000_000_000)
    );
    assert_eq!(
        function("derivative(mean(f))", WINDOWS),
        derivative(600_000_000_000)
    );
    assert_eq!(
        function("integral(f)", WINDOWS),
        Function::Integral {
            unit_ns: 1_000_000_000
        }
    );
    assert_eq!(function("elapsed(f)", ""), Function::Elapsed { unit_ns: 1 });
    assert_eq!(
        function("non_negative_difference(f)", ""),
        Function::Difference { non_negative: true }
    );
    assert_eq!(
        function("moving_average(f, (1 + 2))", ""),
        Function::MovingAverage(3)
    );
    assert_eq!(function("percentile(f, 5)", ""), Function::Percentile(5.0));
}

#[test]
fn each_function_is_there_once() {
    let found = analysed("SELECT mean(f), mean(f) * 2, mean(i), max(f) - mean(f) FROM m");
    assert_eq!(found.calls.len(), 3);
    let formulas: Vec<_> = found.columns.iter().map(|column| &column.formula).collect();
    assert_eq!(*formulas[0], Formula::Call(0));
    assert_eq!(*formulas[2], Formula::Call(1));
    let casts = analysed("SELECT mean(f), mean(f::integer) FROM m");
    assert_eq!(casts.calls.len(), 2);
}

#[test]
fn functions_have_types() {
    use ValueType::{Boolean, Float, Integer, String};
    let found = analysed(
        "SELECT count(s), sum(i), mean(i), median(i), max(b), first(s), spread(i), \
         derivative(i), difference(i), cumulative_sum(f), moving_average(i, 2), elapsed(s), \
         mode(s), count(host), mean(nope), max(nope) FROM m",
    );
    let types: Vec<_> = found.calls.iter().map(|call| call.value_type).collect();
    assert_eq!(
        types,
        [
            Some(Integer),
            Some(Integer),
            Some(Float),
            Some(Float),
            Some(Boolean),
            Some(String),
            Some(Integer),
            Some(Float),
            Some(Integer),
            Some(Float),
            Some(Float),
            Some(Integer),
            Some(String),
            // Of what is nowhere: no rows, but a fill in those of others.
            Some(Integer),
            Some(Float),
            None
        ]
    );
}

#[test]
fn tags_of_top_are_inputs_and_columns() {
    let found = analysed("SELECT top(f, host, dc, 3), i FROM m");
    let Function::Top(ranked) = &found.calls[0].function else {
        panic!("{:?}", found.calls);
    };
    assert_eq!(ranked.count, 3);
    let names: Vec<_> = ranked
        .by
        .iter()
        .map(|index| &*found.inputs[*index].name)
        .collect();
    assert_eq!(names, ["host", "dc"]);
    assert_eq!(found.inputs[ranked.by[0]].kind, Some(InputKind::Tag));
    assert!(found.inputs[ranked.by[0]].is_plain);
    assert_eq!(found.calls[0].argument, Argument::Input(2));
    assert!(!found.inputs[2].is_plain);
}

#[test]
fn only_some_functions_are_filled() {
    let is_filled = |fields: &str| {
        let found = analysed(&format!("SELECT {fields} FROM m{WINDOWS}"));
        found.calls[0].is_filled()
    };
    for fields in [
        "mean(f)",
        "count(distinct(f))",
        "percentile(f, 1)",
        "mode(f)",
    ] {
        assert!(is_filled(fields), "{fields}");
    }
    for fields in ["distinct(f)", "top(f, 1)", "sample(f, 1)", "integral(f)"] {
        assert!(!is_filled(fields), "{fields}");
    }
}
