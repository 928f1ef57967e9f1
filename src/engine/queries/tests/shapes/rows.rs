//! Shapes that answer with points: lists, orders, limits, distinct rows, sets, joins.

use super::super::random::Chance;
use super::condition::{Condition, condition};
use super::data::{Points, quoted};
use super::question::{
    Expected, Expression, Question, cells, expressions, relation, selected, total_order,
};
use super::value::{Cells, Record, Value};

pub(super) fn rows(of: &[Expression], records: &[Record]) -> Vec<Cells> {
    records.iter().map(|record| cells(of, record)).collect()
}

fn all_columns(points: &Points) -> Vec<Expression> {
    points
        .columns()
        .into_iter()
        .map(Expression::column)
        .collect()
}

pub(super) fn list(chance: &mut Chance, points: &Points) -> Question {
    let (of, asked) = (expressions(chance, points, 4), relation(chance, points));
    Question {
        sql: format!("{}SELECT {} {}", asked.with, selected(&of), asked.from),
        expected: Expected::Any(rows(&of, &asked.records)),
    }
}

pub(super) fn star(chance: &mut Chance, points: &Points) -> Question {
    let asked = relation(chance, points);
    Question {
        sql: format!("{}SELECT * {}", asked.with, asked.from),
        expected: Expected::Any(rows(&all_columns(points), &asked.records)),
    }
}

pub(super) fn in_order(chance: &mut Chance, points: &Points) -> Question {
    let (of, mut asked) = (expressions(chance, points, 3), relation(chance, points));
    let order = total_order(chance, points);
    order.sort(&mut asked.records);
    Question {
        sql: format!(
            "{}SELECT {} {} {}",
            asked.with,
            selected(&of),
            asked.from,
            order.sql
        ),
        expected: Expected::Ordered(rows(&of, &asked.records)),
    }
}

/// An order and a limit, which DataFusion runs as one: only the best rows so far are kept.
pub(super) fn best(chance: &mut Chance, points: &Points) -> Question {
    let mut ordered = in_order(chance, points);
    let (limit, skipped) = (chance.place(20), chance.place(2) * chance.place(10));
    ordered.sql += &format!(" LIMIT {limit}");
    if skipped > 0 {
        ordered.sql += &format!(" OFFSET {skipped}");
    }
    if let Expected::Ordered(rows) = &mut ordered.expected {
        rows.drain(..skipped.min(rows.len()));
        rows.truncate(limit);
    }
    ordered
}

/// Newest first by the time alone, of which only the times are certain.
pub(super) fn newest(chance: &mut Chance, points: &Points) -> Question {
    let mut asked = relation(chance, points);
    asked.records.sort_by(|a, b| b["time"].cmp(&a["time"]));
    let limit = chance.place(12);
    asked.records.truncate(limit);
    let sql = format!(
        "{}SELECT time {} ORDER BY time DESC LIMIT {limit}",
        asked.with, asked.from
    );
    Question {
        sql,
        expected: Expected::Ordered(rows(&[Expression::column("time")], &asked.records)),
    }
}

pub(super) fn some(chance: &mut Chance, points: &Points) -> Question {
    let (of, asked) = (expressions(chance, points, 3), relation(chance, points));
    let limit = chance.place(40);
    let count = limit.min(asked.records.len());
    Question {
        sql: format!(
            "{}SELECT {} {} LIMIT {limit}",
            asked.with,
            selected(&of),
            asked.from
        ),
        expected: Expected::Some(rows(&of, &asked.records), count),
    }
}

fn unique(mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort();
    rows.dedup();
    rows
}

pub(super) fn distinct(chance: &mut Chance, points: &Points) -> Question {
    let (of, asked) = (expressions(chance, points, 2), relation(chance, points));
    Question {
        sql: format!(
            "{}SELECT DISTINCT {} {}",
            asked.with,
            selected(&of),
            asked.from
        ),
        expected: Expected::Any(unique(rows(&of, &asked.records))),
    }
}

