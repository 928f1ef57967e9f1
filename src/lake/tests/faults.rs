//! Several nodes on a store whose calls fail, are done unheard, or are done twice; and nodes that end
//! and start again. What counts is what the table's log says was committed, in its order.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::Value;

use super::cluster::{Node, TABLE, Values};
use super::random::{NOW_NS, Random};
use super::world::{cases, options};
use crate::clock::Clock;
use crate::lake::options::JoinLimits;
use crate::lake::{Options, Upkeep};
use crate::telemetry::UpkeepCounts;

/// Cases of every run of the tests.
const FEW: u64 = 100;

/// Cases of a long run, unless [`cases`] says otherwise.
const MANY: u64 = 5_000;

struct Nodes {
    nodes: Vec<Arc<Node>>,
    store: Arc<InMemory>,
    options: Options,
    joins: JoinLimits,
    clock: Clock,
}

impl Nodes {
    async fn new(random: &mut Random) -> Self {
        let mut new = Self {
            nodes: Vec::new(),
            store: Arc::new(InMemory::new()),
            options: Options {
                compact_files_min: random.of(&[2, 3]),
                file_bytes_max: random.of(&[1, 2000, 1 << 20]),
                checkpoint_every: random.of(&[3, u64::MAX]),
                shared: true,
                ..options()
            },
            joins: JoinLimits {
                runs_max: random.of(&[2, 64]),
                file_rows_max: random.of(&[16, usize::MAX]),
            },
            clock: Clock::manual(NOW_NS),
        };
        for number in 0..random.of(&[1, 2, 2, 3]) {
            let (store, options) = (Arc::clone(&new.store), new.options.clone());
            let node = Node::open(number, store, options, new.joins, &new.clock).await;
            new.nodes.push(Arc::new(node));
        }
        new
    }

    /// A node loses everything that is not durable, and starts again.
    async fn restart(&mut self, number: usize) {
        let old = Arc::clone(&self.nodes[number]);
        let gate = Arc::clone(&old.gate);
        let seed = gate.faults.begin(0, 0);
        *gate.meanwhile.lock().expect("lock") = None;
        let (storage, options) = (old.storage.crash(), self.options.clone());
        let id = number as u64 + 1;
        let node = Node::start(id, storage, gate, options, self.joins, &self.clock).await;
        node.replay(old.log.lock().expect("lock").clone());
        node.gate.faults.begin(seed, FAULTS);
        self.nodes[number] = Arc::new(node);
    }

    /// Another node comes between, now and then.
    fn interrupt(&self, random: &mut Random, number: usize) {
        if self.nodes.len() < 2 || random.below(2) == 0 {
            return;
        }
        let other = (number + 1 + random.index(self.nodes.len() - 1)) % self.nodes.len();
        let other = Arc::clone(&self.nodes[other]);
        let cells = random.cells();
        let joins = random.below(2) == 0;
        self.nodes[number].meanwhile(async move {
            other.write(cells);
            let _ = other.lake.flush_table(&other.bucket, TABLE).await;
            if joins {
                let _ = other
                    .lake
                    .upkeep(&other.bucket, TABLE, Upkeep::Compact)
                    .await;
            }
        });
    }

    async fn step(&mut self, random: &mut Random) {
        let number = random.index(self.nodes.len());
        let node = Arc::clone(&self.nodes[number]);
        match random.below(20) {
            0..8 => node.write(random.cells()),
            8..14 => {
                self.interrupt(random, number);
                let _ = node.lake.flush_table(&node.bucket, TABLE).await;
            }
            14..17 => {
                self.interrupt(random, number);
                let what = random.of(&[Upkeep::Routine, Upkeep::Compact]);
                let _ = node.lake.upkeep(&node.bucket, TABLE, what).await;
            }
            17 => node.reload(),
            18 => node.lake.shared.positions.write().expect("written"),
            _ => self.restart(number).await,
        }
        *node.gate.meanwhile.lock().expect("lock") = None;
    }

