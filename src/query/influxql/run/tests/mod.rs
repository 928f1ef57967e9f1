//! Tests of whole statements: from the text over plans of DataFusion to the JSON.

mod golden;
mod model;
mod random;
mod world;

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::super::analysis::{Origin, analyse};
use super::super::answer::{Answer, Head, Options, Times, Unit};
use super::super::ast::{self, Statement as Tree};
use super::super::series::SeriesPart;
use super::super::{Environment, parse};
use super::Databases;
use crate::tests::limits;
use crate::{Asker, Database, QueryEngine, QueryError};
use world::Points;

/// The time of the first random point.
const START_NS: i64 = 1_700_000_000_000_000_000;

/// The time of requests.
const NOW_NS: i64 = 1_795_000_000_000_000_000;

fn asker() -> Asker {
    Asker {
        token: None,
        description: String::new(),
        sees_all: false,
        bucket: "db".to_owned(),
        protocol: "test",
        presence: crate::Presence::default(),
        columns_only: false,
    }
}

fn statement(text: &str) -> Tree {
    let query =
        parse(text, &Environment::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    query.statements.into_iter().next().expect("a statement")
}

/// The parts of an answer, or the text of its error.
async fn parts(points: &Points, text: &str) -> Result<(Head, Vec<SeriesPart>), String> {
    let engine = QueryEngine::new(limits())
        .expect("an engine")
        .with_batch_rows(11);
    let begun = engine
        .influxql(
            asker(),
            Arc::new(points.clone()),
            &statement(text),
            engine.request(NOW_NS),
        )
        .await;
    let mut running = begun.map_err(|error| error.to_string())?;
    let head = running.head().clone();
    let mut parts = Vec::new();
    while let Some(part) = running
        .next_part()
        .await
        .map_err(|error| error.to_string())?
    {
        parts.push(part);
    }
    Ok((head, parts))
}

fn json(head: Head, parts: &[SeriesPart], times: Times) -> String {
    let options = Options {
        times,
        ..Options::default()
    };
    let mut out = Vec::new();
    let mut answer = Answer::new(options, 1);
    answer.start(head);
    for part in parts {
        answer.part(part, &mut out).expect("a part");
    }
    answer.end(Ok(()), &mut out);
    answer.finish(&mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// From a bug: two functions of one name with the same argument were taken for one.
#[tokio::test]
async fn two_tests_of_one_tag_both_hold() {
    let points = Points::of("m,host=a f=1 1\nm,host=ab f=2 2\nm,host=c f=3 3");
    let text = "SELECT count(f) FROM m WHERE host =~ /a|b/ AND host !~ /^(a|b)$/";
    let (head, parts) = parts(&points, text).await.expect("an answer");
    let body = json(head, &parts, Times::default());
    assert!(body.contains(r#"[["1970-01-01T00:00:00Z",1]]"#), "{body}");
}

#[tokio::test]
async fn pages_of_rows_of_one_time_do_not_overlap() {
    let lines = (0..40).map(|host| format!("m,host={host:02} f={host} 1\n"));
    let points = Points::of(&lines.collect::<String>());
    let mut seen = String::new();
    for page in 0..8 {
        let text = format!("SELECT f, host FROM m LIMIT 5 OFFSET {}", page * 5);
        let (head, parts) = parts(&points, &text).await.expect("an answer");
        seen += &json(head, &parts, Times::default());
    }
    for host in 0..40 {
        let cell = format!(r#","{host:02}"]"#);
        assert_eq!(seen.matches(&cell).count(), 1, "{host} in {seen}");
    }
}

/// From a bug: a plan was as deep as a list of conditions or sources is long, and the stack ended with
/// the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_conditions_and_sources_may_be_long() {
    let points = Points::of("m,host=a f=1 1\nm,host=b f=2 2\nm f=3 3");
    let list = |part: &dyn Fn(usize) -> String, join: &str| {
        let parts: Vec<String> = (0..3000).map(part).collect();
        parts.join(join)
    };
    let one = |n: usize| {
        if n == 7 {
            "'a'".to_owned()
        } else {
            format!("'x{n}'")
        }
    };
    for (condition, count) in [
        (list(&|n| format!("f = {n}"), " OR "), 3),
        (list(&|n| format!("f != {n}.5"), " AND "), 3),
        (list(&|n| format!("host = {}", one(n)), " OR "), 1),
        (list(&|n| format!("host != {}", one(n)), " AND "), 2),
        (
            list(&|n| format!("(host = {} AND f > 0)", one(n)), " OR "),
            1,
        ),
    ] {
        let text = format!("SELECT count(f) FROM m WHERE {condition}");
        let (head, parts) = parts(&points, &text).await.expect("an answer");
        let body = json(head, &parts, Times::default());
        let counted = format!(r#"[["1970-01-01T00:00:00Z",{count}]]"#);
        assert!(body.contains(&counted), "{}: {body}", &text[..80]);
    }
    let text = format!("SELECT count(f) FROM {}", vec!["m"; 300].join(","));
    let (head, parts) = parts(&points, &text).await.expect("an answer");
    let body = json(head, &parts, Times::default());
    assert!(body.contains(r#"[["1970-01-01T00:00:00Z",900]]"#), "{body}");
}

/// From a review: points without a tag were two groups, one of the measurement and one of the subquery.
#[tokio::test]
async fn a_subquery_beside_a_measurement_shares_its_groups() {
    let points = Points::of(
        "m,site=a t=1 1000000000\nm,site=a t=2 2000000000\nm t=3 3000000000\nm t=4 4000000000\n\
         m,site=b t=5 3000000000",
    );
    let epoch = Times::Epoch(Unit::of_epoch("s"));
    let by_site = |none: &str, a: &str, b: &str| {
        let values = [("", none), ("a", a), ("b", b)];
        values.map(|(site, values)| (format!(r#""tags":{{"site":"{site}"}}"#), values.to_owned()))
    };
    let by_nope = |values: &str| vec![(r#""tags":{"nope":""}"#.to_owned(), values.to_owned())];
    let counts = by_site("[0,4]", "[0,4]", "[0,2]");
    let raw = by_site(
        "[3,3],[3,3],[4,4],[4,4]",
        "[1,1],[1,1],[2,2],[2,2]",
        "[3,5],[3,5]",
    );
    for (text, series) in [
        (
            "SELECT count(t) FROM (SELECT t FROM m), m GROUP BY site",
            counts.to_vec(),
        ),
        (
            "SELECT count(t) FROM m, (SELECT t FROM m) GROUP BY site",
            counts.to_vec(),
        ),
        (
            "SELECT count(t) FROM (SELECT t FROM m), m GROUP BY *",
            counts.to_vec(),
        ),
        (
            "SELECT count(t) FROM (SELECT t FROM m), m WHERE time < 60s GROUP BY time(1m), site fill(none)",
            counts.to_vec(),
        ),
        (
            "SELECT median(t) FROM (SELECT t FROM m), m GROUP BY site",
            by_site("[0,3.5]", "[0,1.5]", "[0,5]").to_vec(),
        ),
        (
            "SELECT count(t) FROM (SELECT t FROM m), m GROUP BY nope",
            by_nope("[0,10]"),
        ),
        (
            "SELECT t FROM (SELECT t FROM m), m GROUP BY site",
            raw.to_vec(),
        ),
        (
            "SELECT t FROM m, (SELECT t FROM m) GROUP BY site",
            raw.to_vec(),
        ),
    ] {
        let (head, parts) = parts(&points, text).await.expect(text);
        let body = json(head, &parts, epoch);
        let mut rest = &*body;
        for (tags, values) in &series {
            let place = rest.find(tags.as_str());
            rest = &rest[place.unwrap_or_else(|| panic!("{text}: no {tags} in {body}"))..];
            let values = format!(r#""values":[{values}]}}"#);
            let own = rest.split_once("]]").map(|(own, _)| format!("{own}]]}}"));
            assert!(
                own.is_some_and(|own| own.ends_with(&values)),
                "{text}: {values} in {body}"
            );
        }
        assert_eq!(
            body.matches(r#""values""#).count(),
            series.len(),
            "{text}: {body}"
        );
    }
}

/// From a bug: a few KiB of wildcards and patterns took GiB.
#[tokio::test]
async fn what_a_short_text_stands_for_is_bounded() {
    let points = Points::of("m,host=a f=1,g=1 1\nn f=2 2");
    for (text, told) in [
        (
            format!("SELECT {} FROM m", vec!["*"; 9000].join(",")),
            "20000 columns",
        ),
        (
            format!("SELECT {} FROM m", vec!["mean(*)"; 11000].join(",")),
            "20000 columns",
        ),
        (
            format!("SELECT f FROM {}", vec!["/m|n/"; 6000].join(",")),
            "10000 measurements",
        ),
    ] {
        let refused = parts(&points, &text).await.expect_err(told);
        assert!(refused.contains(told), "{refused}");
    }
}

/// From a bug: windows that an offset leaves out were walked over without an end, and nothing could end
/// the statement.
#[tokio::test]
async fn windows_without_number_are_passed_over_until_the_time_is_over() {
    let points = Points::of("m f=1 1700000000000000000\nm f=2 1700000001000000000");
    let limits = crate::Limits {
        timeout: Some((std::time::Duration::from_millis(200), "too late".to_owned())),
        ..limits()
    };
    let engine = QueryEngine::new(limits).expect("an engine");
    for text in [
        "SELECT mean(f) FROM m WHERE time > 0 GROUP BY time(1ns) OFFSET 4000000000000000000",
        "SELECT non_negative_difference(sum(f)) FROM m WHERE time > 0 GROUP BY time(1ns) fill(-1) \
         OFFSET 4000000000000000000",
    ] {
        let tree = statement(text);
        let begun = engine.influxql(
            asker(),
            Arc::new(points.clone()),
            &tree,
            engine.request(NOW_NS),
        );
        // On a busy machine the time may be over before it has begun.
        let refused = match begun.await {
            Ok(mut running) => running.next_part().await.expect_err(text),
            Err(late) => late,
        };
        assert_eq!(refused.to_string(), "too late");
    }
}

/// From a review: a thousand statements of one request ran three times as long as a question may.
#[tokio::test]
async fn the_statements_of_a_request_have_the_time_of_one_question() {
    let points = Points::of("m,host=a f=1 1");
    let patience = std::time::Duration::from_millis(1);
    let limits = crate::Limits {
        timeout: Some((patience, "too late".to_owned())),
        ..limits()
    };
    let engine = QueryEngine::new(limits).expect("an engine");
    let request = engine.request(NOW_NS);
    std::thread::sleep(patience);
    let tree = statement("SELECT f FROM m");
    let refused = engine.influxql(asker(), Arc::new(points), &tree, request);
    let refused = refused.await.expect_err("the time of the request is over");
    assert_eq!(refused.to_string(), "too late");
}

/// From a bug: plans held the session that held them, and with it the database and its place.
#[tokio::test]
async fn a_statement_over_a_subquery_gives_back_its_database() {
    let points = Arc::new(Points::of("m,host=a f=1 1\nm,host=b f=2 2"));
    let engine = QueryEngine::new(limits()).expect("an engine");
    for text in [
        "SELECT mean(x) FROM (SELECT f AS x FROM m)",
        "EXPLAIN ANALYZE SELECT x FROM (SELECT f AS x FROM m)",
    ] {
        let databases = Arc::new(Same(Arc::clone(&points)));
        let tree = statement(text);
        let begun = engine.influxql(asker(), databases, &tree, engine.request(NOW_NS));
        let mut running = begun.await.expect("begun");
        while running.next_part().await.expect("a part").is_some() {}
        drop(running);
        let over = async {
            while Arc::strong_count(&points) > 1 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        let over = tokio::time::timeout(std::time::Duration::from_secs(60), over).await;
        over.unwrap_or_else(|_| panic!("{text}: the database is held"));
    }
}

/// To deal the rows of one stream to several threads takes longer than what is done with them.
#[tokio::test]
async fn rows_of_a_subquery_are_not_dealt_to_partitions() {
    let points = Points::of("m,host=a f=1 1\nm,host=b f=2 2");
    let text = "EXPLAIN SELECT sum(x) FROM (SELECT mean(f) AS x FROM m GROUP BY host) \
                WHERE x > 0 GROUP BY time(1s)";
    let (head, parts) = parts(&points, text).await.expect("explained");
    let plan = json(head, &parts, Times::default());
    assert!(plan.contains("AggregateExec: mode=Single"), "{plan}");
    for absent in ["RepartitionExec", "mode=Partial", "SortPreservingMergeExec"] {
        assert!(!plan.contains(absent), "{absent}: {plan}");
    }
}

/// Clients of InfluxDB 3 tell tags from fields by it.
#[tokio::test]
async fn the_head_says_which_columns_are_those_of_a_table() {
    use crate::ColumnKind::{Field, Tag};
    let points = Points::of("m,host=a f=1,s=\"x\" 1\nm,host=b f=2 2");
    for (text, kinds) in [
        (
            "SELECT f, host, f * 2, s FROM m",
            &[Some(Field), Some(Tag), None, Some(Field)][..],
        ),
        (
            "SELECT max(f), host, s FROM m",
            &[None, Some(Tag), Some(Field)],
        ),
        ("SELECT top(f, host, 1) FROM m", &[None, Some(Tag)]),
        (
            "SELECT x, host FROM (SELECT f * 2 AS x, host FROM m)",
            &[None, Some(Tag)],
        ),
        ("SHOW TAG KEYS", &[]),
    ] {
        let (head, parts) = parts(&points, text).await.expect(text);
        assert!(!parts.is_empty(), "{text}");
        assert_eq!(*head.kinds, *kinds, "{text}");
    }
}

/// From a bug: a statement whose reader had stopped was shown as running after its time was over.
#[tokio::test]
async fn a_statement_whose_reader_has_stopped_is_recorded_as_ended_at_its_time() {
    let lines = (0..10_000).map(|host| format!("m,host={host} f=1 1\n"));
    let points = Points::of(&lines.collect::<String>());
    let limits = crate::Limits {
        timeout: Some((std::time::Duration::from_secs(2), "too late".to_owned())),
        ..limits()
    };
    let engine = crate::tests::records::watched(QueryEngine::new(limits).expect("an engine"));
    let tree = statement("SELECT f FROM m GROUP BY host");
    let begun = engine.influxql(
        asker(),
        Arc::new(points.clone()),
        &tree,
        engine.request(NOW_NS),
    );
    let mut running = begun.await.expect("begun");
    let first = running.next_part().await.expect("a part");
    assert!(first.is_some() && engine.running(&asker()).len() == 1);
    let over = async {
        while !engine.running(&asker()).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let over = tokio::time::timeout(std::time::Duration::from_secs(60), over).await;
    over.expect("it is shown as running");
    // Of what was made ahead nothing is lost, and then it says why.
    let refused = loop {
        match running.next_part().await {
            Ok(part) => assert!(part.is_some(), "an end"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.to_string(), "too late");
}

/// One database, whatever its name.
#[derive(Debug)]
struct Same(Arc<Points>);

impl Databases for Same {
    fn database<'a>(
        &'a self,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        let database = Arc::clone(&self.0);
        Box::pin(async move { Ok(database as Arc<dyn Database>) })
    }
}

/// What the model answers.
fn modelled(points: &Points, text: &str) -> Result<Vec<SeriesPart>, String> {
    let Tree::Select(select) = statement(text) else {
        panic!("no SELECT: {text}");
    };
    let select: ast::Select = *select;
    let analysed = analyse(&select, NOW_NS, points).map_err(|error| error.to_string())?;
    Ok(model::run(&analysed, false, points))
}

/// Numbers of both that differ in their last digits are the same.
fn assert_alike(text: &str, ours: &str, models: &str) {
    let split =
        |body: &str| -> Vec<String> { body.split([',', '[', ']']).map(str::to_owned).collect() };
    let (ours_cells, models_cells) = (split(ours), split(models));
    let alike = ours_cells.len() == models_cells.len()
        && ours_cells.iter().zip(&models_cells).all(|(ours, models)| {
            ours == models
                || match (ours.parse::<f64>(), models.parse::<f64>()) {
                    (Ok(ours), Ok(models)) => (ours - models).abs() <= 1e-9 * models.abs().max(1.0),
                    _ => false,
                }
        });
    assert!(alike, "{text}\n ours {ours}\nmodel {models}");
}

async fn compare(rounds: std::ops::Range<u64>) {
    let epoch = Times::Epoch(Unit::of_epoch("ns"));
    let (mut answered, mut asked) = (0, 0);
    for seed in rounds {
        let points = Points::of(&world::random(seed));
        let mut random = random::Random(seed ^ 0x5eed);
        for _ in 0..40 {
            let text = random.select();
            asked += 1;
            let ours = parts(&points, &text).await;
            let models = modelled(&points, &text);
            match (ours, models) {
                (Ok((head, ours)), Ok(models)) => {
                    answered += usize::from(!ours.is_empty());
                    let models = json(head.clone(), &models, epoch);
                    assert_alike(&text, &json(head, &ours, epoch), &models);
                }
                (Err(ours), Err(models)) => assert_eq!(ours, models, "{text}"),
                (ours, models) => {
                    panic!(
                        "{seed} {text}\n ours {:?}\nmodel {models:?}",
                        ours.map(|(_, parts)| parts)
                    );
                }
            }
        }
    }
    assert!(answered * 4 > asked * 3, "{answered} of {asked} have rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_statements_are_answered_as_a_plain_model_answers_them() {
    compare(1..11).await;
}

/// The same for longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn many_random_statements_are_answered_as_a_plain_model_answers_them() {
    compare(100..400).await;
}
