//! Answers of influxdb 1.6.7, recorded by `tests/influxql/record.py`, and ours to the same points.

use super::super::super::series::{ROWS_MAX, SeriesPart};
use super::model::{Row, answer, read_points};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// The cells of a row, the time first.
pub type Cells = Vec<String>;

/// A series: its tags and its rows.
type Answer = Vec<(String, Vec<Cells>)>;

fn recorded(text: &str) -> Vec<(String, Answer)> {
    let mut cases: Vec<(String, Answer)> = Vec::new();
    for line in text.lines() {
        let (kind, rest) = line.split_once('\t').unwrap();
        match kind {
            "Q" => cases.push((rest.to_owned(), Vec::new())),
            "S" => cases
                .last_mut()
                .unwrap()
                .1
                .push((rest.to_owned(), Vec::new())),
            _ => {
                let cells = rest.split('\t').map(str::to_owned).collect();
                cases
                    .last_mut()
                    .unwrap()
                    .1
                    .last_mut()
                    .unwrap()
                    .1
                    .push(cells);
            }
        }
    }
    cases
}

fn ours(parts: &[SeriesPart]) -> Answer {
    let mut answer: Answer = Vec::new();
    for part in parts {
        assert!((1..=ROWS_MAX).contains(&part.rows.num_rows()));
        let tags = part.tags.iter().flat_map(|tags| tags.0.iter());
        let tags: Vec<String> = tags.map(|(key, value)| format!("{key}={value}")).collect();
        let tags = tags.join(",");
        if answer.last().is_none_or(|(last, _)| *last != tags) {
            answer.push((tags, Vec::new()));
        }
        let rows = &mut answer.last_mut().unwrap().1;
        rows.extend(cells_of(part));
    }
    answer
}

/// The rows of a part.
pub fn cells_of(part: &SeriesPart) -> Vec<Cells> {
    let row = |row| {
        part.rows
            .columns()
            .iter()
            .map(|column| cell(column, row))
            .collect()
    };
    (0..part.rows.num_rows()).map(row).collect()
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        _ => format!("{:?}", column.as_string::<i32>().value(row)),
    }
}

fn same(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) else {
        return false;
    };
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1e-3)
}

fn agree(ours: &Answer, theirs: &Answer) -> bool {
    let rows_agree = |ours: &[Cells], theirs: &[Cells]| {
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(ours, theirs)| {
                ours.len() == theirs.len()
                    && ours
                        .iter()
                        .zip(theirs)
                        .all(|(left, right)| same(left, right))
            })
    };
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .all(|(ours, theirs)| ours.0 == theirs.0 && rows_agree(&ours.1, &theirs.1))
}

/// In a descending query 1.6.7 gives the points of a window in ascending order.
fn is_open_order(query: &str) -> bool {
    let several = ["distinct(", "top(", "bottom("];
    let start = query.strip_prefix("SELECT ").unwrap();
    query.contains("ORDER BY time DESC") && several.iter().any(|name| start.starts_with(name))
}

fn check(points: &[Row], cases: &[(String, Answer)]) {
    let mut wrong = 0;
    for (query, theirs) in cases {
        let mut ours = ours(&answer(query, points));
        let mut theirs = theirs.clone();
        if is_open_order(query) {
            let rows = ours.iter_mut().chain(&mut theirs);
            rows.for_each(|(_, rows)| rows.sort());
        }
        if !agree(&ours, &theirs) {
            wrong += 1;
            if wrong <= 12 {
                println!(
                    "{query}\n  1.6.7: {}\n  ours:  {}",
                    short(&theirs, &ours),
                    short(&ours, &theirs)
                );
            }
        }
    }
    assert_eq!(wrong, 0, "of {} answers {wrong} differ", cases.len());
}

/// The first rows that differ.
fn short(answer: &Answer, other: &Answer) -> String {
    let mut text = format!("{} series", answer.len());
    for (index, (tags, rows)) in answer.iter().enumerate() {
        let others = other
            .get(index)
            .map(|(_, rows)| rows.as_slice())
            .unwrap_or_default();
        text += &format!(" [{tags}] {} rows", rows.len());
        let differing = rows.iter().enumerate().filter(|(place, row)| {
            others
                .get(*place)
                .is_none_or(|other| !row.iter().zip(other).all(|(a, b)| same(a, b)))
        });
        for (place, row) in differing.take(3) {
            text += &format!(" {place}: {}", row.join(" "));
        }
    }
    text
}

#[test]
fn answers_are_those_of_1x() {
    let points = read_points(include_str!("points.tsv"));
    check(&points, &recorded(include_str!("answers.tsv")));
}

#[test]
fn answers_over_subqueries_are_those_of_1x() {
    let points = read_points(include_str!("points.tsv"));
    check(&points, &recorded(include_str!("nested.tsv")));
}

#[test]
#[ignore = "needs the files of tests/influxql/record.py"]
#[allow(
    clippy::disallowed_methods,
    reason = "a long list of answers is not kept in the project"
)]
fn many_answers_are_those_of_1x() {
    let folder = std::env::var("IQL_FINISH").unwrap();
    let text = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    check(
        &read_points(&text("points.tsv")),
        &recorded(&text("answers.tsv")),
    );
}
