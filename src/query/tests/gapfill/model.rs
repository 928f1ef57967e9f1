//! Many small questions that fill gaps, against a loop over bins.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "whole numbers below 1000"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_schema::DataType;
use datafusion::arrow::compute::cast;

use super::super::points::{Point, Points};
use super::engine;
use crate::Parameters;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % end
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below((to - from + 1).unsigned_abs())).unwrap()
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// The values of each bin.
type Bins = BTreeMap<i64, Vec<Option<f64>>>;

/// A question, in parts.
#[derive(Debug)]
struct Case {
    points: Vec<(Option<&'static str>, i64, Option<f64>)>,
    by_host: bool,
    interval: i64,
    origin: Option<i64>,
    /// Both ends included.
    times: (i64, i64),
    bounds: String,
    batch_rows: usize,
}

impl Case {
    fn new(dice: &mut Dice) -> Self {
        let mut seen = BTreeSet::new();
        let points = (0..dice.below(25)).filter_map(|_| {
            let host = [Some("a"), Some("b"), None][dice.below(3) as usize];
            let time = dice.between(-40, 40);
            let value = (!dice.is(3)).then(|| dice.between(-9, 9) as f64);
            seen.insert((host, time)).then_some((host, time, value))
        });
        let points = points.collect();
        let from = dice.between(-50, 45);
        let to = from + dice.between(-3, 60);
        let at = |time: i64| format!("to_timestamp_nanos({time})");
        let bounds = match dice.below(4) {
            0 => format!("time >= {} AND time < {}", at(from), at(to + 1)),
            1 => format!("{} < time AND time <= {}", at(from - 1), at(to)),
            2 => format!(
                "time BETWEEN {} AND {} AND time < {}",
                at(from),
                at(to),
                at(1000)
            ),
            _ => format!("time > {} AND {} > time", at(from - 1), at(to + 1)),
        };
        Self {
            points,
            by_host: !dice.is(3),
            interval: dice.between(1, 20),
            origin: (!dice.is(3)).then(|| dice.between(-70, 70)),
            times: (from, to),
            bounds,
            batch_rows: [1, 2, 3, 7, 8192][dice.below(5) as usize],
        }
    }

    fn text(&self) -> String {
        let mut bin = format!(
            "date_bin_gapfill(interval '{} nanoseconds', time",
            self.interval
        );
        if let Some(origin) = self.origin {
            write!(bin, ", to_timestamp_nanos({origin})").unwrap();
        }
        let (host, group) = match self.by_host {
            true => ("host", ", host"),
            false => ("'all'", ""),
        };
        format!(
            "SELECT {host}, {bin}) AS bin, count(*), sum(v), locf(sum(v)), interpolate(sum(v)),
             interpolate(cast(sum(v) AS bigint)) AS i, locf(count(v)) FROM m WHERE {} GROUP BY bin{group}",
            self.bounds
        )
    }

    fn bin(&self, time: i64) -> i64 {
        let origin = self.origin.unwrap_or(0);
        origin + (time - origin).div_euclid(self.interval) * self.interval
    }

