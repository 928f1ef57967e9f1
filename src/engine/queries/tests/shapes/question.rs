//! What shapes are made of: relations, expressions and orders, as SQL and as plain Rust; and what
//! is expected of an answer.

use std::cmp::Ordering;

use super::super::random::Chance;
use super::super::world::Row;
use super::condition::condition;
use super::data::{Points, quoted};
use super::value::{Cells, Record, Value};

/// A question, and the answer to it.
pub(super) struct Question {
    pub(super) sql: String,
    pub(super) expected: Expected,
}

/// The rows that are expected.
pub(super) enum Expected {
    /// These, in this order.
    Ordered(Vec<Cells>),
    /// These, in any order.
    Any(Vec<Cells>),
    /// This many of these.
    Some(Vec<Cells>, usize),
}

impl Expected {
    /// The first difference from an answer.
    pub(super) fn difference(&self, mut got: Vec<Row>) -> Option<String> {
        match self {
            Self::Ordered(rows) => differ(&shown(rows), &got),
            Self::Any(rows) => {
                let mut rows = shown(rows);
                rows.sort();
                got.sort();
                differ(&rows, &got)
            }
            Self::Some(of, count) => {
                let mut of = shown(of);
                for row in &got {
                    let Some(place) = of.iter().position(|known| known == row) else {
                        return Some(format!("{row:?} should not be there, or not again"));
                    };
                    of.swap_remove(place);
                }
                (got.len() != *count).then(|| format!("{} rows, not {count}", got.len()))
            }
        }
    }
}

fn shown(rows: &[Cells]) -> Vec<Row> {
    let show = |cell: &Option<Value>| cell.as_ref().map(Value::shown);
    rows.iter()
        .map(|row| row.iter().map(show).collect())
        .collect()
}

fn differ(expected: &[Row], got: &[Row]) -> Option<String> {
    let length = expected.len().max(got.len());
    let place = (0..length).find(|place| expected.get(*place) != got.get(*place))?;
    Some(format!(
        "row {place} of {} (expected {}): {:?}, expected {:?}",
        got.len(),
        expected.len(),
        got.get(place),
        expected.get(place)
    ))
}

/// Points to ask, all of their columns.
pub(super) struct Relation {
    /// What comes before `SELECT`.
    pub(super) with: String,
    /// What follows the list of a `SELECT`.
    pub(super) from: String,
    pub(super) records: Vec<Record>,
}

/// The table, or a part of it, in one of many ways.
pub(super) fn relation(chance: &mut Chance, points: &Points) -> Relation {
    let mut records = points.records();
    let kind = chance.below(8);
    if kind == 0 {
        return plain("FROM m".to_owned(), records);
    }
    let first = condition(chance, points, 2);
    let all = records.clone();
    records.retain(|record| first.passes(record));
    let first = first.sql;
    if kind < 4 {
        return plain(format!("FROM m WHERE {first}"), records);
    }
    if kind == 4 {
        let order = total_order(chance, points);
        order.sort(&mut records);
        let limit = chance.place(30);
        records.truncate(limit);
        let sql = format!(
            "FROM (SELECT * FROM m WHERE {first} {} LIMIT {limit}) q",
            order.sql
        );
        return plain(sql, records);
    }
    let second = condition(chance, points, 1);
    if kind == 5 {
        records.extend(all.into_iter().filter(|record| second.passes(record)));
        let second = second.sql;
        let union =
            format!("SELECT * FROM m WHERE {first} UNION ALL SELECT * FROM m WHERE {second}");
        return plain(format!("FROM ({union}) q"), records);
    }
    records.retain(|record| second.passes(record));
    let second = second.sql;
    if kind == 6 {
        let sql = format!("FROM (SELECT * FROM m WHERE {first}) q WHERE {second}");
        return plain(sql, records);
    }
    Relation {
        with: format!("WITH q AS (SELECT * FROM m WHERE {first}) "),
        ..plain(format!("FROM q WHERE {second}"), records)
    }
}

fn plain(from: String, records: Vec<Record>) -> Relation {
    Relation {
        with: String::new(),
        from,
        records,
    }
}

/// What an expression is of a point.
type Of = dyn Fn(&Record) -> Option<Value>;

/// An expression.
pub(super) struct Expression {
    pub(super) sql: String,
    of: Box<Of>,
}

impl Expression {
    pub(super) fn new(sql: String, of: impl Fn(&Record) -> Option<Value> + 'static) -> Self {
        Self {
            sql,
            of: Box::new(of),
        }
    }

    pub(super) fn column(name: &'static str) -> Self {
        Self::new(quoted(name), move |record| record.get(name).cloned())
    }

    pub(super) fn of(&self, record: &Record) -> Option<Value> {
        (self.of)(record)
    }
}

/// The cells of a point under expressions.
pub(super) fn cells(expressions: &[Expression], record: &Record) -> Cells {
    expressions.iter().map(|one| one.of(record)).collect()
}

