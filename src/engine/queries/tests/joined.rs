//! Joins of tables that have columns of the same names, as all tables of points have.

use super::world::{World, sorted};

/// Moves what is in memory of these to files.
async fn flush(world: &World, measurements: &[&str]) {
    for measurement in measurements {
        world.flush_of(&world.bucket, measurement).await;
    }
}

/// From a bug: a condition over both sides was pushed to one of them, with the column of that for both.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_above_a_join_has_the_columns_of_both_sides() {
    let world = World::new(|_| {}).await;
    let lines = "m,a=x i=-49i 1\nm,a=x i=14i 2\nn,a=x i=5i 3\nn,a=x i=-7i 4\nn,a=y i=9i 5";
    world.write(lines).await;
    let row = |m: Option<i64>, n: Option<i64>| vec![m, n];
    let all = [
        row(Some(-49), Some(5)),
        row(Some(-49), Some(-7)),
        row(Some(14), Some(5)),
        row(Some(14), Some(-7)),
        row(None, Some(9)),
    ];
    /// Whether a row of both columns passes.
    type Passes = fn(Option<i64>, Option<i64>) -> bool;
    let conditions: [(&str, Passes); 4] = [
        ("m.i IS DISTINCT FROM n.i", |m, n| m != n),
        ("m.i IS NULL OR m.i <> n.i", |m, n| m.is_none() || m != n),
        ("m.i > 1 OR n.i > 1", |m, n| m > Some(1) || n > Some(1)),
        ("coalesce(m.i, n.i) > 1", |m, n| m.or(n) > Some(1)),
    ];
    let text = |value: &Option<i64>| value.map(|value| value.to_string());
    for is_flushed in [false, true] {
        if is_flushed {
            flush(&world, &["m", "n"]).await;
        }
        for (condition, passes) in conditions {
            for join in ["m RIGHT JOIN n", "n LEFT JOIN m"] {
                let question = format!(
                    "SELECT m.i AS mi, n.i AS ni FROM {join} ON m.a = n.a WHERE {condition}"
                );
                let (_, rows) = world.ask(&question).await.expect("answered");
                let expected = all.iter().filter(|row| passes(row[0], row[1]));
                let expected = expected.map(|row| row.iter().map(text).collect());
                assert_eq!(sorted(rows), sorted(expected.collect()), "{question}");
            }
        }
        // The rows that a limit leaves out are told from one of two columns, too.
        let question = "SELECT m.i, n.i FROM m JOIN n ON m.a = n.a ORDER BY n.i, m.i DESC LIMIT 2";
        let (_, rows) = world.ask(question).await.expect("answered");
        let expected = [[Some(14), Some(-7)], [Some(-49), Some(-7)]];
        let expected = expected.map(|row| row.iter().map(text).collect::<Vec<_>>());
        assert_eq!(rows, expected, "{question}");
    }
}

/// From a bug: what an outer join wants of a key was looked for in a table of which only the presence of
/// a row counts, in its column of the same name.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wanted_of_one_side_is_not_asked_of_a_column_of_the_other() {
    let world = World::new(|_| {}).await;
    let m = (1..=200).map(|n| format!("m,a=x i=0i,k={n}i {n}"));
    let n = (1..=200).map(|n| format!("n,a=x i={n}i,k={}i {n}", 1000 + n));
    let o = (1..=3).map(|n| format!("o x={n}i {n}"));
    let lines: Vec<String> = m.chain(n).chain(o).collect();
    world.write(&lines.join("\n")).await;
    let expected: Vec<_> = ["1", "2", "3"].map(|k| vec![Some(k.to_owned())]).to_vec();
    for is_flushed in [false, true] {
        if is_flushed {
            flush(&world, &["m", "n", "o"]).await;
        }
        for question in [
            "SELECT k FROM o JOIN (SELECT k FROM m WHERE k IN (SELECT i FROM n WHERE n.k > m.i)) ON x = k",
            "SELECT m.k FROM o JOIN m ON o.x = m.k WHERE EXISTS (SELECT 1 FROM n WHERE n.i = m.k AND n.k > m.i)",
            "SELECT k FROM m WHERE k IN (SELECT x FROM o) AND k IN (SELECT i FROM n WHERE n.k > m.i)",
            "SELECT k FROM m WHERE EXISTS (SELECT 1 FROM n WHERE n.i = m.k AND n.k > m.i) ORDER BY k LIMIT 3",
        ] {
            let (_, rows) = world.ask(question).await.expect("answered");
            assert_eq!(sorted(rows), expected, "{is_flushed}: {question}");
            // Rows are missing only if the outer filter is known before the table is read.
            let plan = world.ask(&format!("EXPLAIN {question}")).await;
            let (plan, two) = (
                format!("{plan:?}"),
                "DynamicFilter [ empty ] AND DynamicFilter",
            );
            assert!(!plan.contains(two), "{question}: {plan}");
        }
    }
}
