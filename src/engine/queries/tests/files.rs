//! Files that are read as they lie: their names, types and times, and what is left unread.

use tidegate_query::{DatabaseError, Piece, QueryError, Scan};

use super::world::{NOW_NS, World, name, parquet, sorted};
use crate::config::Config;

fn all() -> Scan {
    Scan {
        columns: vec!["time".to_owned()],
        times: i64::MIN..=i64::MAX,
        tags: Vec::new(),
        newest: None,
    }
}

/// The number of merged pieces, and that of parts of files.
pub(super) async fn pieces(world: &World) -> (usize, usize) {
    let (mut merged, mut parts) = (0, 0);
    for piece in world.table().await.scan(all()).await.expect("planned") {
        match piece {
            Piece::Merged(_) => merged += 1,
            Piece::Files(files) => parts += files.parts.len(),
        }
    }
    (merged, parts)
}

/// The cells of a column.
async fn column(world: &World, text: &str) -> Vec<String> {
    let (_, rows) = world
        .ask(text)
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let cells = rows
        .into_iter()
        .map(|mut row| row.remove(0).unwrap_or_else(|| "null".to_owned()));
    let mut cells: Vec<String> = cells.collect();
    cells.sort();
    cells
}

/// What a comparison says of a time and a bound.
type Holds = fn(i64, i64) -> bool;

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_on_the_time_is_exact_to_the_nanosecond_in_files() {
    let world = World::new(|_| {}).await;
    // Three rows within one microsecond, and both of its neighbours.
    let times: Vec<i64> = [-1, 0, 1, 500, 999, 1000]
        .iter()
        .map(|t| NOW_NS + t)
        .collect();
    let lines: Vec<String> = times
        .iter()
        .map(|time| format!("m,host=a v=1 {time}"))
        .collect();
    world.write(&lines.join("\n")).await;
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 1));
    for bound in &times {
        for by in [-1, 0, 1] {
            let bound = bound + by;
            let conditions: [(&str, Holds); 5] = [
                (">=", |time, bound| time >= bound),
                (">", |time, bound| time > bound),
                ("<", |time, bound| time < bound),
                ("<=", |time, bound| time <= bound),
                ("=", |time, bound| time == bound),
            ];
            for (sign, passes) in conditions {
                // The second one is decided by the source of files itself.
                for text in [
                    format!("SELECT time FROM m WHERE time {sign} to_timestamp({bound})"),
                    format!("SELECT time FROM m WHERE time {sign} to_timestamp({bound}) OR v < 0"),
                    format!(
                        "SELECT time FROM m WHERE time {sign} to_timestamp({bound}) AND host = 'a'"
                    ),
                ] {
                    let expected = times.iter().filter(|time| passes(**time, bound));
                    let expected: Vec<String> = expected.map(i64::to_string).collect();
                    assert_eq!(column(&world, &text).await, expected, "{text}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_types_of_line_protocol_come_out_of_files() {
    let world = World::new(|_| {}).await;
    let large = u64::MAX - 1;
    world
        .write(&format!(
            "m,host=a,Host=A v=1,V=2,v_3=3,n={large}u,time_ns=7i,day=\"d\",s=\"x\",ok=true 1\n\
             m,host=b n=5u,s=\"y\" 2"
        ))
        .await;
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 1));
    let text = "SELECT host, \"Host\", v, \"V\", v_3, n, time_ns, day, s, ok, time FROM m";
    let (_, rows) = world.ask(text).await.expect("answered");
    let row = |cells: &[&str]| {
        let cell = |cell: &&str| (*cell != "-").then(|| (*cell).to_owned());
        cells.iter().map(cell).collect::<Vec<_>>()
    };
    let large = large.to_string();
    let expected = [
        row(&["a", "A", "1", "2", "3", &large, "7", "d", "x", "true", "1"]),
        row(&["b", "-", "-", "-", "-", "5", "-", "-", "y", "-", "2"]),
    ];
    assert_eq!(sorted(rows), expected);
    for (condition, host) in [
        ("\"V\" = 2", "a"),
        ("v_3 > 2", "a"),
        ("n > 9223372036854775808", "a"),
        ("n < 6", "b"),
        ("v IS NULL", "b"),
        ("s = 'y'", "b"),
        ("ok", "a"),
        ("time_ns = 7", "a"),
        ("\"Host\" IS NULL", "b"),
        ("\"Host\" = 'A'", "a"),
        ("host <> 'a'", "b"),
    ] {
        let text = format!("SELECT host FROM m WHERE {condition}");
        assert_eq!(column(&world, &text).await, [host], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_a_tag_or_field_that_a_file_lacks_lets_its_rows_pass_only_as_null() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1").await;
    world.flush().await;
    world.write("m,host=b,rack=1 v=1,w=2 2").await;
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 2));
    for (condition, hosts) in [
        ("rack = '1'", vec!["b"]),
        ("rack IS NULL", vec!["a"]),
        ("rack = '2'", vec![]),
        ("rack IN ('1', '2')", vec!["b"]),
        ("rack = '1' OR rack IS NULL", vec!["a", "b"]),
        ("w = 2", vec!["b"]),
        ("w IS NULL", vec!["a"]),
        ("w IS NULL OR w > 5", vec!["a"]),
        ("rack = '1' AND w < 1", vec![]),
    ] {
        let text = format!("SELECT host FROM m WHERE {condition}");
        assert_eq!(column(&world, &text).await, hosts, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_a_field_goes_to_files_and_stays_above_what_is_merged() {
    let world = World::new(|_| {}).await;
    world
        .write("m,host=a v=9 1\nm,host=a v=9 2\nm,host=a v=1 3")
        .await;
    world.flush().await;
    world.write("m,host=a v=1 2").await;
    assert_eq!(pieces(&world).await, (1, 2));
    let text = "SELECT time FROM m WHERE v > 5";
    assert_eq!(column(&world, text).await, ["1"], "an old value came back");
    let (_, plan) = world
        .ask(&format!("EXPLAIN {text}"))
        .await
        .expect("explained");
    let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
    let plan = plan.join("\n");
    let lines: Vec<&str> = plan.lines().map(str::trim).collect();
    let above = lines
        .iter()
        .position(|line| line.starts_with("FilterExec: v"));
    let above = above.unwrap_or_else(|| panic!("nothing decides it above the merge: {plan}"));
    let below = lines[above + 1..].iter();
    let mut below = below.skip_while(|line| line.starts_with("RepartitionExec"));
    let below = below
        .next()
        .unwrap_or_else(|| panic!("nothing below it: {plan}"));
    assert!(below.contains("pieces=1"), "{plan}");
    let files = lines.iter().find(|line| line.contains("file_type=parquet"));
    let files = files.unwrap_or_else(|| panic!("no files: {plan}"));
    assert!(
        files.contains("predicate=") && files.contains("v@"),
        "{plan}"
    );
}

#[allow(
    clippy::disallowed_methods,
    reason = "the test damages the data folder"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_damaged_ends_the_answer() {
    let world = World::new(|_| {}).await;
    world.write("m,host=a v=1 1").await;
    world.flush().await;
    let files = parquet(world.folder());
    for path in &files {
        let mut bytes = std::fs::read(path).expect("read");
        let end = bytes.len();
        // Within the footer, before its length.
        bytes[end - 60..end - 8].fill(0xff);
        std::fs::write(path, bytes).expect("written");
    }
    let error = world
        .ask("SELECT * FROM m")
        .await
        .expect_err("its footer makes no sense");
    assert!(
        matches!(error, QueryError::Database(DatabaseError::Unreadable(_))),
        "{error:?}"
    );
    let names: Vec<String> = files.iter().filter_map(|path| name(path)).collect();
    assert!(
        names.iter().any(|name| error.to_string().contains(name)),
        "{error}"
    );
}

/// A column whose name was damaged was read as if the file lacked it: as null.
#[allow(
    clippy::disallowed_methods,
    reason = "the test damages the data folder"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_whose_name_was_damaged_is_not_read_as_a_missing_one() {
    for (name, other) in [("some_tag", "soma_tag"), ("some_field", "some_fiald")] {
        let world = World::new(|_| {}).await;
        world.write("m,some_tag=a some_field=1 1").await;
        world.flush().await;
        let [path] = parquet(world.folder()).try_into().expect("one file");
        let mut bytes = std::fs::read(&path).expect("read");
        // The first one is in the schema; the others are read by nobody.
        let place = bytes
            .windows(name.len())
            .position(|text| text == name.as_bytes())
            .expect("the footer has the name");
        bytes[place..place + name.len()].copy_from_slice(other.as_bytes());
        std::fs::write(&path, bytes).expect("written");
        let answer = world.ask("SELECT some_tag, some_field FROM m").await;
        let error = answer.expect_err("a column is lost");
        assert!(
            matches!(error, QueryError::Database(DatabaseError::Unreadable(_))),
            "{error:?}"
        );
        assert!(error.to_string().contains(other), "{error}");
    }
}

/// It was told as a mistake of the question, 400 and 3, and so not logged.
#[allow(
    clippy::disallowed_methods,
    reason = "the test damages the data folder"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_damaged_is_no_mistake_of_the_question() {
    let world = World::new(|_| {}).await;
    let lines: Vec<String> = (1..1000).map(|n| format!("m,host=a v={n}.5 {n}")).collect();
    world.write(&lines.join("\n")).await;
    world.flush().await;
    // By DataFusion's source, and by the one of few rows.
    let texts = [
        "SELECT * FROM m ORDER BY time",
        "SELECT * FROM m WHERE host = 'a' ORDER BY time",
    ];
    let whole = world.ask(texts[0]).await.expect("answered");
    let [path] = parquet(world.folder()).try_into().expect("one file");
    let file = name(&path).expect("a name");
    let bytes = std::fs::read(&path).expect("read");
    let mut refused = [0; 2];
    for place in (4..bytes.len() / 2).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        std::fs::write(&path, flipped).expect("written");
        for (text, refused) in texts.iter().zip(&mut refused) {
            match world.ask(text).await {
                Ok(answer) => assert_eq!(answer, whole, "{place}: {text}"),
                Err(error @ QueryError::Database(DatabaseError::Unreadable(_))) => {
                    // From a bug: of the whole table it was said that a file is damaged.
                    assert!(error.to_string().contains(&file), "{place}: {error}");
                    *refused += 1;
                }
                Err(error) => panic!("{place}: {text}: {error:?}"),
            }
        }
    }
    // The tags of few rows are known from before the damage.
    assert!(
        refused[0] >= refused[1] && refused[1] > 50,
        "{refused:?} of {} bytes",
        bytes.len()
    );
}

/// DataFusion 55.2 left out rows that one of several aggregates needs, with its filter from the bounds
/// of the others (apache/datafusion 25147).
#[tokio::test(flavor = "multi_thread")]
async fn the_least_and_the_largest_are_those_of_all_rows_whatever_else_is_asked() {
    const DAY_NS: i64 = 86_400_000_000_000;
    let world = World::new(|_| {}).await;
    let days = |day: i64| NOW_NS + day * DAY_NS;
    let mut lines: Vec<String> = (0..4)
        .map(|day| format!("m,host=a{day} v=1,w={day} {}", days(day - 6)))
        .collect();
    // Newer files, whose rows lack a field.
    lines.extend((4..6).map(|day| format!("m,host=z v=9 {}", days(day - 6))));
    world.write(&lines.join("\n")).await;
    world.flush().await;
    for (asked, expected) in [
        ("min(w) || ' ' || max(w)", "0.0 3.0"),
        ("max(v) || ' ' || min(w)", "9.0 0.0"),
        ("max(v) || ' ' || min(w + 1)", "9.0 1.0"),
        ("max(v) || ' ' || max(v) FILTER (WHERE v < 5)", "9.0 1.0"),
        ("max(v) || ' ' || min(host)", "9.0 a0"),
        ("max(v) || ' ' || count(w)", "9.0 4"),
    ] {
        let text = format!("SELECT {asked} AS x FROM m");
        for _ in 0..10 {
            assert_eq!(column(&world, &text).await, [expected], "{text}");
        }
    }
}

/// Files decide conditions themselves, and an error in one was taken for a fault of the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_cannot_be_decided_is_the_askers_mistake_in_files_too() {
    let world = World::new(|_| {}).await;
    world
        .write(&format!("m,host=a v=1,s=\"x\",n=2i {NOW_NS}"))
        .await;
    let mut told = Vec::new();
    for place in ["memory", "files"] {
        for condition in [
            "host = 1",
            "s > 5",
            "CAST(s AS DOUBLE) > 5",
            "1 / (n - 2) > 0",
            "s ~ '('",
            "date_trunc(s, time) = time",
        ] {
            let text = format!("SELECT v FROM m WHERE {condition}");
            let error = world.ask(&text).await.expect_err(&text);
            assert!(
                matches!(error, QueryError::Invalid(_)),
                "{place}: {text}: {error:?}"
            );
            told.push(error.to_string());
        }
        world.flush().await;
    }
    // In the same words. From a bug: files told of a division by zero without any.
    let (in_memory, in_files) = told.split_at(told.len() / 2);
    assert_eq!(in_memory, in_files);
    assert!(in_files.iter().any(|text| text == "division by zero"));
}

/// Nodes learn of each other's points, and of the types of their fields, from the tables alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_committed_is_seen_at_once_and_its_type_of_a_field_beside_ours() {
    let tables = tempfile::tempdir().expect("a folder");
    let shared = |config: &mut Config| {
        config.lake.url = format!("file://{}", tables.path().display());
        config.lake.shared = true;
        config.query.refresh = std::time::Duration::ZERO;
    };
    let (one, other) = (World::new(shared).await, World::new(shared).await);
    let text = "SELECT * FROM m ORDER BY time";
    let cell = |text: &str| Some(text.to_owned());
    one.write("m v=1i 1").await;
    one.flush().await;
    let (names, rows) = one.ask(text).await.expect("answered");
    assert_eq!(names, ["time", "v"]);
    assert_eq!(rows, [[cell("1"), cell("1")]]);
    other.write("m v=0.5 2").await;
    other.flush().await;
    for world in [&one, &other] {
        let (names, rows) = world.ask(text).await.expect("answered");
        assert_eq!(names, ["time", "v", "v_float"]);
        let expected = [[cell("1"), cell("1"), None], [cell("2"), None, cell("0.5")]];
        assert_eq!(rows, expected);
    }
}

/// Tags of few rows come from what is known of a file, not from its pages; a condition that no file
/// decides has them from the pages.
#[tokio::test(flavor = "multi_thread")]
async fn the_tags_of_few_rows_are_those_of_their_pages() {
    let world = World::new(|_| {}).await;
    let rack = |host: i64| match host % 3 {
        0 => String::new(),
        rack => format!(",rack=r{rack}"),
    };
    let points = (0..50).flat_map(|host| (0..200).map(move |n| (host, n)));
    let lines: Vec<String> = points
        .map(|(host, n)| format!("m,host=h{host}{} v={n},other=1 {}", rack(host), NOW_NS + n))
        .collect();
    world.write(&lines.join("\n")).await;
    world.flush().await;
    for hosts in [4..5_i64, 2..8, 3..49] {
        let rows = 200 * (hosts.end - hosts.start);
        let hosts: Vec<String> = hosts.map(|host| format!("'h{host}'")).collect();
        let hosts = hosts.join(", ");
        let rest = "ORDER BY host, time";
        for columns in ["*", "rack, host, v, time", "time, rack", "host", "v"] {
            let known = format!("SELECT {columns} FROM m WHERE host IN ({hosts}) {rest}");
            let read = format!("SELECT {columns} FROM m WHERE host || '' IN ({hosts}) {rest}");
            let plan = world
                .ask(&format!("EXPLAIN {known}"))
                .await
                .expect("planned");
            let (plan, of_rows) = (format!("{plan:?}"), format!("rows={rows}, cut_by_time=0"));
            assert!(plan.contains(&of_rows), "{known}: {plan}");
            let (known, read) = (world.ask(&known).await, world.ask(&read).await);
            let rows_of =
                |answer: Result<_, QueryError>| format!("{:?}", answer.expect("answered"));
            assert_eq!(rows_of(known), rows_of(read), "{columns} of {hosts}");
        }
    }
}
