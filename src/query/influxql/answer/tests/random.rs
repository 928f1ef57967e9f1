//! Random series, read back by readers that others wrote.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::unpack::unpack;
use super::*;

/// A generator of the same numbers every time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        i64::from_ne_bytes(self.next().to_ne_bytes()) >> shift
    }

    /// A finite float of any size, or one as people write them.
    pub(super) fn float(&mut self) -> f64 {
        let bits = f64::from_bits(self.next());
        match self.below(3) {
            0 if bits.is_finite() => bits,
            1 => f64::from(i16::try_from(self.integer() >> 48).unwrap()) / 64.0,
            _ => {
                let digits = self.below(100_000);
                let exponent = self.below(60);
                format!("{digits}e-{exponent}").parse().unwrap()
            }
        }
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 20] = [
            "a", "Z", "0", " ", ",", "=", "\"", "\\", "\n", "\t", "é", "😀", "\u{2028}", "<", "&",
            "\u{1}", "'", "/", "\r", "host",
        ];
        let count = self.below(6);
        (0..count)
            .map(|_| PIECES[usize::try_from(self.below(20)).unwrap()])
            .collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) > 0).then(|| make(self))
    }
}

/// Returns a whole float as the integer that it looks like where it has no point.
fn plain(value: &Value) -> Value {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(float) => serde_json::from_str(&float.to_string()).unwrap(),
        None => value.clone(),
    }
}

/// A column of `length` rows with the values that JSON should have.
fn column(dice: &mut Dice, length: usize) -> (ArrayRef, Vec<Value>) {
    fn both<T: Clone + Into<Value>, A: FromIterator<Option<T>> + arrow_array::Array + 'static>(
        values: Vec<Option<T>>,
    ) -> (ArrayRef, Vec<Value>) {
        let json = values
            .iter()
            .map(|value| plain(&value.clone().map_or(Value::Null, Into::into)));
        (
            Arc::new(values.iter().cloned().collect::<A>()),
            json.collect(),
        )
    }
    fn make<T>(dice: &mut Dice, length: usize, of: fn(&mut Dice) -> T) -> Vec<Option<T>> {
        (0..length).map(|_| dice.maybe(of)).collect()
    }
    match dice.below(5) {
        0 => both::<f64, Float64Array>(make(dice, length, Dice::float)),
        1 => both::<i64, Int64Array>(make(dice, length, Dice::integer)),
        2 => both::<u64, UInt64Array>(make(dice, length, Dice::next)),
        3 => both::<bool, BooleanArray>(make(dice, length, |dice| dice.below(2) == 0)),
        _ => both::<String, StringArray>(make(dice, length, Dice::text)),
    }
}

/// A series as it should be read: name, tags, columns, rows.
#[derive(Debug, PartialEq, Clone)]
struct Read {
    name: String,
    tags: BTreeMap<String, String>,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// One statement with random parts, and its series.
fn statement(dice: &mut Dice) -> (Vec<SeriesPart>, Vec<Read>) {
    let mut parts = Vec::new();
    let mut all = Vec::new();
    for series in 0..dice.below(5) {
        let name = format!("m{series}{}", dice.text());
        let tags: BTreeMap<_, _> = (0..dice.below(4))
            .map(|_| (dice.text(), dice.text()))
            .collect();
        let width = usize::try_from(dice.below(4)).unwrap();
        let columns: Vec<_> = (0..=width).map(|_| dice.text()).collect();
        let mut rows = Vec::new();
        for _ in 0..=dice.below(3) {
            let length = usize::try_from(dice.below(9)).unwrap() + 1;
            let time: Vec<i64> = (0..length).map(|_| dice.integer()).collect();
            let mut arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(time.clone()))];
            let mut values = vec![time.into_iter().map(Value::from).collect::<Vec<_>>()];
            for _ in 0..width {
                let (array, json) = column(dice, length);
                arrays.push(array);
                values.push(json);
            }
            rows.extend((0..length).map(|row| {
                values
                    .iter()
                    .map(|column| column[row].clone())
                    .collect::<Vec<_>>()
            }));
            let pairs: Vec<_> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let names: Vec<_> = columns.iter().map(String::as_str).collect();
            let tags = (!pairs.is_empty()).then_some(pairs.as_slice());
            parts.push(part(&name, tags, &names, arrays));
        }
        all.push(Read {
            name,
            tags,
            columns,
            rows,
        });
    }
    (parts, all)
}

/// Reads the series of a result, and adds their rows to the last one if that was cut.
fn read(result: &Value, all: &mut Vec<Read>, cut: &mut bool) {
    let none = Vec::new();
    for series in result["series"].as_array().unwrap_or(&none) {
        let texts = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).unwrap();
        let rows = serde_json::from_value::<Vec<Vec<Value>>>(series["values"].clone()).unwrap();
        let rows: Vec<Vec<Value>> = rows
            .iter()
            .map(|row| row.iter().map(plain).collect())
            .collect();
        if *cut {
            all.last_mut().unwrap().rows.extend(rows);
        } else {
            all.push(Read {
                name: series["name"].as_str().unwrap().to_owned(),
                tags: serde_json::from_value(series["tags"].clone()).unwrap_or_default(),
                columns: texts(&series["columns"]),
                rows,
            });
        }
        *cut = series["partial"] == json!(true);
    }
}

