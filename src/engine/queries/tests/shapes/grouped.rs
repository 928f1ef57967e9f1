//! Shapes that answer with figures about groups of points.

use std::collections::BTreeMap;

use super::super::random::Chance;
use super::aggregate::{Aggregate, aggregates};
use super::data::Points;
use super::question::{
    Expected, Expression, Question, bin, cells, expressions, listed, named, relation, selected,
};
use super::value::{Cells, Record, Value};

fn texts(of: &[Aggregate]) -> impl Iterator<Item = &str> {
    of.iter().map(|one| one.sql.as_str())
}

fn figures(of: &[Aggregate], records: &[&Record]) -> Cells {
    of.iter().map(|one| one.of(records)).collect()
}

/// Figures about a relation as a whole: one row, also if there are no points.
pub(super) fn whole(chance: &mut Chance, points: &Points) -> Question {
    let (of, asked) = (aggregates(chance, points, false), relation(chance, points));
    let records: Vec<&Record> = asked.records.iter().collect();
    Question {
        sql: format!("{}SELECT {} {}", asked.with, named(texts(&of)), asked.from),
        expected: Expected::Any(vec![figures(&of, &records)]),
    }
}

/// Figures for each of these keys; at random with `HAVING`, an order and a limit.
fn grouped(
    chance: &mut Chance,
    points: &Points,
    keys: &[Expression],
    of: &[Aggregate],
) -> Question {
    let asked = relation(chance, points);
    let mut groups: BTreeMap<Cells, Vec<&Record>> = BTreeMap::new();
    for record in &asked.records {
        groups.entry(cells(keys, record)).or_default().push(record);
    }
    let places: Vec<String> = (1..=keys.len())
        .map(|place| format!("{place} NULLS FIRST"))
        .collect();
    let selected = named(keys.iter().map(|key| key.sql.as_str()).chain(texts(of)));
    let keys = listed(keys);
    let mut sql = format!(
        "{}SELECT {selected} {} GROUP BY {keys}",
        asked.with, asked.from
    );
    if chance.below(3) == 0 {
        let least = chance.place(6);
        sql += &format!(" HAVING count(*) > {least}");
        groups.retain(|_, records| records.len() > least);
    }
    let rows = groups.iter().map(|(key, records)| {
        let mut row = key.clone();
        row.extend(figures(of, records));
        row
    });
    let mut rows: Vec<Cells> = rows.collect();
    if chance.below(3) > 0 {
        let expected = Expected::Any(rows);
        return Question { sql, expected };
    }
    // A map has the nulls first.
    sql += &format!(" ORDER BY {}", places.join(", "));
    if chance.below(2) == 0 {
        let limit = chance.place(8);
        sql += &format!(" LIMIT {limit}");
        rows.truncate(limit);
    }
    let expected = Expected::Ordered(rows);
    Question { sql, expected }
}

fn some_tags(chance: &mut Chance, points: &Points) -> Vec<Expression> {
    let mut tags = points.tags();
    let skipped = chance.place(tags.len());
    tags.rotate_left(skipped);
    tags.truncate(1 + chance.place(tags.len()));
    tags.into_iter().map(Expression::column).collect()
}

pub(super) fn by_tags(chance: &mut Chance, points: &Points) -> Question {
    let (keys, of) = (some_tags(chance, points), aggregates(chance, points, false));
    grouped(chance, points, &keys, &of)
}

pub(super) fn by_time(chance: &mut Chance, points: &Points) -> Question {
    let (keys, of) = ([bin(chance)], aggregates(chance, points, false));
    grouped(chance, points, &keys, &of)
}

pub(super) fn by_both(chance: &mut Chance, points: &Points) -> Question {
    let (mut keys, of) = (some_tags(chance, points), aggregates(chance, points, false));
    keys.insert(0, bin(chance));
    grouped(chance, points, &keys, &of)
}

