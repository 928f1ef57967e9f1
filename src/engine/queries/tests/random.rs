//! Random writes, flushes and restarts; after each, what is asked equals a plain map.

use std::collections::BTreeMap;

use tidegate_query::{ColumnKind, Scan, Table, TagFilter};

use super::world::{Key, Model, NOW_NS, Row, World, read};

const DAY_NS: i64 = 86_400_000_000_000;

/// The fields, the later ones only in later rounds.
const FIELDS: [&str; 6] = ["v", "n", "s", "ok", "u", "V"];

/// Numbers that look random: the same for a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of so many places.
    fn place(&mut self, places: usize) -> usize {
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
        NOW_NS + day * DAY_NS + self.below(8).cast_signed() - 4
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

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
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

async fn check(world: &World, model: &Model, chance: &mut Chance, at: &str) {
    let (names, rows) = world.ask("SELECT * FROM m").await.expect("answered");
    let all: Vec<Row> = model
        .iter()
        .map(|(key, fields)| row(&names, key, fields))
        .collect();
    assert!(sorted(rows) == sorted(all), "SELECT * {at}");
    let table = world.table().await;
    for _ in 0..10 {
        let scan = scan(chance, &*table);
        let rows = read(&*table, scan.clone()).await;
        assert!(
            sorted(rows) == sorted(expected(model, &scan)),
            "{scan} {at}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_equals_what_was_acknowledged_before_and_after_flush_and_restart() {
    for seed in 0..4 {
        let mut chance = Chance(seed);
        let mut model = Model::new();
        let mut world = World::new(|config| {
            // Every few batches make a segment.
            config.buffer.segment_bytes_max = 1 << 16;
        })
        .await;
        for round in 0..10 {
            let fields = &FIELDS[..(round + 2).min(FIELDS.len())];
            let lines: String = (0..=chance.below(40))
                .map(|_| line(&mut chance, fields, &mut model))
                .collect();
            world.write(&lines).await;
            check(
                &world,
                &model,
                &mut chance,
                &format!("seed {seed}, round {round}"),
            )
            .await;
            match chance.below(4) {
                0 => world.flush().await,
                1 => world = world.restart().await,
                _ => continue,
            }
            check(
                &world,
                &model,
                &mut chance,
                &format!("seed {seed}, after round {round}"),
            )
            .await;
        }
    }
}
