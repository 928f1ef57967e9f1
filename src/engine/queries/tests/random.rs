//! Random writes, flushes and restarts; after each, what is asked equals a plain map.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_query::{ColumnKind, Piece, Scan, Table, TagFilter};

use super::influxql::check_by_series;
use super::world::{Key, Model, NOW_NS, Row, World, sorted};

const DAY_NS: i64 = 86_400_000_000_000;

/// The fields, the later ones only in later rounds.
const FIELDS: [&str; 6] = ["v", "n", "s", "ok", "u", "V"];

/// Numbers that look random: the same for a seed (SplitMix64).
pub(super) struct Chance {
    state: u64,
    /// The middle of the times of new points, from that of their day: it moves, so that files overlap
    /// at their edges.
    around_ns: i64,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            around_ns: 0,
        }
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of so many places.
    pub(super) fn place(&mut self, places: usize) -> usize {
        let end = u64::try_from(places).unwrap();
        usize::try_from(self.below(end)).unwrap()
    }

    fn tag(&mut self, values: &[&str]) -> Option<String> {
        let place = self.place(values.len() + 1);
        values.get(place).map(|value| (*value).to_owned())
    }

    /// Few of them, so that points are written again; out of order, on several days.
    fn time_ns(&mut self) -> i64 {
        let day = self.below(4).cast_signed() - 2;
        NOW_NS + day * DAY_NS + self.around_ns + self.below(8).cast_signed() - 4
    }
}

/// One line, and the same in the map.
fn line(chance: &mut Chance, fields: &[&str], model: &mut Model) -> String {
    let host = chance.tag(&["a", "b", "c"]);
    let rack = chance.tag(&["1"]);
    let time_ns = chance.time_ns();
    let mut cells: BTreeMap<String, (String, String)> = BTreeMap::new();
    for _ in 0..=chance.below(2) {
        let place = chance.place(fields.len());
        let number = chance.below(100);
        let (text, cell) = match fields[place] {
            "n" => (format!("{number}i"), number.to_string()),
            "s" => (format!("\"t{number}\""), format!("t{number}")),
            "ok" => {
                let text = number.is_multiple_of(2).to_string();
                (text.clone(), text)
            }
            "u" => (format!("{number}u"), number.to_string()),
            _ => (format!("{number}.5"), format!("{number}.5")),
        };
        cells.insert(fields[place].to_owned(), (text, cell));
    }
    let tag = |key: &str, value: &Option<String>| match value {
        Some(value) => format!(",{key}={value}"),
        None => String::new(),
    };
    let texts: Vec<String> = cells
        .iter()
        .map(|(name, (text, _))| format!("{name}={text}"))
        .collect();
    let line = format!(
        "m{}{} {} {time_ns}\n",
        tag("host", &host),
        tag("rack", &rack),
        texts.join(",")
    );
    let row = model.entry((host, rack, time_ns)).or_default();
    row.extend(cells.into_iter().map(|(name, (_, cell))| (name, cell)));
    line
}

/// The cells of a point in these columns.
fn row(columns: &[String], key: &Key, fields: &BTreeMap<String, String>) -> Row {
    let cells = columns.iter().map(|column| match column.as_str() {
        "host" => key.0.clone(),
        "rack" => key.1.clone(),
        "time" => Some(key.2.to_string()),
        field => fields.get(field).cloned(),
    });
    cells.collect()
}

fn scan(chance: &mut Chance, table: &dyn Table) -> Scan {
    let mut columns: Vec<String> = Vec::new();
    for column in table.columns() {
        let place = chance.place(columns.len() + 1);
        if chance.below(2) == 0 {
            columns.insert(place, column.name.clone());
        }
    }
    let mut times = i64::MIN..=i64::MAX;
    if chance.below(2) == 0 {
        times = chance.time_ns()..=*times.end();
    }
    if chance.below(2) == 0 {
        times = *times.start()..=chance.time_ns();
    }
    let mut tags = Vec::new();
    for (column, values) in [("host", &["a", "b", "x"][..]), ("rack", &["1"])] {
        let is_tag = |c: &tidegate_query::Column| c.name == column && c.kind == ColumnKind::Tag;
        if table.columns().iter().any(is_tag) && chance.below(3) == 0 {
            let one_of = (0..=chance.below(2)).map(|_| chance.tag(values)).collect();
            tags.push(TagFilter {
                column: column.to_owned(),
                one_of,
            });
        }
    }
    Scan {
        columns,
        times,
        tags,
        newest: None,
    }
}

