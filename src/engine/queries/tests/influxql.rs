//! Statements of InfluxQL, and the order in which their rows come.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use tidegate_query::influxql::analysis::Origin;
use tidegate_query::influxql::run::Databases;
use tidegate_query::influxql::series::SeriesPart;
use tidegate_query::influxql::{Environment, parse};
use tidegate_query::{Asker, Database, QueryError};

use super::world::{Key, Model, NOW_NS, World};

#[derive(Debug)]
struct One(Arc<dyn Database>);

impl Databases for One {
    fn database<'a>(
        &'a self,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        future::ok(Arc::clone(&self.0)).boxed()
    }
}

/// The parts of the series of an answer.
pub(super) async fn influxql(world: &World, text: &str) -> Vec<SeriesPart> {
    let queries = &world.engine.queries;
    let database = queries.database(&world.bucket).await.expect("a place");
    let query = parse(text, &Environment::default()).expect("it parses");
    let asker = Asker {
        token: None,
        description: String::new(),
        sees_all: false,
        bucket: "b".to_owned(),
        protocol: "http",
        presence: tidegate_query::Presence::default(),
        columns_only: false,
    };
    let engine = &queries.shared.engine;
    let statement = query.statements.first().expect("a statement");
    let begun = engine.influxql(
        asker,
        Arc::new(One(database)),
        statement,
        engine.request(NOW_NS),
    );
    let mut begun = begun
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut parts = Vec::new();
    while let Some(part) = begun.next_part().await.expect("answered") {
        parts.push(part);
    }
    parts
}

/// The keys and values of `v` by series as they come.
async fn by_series(world: &World, text: &str) -> Vec<(Key, String)> {
    let mut rows = Vec::new();
    for part in influxql(world, text).await {
        let tag = |key: &str| {
            let value = part.tags.as_ref().and_then(|tags| tags.get(key));
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let (host, rack) = (tag("host"), tag("rack"));
        let times = part.rows.column(0).as_primitive::<Int64Type>();
        let values = part.rows.column(1).as_primitive::<Float64Type>();
        assert_eq!(values.null_count(), 0, "{text}");
        let of_part = times.values().iter().zip(values.values());
        rows.extend(of_part.map(|(time_ns, value)| {
            let key = (host.clone(), rack.clone(), *time_ns);
            (key, format!("{value:?}"))
        }));
    }
    rows
}

/// Holds the rows of all series, one series after the other, against those of a map, whose order is the same.
pub(super) async fn check_by_series(world: &World, model: &Model, from_ns: i64, at: &str) {
    let text = format!("SELECT v FROM m WHERE time >= {from_ns} GROUP BY *");
    let text = match from_ns {
        i64::MIN => "SELECT v FROM m GROUP BY *",
        _ => &text,
    };
    let expected = model
        .iter()
        .filter(|((_, _, time_ns), _)| *time_ns >= from_ns);
    let expected =
        expected.filter_map(|(key, fields)| Some((key.clone(), fields.get("v")?.clone())));
    let expected: Vec<(Key, String)> = expected.collect();
    assert!(by_series(world, text).await == expected, "{text} {at}");
}

/// The plan of a question.
#[cfg(feature = "lake")]
async fn plan(world: &World, text: &str) -> String {
    let mut lines = Vec::new();
    for part in influxql(world, &format!("EXPLAIN {text}")).await {
        let texts = part.rows.column(0).as_string::<i32>();
        lines.extend(texts.iter().flatten().map(str::to_owned));
    }
    lines.join("\n")
}

/// Writes a point of each host at so many times from `from_ns` on, and notes it.
#[cfg(feature = "lake")]
async fn write(world: &World, model: &mut Model, hosts: &[&str], times: impl Iterator<Item = i64>) {
    let mut lines = String::new();
    for time_ns in times {
        for host in hosts {
            lines.push_str(&format!("m,host={host} v=0.5 {time_ns}\n"));
            let key = (Some((*host).to_owned()), None, time_ns);
            let row = model.entry(key).or_default();
            row.insert("v".to_owned(), "0.5".to_owned());
        }
    }
    world.write(&lines).await;
}

#[cfg(feature = "lake")]
const DAY_NS: i64 = 86_400_000_000_000;

#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_in_the_order_of_an_answer_are_merged_and_not_sorted() {
    let (world, mut model) = (World::new(|_| {}).await, Model::new());
    for day in 0..3 {
        let times = (0..40).map(|n| NOW_NS - day * DAY_NS + n);
        write(&world, &mut model, &["a", "b"], times).await;
        world.flush().await;
    }
    // Of these, some are over the file of a day.
    let times = (20..60).map(|n| NOW_NS + n);
    write(&world, &mut model, &["b", "c"], times).await;
    check_by_series(&world, &model, i64::MIN, "").await;
    check_by_series(&world, &model, NOW_NS - DAY_NS + 7, "").await;
    for (text, is_sorted) in [
        ("SELECT v FROM m GROUP BY *", false),
        ("SELECT v FROM m GROUP BY host", false),
        ("SELECT v FROM m GROUP BY * LIMIT 3", false),
        ("SELECT v FROM m WHERE host != 'a' GROUP BY *", false),
        ("SELECT difference(v) FROM m GROUP BY *", false),
        ("SELECT v FROM m GROUP BY * ORDER BY time DESC", true),
        ("SELECT v FROM m GROUP BY host, rack", true),
        ("SELECT v FROM m, m GROUP BY *", true),
    ] {
        let plan = plan(&world, text).await;
        assert_eq!(plan.contains("SortExec:"), is_sorted, "{text}\n{plan}");
    }
}

