//! Writers, flushes, compactions, deletions of buckets, and questions, all at once.
//!
//! Each writer counts in a series of its own and in the one field of a point that it writes again
//! and again. An answer must hold all that was acknowledged before the question was sent, and
//! nothing that was not sent before the answer came.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tidegate_query::{DatabaseError, QueryError};
use tokio::task::JoinSet;

use super::world::{NOW_NS, Row, World};
use crate::catalog::Bucket;

const DAY_NS: i64 = 86_400_000_000_000;

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// Questions about the series: table, host, number and time of each point.
const QUESTIONS: [&str; 6] = [
    "SELECT 'm', host, seq, time FROM m WHERE seq IS NOT NULL",
    "SELECT 'o', host, seq, time FROM o ORDER BY seq DESC",
    "SELECT 'm', host, seq, time FROM m WHERE seq > 0 UNION ALL SELECT 'o', host, seq, time FROM o",
    "SELECT 'o', host, seq, max(time) FROM o WHERE time >= '2023-11-14' GROUP BY host, seq",
    "SELECT 'm', a.host, a.seq, b.time FROM m a JOIN m b ON a.host = b.host AND a.seq = b.seq",
    "SELECT 'o', o.host, o.seq, o.time FROM o WHERE NOT EXISTS \
     (SELECT 1 FROM m WHERE m.host = o.host AND m.counter < 0)",
];

/// The counters: the last one is written over the one before it.
const COUNTERS: [&str; 3] = [
    "SELECT host, counter FROM m WHERE kind = 'c'",
    "SELECT host, max(counter) FROM m GROUP BY host",
    "SELECT host, sum(counter) FROM m WHERE counter > 0 GROUP BY host",
];

/// How far a series is.
#[derive(Debug, Default)]
struct Series {
    sent: AtomicI64,
    acknowledged: AtomicI64,
}

impl Series {
    /// Writes a number, which is acknowledged when it returns.
    async fn write(&self, number: i64, write: impl Future<Output = ()>) {
        self.sent.store(number, Ordering::SeqCst);
        write.await;
        self.acknowledged.store(number, Ordering::SeqCst);
    }

    fn check(&self, at_least: i64, found: i64, at: &str) {
        let at_most = self.sent.load(Ordering::SeqCst);
        assert!(
            (at_least..=at_most).contains(&found),
            "{found} is not in {at_least}..={at_most}: {at}"
        );
    }
}

/// The first one is the latest, and days differ.
fn time_ns(number: i64) -> i64 {
    NOW_NS + number % 3 * DAY_NS - number
}

struct Place {
    world: World,
    series: [Series; 3],
    writers: AtomicI64,
    /// The bucket that is deleted next.
    doomed: Mutex<Option<Arc<Doomed>>>,
}

struct Doomed {
    bucket: Arc<Bucket>,
    generation: i64,
    series: Series,
}

impl Place {
    fn goes_on(&self) -> bool {
        self.writers.load(Ordering::SeqCst) > 0
    }

    async fn write(&self, place: usize, number: i64) {
        let (host, time_ns) = (HOSTS[place], time_ns(number));
        let lines = format!(
            "m,host={host} seq={number}i {time_ns}\n\
             m,host={host},kind=c counter={number}i,f{}=1 {NOW_NS}\n\
             o,host={host} seq={number}i {time_ns}",
            number % 5
        );
        let written = self.world.write(&lines);
        self.series[place].write(number, written).await;
    }

    fn acknowledged(&self) -> [i64; 3] {
        self.series
            .each_ref()
            .map(|series| series.acknowledged.load(Ordering::SeqCst))
    }

    async fn ask_for_series(&self, text: &str) {
        let at_least = self.acknowledged();
        let (_, rows) = self.answered(text).await;
        for name in ["m", "o"]
            .iter()
            .filter(|name| text.contains(&format!("'{name}'")))
        {
            for (place, host) in HOSTS.iter().enumerate() {
                let of_series =
                    |row: &&Row| row[..2] == [Some((*name).to_owned()), Some((*host).to_owned())];
                let found = prefix(rows.iter().filter(of_series), text);
                self.series[place].check(at_least[place], found, text);
            }
        }
    }

    /// Asks until there is memory for it.
    async fn answered(&self, text: &str) -> (Vec<String>, Vec<Row>) {
        loop {
            match self.world.ask(text).await {
                Err(error) if is_of_memory(&error) => tokio::task::yield_now().await,
                answer => return answer.expect("answered"),
            }
        }
    }

    async fn ask_for_counters(&self, text: &str) {
        let at_least = self.acknowledged();
        let (_, rows) = self.answered(text).await;
        assert_eq!(rows.len(), HOSTS.len(), "{text}");
        let found: BTreeMap<String, i64> = rows
            .iter()
            .map(|row| (row[0].clone().unwrap(), number(&row[1])))
            .collect();
        for (place, host) in HOSTS.iter().enumerate() {
            self.series[place].check(at_least[place], found[*host], text);
        }
    }

    /// Asks two numbers of one table, which are looked at together.
    async fn ask_twice(&self) {
        let text = "SELECT (SELECT count(*) FROM m), (SELECT count(time) FROM m WHERE time > '2020-01-01')";
        let (_, rows) = self.answered(text).await;
        assert_eq!(rows[0][0], rows[0][1], "{text}");
    }

