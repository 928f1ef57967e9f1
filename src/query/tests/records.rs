//! What is recorded of questions, and who sees it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use datafusion::arrow::util::pretty::pretty_format_batches;

use super::ask::of;
use super::points::{Point, Points};
use crate::{
    Asker, Database, Outcome, Parameters, QueryEngine, QueryError, Record, ScalarValue, Watch,
};

/// Clocks that move on by a second each time they are read, and all that has ended.
#[derive(Debug)]
struct Watcher {
    start: Instant,
    reads: AtomicU64,
    ended: Mutex<Vec<Record>>,
}

impl Watcher {
    #[allow(
        clippy::disallowed_methods,
        reason = "any instant will do to begin with"
    )]
    fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            reads: AtomicU64::new(0),
            ended: Mutex::default(),
        })
    }

    fn ended(&self) -> Vec<Record> {
        self.ended.lock().expect("no panic").clone()
    }
}

impl Watch for Watcher {
    fn now_ns(&self) -> i64 {
        1_704_067_200_000_000_000
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_secs(self.reads.fetch_add(1, Ordering::Relaxed))
    }

    fn ended(&self, record: &Record) {
        self.ended.lock().expect("no panic").push(record.clone());
    }
}

fn asker(token: &str, sees_all: bool) -> Asker {
    Asker {
        token: Some(token.to_owned()),
        description: format!("token of {token}"),
        sees_all,
        bucket: "b".to_owned(),
        protocol: "http",
        presence: crate::Presence::default(),
        columns_only: false,
    }
}

fn database() -> Arc<Points> {
    of((0..5).map(|time_ns| Point::new("m", &[("host", "a")], time_ns, &[("v", 1.0)])))
}

fn engine(watch: &Arc<Watcher>) -> QueryEngine {
    let engine = QueryEngine::new(super::limits()).expect("an engine");
    engine.watched_by(Arc::clone(watch) as _)
}

/// The engine with records.
pub(crate) fn watched(engine: QueryEngine) -> QueryEngine {
    engine.watched_by(Watcher::new())
}

/// The rows of a question that is recorded.
pub(super) async fn asked(engine: &QueryEngine, text: &str) -> Result<Vec<String>, QueryError> {
    ask(engine, asker("x", false), text, Parameters::none()).await
}

async fn ask(
    engine: &QueryEngine,
    asker: Asker,
    text: &str,
    values: Parameters,
) -> Result<Vec<String>, QueryError> {
    let database = database() as Arc<dyn Database>;
    let question = engine.ask(asker, text, async { Ok(database) }).await?;
    let mut answer = question.run(values).await?;
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        batches.push(batch);
    }
    let table = pretty_format_batches(&batches)
        .expect("it prints")
        .to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = lines.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.collect::<Vec<_>>().join(",")
    });
    Ok(cells.collect())
}

#[tokio::test]
async fn a_question_is_recorded_with_its_time_rows_bytes_and_memory() {
    let watch = Watcher::new();
    let engine = engine(&watch);
    let text = "SELECT host, max(v) FROM m WHERE host = 'a' GROUP BY host ORDER BY host";
    ask(&engine, asker("x", false), text, Parameters::none())
        .await
        .expect("asked");
    let [record] = &watch.ended()[..] else {
        panic!("one record");
    };
    assert_eq!((record.outcome, record.rows), (Outcome::Done, 1));
    assert_eq!(record.text, text);
    assert!(
        record.masked.contains("host = ? GROUP"),
        "{}",
        record.masked
    );
    assert!(
        record.bytes > 8 && record.memory_bytes_max > 0,
        "{record:?}"
    );
    assert!(record.waited >= Duration::from_secs(1), "{record:?}");
    assert!(record.lasted > record.waited + record.planned, "{record:?}");
    assert_eq!(
        (record.files_read, record.files_pruned),
        (None, None),
        "no files"
    );
    assert_eq!(engine.memory_used_bytes(), 0, "it was given back");
    let columns = "time, token, bucket, protocol, text, outcome, rows, files_read";
    let shown = format!("SELECT {columns} FROM system.queries WHERE outcome = 'done'");
    let row = format!("2024-01-01T00:00:00,token of x,b,http,{text},done,1,");
    let rows = ask(&engine, asker("x", false), &shown, Parameters::none()).await;
    assert_eq!(rows.expect("shown"), [row]);
}