/// By whatever there is: fields, conditions, texts.
pub(super) fn by_expressions(chance: &mut Chance, points: &Points) -> Question {
    let mut keys = expressions(chance, points, 2);
    // One key is not named twice.
    keys.dedup_by(|a, b| a.sql == b.sql);
    let of = aggregates(chance, points, false);
    grouped(chance, points, &keys, &of)
}

/// Figures of each series, in which no two points have the same time.
pub(super) fn by_series(chance: &mut Chance, points: &Points) -> Question {
    let keys: Vec<_> = points.tags().into_iter().map(Expression::column).collect();
    let of = aggregates(chance, points, true);
    grouped(chance, points, &keys, &of)
}

/// The newest point of each series that is left.
pub(super) fn last_points(chance: &mut Chance, points: &Points) -> Question {
    let (of, asked) = (expressions(chance, points, 3), relation(chance, points));
    let tags: Vec<_> = points.tags().into_iter().map(Expression::column).collect();
    let mut last: BTreeMap<Cells, &Record> = BTreeMap::new();
    for record in &asked.records {
        let known = last.entry(cells(&tags, record)).or_insert(record);
        if record["time"] > known["time"] {
            *known = record;
        }
    }
    let rows = last.values().map(|record| cells(&of, record)).collect();
    let (columns, tags, from, with) = (selected(&of), listed(&tags), asked.from, asked.with);
    let sql = match chance.below(2) {
        0 => {
            format!("{with}SELECT DISTINCT ON ({tags}) {columns} {from} ORDER BY {tags}, time DESC")
        }
        _ => {
            let number = format!("row_number() OVER (PARTITION BY {tags} ORDER BY time DESC)");
            format!(
                "{with}SELECT {columns} FROM (SELECT *, {number} AS place {from}) w WHERE place = 1"
            )
        }
    };
    Question {
        sql,
        expected: Expected::Any(rows),
    }
}

/// Figures of each point's neighbours in its group.
pub(super) fn windows(chance: &mut Chance, points: &Points) -> Question {
    let asked = relation(chance, points);
    let partition = points.tag(chance);
    let mut groups: BTreeMap<Option<Value>, Vec<&Record>> = BTreeMap::new();
    let mut records: Vec<&Record> = asked.records.iter().collect();
    let key = |record: &Record| -> Cells {
        let columns = ["time"].into_iter().chain(points.tags());
        columns.map(|column| record.get(column).cloned()).collect()
    };
    records.sort_by_cached_key(|record| key(record));
    for record in records {
        groups
            .entry(record.get(partition).cloned())
            .or_default()
            .push(record);
    }
    let column = points.field(chance);
    let name = super::data::quoted(column);
    let mut rows = Vec::new();
    for group in groups.values() {
        for (place, record) in group.iter().enumerate() {
            let before = place
                .checked_sub(1)
                .and_then(|place| group[place].get(column));
            let near = &group[place.saturating_sub(2)..=place];
            let greatest = near.iter().filter_map(|record| record.get(column)).max();
            let number = Value::Integer(i64::try_from(place + 1).unwrap());
            let count = group
                .iter()
                .filter(|record| record.contains_key(column))
                .count();
            let count = Value::Integer(i64::try_from(count).unwrap());
            let of = [
                record.get("time"),
                record.get(partition),
                Some(&number),
                before,
                greatest,
                Some(&count),
            ];
            rows.push(of.map(Option::<&Value>::cloned).to_vec());
        }
    }
    let tags: Vec<String> = points
        .tags()
        .iter()
        .map(|tag| format!("{tag} NULLS FIRST"))
        .collect();
    let over = format!(
        "PARTITION BY {partition} ORDER BY time, {}",
        tags.join(", ")
    );
    let sql = format!(
        "{}SELECT time AS c0, {partition} AS c1, row_number() OVER ({over}), lag({name}) OVER ({over}), \
         max({name}) OVER ({over} ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), \
         count({name}) OVER (PARTITION BY {partition}) {}",
        asked.with, asked.from
    );
    Question {
        sql,
        expected: Expected::Any(rows),
    }
}
