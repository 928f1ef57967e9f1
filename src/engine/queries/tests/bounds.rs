//! What questions may have together: places, memory for files, and the folder for what does not fit.

use std::sync::Arc;
use std::time::Duration;

use tidegate_query::QueryError;
#[cfg(feature = "lake")]
use tidegate_query::{Batches, Piece, Scan};

use super::super::{QueriesError, WAITING_PER_PLACE, disk};
use super::world::{NOW_NS, World};
use crate::clock;
use crate::config::{Config, Sources};
use crate::storage::{FaultStorage, Storage};

/// From a review: the queue had no end.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_refused_at_once_if_the_queue_is_full() {
    let world = World::new(|config| {
        config.query.concurrent_max = 2;
        config.query.wait_timeout = Duration::from_secs(3600);
        config.query.timeout = Duration::ZERO;
    });
    let world = world.await;
    let queries = &world.engine.queries;
    let held = (
        queries.sql(&world.bucket, "SELECT 1").await,
        queries.sql(&world.bucket, "SELECT 1").await,
    );
    let mut waiting = Vec::new();
    for _ in 0..2 * WAITING_PER_PLACE {
        let mut question = Box::pin(queries.sql(&world.bucket, "SELECT 1"));
        assert!(futures_util::poll!(question.as_mut()).is_pending());
        waiting.push(question);
    }
    let refused = queries.sql(&world.bucket, "SELECT 1").await;
    let refused = refused.expect_err("the queue is full");
    assert!(matches!(refused, QueryError::Crowded(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("query.concurrent_max"),
        "{refused}"
    );
    assert_eq!(queries.waiting(), 2 * WAITING_PER_PLACE, "it has left");
    drop(held);
    waiting.remove(0).await.expect("the first has its turn");
}

/// From a review: a question waited for its turn, and then as long again for memory.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_waited_for_a_place_is_not_waited_again_for_memory() {
    let world = World::new(|config| {
        config.query.wait_timeout = Duration::from_secs(3600);
        config.query.timeout = Duration::ZERO;
    });
    let world = world.await;
    if world.engine.queries.shared.sources.lake.is_none() {
        return;
    }
    let _held = world.budget.force(world.budget.marks().hard_bytes);
    let over = clock::instant();
    let refused = world.engine.queries.floor(over).await;
    let refused = refused.expect_err("its time is over");
    assert!(matches!(refused, QueryError::Crowded(_)), "{refused:?}");
}

/// From a review: the days that were read at once were counted per scan.
#[cfg(feature = "lake")]
#[tokio::test(flavor = "multi_thread")]
async fn days_past_those_that_share_the_memory_of_a_question_take_their_own() {
    use futures_util::StreamExt;

    const DAY_NS: i64 = 86_400_000_000_000;
    let world = World::new(|config| config.query.threads = 1).await;
    let days: Vec<i64> = (0..3).map(|day| NOW_NS - day * DAY_NS).collect();
    for value in 1..3 {
        let lines = days.iter().map(|time| format!("m,host=a v={value} {time}"));
        let lines: Vec<String> = lines.collect();
        world.write(&lines.join("\n")).await;
        if value == 1 {
            world.flush().await;
        }
    }
    let each = world.engine.queries.shared.reading_bytes;
    let scan = Scan {
        columns: vec!["v".to_owned()],
        times: i64::MIN..=i64::MAX,
        tags: Vec::new(),
        newest: None,
    };
    let table = world.table().await;
    let (once, twice) = (
        table.scan(scan.clone()).await.expect("planned"),
        table.scan(scan).await.expect("planned"),
    );
    let mut begun: Vec<Batches> = Vec::new();
    let mut used = vec![world.budget.used_bytes()];
    for piece in once.iter().chain(&twice) {
        let Piece::Merged(merged) = piece else {
            panic!("each point was written twice");
        };
        let mut rows = merged.read();
        rows.next().await.expect("rows").expect("read");
        begun.push(rows);
        used.push(world.budget.used_bytes());
    }
    let grown: Vec<u64> = used.windows(2).map(|used| used[1] - used[0]).collect();
    assert_eq!(grown.len(), 6);
    assert!(
        grown[0] < each,
        "the first has what the question has: {grown:?}"
    );
    // Two small chunks of the one file of each.
    let (least, most) = (2 * (64 << 10), each);
    assert!(
        grown[1..].iter().all(|more| (least..most).contains(more)),
        "{grown:?}"
    );
    drop(begun);
    // The order of what is buffered is kept for the next question.
    let kept = world.budget.used_bytes() - used[0];
    assert!(kept < each, "it is given back: {kept}");
}