/// The expressions as a list.
pub(super) fn listed(expressions: &[Expression]) -> String {
    let texts: Vec<&str> = expressions.iter().map(|one| one.sql.as_str()).collect();
    texts.join(", ")
}

/// The expressions as a list with names: DataFusion refuses two columns of one name, and a cast has
/// the name of its column.
pub(super) fn named<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts = texts.into_iter().zip(0..);
    let texts: Vec<String> = texts
        .map(|(text, place)| format!("{text} AS c{place}"))
        .collect();
    texts.join(", ")
}

/// What is selected.
pub(super) fn selected(expressions: &[Expression]) -> String {
    named(expressions.iter().map(|one| one.sql.as_str()))
}

/// One to so many expressions, most of them columns.
pub(super) fn expressions(chance: &mut Chance, points: &Points, most: u64) -> Vec<Expression> {
    (0..=chance.below(most))
        .map(|_| expression(chance, points))
        .collect()
}

fn expression(chance: &mut Chance, points: &Points) -> Expression {
    let when = condition(chance, points, 1);
    match chance.below(14) {
        0 => bin(chance),
        1 => Expression::new("time::BIGINT".to_owned(), |record| match record["time"] {
            Value::Time(time_ns) => Some(Value::Integer(time_ns)),
            _ => None,
        }),
        2 => {
            let sql = format!("CASE WHEN {} THEN 1 ELSE 0 END", when.sql);
            Expression::new(sql, move |record| {
                Some(Value::Integer(when.passes(record).into()))
            })
        }
        3 => {
            let field = points.field(chance);
            let sql = format!("CASE WHEN {} THEN {} END", when.sql, quoted(field));
            Expression::new(sql, move |record| {
                when.passes(record)
                    .then(|| record.get(field).cloned())
                    .flatten()
            })
        }
        4 => {
            let tag = points.tag(chance);
            Expression::new(format!("coalesce({tag}, 'none')"), move |record| {
                let none = || Value::Text("none".to_owned());
                Some(record.get(tag).cloned().unwrap_or_else(none))
            })
        }
        5 if points.columns().contains(&"v") => {
            Expression::new("v * 2.0 + 1.0".to_owned(), |record| {
                match record.get("v")? {
                    Value::Float(value) => Some(Value::Float(value * 2.0 + 1.0)),
                    other => panic!("{other:?} is no float"),
                }
            })
        }
        _ => Expression::column(points.column(chance)),
    }
}

/// The start of a stretch of time.
pub(super) fn bin(chance: &mut Chance) -> Expression {
    const STRETCHES: [(&str, i64); 4] = [
        ("3 nanoseconds", 3),
        ("2 microseconds", 2_000),
        ("6 hours", 21_600_000_000_000),
        ("1 day", 86_400_000_000_000),
    ];
    let (text, stretch_ns) = STRETCHES[chance.place(4)];
    let sql = format!("date_bin(INTERVAL '{text}', time)");
    Expression::new(sql, move |record| match record["time"] {
        Value::Time(time_ns) => Some(Value::Time(time_ns - time_ns.rem_euclid(stretch_ns))),
        _ => None,
    })
}

/// An order that no two different points share.
pub(super) struct Order {
    pub(super) sql: String,
    keys: Vec<Key>,
}

struct Key {
    column: &'static str,
    is_down: bool,
    is_null_first: bool,
}

impl Key {
    fn compare(&self, a: &Record, b: &Record) -> Ordering {
        let null = |record: &Record| record.contains_key(self.column) == self.is_null_first;
        let order = a.get(self.column).cmp(&b.get(self.column));
        let order = if self.is_down { order.reverse() } else { order };
        null(a).cmp(&null(b)).then(order)
    }
}

impl Order {
    pub(super) fn sort(&self, records: &mut [Record]) {
        records.sort_by(|a, b| {
            let orders = self.keys.iter().map(|key| key.compare(a, b));
            orders.fold(Ordering::Equal, Ordering::then)
        });
    }
}

pub(super) fn total_order(chance: &mut Chance, points: &Points) -> Order {
    let mut columns: Vec<&str> = (0..chance.below(3))
        .map(|_| points.column(chance))
        .collect();
    columns.push("time");
    columns.extend(points.tags());
    let mut texts = Vec::new();
    let mut keys = Vec::new();
    for column in columns {
        let is_down = chance.below(2) == 0;
        let word = if is_down { " DESC" } else { "" };
        // DataFusion puts nulls where PostgreSQL does.
        let (nulls, is_null_first) = match chance.below(3) {
            0 => (" NULLS FIRST", true),
            1 => (" NULLS LAST", false),
            _ => ("", is_down),
        };
        texts.push(format!("{}{word}{nulls}", quoted(column)));
        keys.push(Key {
            column,
            is_down,
            is_null_first,
        });
    }
    Order {
        sql: format!("ORDER BY {}", texts.join(", ")),
        keys,
    }
}