    /// The values that the table must hold according to its log: for each node the frames that its
    /// transactions cover, in the order of the commits.
    async fn expected(&self) -> Values {
        let mut values = Values::new();
        let mut done = vec![0; self.nodes.len()];
        let prefix = Path::from(format!("b/{TABLE}/_delta_log"));
        let listed = self.store.list_with_delimiter(Some(&prefix)).await;
        let mut commits = listed.expect("listed").objects;
        commits.retain(|meta| is_commit(&meta.location));
        commits.sort_by(|a, b| a.location.cmp(&b.location));
        for meta in commits {
            let found = self.store.get(&meta.location).await.expect("there");
            let text = found.bytes().await.expect("read");
            for line in std::str::from_utf8(&text).expect("text").lines() {
                let action: Value = serde_json::from_str(line).expect("JSON");
                self.take(&action, &mut done, &mut values);
            }
        }
        let logs = self
            .nodes
            .iter()
            .map(|node| node.log.lock().expect("lock").len());
        assert_eq!(done, logs.collect::<Vec<usize>>(), "all is committed");
        values
    }

    fn take(&self, action: &Value, done: &mut [usize], values: &mut Values) {
        let Some(app) = action["txn"]["appId"].as_str() else {
            return;
        };
        let version = action["txn"]["version"].as_u64().expect("a number");
        let version = usize::try_from(version).expect("small");
        let app = app.strip_prefix("tidegate-").expect("ours");
        let number = usize::from_str_radix(app, 16).expect("a node") - 1;
        assert!(version > done[number], "no transaction comes twice");
        let log = self.nodes[number].log.lock().expect("lock");
        for cell in log[done[number]..version].iter().flatten() {
            let point = (format!("h{}", cell.host), cell.time_ns);
            let fields = values.entry(point).or_default();
            fields.insert(cell.field.to_owned(), cell.value);
        }
        done[number] = version;
    }
}

fn is_commit(location: &Path) -> bool {
    let name = location.filename().unwrap_or_default();
    name.len() == "00000000000000000000.json".len() && name.ends_with(".json")
}

/// One call in this many fails.
const FAULTS: u64 = 12;

async fn check(seed: u64) {
    let mut random = Random::new(seed);
    let mut nodes = Nodes::new(&mut random).await;
    for (number, node) in (1..).zip(&nodes.nodes) {
        node.gate
            .faults
            .begin(seed.wrapping_mul(31) + number, FAULTS);
    }
    for _ in 0..10 + random.below(30) {
        nodes.step(&mut random).await;
    }
    for node in &nodes.nodes {
        node.gate.faults.begin(0, 0);
        let flushed = node.lake.flush_table(&node.bucket, TABLE).await;
        flushed.expect("flushed");
    }
    let expected = nodes.expected().await;
    for node in &nodes.nodes {
        let (values, _) = node.stored().await;
        assert!(values == expected, "{}", differences(&values, &expected));
    }
    for node in &nodes.nodes {
        for times in 0..2 {
            let done = node.lake.upkeep(&node.bucket, TABLE, Upkeep::Compact).await;
            let done = done.expect("looked after");
            assert!(times == 0 || done == UpkeepCounts::default(), "at rest");
        }
        let (values, rows) = node.stored().await;
        assert!(values == expected, "{}", differences(&values, &expected));
        assert_eq!(rows, values.len() as u64, "points stand twice");
    }
}

fn differences(values: &Values, expected: &Values) -> String {
    let points = expected.keys().chain(values.keys());
    let wrong = points.filter(|point| values.get(*point) != expected.get(*point));
    let wrong = wrong.map(|point| {
        format!(
            "{point:?}: {:?} for {:?}",
            values.get(point),
            expected.get(point)
        )
    });
    wrong.take(5).collect::<Vec<String>>().join("; ")
}

fn check_all(cases: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for seed in 0..cases {
        // The seed of a failing case is enough to run it again.
        let case = runtime.block_on(runtime.spawn(async move {
            tokio::time::timeout(Duration::from_secs(300), check(seed)).await
        }));
        assert!(matches!(case, Ok(Ok(()))), "case {seed}: {case:?}");
    }
}

#[test]
fn whatever_fails_on_the_way_to_the_store_no_point_is_lost_old_or_double() {
    check_all(FEW);
}

#[test]
#[ignore = "run by tests/scripts/lake_models.sh"]
fn the_same_in_five_thousand_cases() {
    check_all(cases(MANY));
}
