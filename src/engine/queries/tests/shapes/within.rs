//! Shapes that ask within a question: of other points, or of all of them.

use super::super::random::Chance;
use super::condition::{Condition, condition};
use super::data::{Points, quoted};
use super::question::{Expected, Expression, Question, expressions, selected};
use super::rows::rows;
use super::value::Record;

/// Points whose value is, or is not, among those of other points.
pub(super) fn among(chance: &mut Chance, points: &Points) -> Question {
    let (outer, inner) = (condition(chance, points, 1), condition(chance, points, 1));
    let column = points.column(chance);
    let of = expressions(chance, points, 2);
    let records = points.records();
    let found: Vec<_> = records
        .iter()
        .filter(|record| inner.passes(record))
        .collect();
    let is_exists = chance.below(2) == 0;
    let name = quoted(column);
    let (test, is_negated) = match (is_exists, chance.below(2)) {
        (true, 0) => (
            format!(
                "EXISTS (SELECT 1 FROM m b WHERE b.{name} = a.{name} AND ({}))",
                inner.sql
            ),
            false,
        ),
        (true, _) => (
            format!(
                "NOT EXISTS (SELECT 1 FROM m b WHERE b.{name} = a.{name} AND ({}))",
                inner.sql
            ),
            true,
        ),
        (false, 0) => (
            format!("{name} IN (SELECT {name} FROM m WHERE {})", inner.sql),
            false,
        ),
        (false, _) => (
            format!("{name} NOT IN (SELECT {name} FROM m WHERE {})", inner.sql),
            true,
        ),
    };
    let has_null = found.iter().any(|record| !record.contains_key(column));
    let passes = |record: &Record| {
        let value = record.get(column);
        let is_found = value.is_some() && found.iter().any(|other| other.get(column) == value);
        match (is_exists, is_negated) {
            (_, false) => is_found,
            (true, true) => !is_found,
            // Null may be anything.
            (false, true) => found.is_empty() || (value.is_some() && !is_found && !has_null),
        }
    };
    let beside = Beside {
        outer,
        is_and: chance.below(2) == 0,
    };
    beside.question(&of, &test, &records, &passes)
}

/// What an aggregate of the points with the same tag tells of a point.
pub(super) fn among_aggregated(chance: &mut Chance, points: &Points) -> Question {
    let (outer, inner) = (condition(chance, points, 1), condition(chance, points, 1));
    let tag = points.tag(chance);
    let of = expressions(chance, points, 2);
    let records = points.records();
    let found: Vec<_> = records
        .iter()
        .filter(|record| inner.passes(record))
        .collect();
    let same = |record: &Record| -> Vec<&Record> {
        let same = found.iter().filter(|other| match record.get(tag) {
            Some(value) => other.get(tag) == Some(value),
            None => false,
        });
        same.copied().collect()
    };
    let from = format!("FROM m b WHERE b.{tag} = a.{tag} AND ({})", inner.sql);
    let count = chance.place(4);
    let is_negated = chance.below(2) == 0;
    let word = if is_negated { "NOT EXISTS" } else { "EXISTS" };
    let beside = Beside {
        outer,
        is_and: chance.below(2) == 0,
    };
    match chance.below(4) {
        0 => {
            let test = format!("time IN (SELECT max(time) {from})");
            beside.question(&of, &test, &records, &|record| {
                let times = same(record).into_iter().map(|other| &other["time"]);
                times.max() == Some(&record["time"])
            })
        }
        1 => {
            let test = format!("{word} (SELECT count(*) {from})");
            beside.question(&of, &test, &records, &|_| !is_negated)
        }
        2 => {
            let test = format!("{word} (SELECT 1 {from} HAVING count(*) > {count})");
            beside.question(&of, &test, &records, &|record| {
                (same(record).len() > count) != is_negated
            })
        }
        _ => {
            let test = format!("(SELECT count(*) {from}) = {count}");
            beside.question(&of, &test, &records, &|record| same(record).len() == count)
        }
    }
}

/// A condition beside one that asks other points.
struct Beside {
    outer: Condition,
    /// Whether points must pass both.
    is_and: bool,
}

impl Beside {
    fn question(
        &self,
        of: &[Expression],
        test: &str,
        records: &[Record],
        passes: &dyn Fn(&Record) -> bool,
    ) -> Question {
        let Self { outer, is_and } = self;
        let kept = records.iter().filter(|record| match is_and {
            true => outer.passes(record) && passes(record),
            false => outer.passes(record) || passes(record),
        });
        let kept: Vec<Record> = kept.cloned().collect();
        let word = if *is_and { "AND" } else { "OR" };
        let (list, outer) = (selected(of), &outer.sql);
        Question {
            sql: format!("SELECT {list} FROM m a WHERE ({outer}) {word} {test}"),
            expected: Expected::Any(rows(of, &kept)),
        }
    }
}

/// Points with the last, or first, time of a part of the table.
pub(super) fn at_bound(chance: &mut Chance, points: &Points) -> Question {
    let (outer, inner) = (condition(chance, points, 1), condition(chance, points, 1));
    let of = expressions(chance, points, 2);
    let records = points.records();
    let times = records.iter().filter(|record| inner.passes(record));
    let times = times.map(|record| record["time"].clone());
    let (word, bound) = if chance.below(2) == 0 {
        ("min", times.min())
    } else {
        ("max", times.max())
    };
    let is_at = |record: &&Record| outer.passes(record) && Some(&record["time"]) == bound.as_ref();
    let kept: Vec<Record> = records.iter().filter(is_at).cloned().collect();
    let sql = format!(
        "SELECT {} FROM m WHERE ({}) AND time = (SELECT {word}(time) FROM m WHERE {})",
        selected(&of),
        outer.sql,
        inner.sql
    );
    Question {
        sql,
        expected: Expected::Any(rows(&of, &kept)),
    }
}
