//! SHOW against what SQL says of the same points, wherever these are.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use super::influxql::influxql;
use super::series::four_series;
use super::world::{NOW_NS, World};

const DAY_NS: i64 = 86_400_000_000_000;

/// The last cells of all rows of an answer.
async fn show(world: &World, text: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for part in influxql(world, text).await {
        let column = part.rows.columns().last().expect("a column");
        match column.as_string_opt::<i32>() {
            Some(texts) => cells.extend(texts.iter().flatten().map(str::to_owned)),
            None => {
                let counts = column.as_primitive::<Int64Type>();
                cells.extend(counts.iter().flatten().map(|count| count.to_string()));
            }
        }
    }
    cells
}

/// The first cells of all rows of an answer.
async fn sql(world: &World, text: &str) -> Vec<String> {
    let (_, rows) = world.ask(text).await.expect("answered");
    rows.into_iter()
        .flat_map(|row| row.into_iter().next().flatten())
        .collect()
}

/// Holds SHOW with a condition against SQL with the same one.
async fn check(world: &World, influxql: &str, condition: &str, state: &str) {
    for key in ["host", "rack", "zone"] {
        let shown = show(
            world,
            &format!("SHOW TAG VALUES WITH KEY = {key} WHERE {influxql}"),
        )
        .await;
        let text = format!(
            "SELECT DISTINCT {key} FROM m WHERE {key} IS NOT NULL AND {condition} ORDER BY {key}"
        );
        assert_eq!(shown, sql(world, &text).await, "{state}, {key}: {influxql}");
        let text = format!("SHOW TAG VALUES CARDINALITY WITH KEY = {key} WHERE {influxql}");
        let count = show(world, &text).await.pop();
        let count = count.map_or(0, |count| count.parse().expect("a number"));
        assert_eq!(shown.len(), count, "{state}: {text}");
    }
    let series = show(world, &format!("SHOW SERIES WHERE {influxql}")).await;
    let text =
        format!("SELECT count(*) FROM (SELECT DISTINCT host, rack, zone FROM m WHERE {condition})");
    assert_eq!(
        vec![series.len().to_string()],
        sql(world, &text).await,
        "{state}: {influxql}"
    );
    if !influxql.contains("time") {
        let counts = show(world, &format!("SHOW SERIES CARDINALITY WHERE {influxql}")).await;
        let none = vec!["0".to_owned()];
        let counted = sql(world, &text).await;
        assert_eq!(
            if counts.is_empty() { none } else { counts },
            counted,
            "{state}: {influxql}"
        );
    }
    let measurements = show(world, &format!("SHOW MEASUREMENTS WHERE {influxql}")).await;
    assert_eq!(
        measurements.is_empty(),
        series.is_empty(),
        "{state}: {influxql}"
    );
}

async fn check_all(world: &World, state: &str) {
    let noon = NOW_NS - DAY_NS;
    let tail = NOW_NS - 7;
    for (influxql, condition) in [
        ("time > 0".to_owned(), "true".to_owned()),
        ("host = 'h3'".to_owned(), "host = 'h3'".to_owned()),
        (
            "host =~ /h[12]/ AND rack != 'r1'".to_owned(),
            "host ~ 'h[12]' AND (rack <> 'r1' OR rack IS NULL)".to_owned(),
        ),
        ("rack = ''".to_owned(), "rack IS NULL".to_owned()),
        (
            "host = 'h1' OR zone = 'z0'".to_owned(),
            "(host = 'h1' OR zone = 'z0')".to_owned(),
        ),
        (
            "host = 'h1' OR host = 'h2'".to_owned(),
            "host IN ('h1', 'h2')".to_owned(),
        ),
        (
            format!("time < {noon}"),
            format!("time < to_timestamp({noon})"),
        ),
        (
            format!("time >= {noon}"),
            format!("time >= to_timestamp({noon})"),
        ),
        (
            format!("time >= {tail} AND rack = 'r0'"),
            format!("time >= to_timestamp({tail}) AND rack = 'r0'"),
        ),
        (
            format!("time = {NOW_NS}"),
            format!("time = to_timestamp({NOW_NS})"),
        ),
        (format!("time > {NOW_NS}"), "false".to_owned()),
    ] {
        check(world, &influxql, &condition, state).await;
    }
    let keys = show(world, "SHOW TAG KEYS").await;
    assert_eq!(keys, ["host", "rack", "zone"], "{state}");
    assert_eq!(
        show(world, "SHOW FIELD KEYS").await,
        ["integer", "float"],
        "{state}"
    );
    assert_eq!(show(world, "SHOW MEASUREMENTS").await, ["m"], "{state}");
}