    async fn ask_doomed(&self) {
        let doomed = self.doomed.lock().unwrap().clone();
        let Some(doomed) = doomed else {
            return tokio::task::yield_now().await;
        };
        let at_least = doomed.series.acknowledged.load(Ordering::SeqCst);
        let text = "SELECT generation, seq FROM d WHERE seq >= 0 ORDER BY seq";
        match self.world.ask_of(&doomed.bucket, text).await {
            Ok((_, rows)) => {
                let generation = Some(doomed.generation.to_string());
                assert!(rows.iter().all(|row| row[0] == generation), "{rows:?}");
                let found: Vec<i64> = rows.iter().map(|row| number(&row[1])).collect();
                let last = i64::try_from(found.len()).unwrap();
                assert_eq!(found, (1..=last).collect::<Vec<_>>());
                doomed.series.check(at_least, last, text);
            }
            Err(error) if is_of_memory(&error) => {}
            Err(error) => {
                assert!(
                    matches!(error, QueryError::Database(DatabaseError::Gone(_))),
                    "{error}"
                );
                let catalog = &self.world.engine.catalog;
                assert!(catalog.bucket(doomed.bucket.id).is_none(), "{error}");
            }
        }
    }

    /// Creates a bucket, always of one name, and deletes it with its points.
    async fn doom(&self, generation: i64) {
        let engine = &self.world.engine;
        let bucket = engine.catalog.create_new_bucket("doomed", None);
        let doomed = Arc::new(Doomed {
            bucket: bucket.expect("created"),
            generation,
            series: Series::default(),
        });
        for number in 1..=6 {
            let line = format!(
                "d,generation={generation} seq={number}i {}",
                time_ns(number)
            );
            let written = self.world.write_to(&doomed.bucket, &line);
            doomed.series.write(number, written).await;
            *self.doomed.lock().unwrap() = Some(Arc::clone(&doomed));
            if number == generation % 6 {
                self.world.flush_of(&doomed.bucket, "d").await;
            }
        }
        engine
            .ingest
            .delete_bucket(doomed.bucket.id)
            .expect("deleted");
    }
}

/// Returns true for what a question may get here, and a write never: all of these tasks share one budget.
fn is_of_memory(error: &QueryError) -> bool {
    matches!(
        error,
        QueryError::Exhausted(_)
            | QueryError::Crowded(_)
            | QueryError::Database(DatabaseError::Exhausted(_))
    )
}

fn number(cell: &Option<String>) -> i64 {
    cell.as_ref().unwrap().parse().unwrap()
}

/// The last number of a series, all of whose numbers must be there once, at their times.
fn prefix<'a>(rows: impl Iterator<Item = &'a Row>, text: &str) -> i64 {
    let mut numbers: Vec<i64> = Vec::new();
    for row in rows {
        let number = number(&row[2]);
        assert_eq!(row[3], Some(time_ns(number).to_string()), "{text}");
        numbers.push(number);
    }
    numbers.sort_unstable();
    let last = i64::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{text}");
    last
}

fn spawn_writers(tasks: &mut JoinSet<()>, place: &Arc<Place>, writes: i64) {
    for writer in 0..HOSTS.len() {
        let place = Arc::clone(place);
        tasks.spawn(async move {
            let _done = Done(Arc::clone(&place));
            for number in 2..=writes {
                place.write(writer, number).await;
            }
        });
    }
}

/// A writer that has ended, or failed.
struct Done(Arc<Place>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::SeqCst);
    }
}

fn spawn_movers(tasks: &mut JoinSet<()>, place: &Arc<Place>) {
    for measurement in ["m", "o"] {
        let flushing = Arc::clone(place);
        tasks.spawn(async move {
            while flushing.goes_on() {
                let world = &flushing.world;
                world.flush_of(&world.bucket, measurement).await;
                tokio::task::yield_now().await;
            }
        });
        let compacting = Arc::clone(place);
        tasks.spawn(async move {
            while compacting.goes_on() {
                compacting.world.join(measurement).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let dooming = Arc::clone(place);
    tasks.spawn(async move {
        let mut generation = 0;
        while dooming.goes_on() {
            generation += 1;
            dooming.doom(generation).await;
        }
    });
}

fn spawn_askers(tasks: &mut JoinSet<()>, place: &Arc<Place>) -> Arc<AtomicI64> {
    let answers = Arc::new(AtomicI64::new(0));
    for asker in 0..3 {
        let (place, answers) = (Arc::clone(place), Arc::clone(&answers));
        tasks.spawn(async move {
            // Once more when all is written.
            let mut is_last = false;
            while !is_last {
                is_last = !place.goes_on();
                match asker {
                    0 => {
                        for text in QUESTIONS {
                            place.ask_for_series(text).await;
                        }
                    }
                    1 => {
                        for text in COUNTERS {
                            place.ask_for_counters(text).await;
                        }
                        place.ask_twice().await;
                    }
                    _ => place.ask_doomed().await,
                }
                answers.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    answers
}

async fn play(writes: i64) {
    let world = World::new(|config| {
        config.buffer.segment_bytes_max = 1 << 14;
    })
    .await;
    let place = Arc::new(Place {
        world,
        series: Default::default(),
        writers: AtomicI64::new(i64::try_from(HOSTS.len()).unwrap()),
        doomed: Mutex::default(),
    });
    for writer in 0..HOSTS.len() {
        place.write(writer, 1).await;
    }
    let mut tasks = JoinSet::new();
    spawn_writers(&mut tasks, &place, writes);
    spawn_movers(&mut tasks, &place);
    let answers = spawn_askers(&mut tasks, &place);
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task fails");
    }
    assert!(answers.load(Ordering::SeqCst) >= 3, "there were answers");
    assert_eq!(place.acknowledged(), [writes; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lies_between_what_was_acknowledged_before_and_what_was_sent_after_it() {
    play(60).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: a long run by hand"]
async fn an_answer_lies_between_both_in_a_long_run() {
    play(3_000).await;
}
