//! What questions for some series, or for the newest rows of series, leave unread of files.

use super::files::pieces;
use super::world::{NOW_NS, World, sorted};

/// A table of four series, one after the other in one file: 20,000 rows each, in pages of 4,096.
pub(super) async fn four_series() -> World {
    let world = World::new(|_| {}).await;
    for host in ["a", "b", "c", "d"] {
        let lines = (0..20_000).map(|n| format!("m,host={host} v={n} {}", NOW_NS + n));
        world.write(&lines.collect::<Vec<_>>().join("\n")).await;
    }
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 1));
    world
}

/// What a question did.
pub(super) async fn analyzed(world: &World, text: &str) -> String {
    let (_, plan) = world
        .ask(&format!("EXPLAIN ANALYZE {text}"))
        .await
        .expect("explained");
    let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
    plan.join("\n")
}

/// The index of pages was read, and lost where types were put into the footer.
#[tokio::test(flavor = "multi_thread")]
async fn pages_whose_values_do_not_fit_are_left_unread() {
    let world = four_series().await;
    let plan = analyzed(&world, "SELECT sum(v) FROM m WHERE v >= 17000").await;
    // The last 3,000 rows of each series lie in one page or in two.
    let pages = "page_index_pages_pruned=20 total → 6 matched";
    assert!(plan.contains(pages), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_other_series_are_left_unread() {
    let world = four_series().await;
    for (condition, rows) in [
        ("host = 'c'", "20.00 K"),
        ("host = 'c' OR host = 'a'", "40.00 K"),
        ("host IN ('c', 'z') AND v >= 0", "20.00 K"),
    ] {
        // The second time, from what is known of the file.
        for _ in 0..2 {
            let plan = analyzed(&world, &format!("SELECT sum(v) FROM m WHERE {condition}")).await;
            let read = format!("file_type=parquet, metrics=[output_rows={rows},");
            assert!(plan.contains(&read), "{condition}: {plan}");
        }
    }
    let plan = analyzed(&world, "SELECT sum(v) FROM m WHERE host = 'z'").await;
    assert!(!plan.contains("file_type=parquet"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_series_pages_of_other_times_are_left_unread() {
    let world = four_series().await;
    // Its first rows are the last 1,440 of a page that begins with another series.
    let condition = format!("host = 'd' AND time < to_timestamp({})", NOW_NS + 100);
    let plan = analyzed(&world, &format!("SELECT sum(v) FROM m WHERE {condition}")).await;
    assert!(plan.contains("files=1, rows=1440, cut_by_time=1"), "{plan}");
    assert!(plan.contains("metrics=[output_rows=100,"), "{plan}");
}

/// To hand few values from thread to thread takes longer than to add them up.
#[tokio::test(flavor = "multi_thread")]
async fn few_values_are_not_dealt_to_partitions() {
    let world = four_series().await;
    for (hosts, is_dealt) in [("'c'", false), ("'c', 'a', 'b', 'd'", true)] {
        let text = format!(
            "SELECT host, count(v) FROM m WHERE host IN ({hosts}) GROUP BY host ORDER BY host"
        );
        let plan = analyzed(&world, &text).await;
        assert_eq!(
            plan.contains("RepartitionExec"),
            is_dealt,
            "{hosts}: {plan}"
        );
        let (_, rows) = world.ask(&text).await.expect("answered");
        let counts = rows.iter().map(|row| row.last().cloned().flatten());
        assert!(counts.eq(hosts.split(", ").map(|_| Some("20000".to_owned()))));
    }
}

/// A dashboard asks for some hours of a table, which are few rows, and says nothing of tags.
#[tokio::test(flavor = "multi_thread")]
async fn few_rows_of_a_range_of_times_are_read_as_those_of_few_series() {
    let world = World::new(|_| {}).await;
    let line = |n: i64| format!("m,host=h{} v={n},s=\"{n}\" {}", n % 3, NOW_NS + n);
    let lines: Vec<String> = (0..300).map(line).collect();
    world.write(&lines.join("\n")).await;
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 1));
    for (first, last, is_cut) in [(0, 299, 0), (10, 250, 1), (-5, 100, 1), (150, 400, 1)] {
        let (from, to) = (NOW_NS + first, NOW_NS + last);
        let range = format!("time >= to_timestamp({from}) AND time <= to_timestamp({to})");
        for (condition, passes) in [("v >= 20", 20), ("s <> 'x'", 0)] {
            let rest = "GROUP BY host ORDER BY host";
            let text = |range: &str| {
                format!(
                    "SELECT host, count(v), sum(v), min(time) FROM m WHERE {range} AND {condition} \
                     {rest}"
                )
            };
            let plan = analyzed(&world, &text(&range)).await;
            let read = format!("files=1, rows=300, cut_by_time={is_cut}");
            assert!(plan.contains(&read), "{range}: {plan}");
            for absent in ["RepartitionExec", "mode=Partial"] {
                assert!(!plan.contains(absent), "{range}: {plan}");
            }
            // This is decided above the scan, or by the source of files itself.
            let computed = format!("({range} OR v < 0)");
            let (_, found) = world.ask(&text(&range)).await.expect("answered");
            let (_, expected) = world.ask(&text(&computed)).await.expect("answered");
            assert_eq!(found, expected, "{range} AND {condition}");
            let all: i64 = (first.max(passes)..=last.min(299)).sum();
            let sum = found.iter().map(|row| {
                let sum = row[2].as_deref().expect("a sum");
                sum.parse::<f64>().expect("a number")
            });
            #[allow(clippy::cast_precision_loss, reason = "small numbers")]
            let all = all as f64;
            assert!((sum.sum::<f64>() - all).abs() < 0.5, "{range}: {found:?}");
        }
    }
    // Of all times there may be many rows: they are dealt to all threads.
    let plan = analyzed(&world, "SELECT sum(v) FROM m WHERE v >= 0").await;
    assert!(!plan.contains("rows=300, cut_by_time"), "{plan}");
}

/// A sort believes what an aggregate by several sets says of its rows, also in plans that most rules leave
/// as they are.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_several_sets_are_not_believed_where_few_rows_are_grouped_either() {
    let world = World::new(|_| {}).await;
    let line = |n: i64| format!("m,host=h{} v={n} {}", n % 3, NOW_NS + n);
    let lines: Vec<String> = (0..300).map(line).collect();
    world.write(&lines.join("\n")).await;
    world.flush().await;
    assert_eq!(pieces(&world).await, (0, 1));
    for (groups, is_distrusted) in [("host", false), ("ROLLUP (host)", true)] {
        let text = format!("SELECT host, count(*) FROM m WHERE host = 'h1' GROUP BY {groups}");
        let plan = analyzed(&world, &text).await;
        assert!(plan.contains("files=1, rows=100,"), "{plan}");
        assert_eq!(plan.contains("DistrustedExec"), is_distrusted, "{plan}");
    }
    for (order, is_null) in [("FIRST", [true, false]), ("LAST", [false, true])] {
        let text = format!(
            "SELECT v, count(*) FROM m WHERE host = 'h1' AND v = 4 GROUP BY ROLLUP (v) \
             ORDER BY v NULLS {order}"
        );
        let (_, rows) = world.ask(&text).await.expect("answered");
        let found: Vec<bool> = rows.iter().map(|row| row[0].is_none()).collect();
        assert_eq!(found, is_null, "{order}");
    }
}

/// A host that stopped, one that goes on, and one that came later, over three files.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_series_the_newest_file_alone_is_read_for_its_newest_row() {
    let world = World::new(|_| {}).await;
    let line = |tags: &str, after: i64| format!("m{tags} v={after},w={after} {}", NOW_NS + after);
    let files = [
        [line(",host=a", 1), line(",host=b", 2), line("", 3)],
        [
            line(",host=a", 4),
            line(",host=b", 5),
            line(",host=a,rack=r", 6),
        ],
        [
            line(",host=b", 7),
            line(",host=c", 8),
            line(",host=a,rack=r", 9),
        ],
    ];
    for lines in &files {
        world.write(&lines.join("\n")).await;
        world.flush().await;
    }
    assert_eq!(pieces(&world).await, (0, 3));
    let text =
        "SELECT host, rack, max(time), last_value(v ORDER BY time) FROM m GROUP BY host, rack";
    let expected = || {
        let row = |host: &str, rack: &str, v: i64| {
            let tag = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let time = Some((NOW_NS + v).to_string());
            vec![tag(host), tag(rack), time, Some(v.to_string())]
        };
        let rows = [
            ("", "", 3),
            ("a", "", 4),
            ("b", "", 7),
            ("c", "", 8),
            ("a", "r", 9),
        ];
        sorted(rows.map(|(host, rack, v)| row(host, rack, v)).to_vec())
    };
    for _ in 0..2 {
        let (_, rows) = world.ask(text).await.expect("answered");
        assert_eq!(sorted(rows), expected());
    }
    let plan = analyzed(&world, text).await;
    assert!(plan.contains("files=3, rows=5, cut_by_time=0"), "{plan}");
    // Of a file whose newest row may lack the field, every row is read, and no older file is left out.
    let lacking = format!(
        "m,host=b w=10 {}\nm,host=d v=11 {}",
        NOW_NS + 10,
        NOW_NS + 11
    );
    world.write(&lacking).await;
    world.flush().await;
    let text = "SELECT host, last_value(v ORDER BY time) IGNORE NULLS FROM m GROUP BY host";
    let (_, rows) = world.ask(text).await.expect("answered");
    let cell = |text: &str| Some(text.to_owned());
    let rows = sorted(rows);
    assert!(rows.contains(&vec![cell("b"), cell("7")]), "{rows:?}");
    assert!(rows.contains(&vec![cell("d"), cell("11")]), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_rows_come_from_the_ends_of_series() {
    let world = four_series().await;
    for (text, is_served) in [
        ("SELECT host, max(time) FROM m GROUP BY host", true),
        ("SELECT max(time) FROM m", true),
        ("SELECT DISTINCT host FROM m", true),
        (
            "SELECT host, last_value(v ORDER BY time) FROM m GROUP BY host",
            true,
        ),
        (
            "SELECT host, first_value(v ORDER BY time DESC) FROM m GROUP BY host",
            true,
        ),
        (
            "SELECT host, selector_last(v, time)['value'] FROM m GROUP BY host",
            true,
        ),
        (
            "SELECT DISTINCT ON (host) host, time, v FROM m ORDER BY host, time DESC",
            true,
        ),
        (
            "SELECT h, last_value(x ORDER BY t) \
             FROM (SELECT host AS h, v AS x, time AS t FROM m) GROUP BY h",
            true,
        ),
        (
            "SELECT h, last_value(x ORDER BY t) \
             FROM (SELECT host AS h, v + 1 AS x, time AS t FROM m) GROUP BY h",
            false,
        ),
        (
            "SELECT host, max(time), count(*) FROM m GROUP BY host",
            false,
        ),
        (
            "SELECT host, max(time) FROM m WHERE v < 5 GROUP BY host",
            false,
        ),
        (
            "SELECT host, max(time) FILTER (WHERE v < 5) FROM m GROUP BY host",
            false,
        ),
        (
            "SELECT host, last_value(v ORDER BY time DESC) FROM m GROUP BY host",
            false,
        ),
        (
            "SELECT host, last_value(v ORDER BY v) FROM m GROUP BY host",
            false,
        ),
        ("SELECT v, max(time) FROM m GROUP BY v", false),
        ("SELECT host, min(time) FROM m GROUP BY host", false),
    ] {
        assert_eq!(is_served_by_ends(&world, text).await, is_served, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_row_of_all_comes_from_the_ends_of_series() {
    let world = four_series().await;
    for (text, is_served) in [
        ("SELECT * FROM m ORDER BY time DESC LIMIT 1", true),
        ("SELECT v FROM m ORDER BY host, time DESC, v LIMIT 1", true),
        (
            "SELECT x FROM (SELECT time AS t, v + 1 AS x FROM m) ORDER BY t DESC LIMIT 1",
            true,
        ),
        ("SELECT * FROM m ORDER BY v, time DESC LIMIT 1", false),
        ("SELECT * FROM m ORDER BY time LIMIT 1", false),
        ("SELECT * FROM m ORDER BY host LIMIT 1", false),
        ("SELECT * FROM m ORDER BY time DESC LIMIT 1 OFFSET 1", false),
        (
            "SELECT * FROM m WHERE v < 5 ORDER BY time DESC LIMIT 1",
            false,
        ),
    ] {
        assert_eq!(is_served_by_ends(&world, text).await, is_served, "{text}");
    }
}

/// Returns true if a question read the ends of series only.
async fn is_served_by_ends(world: &World, text: &str) -> bool {
    let plan = analyzed(world, text).await;
    let source = plan.lines().find(|line| line.contains("file_type=parquet"));
    let source = source.unwrap_or_else(|| panic!("{text}: no files: {plan}"));
    // The ends of five row groups and four series fall together four times.
    source.contains("metrics=[output_rows=4,")
}

/// A row that lacks the field is not the newest one of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_rows_are_the_same_in_memory_and_in_files() {
    let world = World::new(|_| {}).await;
    let line =
        |tags: &str, fields: &str, after: i64| format!("m{tags} {fields} {}", NOW_NS + after);
    let lines = [
        line(",host=a", "v=1,w=1", 1),
        line(",host=a", "w=2", 2),
        line(",host=a,rack=r", "v=3", 3),
        line(",host=a,rack=r", "v=4,w=4", 1),
        line(",host=b", "v=5", 9),
        line("", "v=6,w=6", 5),
        line("", "w=7", 6),
    ];
    world.write(&lines.join("\n")).await;
    let questions = [
        "SELECT host, max(time) FROM m GROUP BY host",
        "SELECT host, rack, last_value(v ORDER BY time) FROM m GROUP BY host, rack",
        "SELECT host, last_value(v ORDER BY time) IGNORE NULLS FROM m GROUP BY host",
        "SELECT host, last_value(w ORDER BY time) FROM m GROUP BY host",
        "SELECT host, selector_last(v, time)['value'] FROM m GROUP BY host",
        "SELECT host, selector_last(w, time)['value'], max(time) FROM m GROUP BY host",
        "SELECT DISTINCT ON (host) host, rack, time, v, w FROM m ORDER BY host, time DESC",
        "SELECT rack, max(time) FROM m WHERE host = 'a' GROUP BY rack",
        "SELECT host, max(time) FROM m WHERE time < to_timestamp(1700000000000000003) GROUP BY host",
        "SELECT * FROM m ORDER BY time DESC LIMIT 1",
        "SELECT * FROM m WHERE host = 'a' ORDER BY time DESC LIMIT 1",
        "SELECT v, w FROM m WHERE host IS NULL ORDER BY time DESC LIMIT 1",
        "SELECT v, time FROM m ORDER BY host, rack, time DESC LIMIT 1",
        "SELECT v, w FROM m ORDER BY time DESC LIMIT 1 OFFSET 1",
        "SELECT v, w FROM m WHERE w > 1 ORDER BY time DESC LIMIT 1",
    ];
    let all = || async {
        let mut answers = Vec::new();
        for text in questions {
            answers.push(world.ask(text).await.map(|(_, rows)| sorted(rows)).ok());
        }
        answers
    };
    let in_memory = all().await;
    world.flush().await;
    let in_files = all().await;
    for ((text, memory), files) in questions.iter().zip(&in_memory).zip(&in_files) {
        assert!(memory.is_some(), "{text}");
        assert_eq!(memory, files, "{text}");
    }
    // Newer rows in a second file, and over both of them in memory.
    world.write(&line(",host=a", "v=8", 20)).await;
    world.flush().await;
    world.write(&line(",host=a,rack=r", "w=9", 3)).await;
    let before = all().await;
    world.flush().await;
    assert_eq!(before, all().await);
    let expected = Some(&"8".to_owned());
    let (_, rows) = world.ask(questions[4]).await.expect("answered");
    let a = rows.iter().find(|row| row[0].as_deref() == Some("a"));
    assert_eq!(a.expect("there")[1].as_ref(), expected);
}

/// From a bug: where files and memory were read side by side, a plan was refused for the order of its own
/// rows.
#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_tags_are_equal_are_sorted_by_both() {
    let world = World::new(|_| {}).await;
    let line = |host: &str, rack: &str, after: i64| {
        format!("m,host={host},rack={rack} v={after} {}", NOW_NS + after)
    };
    world
        .write(&[line("b", "b", 1), line("a", "b", 2)].join("\n"))
        .await;
    world.flush().await;
    world
        .write(&[line("a", "a", 3), line("b", "b", 4)].join("\n"))
        .await;
    let text = "SELECT v FROM m WHERE host = rack ORDER BY rack, host, time";
    let (_, rows) = world.ask(text).await.expect("answered");
    let values: Vec<_> = rows.into_iter().flatten().flatten().collect();
    assert_eq!(values, ["3", "1", "4"]);
}

/// Rows in memory were all sorted and given, of which one of each series counts.
#[tokio::test(flavor = "multi_thread")]
async fn of_rows_in_memory_the_newest_of_each_series_is_given() {
    let world = World::new(|_| {}).await;
    for half in 0..2 {
        let lines = (0..500).flat_map(|n| {
            let time_ns = NOW_NS + 500 * half + n;
            ["a", "b"].map(|host| format!("m,host={host} v={n},w={n} {time_ns}"))
        });
        world.write(&lines.collect::<Vec<_>>().join("\n")).await;
    }
    let text = "SELECT host, max(time), last_value(v ORDER BY time) FROM m GROUP BY host";
    let plan = analyzed(&world, text).await;
    let read = "newest, metrics=[output_rows=";
    let rows = plan
        .split(read)
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    assert_eq!(rows, Some("2"), "{plan}");
    // A row without the field stands for none, and one that is older than all is merged.
    let last = NOW_NS + 2_000;
    world
        .write(&format!(
            "m,host=b w=0 {last}\nm,host=a v=-1 {}",
            NOW_NS - 1
        ))
        .await;
    let text = "SELECT host, selector_last(v, time)['value'], max(time) FROM m GROUP BY host";
    let (_, rows) = world.ask(text).await.expect("answered");
    let row = |host: &str, time_ns: i64| {
        let cells = [host.to_owned(), "499".to_owned(), time_ns.to_string()];
        cells.map(Some).to_vec()
    };
    assert_eq!(sorted(rows), [row("a", NOW_NS + 999), row("b", last)]);
}