fn expected(model: &Model, scan: &Scan) -> Vec<Row> {
    let passes = |key: &Key| {
        let of = |filter: &TagFilter| match filter.column.as_str() {
            "host" => key.0.clone(),
            _ => key.1.clone(),
        };
        scan.times.contains(&key.2)
            && scan
                .tags
                .iter()
                .all(|filter| filter.one_of.contains(&of(filter)))
    };
    let rows = model.iter().filter(|(key, _)| passes(key));
    rows.map(|(key, fields)| row(&scan.columns, key, fields))
        .collect()
}

/// How often pieces of each kind were read.
#[derive(Debug, Default)]
struct Seen {
    merged: usize,
    whole: usize,
    cut: usize,
    mixed: usize,
}

impl Seen {
    async fn count(&mut self, table: &dyn Table, scan: Scan) {
        let (mut merged, mut files) = (0, 0);
        for piece in table.scan(scan).await.expect("planned") {
            match piece {
                Piece::Merged(_) => merged += 1,
                Piece::Files(of) => {
                    files += of.parts.len();
                    let whole = of.parts.iter().filter(|part| part.is_whole()).count();
                    self.whole += whole;
                    self.cut += of.parts.len() - whole;
                }
            }
        }
        self.merged += merged;
        self.mixed += usize::from(merged > 0 && files > 0);
    }
}

async fn check(world: &World, model: &Model, chance: &mut Chance, seen: &mut Seen, at: &str) {
    let (names, rows) = world.ask("SELECT * FROM m").await.expect("answered");
    let all: Vec<Row> = model
        .iter()
        .map(|(key, fields)| row(&names, key, fields))
        .collect();
    assert!(sorted(rows) == sorted(all), "SELECT * {at}");
    let table: Arc<dyn Table> = world.table().await;
    for _ in 0..10 {
        let scan = scan(chance, &*table);
        seen.count(&*table, scan.clone()).await;
        let rows = world.read(&table, &scan).await;
        assert!(
            sorted(rows) == sorted(expected(model, &scan)),
            "{scan} {at}"
        );
    }
    let limit = u32::try_from(chance.below(100)).expect("small");
    let text = format!("SELECT * FROM m WHERE v > {limit}");
    let (names, rows) = world.ask(&text).await.expect("answered");
    let passes = |fields: &BTreeMap<String, String>| {
        let value = fields.get("v").and_then(|value| value.parse::<f64>().ok());
        value.is_some_and(|value| value > f64::from(limit))
    };
    let of_field = model.iter().filter(|(_, fields)| passes(fields));
    let of_field = of_field.map(|(key, fields)| row(&names, key, fields));
    assert!(sorted(rows) == sorted(of_field.collect()), "{text} {at}");
    let from_ns = match chance.below(2) {
        0 => i64::MIN,
        _ => chance.time_ns(),
    };
    check_by_series(world, model, from_ns, at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_equals_what_was_acknowledged_whatever_was_done_to_it() {
    let mut seen = Seen::default();
    for seed in 0..6 {
        let mut chance = Chance::new(seed);
        let mut model = Model::new();
        let mut world = World::new(|config| {
            // Every few batches make a segment.
            config.buffer.segment_bytes_max = 1 << 16;
        })
        .await;
        for round in 0..12 {
            let fields = &FIELDS[..(round + 2).min(FIELDS.len())];
            let lines: String = (0..=chance.below(40))
                .map(|_| line(&mut chance, fields, &mut model))
                .collect();
            world.write(&lines).await;
            let at = format!("seed {seed}, round {round}");
            check(&world, &model, &mut chance, &mut seen, &at).await;
            match chance.below(6) {
                0..=2 => world.flush().await,
                3 => world = world.restart().await,
                4 => world.compact().await,
                _ => continue,
            }
            // Some of it follows what was written before, and some overlaps it.
            chance.around_ns += chance.below(10).cast_signed();
            let at = format!("seed {seed}, after round {round}");
            check(&world, &model, &mut chance, &mut seen, &at).await;
        }
    }
    let Seen {
        merged,
        whole,
        cut,
        mixed,
    } = seen;
    let is_enough = |count: usize| count > 50;
    assert!(is_enough(merged), "{merged} stretches were merged");
    if cfg!(feature = "lake") {
        let all = [whole, cut, mixed].into_iter().all(is_enough);
        assert!(all, "{whole} whole files, {cut} parts, {mixed} both");
    }
}
