//! Files of which all rows are read.

use super::files::pieces;
use super::series::analyzed;
use super::world::{NOW_NS, World, sorted};

/// Three files of one table that follow each other, of which the second has no `w` and one more tag.
async fn three_files() -> World {
    let world = World::new(|_| {}).await;
    let of_file = [
        ("host=a", "v=1,w=1i"),
        ("host=b,rack=r", "v=2"),
        ("host=a", "v=3,w=3i"),
    ];
    for (file, (tags, fields)) in (0..).zip(of_file) {
        let lines = (0..100).map(|n| format!("m,{tags} {fields} {}", NOW_NS + 1_000 * file + n));
        world.write(&lines.collect::<Vec<_>>().join("\n")).await;
        world.flush().await;
    }
    assert_eq!(pieces(&world).await, (0, 3));
    world
}

fn row(cells: &[&str]) -> Vec<Option<String>> {
    let cell = |cell: &&str| (!cell.is_empty()).then(|| (*cell).to_owned());
    cells.iter().map(cell).collect()
}

/// What DataFusion's own source prepares for a small file takes longer than to read it.
#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_decoded_without_what_nobody_asks_for() {
    let world = three_files().await;
    let served = "files=3, projection=[";
    for (text, is_served, expected) in [
        (
            "SELECT count(*), sum(v), max(w) FROM m",
            true,
            vec![row(&["300", "600", "3"])],
        ),
        // Columns that are given twice, under other names, or not read at all.
        (
            "SELECT a, b, count(*) AS n FROM (SELECT v AS a, v AS b FROM m) GROUP BY a, b",
            true,
            vec![
                row(&["1", "1", "100"]),
                row(&["2", "2", "100"]),
                row(&["3", "3", "100"]),
            ],
        ),
        (
            "SELECT rack, host, count(w), min(v) FROM m GROUP BY host, rack",
            true,
            vec![row(&["", "a", "200", "1"]), row(&["r", "b", "0", "2"])],
        ),
        ("SELECT count(*) FROM m", true, vec![row(&["300"])]),
        // A condition leaves rows out before others are unpacked, and a sort those that are too far.
        (
            "SELECT count(*) FROM m WHERE v > 1",
            false,
            vec![row(&["200"])],
        ),
        (
            "SELECT v FROM m ORDER BY v DESC LIMIT 1",
            false,
            vec![row(&["3"])],
        ),
        (
            "SELECT count(*) FROM (SELECT v FROM m LIMIT 7)",
            false,
            vec![row(&["7"])],
        ),
    ] {
        let (_, rows) = world.ask(text).await.expect("answered");
        assert_eq!(sorted(rows), sorted(expected), "{text}");
        let plan = analyzed(&world, text).await;
        assert_eq!(plan.contains(served), is_served, "{text}: {plan}");
    }
}