#[tokio::test]
async fn a_question_ends_once_with_the_reason_for_which_it_did() {
    let watch = Watcher::new();
    let engine = engine(&watch);
    let outcomes = || watch.ended().iter().map(|r| r.outcome).collect::<Vec<_>>();
    for text in [
        "SELEC",
        "DROP TABLE m",
        "SELECT nope FROM m",
        "SELECT $p",
        "SELECT 1/0",
    ] {
        let error = ask(&engine, asker("x", false), text, Parameters::none()).await;
        error.expect_err(text);
    }
    assert_eq!(outcomes(), [Outcome::Invalid; 5]);
    let refused = async { Err(QueryError::Exhausted("full".to_owned())) };
    let error = engine.ask(asker("x", false), "SELECT 1", refused).await;
    error.expect_err("no place");
    assert_eq!(outcomes()[5..], [Outcome::Exhausted]);
    let database = || async { Ok(database() as Arc<dyn Database>) };
    let question = engine
        .ask(asker("x", false), "SELECT * FROM m", database())
        .await;
    drop(question.expect("planned"));
    assert_eq!(
        outcomes().len(),
        6,
        "it was planned for its columns and never run"
    );
    let question = engine
        .ask(asker("x", false), "SELECT * FROM m", database())
        .await;
    let answer = question.expect("planned").run(Parameters::none()).await;
    drop(answer.expect("begun"));
    assert_eq!(outcomes()[6..], [Outcome::Cancelled]);
    let waiting = engine.ask(asker("x", false), "SELECT 1", std::future::pending());
    let waited = tokio::time::timeout(Duration::from_millis(1), waiting).await;
    waited.expect_err("it waits for its turn");
    assert_eq!(outcomes()[7..], [Outcome::Cancelled]);
    let waiter = engine.waiter(Duration::ZERO);
    let gone = Asker {
        presence: waiter.presence(),
        ..asker("x", false)
    };
    drop(waiter);
    let left = engine.ask(gone, "SELECT 1", database()).await;
    left.expect_err("its client has left");
    assert_eq!(outcomes()[8..], [Outcome::Cancelled], "and it was not late");
    // Who waits is late before the question is, which it then gives up.
    let waiter = engine.waiter(Duration::ZERO);
    let waits = Asker {
        presence: waiter.presence(),
        ..asker("x", false)
    };
    let mut waiting = Box::pin(engine.ask(waits, "SELECT 1", std::future::pending()));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    let now = (super::limits().instant)();
    waiter.presence().is_late_at(Some((now, "too late".into())));
    let late = waiter.in_time(async { waiting.await.map(drop) }).await;
    late.expect_err("too late");
    assert_eq!(outcomes()[9..], [Outcome::Late]);
    let shown = "SELECT outcome, text FROM system.queries WHERE outcome = 'running'";
    let rows = ask(&engine, asker("x", false), shown, Parameters::none()).await;
    assert_eq!(
        rows.expect("shown"),
        [format!("running,{shown}")],
        "none is left behind"
    );
}

#[tokio::test]
async fn a_sender_sees_its_own_questions_and_an_operator_all_without_their_literals() {
    let watch = Watcher::new();
    let engine = engine(&watch);
    let secret = "SELECT v FROM m WHERE host = 'hunter2' OR host = $p -- hunter2";
    let values = [(
        "p".to_owned(),
        ScalarValue::Utf8(Some("swordfish".to_owned())),
    )];
    let values = Parameters::Named(values.into());
    ask(&engine, asker("x", false), secret, values)
        .await
        .expect("asked");
    let shown = "SELECT text FROM system.queries WHERE outcome = 'done' ORDER BY time";
    let see = async |asker| {
        let rows = ask(&engine, asker, shown, Parameters::none()).await;
        rows.expect("shown").concat()
    };
    assert!(
        see(asker("x", false))
            .await
            .contains("'hunter2' OR host = $p")
    );
    assert_eq!(see(asker("y", false)).await, "", "of another sender");
    let nameless = Asker {
        token: None,
        ..asker("", false)
    };
    assert_eq!(see(nameless).await, "", "of a sender without a name");
    let all = see(asker("z", true)).await;
    assert!(all.contains("host = ? OR host = $p"), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
    for seen in [see(asker("x", true)).await, all] {
        assert!(
            !seen.contains("swordfish"),
            "values are never recorded: {seen}"
        );
    }
}

#[tokio::test]
async fn only_the_last_questions_are_kept() {
    let watch = Watcher::new();
    let engine = engine(&watch);
    for number in 0..520 {
        let text = format!("SELEC {number}");
        let error = ask(&engine, asker("x", false), &text, Parameters::none()).await;
        error.expect_err("wrong");
    }
    let shown = "SELECT count(*), bool_or(text = 'SELEC 0'), bool_or(text = 'SELEC 519') \
                 FROM system.queries";
    let rows = ask(&engine, asker("x", false), shown, Parameters::none()).await;
    assert_eq!(
        rows.expect("shown"),
        ["501,false,true"],
        "and the one that asks"
    );
}