/// From a review: the second server emptied the folder of the first.
#[test]
fn a_folder_for_what_does_not_fit_into_memory_has_one_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
    config.query.spill_dir = Some(folder.path().to_owned());
    let storage = Arc::new(FaultStorage::new(1)) as Arc<dyn Storage>;
    let first = disk(&config, &storage).expect("free");
    let file = tidegate_query::Disk::create(&first).expect("made");
    file.append(b"abc").expect("written");
    let refused = disk(&config, &storage).expect_err("the first one has it");
    let refused = QueriesError::of_disk(refused).to_string();
    assert!(refused.contains("query.spill_dir"), "{refused}");
    assert!(!refused.contains("storage.data_dir"), "{refused}");
    let mut read = [0; 3];
    assert_eq!(file.read_at(&mut read, 0).expect("read"), 3);
    drop((file, first));
    disk(&config, &storage).expect("the first one has ended");
}

/// From a review: tags, which are packed, and floats were refused.
#[tokio::test(flavor = "multi_thread")]
async fn distinct_tags_and_floats_are_counted_roughly_too() {
    let world = World::new(|_| {}).await;
    let lines: Vec<String> = (0..300)
        .map(|n| {
            format!(
                "m,host=h{},rack=r{} v={}.25,n={n}i {n}",
                n % 7,
                n % 3,
                n % 11
            )
        })
        .collect();
    world.write(&lines.join("\n")).await;
    let text = "SELECT approx_distinct(host), approx_distinct(v), approx_distinct(n % 5) FROM m";
    let cells = |cells: &[&str]| {
        let cells = cells.iter().map(|cell| Some((*cell).to_owned()));
        cells.collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let (_, rows) = world.ask(text).await.expect("answered");
        assert_eq!(rows, [cells(&["7", "11", "5"])]);
        let grouped = "SELECT rack, approx_distinct(host) FROM m GROUP BY rack ORDER BY rack";
        let (_, rows) = world.ask(grouped).await.expect("answered");
        let expected = ["r0", "r1", "r2"].map(|rack| cells(&[rack, "7"]));
        assert_eq!(rows, expected);
        world.flush().await;
    }
}

/// From a bug: a chain of operators was walked by functions that call themselves until the stack ended,
/// and with it the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_chain_of_operators_is_answered_or_refused() {
    let world = World::new(|_| {}).await;
    world.write(&format!("m v=7 {NOW_NS}")).await;
    let ask = |terms: usize| {
        let terms: Vec<String> = (0..terms).map(|n| format!("v = {n}")).collect();
        format!("SELECT v FROM m WHERE {}", terms.join(" OR "))
    };
    let (_, rows) = world.ask(&ask(1990)).await.expect("answered");
    assert_eq!(rows.len(), 1);
    let refused = world.ask(&ask(2500)).await.expect_err("too long");
    assert!(refused.to_string().contains("operators"), "{refused}");
}

/// From a review: while all threads of questions computed, no timer ran, and who had left was not noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_ends_in_time_though_no_thread_has_time_for_it() {
    let world = World::new(|config| {
        config.query.threads = 1;
        config.query.timeout = Duration::from_millis(50);
        config.query.wait_timeout = Duration::ZERO;
    });
    let world = world.await;
    let queries = &world.engine.queries;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (busy, is_busy) = tokio::sync::oneshot::channel();
    let step = queries.threads().spawn(async move {
        let _ = busy.send(());
        // As a step of a plan that takes long.
        let _ = released.recv();
    });
    is_busy.await.expect("it has the thread");
    let late = queries.sql(&world.bucket, "SELECT 1").await;
    let late = late.expect_err("there is no thread");
    assert!(matches!(late, QueryError::Late(_)), "{late}");
    // All of it on those threads, as the requests of clients are.
    let waiter = queries.waiter();
    let carried_out = async {
        let work = {
            let (queries, bucket) = (queries.clone(), Arc::clone(&world.bucket));
            async move { queries.sql(&bucket, "SELECT 1").await.map(drop) }
        };
        queries.carry_out(work).await?
    };
    let late = waiter.in_time(carried_out).await;
    let late = late.expect_err("there is no thread");
    assert!(matches!(late, QueryError::Late(_)), "{late}");
    release.send(()).expect("the step waits");
    step.await.expect("done");
    let left = async {
        while queries.running() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(30), left).await;
    left.expect("nothing is left of them");
}