/// The times and values of `v` as they come.
#[cfg(feature = "lake")]
async fn by_time(world: &World, text: &str) -> Vec<(i64, String)> {
    let rows = by_series(world, text).await.into_iter();
    rows.map(|((_, _, time_ns), value)| (time_ns, value))
        .collect()
}

#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_series_are_in_the_order_of_times_as_they_are() {
    let (world, mut model) = (World::new(|_| {}).await, Model::new());
    for day in 0..3 {
        let times = (0..40).map(|n| NOW_NS - day * DAY_NS + n);
        write(&world, &mut model, &["a"], times).await;
        world.flush().await;
    }
    // Over those in files, before them and after them.
    let times = (-9..60).map(|n| NOW_NS + n);
    write(&world, &mut model, &["a"], times).await;
    let first = NOW_NS - 2 * DAY_NS;
    world.write(&format!("m,host=a v=7 {}", first + 3)).await;
    let row = model.get_mut(&(Some("a".to_owned()), None, first + 3));
    row.expect("a row").insert("v".to_owned(), "7.0".to_owned());

    let check = async |of: &str, from_ns: i64, model: &Model| {
        let text = format!("SELECT v FROM m WHERE time >= {from_ns}");
        let rows = model
            .iter()
            .filter(|((.., time_ns), _)| *time_ns >= from_ns);
        let rows = rows.map(|((.., time_ns), row)| (*time_ns, row["v"].clone()));
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        assert_eq!(by_time(&world, &text).await, rows, "{of}");
    };
    let check_all = async |of: &str, is_sorted: bool, model: &Model| {
        for text in [
            "SELECT v FROM m",
            "SELECT v, host FROM m",
            "SELECT difference(v) FROM m",
            "SELECT v FROM m WHERE v > 0 GROUP BY host",
        ] {
            let plan = plan(&world, text).await;
            let is_sorted = is_sorted && !text.contains("GROUP BY");
            assert_eq!(plan.contains("SortExec:"), is_sorted, "{text} {of}\n{plan}");
        }
        check(of, i64::MIN, model).await;
        check(of, first + 2, model).await;
    };
    check_all("one series", false, &model).await;
    world.flush().await;
    check_all("one series, in files", false, &model).await;
    let descending = plan(&world, "SELECT v FROM m ORDER BY time DESC").await;
    assert!(descending.contains("SortExec:"), "{descending}");

    // Another one, in memory and in a file.
    write(&world, &mut model, &["b"], std::iter::once(NOW_NS + 5)).await;
    check_all("two series", true, &model).await;
    world.flush().await;
    check_all("two series, in files", true, &model).await;
}

