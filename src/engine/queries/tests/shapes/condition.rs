//! Conditions as SQL, and what they say about a point of the model: true, false or unknown.

use super::super::random::Chance;
use super::data::{Points, quoted, value};
use super::value::{Record, Value};

/// What a condition says of a point; absent if that is unknown.
type Holds = dyn Fn(&Record) -> Option<bool>;

/// A condition.
pub(super) struct Condition {
    pub(super) sql: String,
    holds: Box<Holds>,
}

impl Condition {
    fn new(sql: String, holds: impl Fn(&Record) -> Option<bool> + 'static) -> Self {
        Self {
            sql,
            holds: Box::new(holds),
        }
    }

    /// Returns true if a point passes: what is unknown does not.
    pub(super) fn passes(&self, record: &Record) -> bool {
        (self.holds)(record) == Some(true)
    }
}

/// A condition of up to so many levels.
pub(super) fn condition(chance: &mut Chance, points: &Points, depth: u32) -> Condition {
    if depth == 0 || chance.below(2) == 0 {
        return leaf(chance, points);
    }
    let a = condition(chance, points, depth - 1);
    if chance.below(4) == 0 {
        return Condition::new(format!("NOT ({})", a.sql), move |record| {
            (a.holds)(record).map(|holds| !holds)
        });
    }
    let b = condition(chance, points, depth - 1);
    let is_and = chance.below(2) == 0;
    let word = if is_and { "AND" } else { "OR" };
    let sql = format!("({}) {word} ({})", a.sql, b.sql);
    Condition::new(sql, move |record| {
        let pair = [(a.holds)(record), (b.holds)(record)];
        let decides = Some(!is_and);
        if pair.contains(&decides) {
            decides
        } else if pair.contains(&None) {
            None
        } else {
            Some(is_and)
        }
    })
}

fn leaf(chance: &mut Chance, points: &Points) -> Condition {
    let column = match chance.below(4) {
        0 => "time",
        1 => points.tag(chance),
        _ => points.field(chance),
    };
    match chance.below(8) {
        0 => is_null(chance, column),
        1 => one_of(chance, column),
        2 => between(chance, column),
        3 => distinct(chance, column),
        4 if matches!(value(chance, column), Value::Text(_)) => like(chance, column),
        5 if column == "ok" => truth(chance),
        6 if points.columns().contains(&"V") => fields(chance),
        _ => compare(chance, column),
    }
}

/// A value as SQL; times in one of the ways to write them.
fn literal(chance: &mut Chance, value: &Value) -> String {
    let Value::Time(time_ns) = value else {
        return value.sql();
    };
    match chance.below(5) {
        0 => format!("TIMESTAMP {}", value.sql()),
        1 => format!("to_timestamp({time_ns})"),
        2 => format!("arrow_cast({time_ns}, 'Timestamp(Nanosecond, None)')"),
        3 => format!("to_timestamp({}) - INTERVAL '5 nanoseconds'", time_ns + 5),
        _ => value.sql(),
    }
}

const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

fn compared(operator: &str, a: &Value, b: &Value) -> bool {
    match operator {
        "=" => a == b,
        "<>" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    }
}

fn compare(chance: &mut Chance, column: &'static str) -> Condition {
    let operator = OPERATORS[chance.place(6)];
    let with = value(chance, column);
    let (name, text) = (quoted(column), literal(chance, &with));
    if chance.below(4) == 0 {
        return Condition::new(format!("{text} {operator} {name}"), move |record| {
            record
                .get(column)
                .map(|value| compared(operator, &with, value))
        });
    }
    Condition::new(format!("{name} {operator} {text}"), move |record| {
        record
            .get(column)
            .map(|value| compared(operator, value, &with))
    })
}

/// Two fields of one type.
fn fields(chance: &mut Chance) -> Condition {
    let operator = OPERATORS[chance.place(6)];
    Condition::new(format!("v {operator} \"V\""), move |record| {
        Some(compared(operator, record.get("v")?, record.get("V")?))
    })
}