fn read_all<'a>(results: impl Iterator<Item = &'a Value>, statements: usize) -> Vec<Vec<Read>> {
    let mut all = vec![Vec::new(); statements];
    let mut cut = false;
    for result in results {
        let statement = usize::try_from(result["statement_id"].as_u64().unwrap()).unwrap();
        read(result, &mut all[statement], &mut cut);
    }
    assert!(!cut, "the last chunk is complete");
    all
}

#[test]
fn random_series_are_read_back_from_json_and_msgpack() {
    let mut dice = Dice::new(1);
    for round in 0..400 {
        let count = usize::try_from(dice.below(4)).unwrap() + 1;
        let (run, expected): (Vec<_>, Vec<_>) = (0..count).map(|_| statement(&mut dice)).unzip();
        let run: Vec<_> = run.into_iter().map(select).collect();
        let rows = usize::try_from(dice.below(7)).unwrap() + 1;
        for options in [
            json(),
            pretty(),
            chunked(json(), rows),
            chunked(pretty(), rows),
        ] {
            let text = body(epoch(options, Unit::Nanosecond), &run);
            let documents: Vec<Value> = serde_json::Deserializer::from_str(&text)
                .into_iter()
                .map(Result::unwrap)
                .collect();
            let results = documents
                .iter()
                .flat_map(|value| value["results"].as_array().unwrap());
            assert_eq!(read_all(results, count), expected, "round {round}: {text}");
        }
        for options in [msgpack(), chunked(msgpack(), rows)] {
            let packed = bytes(epoch(options, Unit::Nanosecond), count, &run);
            let mut left = packed.as_slice();
            let mut documents = Vec::new();
            while !left.is_empty() {
                documents.push(unpack(&mut left));
            }
            let results = documents
                .iter()
                .flat_map(|value| value["results"].as_array().unwrap());
            assert_eq!(read_all(results, count), expected, "round {round}");
        }
    }
}

/// Whatever fails, and wherever: what was written can be read, and every statement has an answer.
#[test]
fn answers_that_break_off_are_whole_documents() {
    let mut dice = Dice::new(5);
    for round in 0..400 {
        let count = usize::try_from(dice.below(4)).unwrap() + 1;
        let fails_at = usize::try_from(dice.below(5)).unwrap();
        let run: Vec<_> = (0..count.min(fails_at + 1))
            .map(|at| Statement {
                outcome: if at == fails_at { Err("bad <") } else { Ok(()) },
                ..select(statement(&mut dice).0)
            })
            .collect();
        let rows = usize::try_from(dice.below(7)).unwrap() + 1;
        let pack = |options| {
            let packed = bytes(options, count, &run);
            let mut left = packed.as_slice();
            let mut documents = Vec::new();
            while !left.is_empty() {
                documents.push(unpack(&mut left));
            }
            documents
        };
        let parse = |options| {
            let text = bytes(options, count, &run);
            let documents = serde_json::Deserializer::from_slice(&text).into_iter();
            documents.map(Result::unwrap).collect::<Vec<Value>>()
        };
        for documents in [
            parse(json()),
            parse(pretty()),
            parse(chunked(json(), rows)),
            pack(msgpack()),
            pack(chunked(msgpack(), rows)),
        ] {
            let results = documents
                .iter()
                .flat_map(|document| document["results"].as_array().unwrap());
            let mut errors = vec![None; count];
            for result in results {
                let statement = usize::try_from(result["statement_id"].as_u64().unwrap()).unwrap();
                assert_eq!(
                    errors[statement], None,
                    "an error is the last of a statement"
                );
                if let Some(text) = result["error"].as_str() {
                    errors[statement] = Some(text.to_owned());
                }
            }
            let expected = (0..count).map(|at| match at.cmp(&fails_at) {
                Ordering::Less => None,
                Ordering::Equal => Some("bad <".to_owned()),
                Ordering::Greater => Some("not executed".to_owned()),
            });
            assert_eq!(errors, expected.collect::<Vec<_>>(), "round {round}");
        }
        let lines = String::from_utf8(bytes(csv(), count, &run)).unwrap();
        assert_eq!(lines.contains("error\nbad <\n"), fails_at < count);
        let not_executed = lines.matches("error\nnot executed\n").count();
        assert_eq!(not_executed, count.saturating_sub(fails_at + 1));
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}

#[test]
fn random_series_are_read_back_from_csv() {
    let mut dice = Dice::new(2);
    for round in 0..400 {
        let (parts, expected) = statement(&mut dice);
        let rows_max = usize::try_from(dice.below(7)).unwrap() + 1;
        let run = [select(parts)];
        let text = body(csv(), &run);
        assert_eq!(body(chunked(csv(), rows_max), &run), text);
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let found: Vec<Vec<String>> = reader
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect();
        let mut records = Vec::new();
        let mut header = None;
        for series in &expected {
            if header != Some(&series.columns) {
                header = Some(&series.columns);
                let names = series.columns.iter().cloned();
                records.push(
                    ["name".to_owned(), "tags".to_owned()]
                        .into_iter()
                        .chain(names)
                        .collect(),
                );
            }
            let tags = series.tags.iter().filter(|(_, value)| !value.is_empty());
            let escape = |text: &str| {
                text.replace(' ', "\\ ")
                    .replace(',', "\\,")
                    .replace('=', "\\=")
            };
            let tags: Vec<_> = tags
                .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
                .collect();
            for row in &series.rows {
                let record = [series.name.clone(), tags.join(",")].into_iter();
                records.push(record.chain(row.iter().map(cell)).collect::<Vec<_>>());
            }
        }
        assert_eq!(found, records, "round {round}: {text}");
    }
}