/// Each run has a row group in memory.
#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_many_runs_are_sorted() {
    let (world, mut model) = (World::new(|_| {}).await, Model::new());
    let text = "SELECT v FROM m GROUP BY *";
    // Each series goes on in each file.
    for file in 0..33 {
        let times = (0..3).map(|n| NOW_NS + file * 10 + n);
        write(&world, &mut model, &["a", "b"], times).await;
        world.flush().await;
        let plan = plan(&world, text).await;
        assert_eq!(plan.contains("SortExec:"), file == 32, "{file}\n{plan}");
        check_by_series(&world, &model, i64::MIN, &file.to_string()).await;
    }
    // Those of one series are one run, however many there are.
    let (world, mut model) = (World::new(|_| {}).await, Model::new());
    for file in 0..36 {
        let times = (0..3).map(|n| NOW_NS - file * DAY_NS + n);
        write(&world, &mut model, &["a"], times).await;
        world.flush().await;
    }
    let plan = plan(&world, text).await;
    assert!(plan.contains("file_groups={1 group"), "{plan}");
    assert!(!plan.contains("Sort"), "{plan}");
    check_by_series(&world, &model, i64::MIN, "").await;
}

/// From a review: a file could not be opened, or what a sort puts on disk not be merged, while another sort
/// of the question had all memory.
#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_more_files_than_fit_are_sorted_on_disk() {
    let change = |config: &mut crate::config::Config| {
        config.query.memory_bytes_max = 8 << 20;
        config.query.threads = 2;
    };
    let (world, mut model) = (World::new(change).await, Model::new());
    let hosts: Vec<String> = (0..100).map(|host| format!("host-{host:03}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    for day in 0..50 {
        let times = (0..20).map(|n| NOW_NS - day * DAY_NS + n);
        write(&world, &mut model, &hosts, times).await;
    }
    world.flush().await;
    let plan = plan(&world, "SELECT v FROM m GROUP BY *").await;
    assert!(plan.contains("SortExec:"), "{plan}");
    check_by_series(&world, &model, i64::MIN, "").await;
}

#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn few_rows_of_files_and_of_memory_are_read_in_turn() {
    let (world, mut model) = (World::new(|_| {}).await, Model::new());
    write(&world, &mut model, &["a", "b"], (0..40).map(|n| NOW_NS + n)).await;
    world.flush().await;
    write(
        &world,
        &mut model,
        &["b", "a"],
        (40..80).map(|n| NOW_NS + n),
    )
    .await;
    let of_host = "SELECT v FROM m WHERE host = 'a'";
    for (text, are_in_turn) in [
        (of_host, true),
        (
            "SELECT mean(v), max(v) FROM m WHERE host = 'a' GROUP BY host",
            true,
        ),
        (
            "SELECT v FROM m WHERE host = 'a' ORDER BY time DESC LIMIT 3",
            true,
        ),
        // How many rows of the file are read is not known.
        ("SELECT v FROM m", false),
    ] {
        let plan = plan(&world, text).await;
        assert_eq!(plan.contains("InTurnExec"), are_in_turn, "{text}\n{plan}");
    }
    let of_host = format!("{of_host} GROUP BY host");
    let check = async |at: &str, model: &Model| {
        let of_host = by_series(&world, &of_host).await;
        let expected = model
            .iter()
            .filter(|((host, ..), _)| host.as_deref() == Some("a"));
        let expected = expected.map(|(key, fields)| (key.clone(), fields["v"].clone()));
        assert_eq!(of_host, expected.collect::<Vec<_>>(), "{at}");
    };
    check("beside each other", &model).await;
    // Some are written anew, of the file and of memory.
    for line in ["m,host=a v=7", "m,host=a v=8"] {
        let lines = [5, 39, 40, 79].map(|n| format!("{line} {}", NOW_NS + n));
        world.write(&lines.join("\n")).await;
    }
    for n in [5, 39, 40, 79] {
        let row = model.get_mut(&(Some("a".to_owned()), None, NOW_NS + n));
        row.expect("a row").insert("v".to_owned(), "8.0".to_owned());
    }
    check("over each other", &model).await;
    world.flush().await;
    check("flushed", &model).await;
}