fn is_null(chance: &mut Chance, column: &'static str) -> Condition {
    let is_negated = chance.below(2) == 0;
    let word = if is_negated { "IS NOT NULL" } else { "IS NULL" };
    Condition::new(format!("{} {word}", quoted(column)), move |record| {
        Some(record.contains_key(column) == is_negated)
    })
}

fn one_of(chance: &mut Chance, column: &'static str) -> Condition {
    let is_negated = chance.below(2) == 0;
    let values: Vec<Value> = (0..=chance.below(4))
        .map(|_| value(chance, column))
        .collect();
    let mut texts: Vec<String> = values.iter().map(Value::sql).collect();
    let has_null = chance.below(4) == 0;
    if has_null {
        texts.insert(chance.place(texts.len()), "NULL".to_owned());
    }
    let word = if is_negated { "NOT IN" } else { "IN" };
    let sql = format!("{} {word} ({})", quoted(column), texts.join(", "));
    Condition::new(sql, move |record| {
        let value = record.get(column)?;
        match values.contains(value) {
            // Null may be anything.
            false if has_null => None,
            is_found => Some(is_found != is_negated),
        }
    })
}

fn between(chance: &mut Chance, column: &'static str) -> Condition {
    let is_negated = chance.below(3) == 0;
    let (low, high) = (value(chance, column), value(chance, column));
    let word = if is_negated { "NOT BETWEEN" } else { "BETWEEN" };
    let (low_text, high_text) = (literal(chance, &low), literal(chance, &high));
    let sql = format!("{} {word} {low_text} AND {high_text}", quoted(column));
    Condition::new(sql, move |record| {
        let value = record.get(column)?;
        Some((*value >= low && *value <= high) != is_negated)
    })
}

fn distinct(chance: &mut Chance, column: &'static str) -> Condition {
    let is_negated = chance.below(2) == 0;
    let from = value(chance, column);
    let word = if is_negated {
        "IS NOT DISTINCT FROM"
    } else {
        "IS DISTINCT FROM"
    };
    let sql = format!("{} {word} {}", quoted(column), literal(chance, &from));
    Condition::new(sql, move |record| {
        Some((record.get(column) == Some(&from)) == is_negated)
    })
}

fn truth(chance: &mut Chance) -> Condition {
    let of = |sql: &str, holds: fn(Option<bool>) -> Option<bool>| {
        Condition::new(sql.to_owned(), move |record| {
            holds(match record.get("ok") {
                Some(Value::Boolean(value)) => Some(*value),
                _ => None,
            })
        })
    };
    match chance.below(4) {
        0 => of("ok", |ok| ok),
        1 => of("NOT ok", |ok| ok.map(|ok| !ok)),
        2 => of("ok IS TRUE", |ok| Some(ok == Some(true))),
        _ => of("ok IS NOT FALSE", |ok| Some(ok != Some(false))),
    }
}

fn like(chance: &mut Chance, column: &'static str) -> Condition {
    const PATTERNS: [&str; 10] = ["a", "%", "_", "%b%", "c%", "%'%", "t__", "50%", "", "_ast"];
    let pattern = PATTERNS[chance.place(PATTERNS.len())];
    let is_negated = chance.below(3) == 0;
    let word = if is_negated { "NOT LIKE" } else { "LIKE" };
    let sql = format!(
        "{} {word} {}",
        quoted(column),
        Value::Text(pattern.to_owned()).sql()
    );
    Condition::new(sql, move |record| match record.get(column)? {
        Value::Text(text) => {
            let text: Vec<char> = text.chars().collect();
            let pattern: Vec<char> = pattern.chars().collect();
            Some(matches(&text, &pattern) != is_negated)
        }
        other => panic!("{other:?} is no text"),
    })
}

fn matches(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skipped| matches(&text[skipped..], rest)),
        Some((first, rest)) => match text.split_first() {
            Some((char, left)) => (*first == '_' || first == char) && matches(left, rest),
            None => false,
        },
    }
}