fn lines(from: i64, step_ns: i64) -> String {
    let lines = (from..from + 40).map(|n| {
        let tags = match n % 4 {
            0 => format!(",host=h{},rack=r{}", n % 7, n % 3),
            1 => format!(",host=h{}", n % 5),
            2 => format!(",rack=r{},zone=z{}", n % 2, n % 3),
            _ => String::new(),
        };
        let time = NOW_NS - (n % 60) * step_ns;
        format!("m{tags} v={n},n={n}i {time}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_the_same_in_memory_and_in_files() {
    let world = World::new(|_| {}).await;
    world.write(&lines(0, DAY_NS / 20)).await;
    check_all(&world, "in memory").await;
    world.flush().await;
    check_all(&world, "in a file a day").await;
    world.write(&lines(20, DAY_NS / 20)).await;
    check_all(&world, "in files, and in memory over them").await;
    world.flush().await;
    world.write(&lines(100, 3)).await;
    check_all(&world, "in files over each other").await;
    world.flush().await;
    world.compact().await;
    check_all(&world, "joined").await;
}

/// The runs of a tag of many long values are not kept, so its combinations with others come from all rows,
/// and the next time from what is known of them.
#[tokio::test(flavor = "multi_thread")]
async fn tags_beside_one_of_many_values_are_those_of_all_rows() {
    let world = World::new(|_| {}).await;
    let padding = "x".repeat(30_000);
    for day in 0..2 {
        let time = NOW_NS - day * DAY_NS;
        let named = (0..200).map(|n| {
            let zone = n % 3 + day;
            format!("m,long={n}{padding},zone=z{zone} v=1 {}", time + n)
        });
        let lines: Vec<String> = named.chain([format!("m,zone=z9 v=1 {time}")]).collect();
        world.write(&lines.join("\n")).await;
        world.flush().await;
    }
    for (condition, zones) in [
        (String::new(), vec!["z0", "z1", "z2", "z3", "z9"]),
        (" WHERE long != ''".to_owned(), vec!["z0", "z1", "z2", "z3"]),
        (" WHERE long = ''".to_owned(), vec!["z9"]),
        (format!(" WHERE long = '7{padding}'"), vec!["z1", "z2"]),
        (" WHERE long =~ /^[01]x/".to_owned(), vec!["z0", "z1", "z2"]),
    ] {
        for _ in 0..2 {
            let text = format!("SHOW TAG VALUES WITH KEY = zone{condition}");
            assert_eq!(show(&world, &text).await, zones, "{:.30}", condition);
        }
    }
    assert_eq!(show(&world, "SHOW SERIES").await.len(), 401);
}

/// The point that a function chooses is found without putting the others in order, and the last one of a
/// series at its end.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_the_last_value_comes_from_the_ends_of_series() {
    let world = four_series().await;
    for (text, is_served) in [
        ("SELECT last(v) FROM m GROUP BY host", true),
        ("SELECT last(v), host FROM m", true),
        ("SELECT last(v), host, v FROM m GROUP BY host", true),
        ("SELECT first(v), host FROM m", false),
        ("SELECT last(v), host FROM m WHERE v < 5", false),
    ] {
        let plan = show(&world, &format!("EXPLAIN ANALYZE {text}")).await;
        let plan = plan.join("\n");
        let source = plan.lines().find(|line| line.contains("file_type=parquet"));
        let source = source.unwrap_or_else(|| panic!("{text}: no files: {plan}"));
        let is_few = source.contains("metrics=[output_rows=4,");
        assert_eq!(is_few, is_served, "{text}: {plan}");
        assert!(
            !plan.contains("SortExec") || text.contains("GROUP"),
            "{text}: {plan}"
        );
    }
    // Of all that have the newest time it is the one with the largest value.
    world
        .write(&format!("m,host=b v=7 {}", NOW_NS + 20_000))
        .await;
    world
        .write(&format!("m,host=c v=9 {}", NOW_NS + 20_000))
        .await;
    for _ in 0..2 {
        assert_eq!(show(&world, "SELECT last(v), host FROM m").await, ["c"]);
        world.flush().await;
    }
}

/// The values of points past retention are gone, though their file is still there.
#[tokio::test(flavor = "multi_thread")]
async fn points_past_retention_have_no_tags() {
    let mut world = World::new(|_| {}).await;
    let old = NOW_NS - DAY_NS;
    let lines = [("old", old), ("new", old + 1), ("new", NOW_NS)];
    let lines = lines.map(|(host, time)| format!("m,host={host} v=1 {time}"));
    world.write(&lines.join("\n")).await;
    let catalog = &world.engine.catalog;
    let keeps_less = catalog.set_retention(world.bucket.id, Some(DAY_NS - 1));
    let keeps_all = Arc::clone(&world.bucket);
    let keeps_less = keeps_less.expect("changed");
    for place in ["in memory", "in a file"] {
        for (bucket, hosts) in [(&keeps_all, vec!["new", "old"]), (&keeps_less, vec!["new"])] {
            world.bucket = Arc::clone(bucket);
            let shown = show(&world, "SHOW TAG VALUES WITH KEY = host").await;
            assert_eq!(shown, hosts, "{place}");
            let series = show(&world, "SHOW SERIES").await;
            assert_eq!(series.len(), hosts.len(), "{place}");
        }
        world.flush().await;
    }
}

#[ignore = "it measures, and is for people: cargo test -- --ignored --nocapture values_of_a_key"]
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "it tells what it measured")]
async fn values_of_a_key_of_many_series() {
    const HOSTS: i64 = 1000;
    const SERIES: i64 = 20_000;
    let days: i64 = 30;
    let world = World::new(|config| config.memory.budget_bytes = 1 << 30).await;
    for day in 0..days {
        for from in (0..SERIES).step_by(5000) {
            let lines = (from..from + 5000).map(|series| {
                let (host, time) = (series % HOSTS, NOW_NS - day * DAY_NS + series);
                format!(
                    "m,core=c{series:07},host=h{host:04},region=r{} v=1 {time}\n",
                    host % 5
                )
            });
            world.write(&lines.collect::<String>()).await;
        }
        world.flush().await;
    }
    let world = world.restart().await;
    for text in [
        "SHOW TAG VALUES WITH KEY = host".to_owned(),
        format!(
            "SHOW TAG VALUES WITH KEY = host WHERE time > {}",
            NOW_NS - 10 * DAY_NS
        ),
        "SHOW TAG VALUES WITH KEY = host WHERE region = 'r1'".to_owned(),
        "SHOW TAG KEYS WHERE region = 'r1'".to_owned(),
        "SHOW MEASUREMENTS WHERE host = 'h0007'".to_owned(),
        "SHOW SERIES CARDINALITY".to_owned(),
    ] {
        for which in ["first", "then"] {
            let begun = crate::clock::instant();
            let rows = show(&world, &text).await.len();
            eprintln!(
                "{which} {} ms, {rows} rows: {text}",
                begun.elapsed().as_millis()
            );
        }
    }
}
