//! Questions against a plain map of what was acknowledged.

mod bounds;
mod concurrent;
#[cfg(feature = "lake")]
mod files;
mod influxql;
mod joined;
mod random;
#[cfg(feature = "lake")]
mod series;
mod shapes;
#[cfg(feature = "lake")]
mod shown;
#[cfg(feature = "lake")]
mod speed;
#[cfg(feature = "lake")]
mod whole;
mod world;

use std::time::Duration;

use tidegate_query::{Column, DatabaseError, Parameters, Piece, QueryError, Scan, TagFilter};

use self::world::{NOW_NS, World, read_piece, sorted};
#[cfg(feature = "lake")]
use self::world::{name, parquet};

fn all(columns: &[&str]) -> Scan {
    Scan {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        times: i64::MIN..=i64::MAX,
        tags: Vec::new(),
        newest: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_is_seen_by_the_question_after_its_acknowledgement() {
    let world = World::new(|_| {}).await;
    for number in 1..=40 {
        world.write(&format!("m,host=a v={number} {number}")).await;
        if number % 10 == 0 {
            world.flush().await;
        }
        let (_, rows) = world
            .ask("SELECT count(*), max(v) FROM m")
            .await
            .expect("answered");
        let expected = number.to_string();
        assert_eq!(rows, [[Some(expected.clone()), Some(expected)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_named_twice_shows_one_moment() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1\nm,host=b v=1 2").await;
    world.flush().await;
    world.write("m,host=a v=2 1").await;
    let database = world
        .engine
        .queries
        .database(&world.bucket)
        .await
        .expect("a place");
    let first = database.table("m").await.expect("read").expect("there");
    let pieces = first.scan(all(&["host", "v"])).await.expect("planned");
    world.write("m,host=a v=3 1\nm,host=c v=3 3").await;
    world.flush().await;
    world.write("m,host=b v=4 2").await;
    let second = database.table("m").await.expect("read").expect("there");
    let row = |host: &str, v: &str| vec![Some(host.to_owned()), Some(v.to_owned())];
    let before = [row("a", "2"), row("b", "1")];
    let asked = all(&["host", "v"]);
    assert_eq!(sorted(world.read(&second, &asked).await), before);
    let mut merged = pieces
        .iter()
        .filter(|piece| matches!(piece, Piece::Merged(_)));
    let merged = merged.next().expect("a point was written again");
    for _ in 0..2 {
        let rows = read_piece(merged).await;
        assert!(rows.contains(&before[0]), "a piece is read again");
    }
    let after = world.read(&world.table().await, &asked).await;
    assert_eq!(sorted(after), [row("a", "3"), row("b", "4"), row("c", "3")]);
}

/// A question that ran into this was answered with the words of the engine for a missing table.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_missed_is_not_listed_by_the_same_question() {
    let world = World::new(|_| {}).await;
    world.write("m v=1 1").await;
    let database = world.engine.queries.database(&world.bucket).await;
    let database = database.expect("a place");
    assert!(database.table("n").await.expect("read").is_none());
    world.write("n v=1 1").await;
    assert_eq!(database.tables().await.expect("listed"), ["m"]);
    assert!(database.table("n").await.expect("read").is_none());
}

/// From a review: a list of columns held the rows of every table that it named.
#[tokio::test(flavor = "multi_thread")]
async fn the_columns_of_a_table_are_told_without_a_hold_on_its_rows() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1").await;
    let database = world.engine.queries.database(&world.bucket).await;
    let database = database.expect("a place");
    let before = world.budget.used_bytes();
    fn names(columns: &[Column]) -> Vec<String> {
        columns.iter().map(|column| column.name.clone()).collect()
    }
    let columns = database.columns("m").await.expect("read").expect("there");
    assert_eq!(names(&columns), ["time", "host", "v"]);
    assert_eq!(world.budget.used_bytes(), before, "no row is held");
    assert!(database.columns("n").await.expect("read").is_none());
    let table = database.table("m").await.expect("read").expect("there");
    assert!(world.budget.used_bytes() > before, "a table holds its rows");
    world.write("m,host=a w=1 2").await;
    let again = database.columns("m").await.expect("read").expect("there");
    assert_eq!(again, table.columns(), "the moment of the table counts");
    world.write("o,room=a w=1i 2").await;
    let asked = ["o", "m", "n"].map(std::sync::Arc::from);
    let of_several = database.columns_of(&asked).await.expect("read");
    let of_several = of_several
        .iter()
        .map(|columns| columns.as_deref().map(names));
    let of_o = ["time", "room", "w"].map(str::to_owned).to_vec();
    let expected = [Some(of_o), Some(names(&again)), None];
    assert_eq!(of_several.collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_looked_at_together_are_at_that_moment() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1\nlater,host=a v=1 1").await;
    world.flush().await;
    let database = world.engine.queries.database(&world.bucket).await;
    let database = database.expect("a place");
    let asked = ["m", "none"].map(std::sync::Arc::from);
    for _ in 0..2 {
        database.look_at(&asked).await;
        world
            .write("m,host=a w=1 2\nlater,host=a w=1 2\nnone v=1 2")
            .await;
    }
    let columns = async |name: &str| {
        let table = database.table(name).await.expect("looked at");
        table.map(|table| table.columns().len())
    };
    let columns = [
        columns("m").await,
        columns("none").await,
        columns("later").await,
    ];
    assert_eq!(columns, [Some(3), None, Some(4)]);
    assert_eq!(database.tables().await.expect("listed"), ["later", "m"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn points_past_retention_are_not_there() {
    let mut world = World::new(|_| {}).await;
    let kept = world
        .engine
        .catalog
        .create_bucket("kept", Some(100))
        .expect("created");
    world.bucket = kept;
    let lines = format!("m v=1 {}\nm v=1 {NOW_NS}", NOW_NS - 100);
    world.write(&lines).await;
    world.clock.set(NOW_NS + 50);
    let rows = world.read(&world.table().await, &all(&["time"])).await;
    assert_eq!(rows, [[Some(NOW_NS.to_string())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_any_column_are_counted() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1\nm v=1 2").await;
    let (_, rows) = world
        .ask("SELECT count(*) FROM m WHERE host IS NULL")
        .await
        .expect("answered");
    assert_eq!(rows, [[Some("1".to_owned())]]);
    let read = world.read(&world.table().await, &all(&[])).await;
    assert_eq!(read, [vec![], vec![]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_deleted_meanwhile_is_gone_and_not_empty() {
    let world = World::new(|_| {}).await;
    world.write("m v=1 1\nn v=1 1").await;
    let database = world
        .engine
        .queries
        .database(&world.bucket)
        .await
        .expect("a place");
    database.table("m").await.expect("read").expect("there");
    world
        .engine
        .catalog
        .delete_bucket(world.bucket.id)
        .expect("deleted");
    for name in ["n", "other"] {
        let error = database.table(name).await.expect_err("it is gone");
        assert!(matches!(error, DatabaseError::Gone(_)), "{error}");
        assert_eq!(
            error.to_string(),
            "bucket \"b\" was deleted while it was read"
        );
    }
    let error = world.ask("SELECT * FROM m").await.expect_err("it is gone");
    assert!(
        matches!(error, QueryError::Database(DatabaseError::Gone(_))),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_its_turn_and_gives_everything_back() {
    let world = World::new(|config| config.query.concurrent_max = 1).await;
    world.write("m,host=a v=1 1").await;
    world.flush().await;
    let before = world.budget.used_bytes();
    let first = world
        .engine
        .queries
        .sql(&world.bucket, "SELECT * FROM m")
        .await
        .expect("planned");
    assert_eq!(world.engine.queries.running(), 1);
    let second = world.ask("SELECT host FROM m ORDER BY v");
    let end_first = async {
        tokio::task::yield_now().await;
        drop(first);
    };
    let (second, ()) = tokio::join!(second, end_first);
    assert_eq!(second.expect("answered").1, [[Some("a".to_owned())]]);
    let begun = crate::clock::instant();
    while world.budget.used_bytes() > before || world.engine.queries.running() > 0 {
        assert!(begun.elapsed().as_secs() < 60, "something is kept");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// From a bug: a question that names no table gave its place back once it was planned.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_tables_has_a_place_too_and_others_are_refused_by_name() {
    let world = World::new(|config| {
        config.query.concurrent_max = 1;
        config.query.wait_timeout = Duration::from_millis(20);
    });
    let world = world.await;
    let queries = &world.engine.queries;
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    let question = queries.sql(&world.bucket, endless).await.expect("planned");
    assert_eq!(queries.running(), 1, "planned");
    let answer = question.run(Parameters::none()).await.expect("begun");
    assert_eq!(queries.running(), 1, "begun");
    let refused = world.ask("SELECT 1").await.expect_err("no place is free");
    assert!(matches!(refused, QueryError::Crowded(_)), "{refused}");
    for key in ["query.concurrent_max", "query.wait_timeout_ms"] {
        assert!(refused.to_string().contains(key), "{refused}");
    }
    drop(answer);
    let begun = crate::clock::instant();
    while queries.running() > 0 {
        assert!(begun.elapsed().as_secs() < 60, "the place is kept");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.ask("SELECT 1").await.expect("a place is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_waiting_for_a_place_leaves_the_queue() {
    let world = World::new(|config| config.query.concurrent_max = 1).await;
    let queries = &world.engine.queries;
    let first = queries
        .sql(&world.bucket, "SELECT 1")
        .await
        .expect("planned");
    for _ in 0..100 {
        let waiting = queries.sql(&world.bucket, "SELECT 2");
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, waiting).await.is_err());
    }
    assert_eq!(queries.waiting(), 0, "they have left");
    let mut waiting = std::pin::pin!(queries.sql(&world.bucket, "SELECT 2"));
    let polled = futures_util::poll!(waiting.as_mut());
    assert!(polled.is_pending() && queries.waiting() == 1, "one waits");
    drop(first);
    waiting.await.expect("it has its turn");
    assert_eq!(queries.waiting(), 0, "it has its turn");
    world.ask("SELECT 3").await.expect("nobody is before it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_takes_too_long_is_stopped_by_name() {
    let world = World::new(|config| config.query.timeout = Duration::from_millis(50)).await;
    let lines: String = (0..20_000).map(|time| format!("m v=1 {time}\n")).collect();
    world.write(&lines).await;
    let text = "SELECT count(*) FROM m a, m b WHERE a.v + b.v > 5";
    let error = world
        .ask(text)
        .await
        .expect_err("400 million pairs take longer");
    assert!(matches!(error, QueryError::Late(_)), "{error}");
    assert!(error.to_string().contains("query.timeout_ms"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_too_small_for_questions_refuses_them_by_name() {
    let world = World::new(|config| config.memory.budget_bytes = 64 << 20).await;
    let error = world.ask("SELECT 1").await.expect_err("too small");
    assert!(matches!(error, QueryError::Exhausted(_)), "{error}");
    assert!(error.to_string().contains("memory.budget_bytes"), "{error}");
}

#[cfg(feature = "lake")]
#[allow(
    clippy::disallowed_methods,
    reason = "the test damages the data folder"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_lost_ends_the_answer_with_its_name() {
    let world = World::new(|_| {}).await;
    world.write("m v=1 1").await;
    world.flush().await;
    let lost = parquet(world.folder());
    lost.iter()
        .for_each(|path| std::fs::remove_file(path).expect("removed"));
    let lost: Vec<String> = lost.iter().filter_map(|path| name(path)).collect();
    let error = world
        .ask("SELECT v FROM m")
        .await
        .expect_err("a file is lost");
    assert!(
        matches!(error, QueryError::Database(DatabaseError::Unreadable(_))),
        "{error}"
    );
    assert!(
        lost.iter().any(|name| error.to_string().contains(name)),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_filter_decides_series_by_series() {
    let world = World::new(|_| {}).await;
    world
        .write("m,host=a,rack=1 v=1 1\nm,host=b v=2 1\nm v=3 1")
        .await;
    world.flush().await;
    world.write("m,host=b v=4 1\nm,host=a v=5 1").await;
    let filter = |column: &str, one_of: &[Option<&str>]| TagFilter {
        column: column.to_owned(),
        one_of: one_of
            .iter()
            .map(|value| value.map(str::to_owned))
            .collect(),
    };
    let table = world.table().await;
    for (tags, expected) in [
        (vec![filter("host", &[Some("b")])], vec!["4"]),
        (vec![filter("host", &[None, Some("x")])], vec!["3"]),
        (
            vec![filter("host", &[Some("a")]), filter("rack", &[None])],
            vec!["5"],
        ),
        (vec![filter("host", &[])], vec![]),
    ] {
        let scan = Scan {
            tags,
            ..all(&["v"])
        };
        let rows = world.read(&table, &scan).await;
        let expected: Vec<_> = expected
            .iter()
            .map(|v| vec![Some((*v).to_owned())])
            .collect();
        assert_eq!(rows, expected, "{scan}");
    }
}
