//! Generated lines, as text and with their meaning: the rules of contract sections 1.3 and 5
//! once more, as plainly as they can be put.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::points::{Cell, Kind, Points, Value};

/// One line of a body.
#[derive(Clone, Debug)]
pub enum Line {
    Point(Point),
    /// No line protocol at all.
    Broken,
    /// A comment, an empty line.
    Nothing,
}

#[derive(Clone, Debug)]
pub struct Point {
    measurement: &'static str,
    tags: BTreeMap<&'static str, &'static str>,
    /// In this order, perhaps with names that come twice.
    fields: Vec<(&'static str, Value)>,
    time: Option<i64>,
}

/// The server's clock, which stands still.
pub const NOW_NS: i64 = 1_700_000_000_123_456_789;

pub fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        14 => point().prop_map(Line::Point),
        1 => Just(Line::Broken),
        1 => Just(Line::Nothing),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    // Several, so that there are tables without columns yet when something fails.
    let measurement = prop::sample::select(vec!["m", "m", "m", "n", "o", "p", "q", "a b,c"]);
    let tag = (
        prop::sample::select(vec!["t", "u", "f", "x=y"]),
        prop::sample::select(vec!["1", "2", "a b", "=,"]),
    );
    let tags = prop::collection::vec(tag, 0..3).prop_map(|tags| tags.into_iter().collect());
    // Mostly each name with its own type, so that clashes are not the rule.
    let field = prop_oneof![
        10 => (0..5_i64).prop_map(|n| ("f", Value::float(n as f64 / 2.0))),
        6 => (-3..3_i64).prop_map(|n| ("i", Value::Integer(n))),
        4 => (0..3_u64).prop_map(|n| ("w", Value::Unsigned(n))),
        4 => any::<bool>().prop_map(|b| ("b b", Value::Boolean(b))),
        4 => prop::sample::select(vec!["", "x", "a\"b\\", "over\nlines"]).prop_map(|s| ("s", Value::String(s.to_owned()))),
        2 => (prop::sample::select(vec!["f", "i", "t", "u", "z"]), any::<u8>()).prop_map(|(name, n)| (name, Value::Integer(i64::from(n)))),
        1 => prop_oneof![
            Just(("f", Value::Integer(1 << 53))),
            Just(("f", Value::Integer((1 << 53) + 1))),
            Just(("f", Value::Unsigned((1 << 53) + 1))),
        ],
        4 => prop_oneof![
            Just(("z", Value::Boolean(true))),
            Just(("z", Value::Unsigned(1))),
            Just(("z", Value::float(1.5))),
        ],
        1 => Just(("time", Value::Integer(1))),
    ];
    let fields = prop::collection::vec(field, 1..4);
    let time =
        prop_oneof![8 => (0..6_i64).prop_map(Some), 1 => Just(None), 1 => Just(Some(i64::MIN + 2))];
    (measurement, tags, fields, time).prop_map(|(measurement, tags, fields, time)| Point {
        measurement,
        tags,
        fields,
        time,
    })
}

/// The lines as a client sends them.
pub fn text(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| match line {
            Line::Point(point) => point.text(),
            Line::Broken => "m f=\n".to_owned(),
            Line::Nothing => "# nothing\n".to_owned(),
        })
        .collect()
}

fn escape(text: &str, special: &[char]) -> String {
    text.chars()
        .flat_map(|c| special.contains(&c).then_some('\\').into_iter().chain([c]))
        .collect()
}

impl Point {
    fn text(&self) -> String {
        let mut text = escape(self.measurement, &[',', ' ']);
        for (key, value) in &self.tags {
            text += &format!(
                ",{}={}",
                escape(key, &[',', ' ', '=']),
                escape(value, &[',', ' ', '='])
            );
        }
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::Float(bits) => format!("{}", f64::from_bits(*bits)),
                    Value::Integer(n) => format!("{n}i"),
                    Value::Unsigned(n) => format!("{n}u"),
                    Value::Boolean(b) => format!("{b}"),
                    Value::String(s) => format!("\"{}\"", escape(s, &['"', '\\'])),
                };
                format!("{}={value}", escape(name, &[' ']))
            })
            .collect();
        let time = self.time.map_or(String::new(), |time| format!(" {time}"));
        format!("{text} {}{time}\n", fields.join(","))
    }

    /// The fields that count: of one name the last, none called `time`. Nothing if the line is
    /// rejected whatever is stored.
    fn effective(&self) -> Option<BTreeMap<&'static str, Value>> {
        let mut fields: BTreeMap<&'static str, Value> = BTreeMap::new();
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "time") {
            if let Some(before) = fields.insert(name, value.clone())
                && before.kind() != value.kind()
            {
                return None;
            }
        }
        let both = fields.keys().any(|name| self.tags.contains_key(name));
        (!fields.is_empty() && !both).then_some(fields)
    }

    fn drops_a_field(&self) -> bool {
        self.fields.iter().any(|(name, _)| *name == "time")
    }
}

/// The outcome of the lines.
#[derive(Default)]
pub struct Verdict {
    pub accepted: u64,
    pub rejected: u64,
    dropped: u64,
}

impl Verdict {
    pub fn has_reports(&self) -> bool {
        self.rejected + self.dropped > 0
    }
}

/// Writes the lines one after the other.
pub fn apply(lines: &[Line], stored: &mut Points) -> Verdict {
    let mut verdict = Verdict::default();
    for line in lines {
        match line {
            Line::Nothing => {}
            Line::Broken => verdict.rejected += 1,
            Line::Point(point) => match cells(point, &stored.schema()) {
                None => verdict.rejected += 1,
                Some(cells) => {
                    verdict.accepted += 1;
                    verdict.dropped += u64::from(point.drops_a_field());
                    stored.0.extend(cells);
                }
            },
        }
    }
    verdict
}

/// Every cell that the lines would write, over and over: an unanswered write may have got so far.
pub fn accepted(lines: &[Line], stored: &Points) -> Vec<(Cell, Value)> {
    let mut stored = stored.clone();
    let mut all = Vec::new();
    for line in lines {
        if let Line::Point(point) = line
            && let Some(cells) = cells(point, &stored.schema())
        {
            stored.0.extend(cells.clone());
            all.extend(cells);
        }
    }
    all
}

/// The cells of a point that fits the schema.
fn cells(point: &Point, schema: &BTreeMap<(String, String), Kind>) -> Option<Vec<(Cell, Value)>> {
    let mut fields = point.effective()?;
    let key = |name: &str| (point.measurement.to_owned(), name.to_owned());
    for (name, value) in &mut fields {
        let is_float = schema.get(&key(name)) == Some(&Kind::Float);
        if let Some(float) = value.as_exact_float().filter(|_| is_float) {
            *value = float;
        }
    }
    let fits = |name: &str, kind: Kind| {
        let existing = schema.get(&key(name));
        existing.is_none_or(|existing| *existing == kind)
    };
    let names: BTreeSet<&str> = point.tags.keys().copied().collect();
    let good = names.iter().all(|name| fits(name, Kind::Tag))
        && fields.iter().all(|(name, value)| fits(name, value.kind()));
    let tags = point
        .tags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let tags: BTreeMap<String, String> = tags.collect();
    good.then(|| {
        let cell = |name: &str| Cell {
            measurement: point.measurement.to_owned(),
            tags: tags.clone(),
            time: point.time.unwrap_or(NOW_NS),
            field: name.to_owned(),
        };
        fields
            .into_iter()
            .map(|(name, value)| (cell(name), value))
            .collect()
    })
}