    /// The rows by group, then by time; a missing host is the last group.
    fn expected(&self) -> Vec<Row> {
        let (from, to) = self.times;
        let mut groups: BTreeMap<(bool, &str), Bins> = BTreeMap::new();
        for (host, time, value) in &self.points {
            if (from..=to).contains(time) {
                let host = if self.by_host { *host } else { Some("all") };
                let group = groups.entry((host.is_none(), host.unwrap_or_default()));
                let bins = group.or_default();
                bins.entry(self.bin(*time)).or_default().push(*value);
            }
        }
        let mut rows = Vec::new();
        for ((is_null, host), bins) in groups {
            let host = (!is_null).then(|| host.to_owned());
            let sum = |bin: i64| {
                let values: Vec<f64> = bins.get(&bin)?.iter().flatten().copied().collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>())
            };
            let mut bin = self.bin(from);
            while bin <= self.bin(to) {
                let before = bins.keys().rev().find(|b| **b <= bin && sum(**b).is_some());
                let after = bins.keys().find(|b| **b >= bin && sum(**b).is_some());
                let line = before.zip(after).map(|(before, after)| {
                    let (y0, y1) = (sum(*before).unwrap(), sum(*after).unwrap());
                    match after - before {
                        0 => y0,
                        run => y0 + (y1 - y0) * ((bin - before) as f64 / run as f64),
                    }
                });
                let whole = before.zip(after).map(|(before, after)| {
                    let (y0, y1) = (sum(*before).unwrap() as i64, sum(*after).unwrap() as i64);
                    let run = (after - before).max(1);
                    ((y0 * (run - (bin - before)) + y1 * (bin - before)) / run) as f64
                });
                let counted = bins.range(..=bin).next_back();
                let counted = counted.map(|(_, values)| values.iter().flatten().count() as f64);
                let values = vec![
                    Some(bin as f64),
                    bins.get(&bin).map(|values| values.len() as f64),
                    sum(bin),
                    before.and_then(|before| sum(*before)),
                    line,
                    whole,
                    counted,
                ];
                rows.push((host.clone(), values));
                bin += self.interval;
            }
        }
        rows
    }

    async fn answer(&self) -> Vec<Row> {
        // A point elsewhere, so that the table has all columns.
        let far = Point::new(
            "m",
            &[("host", "far")],
            1_000_000,
            &[("v", 0.0), ("w", 0.0)],
        );
        let points = self.points.iter().map(|(host, time, value)| {
            let tags: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
            let field = value.map_or(("w", 0.0), |value| ("v", value));
            Point::new("m", &tags, *time, &[field])
        });
        let database = Arc::new(Points::new(points.chain([far])));
        let engine = engine().with_batch_rows(self.batch_rows);
        let question = engine.sql(database, &self.text()).await.unwrap();
        let mut answer = question.run(Parameters::none()).await.unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = answer.next_batch().await.unwrap() {
            assert!(batch.num_rows() <= self.batch_rows);
            let hosts = batch.column(0).as_string::<i32>().clone();
            let numbers = batch.columns()[1..].iter().map(|column| {
                let column = match column.data_type() {
                    DataType::Timestamp(..) => &cast(column, &DataType::Int64).unwrap(),
                    _ => column,
                };
                cast(column, &DataType::Float64).unwrap()
            });
            let numbers: Vec<_> = numbers.collect();
            for (row, host) in hosts.iter().enumerate() {
                let values = numbers
                    .iter()
                    .map(|values| values.as_primitive::<Float64Type>());
                let values = values.map(|values| values.iter().nth(row).unwrap());
                rows.push((host.map(str::to_owned), values.collect()));
            }
        }
        rows
    }
}

/// A host, and the values of the other columns.
type Row = (Option<String>, Vec<Option<f64>>);

#[tokio::test]
async fn rows_are_those_of_a_loop_over_bins() {
    let mut dice = Dice(0x5EED_0F6A_9511_1111);
    let (mut filled, mut empty) = (0, 0);
    for _ in 0..600 {
        let case = Case::new(&mut dice);
        let (rows, expected) = (case.answer().await, case.expected());
        match expected.len() {
            0 => empty += 1,
            _ => filled += 1,
        }
        assert_eq!(
            rows.len(),
            expected.len(),
            "{case:?}\n{rows:?}\n{expected:?}"
        );
        for (row, wanted) in rows.iter().zip(&expected) {
            let near = row.1.iter().zip(&wanted.1).all(|pair| match pair {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                (a, b) => a == b,
            });
            assert!(row.0 == wanted.0 && near, "{case:?}\n{row:?}\n{wanted:?}");
        }
    }
    assert!(filled > 300 && empty > 10, "{filled} {empty}");
}