pub(super) fn counted_distinct(chance: &mut Chance, points: &Points) -> Question {
    let inner = distinct(chance, points);
    let Expected::Any(rows) = inner.expected else {
        return inner;
    };
    let sql = match inner.sql.strip_prefix("WITH ") {
        Some(_) => {
            let (with, select) = inner.sql.split_once("SELECT DISTINCT").unwrap();
            format!("{with}SELECT count(*) FROM (SELECT DISTINCT{select}) c")
        }
        None => format!("SELECT count(*) FROM ({}) c", inner.sql),
    };
    let count = i64::try_from(rows.len()).unwrap();
    Question {
        sql,
        expected: Expected::Any(vec![vec![Some(Value::Integer(count))]]),
    }
}

/// `UNION`, `INTERSECT` and `EXCEPT` of two parts of the table.
pub(super) fn sets(chance: &mut Chance, points: &Points) -> Question {
    let of: Vec<_> = (0..=chance.below(3))
        .map(|_| Expression::column(points.column(chance)))
        .collect();
    let (first, second) = (condition(chance, points, 1), condition(chance, points, 1));
    let records = points.records();
    let part = |passes: &dyn Fn(&Record) -> bool| {
        let part = records.iter().filter(|record| passes(record));
        unique(part.map(|record| cells(&of, record)).collect())
    };
    let (mut a, b) = (
        part(&|record| first.passes(record)),
        part(&|record| second.passes(record)),
    );
    let word = match chance.below(3) {
        0 => {
            a.extend(b);
            a = unique(a);
            "UNION"
        }
        1 => {
            a.retain(|row| b.contains(row));
            "INTERSECT"
        }
        _ => {
            a.retain(|row| !b.contains(row));
            "EXCEPT"
        }
    };
    let select = |sql: &str| format!("SELECT {} FROM m WHERE {sql}", selected(&of));
    Question {
        sql: format!("{} {word} {}", select(&first.sql), select(&second.sql)),
        expected: Expected::Any(a),
    }
}

/// The table with itself, by the time and a tag.
pub(super) fn join(chance: &mut Chance, points: &Points) -> Question {
    let (left, right) = (condition(chance, points, 1), condition(chance, points, 1));
    let (tag, a, b) = (
        points.tag(chance),
        points.column(chance),
        points.column(chance),
    );
    // Whether what has no match is kept, of each side.
    let (word, keeps_left, keeps_right) = [
        ("JOIN", false, false),
        ("LEFT JOIN", true, false),
        ("RIGHT JOIN", false, true),
        ("FULL JOIN", true, true),
    ][chance.place(4)];
    // Null is equal to nothing, or to null.
    let is_null_equal = chance.below(2) == 0;
    let operator = if is_null_equal {
        "IS NOT DISTINCT FROM"
    } else {
        "="
    };
    let sql = format!(
        "SELECT a.time AS c0, a.{} AS c1, b.{} AS c2 FROM (SELECT * FROM m WHERE {}) a {word} (SELECT * FROM m WHERE {}) b \
         ON a.time = b.time AND a.{tag} {operator} b.{tag}",
        quoted(a),
        quoted(b),
        left.sql,
        right.sql
    );
    let records = points.records();
    let part = |of: &Condition| -> Vec<Record> {
        let part = records.iter().filter(|record| of.passes(record));
        part.cloned().collect()
    };
    let (left, right) = (part(&left), part(&right));
    let is_pair = |one: &Record, other: &Record| {
        one["time"] == other["time"]
            && one.get(tag) == other.get(tag)
            && (is_null_equal || one.contains_key(tag))
    };
    let row = |one: Option<&Record>, other: Option<&Record>| {
        let cell = |of: Option<&Record>, column| of.and_then(|record| record.get(column).cloned());
        vec![cell(one, "time"), cell(one, a), cell(other, b)]
    };
    let mut rows = Vec::new();
    for one in &left {
        let pairs = right.iter().filter(|other| is_pair(one, other));
        let pairs: Vec<_> = pairs.map(|other| row(Some(one), Some(other))).collect();
        if pairs.is_empty() && keeps_left {
            rows.push(row(Some(one), None));
        }
        rows.extend(pairs);
    }
    for other in right.iter().filter(|_| keeps_right) {
        if !left.iter().any(|one| is_pair(one, other)) {
            rows.push(row(None, Some(other)));
        }
    }
    Question {
        sql,
        expected: Expected::Any(rows),
    }
}
