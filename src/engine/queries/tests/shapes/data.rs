//! The model: points as a plain map, and lines that change it and the server alike.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::Chance;
use super::super::world::NOW_NS;
use super::value::{Record, Value};

pub(super) const DAY_NS: i64 = 86_400_000_000_000;

/// The first midnight after now.
const MIDNIGHT_NS: i64 = (NOW_NS / DAY_NS + 1) * DAY_NS;

/// The tags; the last is not there in the first rounds.
pub(super) const TAGS: [&str; 3] = ["host", "rack", "zone"];

/// The fields, the later ones only in later rounds.
pub(super) const FIELDS: [&str; 7] = ["v", "n", "s", "ok", "u", "V", "a b"];

const TEXTS: [&str; 7] = ["", "x", "it's", "\u{fc}ber", "t_1", "50%", "say \"x\""];

/// A name as SQL has it.
pub(super) fn quoted(column: &str) -> String {
    let is_plain = column.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_plain {
        column.to_owned()
    } else {
        format!("\"{column}\"")
    }
}

/// The points of a table, and the columns that were ever written.
#[derive(Debug, Default)]
pub(super) struct Points {
    by_key: BTreeMap<(Vec<Option<String>>, i64), Record>,
    columns: BTreeSet<&'static str>,
    oldest_ns: Option<i64>,
}

impl Points {
    /// The columns in the order of a table.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        self.columns.iter().copied().collect()
    }

    /// One of the columns.
    pub(super) fn column(&self, chance: &mut Chance) -> &'static str {
        let place = chance.place(self.columns.len());
        self.columns.iter().nth(place).unwrap()
    }

    /// One of the tags that are there.
    pub(super) fn tag(&self, chance: &mut Chance) -> &'static str {
        let tags: Vec<_> = TAGS
            .into_iter()
            .filter(|tag| self.columns.contains(tag))
            .collect();
        tags[chance.place(tags.len())]
    }

    /// The tags that are there.
    pub(super) fn tags(&self) -> Vec<&'static str> {
        TAGS.into_iter()
            .filter(|tag| self.columns.contains(tag))
            .collect()
    }

    /// One of the fields that are there.
    pub(super) fn field(&self, chance: &mut Chance) -> &'static str {
        let fields: Vec<_> = FIELDS
            .into_iter()
            .filter(|name| self.columns.contains(name))
            .collect();
        fields[chance.place(fields.len())]
    }

    /// Hides what is older.
    pub(super) fn hide_before(&mut self, oldest_ns: i64) {
        self.oldest_ns = Some(oldest_ns);
    }

    /// The points that are seen.
    pub(super) fn records(&self) -> Vec<Record> {
        let is_seen = |time_ns: i64| self.oldest_ns.is_none_or(|oldest_ns| time_ns >= oldest_ns);
        let seen = self
            .by_key
            .iter()
            .filter(|((_, time_ns), _)| is_seen(*time_ns));
        seen.map(|(_, record)| record.clone()).collect()
    }

    /// A point that is there, or one more.
    fn key(&self, chance: &mut Chance, tags: &[&str]) -> (Vec<Option<String>>, i64) {
        let oldest_ns = self.oldest_ns.unwrap_or(i64::MIN);
        let known = chance.place(2 * self.by_key.len() + 1);
        match self.by_key.keys().nth(known) {
            Some((key, time_ns)) if *time_ns >= oldest_ns => (key.clone(), *time_ns),
            _ => {
                let key = tags.iter().map(|tag| tag_value(chance, tag));
                (key.collect(), time_ns(chance).max(oldest_ns))
            }
        }
    }

    /// One line, whose point is in the map from now on. Later rounds know more columns.
    pub(super) fn write(&mut self, chance: &mut Chance, round: usize) -> String {
        let tags = if round < 3 { &TAGS[..2] } else { &TAGS[..] };
        let fields = &FIELDS[..(round + 2).min(FIELDS.len())];
        let (key, time_ns) = self.key(chance, tags);
        let mut line = "m".to_owned();
        let mut record = Record::from([("time", Value::Time(time_ns))]);
        for (tag, value) in tags.iter().zip(&key) {
            if let Some(value) = value {
                line += &format!(",{tag}={}", value.replace(' ', "\\ "));
                record.insert(tag, Value::Text(value.clone()));
            }
        }
        let mut written = Record::new();
        for _ in 0..=chance.below(2) {
            let field = fields[chance.place(fields.len())];
            written.insert(field, field_value(chance, field));
        }
        let texts = written.iter();
        let texts =
            texts.map(|(name, value)| format!("{}={}", name.replace(' ', "\\ "), value.line()));
        let texts: Vec<String> = texts.collect();
        record.extend(written);
        self.columns.extend(record.keys());
        let mut all = key;
        all.resize(TAGS.len(), None);
        self.by_key
            .entry((all, time_ns))
            .or_default()
            .extend(record);
        format!("{line} {} {time_ns}\n", texts.join(","))
    }
}

/// A value of a column, so chosen that points have it.
pub(super) fn value(chance: &mut Chance, column: &'static str) -> Value {
    match column {
        "time" => Value::Time(time_ns(chance) + chance.below(3).cast_signed() - 1),
        tag if TAGS.contains(&tag) => {
            Value::Text(tag_value(chance, tag).unwrap_or_else(|| "c".to_owned()))
        }
        field => field_value(chance, field),
    }
}

fn tag_value(chance: &mut Chance, tag: &str) -> Option<String> {
    let values: &[&str] = match tag {
        "host" => &["a", "b", "c d", "B"],
        "rack" => &["1"],
        _ => &["east", "west"],
    };
    let place = chance.place(values.len() + 1);
    values.get(place).map(|value| (*value).to_owned())
}

/// Sums of halves are exact in any order.
fn field_value(chance: &mut Chance, field: &str) -> Value {
    let number = chance.below(12);
    let signed = number.cast_signed();
    match field {
        "n" if number < 3 => Value::Integer((1 << 53) + signed),
        "n" => Value::Integer(signed - 5),
        "u" if number < 3 => Value::Unsigned(u64::MAX - number),
        "u" => Value::Unsigned(number + (1 << 53)),
        "ok" => Value::Boolean(number.is_multiple_of(2)),
        "s" => Value::Text(TEXTS[chance.place(TEXTS.len())].to_owned()),
        _ => Value::Float(f64::from(i32::try_from(signed).unwrap()) / 2.0 - 2.0),
    }
}

/// Few of them, so that points are written again; out of order, around midnight and on several days.
pub(super) fn time_ns(chance: &mut Chance) -> i64 {
    let base_ns = if chance.below(4) == 0 {
        MIDNIGHT_NS
    } else {
        NOW_NS
    };
    let day = chance.below(4).cast_signed() - 2;
    base_ns + day * DAY_NS + chance.below(8).cast_signed() - 4
}
