//! Several nodes on one store, and the points that they have acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use serde_json::Value;

use super::gate::{Faults, Gate};
use super::world::{budget, options};
use crate::buffer::{Buffer, BufferLimits};
use crate::catalog::{self, Bucket, Catalog};
use crate::clock::Clock;
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::id::Sequence;
use crate::lake::options::JoinLimits;
use crate::lake::{Lake, LakeParts, Options, StoredFile, Upkeep};
use crate::memory::{Budget, Room};
use crate::merge::{Merge, MergedPoints, Run, TimeRange};
use crate::storage::FaultStorage;
use crate::telemetry::{Metrics, UpkeepCounts};

pub(super) const TABLE: &str = "cpu";

/// Host and time; the value of every field.
pub(super) type Values = BTreeMap<(String, i64), BTreeMap<String, f64>>;

/// A value of a point.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) host: u64,
    pub(super) time_ns: i64,
    pub(super) field: &'static str,
    pub(super) value: f64,
}

/// A step of one node.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Acknowledges values.
    Write { node: usize, cells: Vec<Cell> },
    /// Flushes; `meanwhile` happens after its files are written and before they are committed.
    Flush { node: usize, meanwhile: Vec<Step> },
    /// Looks after the table; the same.
    Upkeep {
        node: usize,
        what: Upkeep,
        meanwhile: Vec<Step>,
    },
    /// Reads the table's log anew.
    Reload { node: usize },
    /// Deletes the bucket, from beginning to end.
    Delete { node: usize },
    /// Makes all files look as if an older tidegate had written them.
    Age,
}

pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    /// The flushed values, in the order of the commits: of equal points of several nodes, the one
    /// that was committed later is the newer one.
    flushed: Mutex<Values>,
    store: Arc<InMemory>,
}

pub(super) struct Node {
    pub(super) lake: Lake,
    pub(super) bucket: Arc<Bucket>,
    buffer: Buffer,
    budget: Budget,
    pub(super) gate: Arc<Gate>,
    pub(super) storage: FaultStorage,
    /// The acknowledged values, frame by frame.
    pub(super) log: Mutex<Vec<Vec<Cell>>>,
    pending: Mutex<Vec<Cell>>,
}

impl Cluster {
    pub(super) async fn new(
        nodes: usize,
        options: Options,
        joins: JoinLimits,
        clock: Clock,
    ) -> Arc<Self> {
        let store = Arc::new(InMemory::new());
        let mut opened = Vec::new();
        for number in 0..nodes {
            let node = Node::open(number, Arc::clone(&store), options.clone(), joins, &clock);
            opened.push(node.await);
        }
        Arc::new(Self {
            nodes: opened,
            flushed: Mutex::default(),
            store,
        })
    }

    /// One node with the settings of the other tests.
    pub(super) async fn small(nodes: usize, file_bytes_max: u64, joins: JoinLimits) -> Arc<Self> {
        let options = Options {
            file_bytes_max,
            checkpoint_every: u64::MAX,
            shared: true,
            ..options()
        };
        Self::new(nodes, options, joins, Clock::system()).await
    }

    pub(super) fn run(self: &Arc<Self>, step: Step) -> BoxFuture<'static, UpkeepCounts> {
        let cluster = Arc::clone(self);
        Box::pin(async move {
            match step {
                Step::Write { node, cells } => cluster.nodes[node].write(cells),
                Step::Flush { node, meanwhile } => cluster.flush(node, meanwhile).await,
                Step::Upkeep {
                    node,
                    what,
                    meanwhile,
                } => return cluster.look_after(node, what, meanwhile).await,
                Step::Reload { node } => cluster.nodes[node].reload(),
                Step::Delete { node } => cluster.delete(node).await,
                Step::Age => cluster.age().await,
            }
            UpkeepCounts::default()
        })
    }

    pub(super) async fn run_all(self: &Arc<Self>, steps: Vec<Step>) {
        for step in steps {
            self.run(step).await;
        }
    }

    fn hold(self: &Arc<Self>, node: usize, meanwhile: Vec<Step>) {
        let cluster = Arc::clone(self);
        let hold: BoxFuture<'static, ()> =
            Box::pin(async move { cluster.run_all(meanwhile).await });
        *self.nodes[node].gate.meanwhile.lock().expect("lock") = Some(hold);
    }

    fn let_go(&self, node: usize) {
        *self.nodes[node].gate.meanwhile.lock().expect("lock") = None;
    }

    async fn flush(self: &Arc<Self>, node: usize, meanwhile: Vec<Step>) {
        self.hold(node, meanwhile);
        let this = &self.nodes[node];
        let flushed = this.lake.flush_table(&this.bucket, TABLE).await;
        flushed.expect("flushed");
        self.let_go(node);
        let cells = std::mem::take(&mut *this.pending.lock().expect("lock"));
        let mut flushed = self.flushed.lock().expect("lock");
        for cell in cells {
            let point = (format!("h{}", cell.host), cell.time_ns);
            let fields = flushed.entry(point).or_default();
            fields.insert(cell.field.to_owned(), cell.value);
        }
    }

    async fn delete(&self, node: usize) {
        let tables = &self.nodes[node].lake.shared.tables;
        let since = tables.deletion_number("b").await.expect("read");
        tables.remove_bucket("b", since).await.expect("removed");
        self.flushed.lock().expect("lock").clear();
    }

    async fn look_after(
        self: &Arc<Self>,
        node: usize,
        what: Upkeep,
        meanwhile: Vec<Step>,
    ) -> UpkeepCounts {
        self.hold(node, meanwhile);
        let this = &self.nodes[node];
        let done = this.lake.upkeep(&this.bucket, TABLE, what).await;
        self.let_go(node);
        done.expect("looked after")
    }

    pub(super) async fn upkeep(self: &Arc<Self>, node: usize, what: Upkeep) -> UpkeepCounts {
        let meanwhile = Vec::new();
        let step = Step::Upkeep {
            node,
            what,
            meanwhile,
        };
        self.run(step).await
    }

    /// The values that the table must hold.
    pub(super) fn expected(&self) -> Values {
        self.flushed.lock().expect("lock").clone()
    }

    /// The values that readers of a node see, and the number of rows in all files.
    pub(super) async fn stored(&self, node: usize) -> (Values, u64) {
        self.nodes[node].stored().await
    }

    /// Takes from the table's log what older programs did not write.
    async fn age(&self) {
        let prefix = Path::from(format!("b/{TABLE}/_delta_log"));
        let listed = self.store.list_with_delimiter(Some(&prefix)).await;
        for meta in listed.expect("listed").objects {
            // All commits are there still.
            if !is_commit(&meta.location) {
                self.store.delete(&meta.location).await.expect("deleted");
                continue;
            }
            let found = self.store.get(&meta.location).await.expect("there");
            let text = found.bytes().await.expect("read");
            let text = std::str::from_utf8(&text).expect("text");
            let lines = text.lines().map(|line| {
                let mut action: Value = serde_json::from_str(line).expect("JSON");
                if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
                    add.remove("tags");
                }
                action.to_string() + "\n"
            });
            let aged = PutPayload::from(lines.collect::<String>());
            self.store.put(&meta.location, aged).await.expect("put");
        }
        for node in &self.nodes {
            node.reload();
        }
    }

    /// Gives a file another name, as if it had been written under it.
    pub(super) async fn rename(&self, old: &str, new: &str) {
        let prefix = Path::from(format!("b/{TABLE}"));
        let log = Path::from(format!("{prefix}/_delta_log"));
        let listed = self.store.list_with_delimiter(Some(&log));
        for meta in listed.await.expect("listed").objects {
            let found = self.store.get(&meta.location).await.expect("there");
            let text = found.bytes().await.expect("read");
            let text = std::str::from_utf8(&text).expect("text").replace(old, new);
            self.store
                .put(&meta.location, text.into())
                .await
                .expect("put");
        }
        let path = |path: &str| Path::from(format!("{prefix}/{path}"));
        self.store
            .rename(&path(old), &path(new))
            .await
            .expect("renamed");
        for node in &self.nodes {
            node.reload();
        }
    }
}

fn is_commit(location: &Path) -> bool {
    let name = location.filename().unwrap_or_default();
    name.len() == "00000000000000000000.json".len()
}

fn read(files: &[StoredFile], values: &mut Values) {
    let budget = budget();
    let floor = budget.try_reserve(Room::floor_bytes(&budget));
    let room = Room::within(floor.expect("nothing is held"));
    let runs = files.iter().map(|file| {
        let chunks = file.open(TimeRange::ALL, None, &room, files.len());
        let chunks = chunks.expect("opened");
        Run::stream(&file.file().path, chunks, TimeRange::ALL)
    });
    let mut points = MergedPoints::of_all_fields();
    points.start(Merge::new(runs).expect("sorted"));
    while points.advance().expect("sorted") {
        let (_, host) = points.tags().next().expect("a tag");
        let point = (host.to_owned(), points.time_ns());
        let fields = points.values().map(|(place, value)| {
            let (name, _) = points.field(place).expect("a field");
            let FieldValue::Float(value) = value else {
                panic!("{value:?}")
            };
            (name.to_owned(), value)
        });
        let before = values.insert(point, fields.collect());
        assert_eq!(before, None, "a point of two days");
    }
}

impl Node {
    pub(super) async fn open(
        number: usize,
        store: Arc<InMemory>,
        options: Options,
        joins: JoinLimits,
        clock: &Clock,
    ) -> Self {
        let gate = Arc::new(Gate {
            inner: store,
            // One of them goes the way of a folder.
            has_copy: number > 0,
            meanwhile: Mutex::default(),
            before_removal: Mutex::default(),
            faults: Faults::default(),
        });
        let storage = FaultStorage::new(number as u64 + 1);
        Self::start(number as u64 + 1, storage, gate, options, joins, clock).await
    }

    /// Starts on what there is of it.
    pub(super) async fn start(
        node_id: u64,
        storage: FaultStorage,
        gate: Arc<Gate>,
        options: Options,
        joins: JoinLimits,
        clock: &Clock,
    ) -> Self {
        let limits = catalog::Limits {
            buckets_max: 10,
            tokens_max: 10,
        };
        let catalog = Catalog::open(Arc::new(storage.clone()), clock.clone(), limits);
        let catalog = catalog.expect("readable");
        let bucket = catalog
            .buckets()
            .into_iter()
            .find(|found| found.name == "b");
        let bucket = bucket.unwrap_or_else(|| catalog.create_bucket("b", None).expect("created"));
        let buffer = Buffer::new(BufferLimits::default());
        let budget = budget();
        let opened = LakeParts {
            storage: Arc::new(storage.clone()),
            catalog,
            buffer: buffer.clone(),
            budget: budget.clone(),
            metrics: Metrics::new(clock),
            clock: clock.clone(),
            options,
        };
        let store = Arc::clone(&gate);
        let lake = Lake::open_in(store as Arc<dyn ObjectStore>, node_id, opened, joins).await;
        Self {
            lake: lake.expect("opened"),
            bucket,
            buffer,
            budget,
            gate,
            storage,
            log: Mutex::default(),
            pending: Mutex::default(),
        }
    }

    pub(super) fn write(&self, cells: Vec<Cell>) {
        let mut log = self.log.lock().expect("lock");
        log.push(cells.clone());
        self.apply(Sequence(log.len() as u64), &cells);
        self.pending.lock().expect("lock").extend(cells);
    }

    /// Takes over what another one has acknowledged, but for what the lake has.
    pub(super) fn replay(&self, log: Vec<Vec<Cell>>) {
        let flushed = self.lake.flushed(&self.bucket.table(TABLE));
        for (number, cells) in (1..).zip(&log) {
            if Sequence(number) > flushed {
                self.apply(Sequence(number), cells);
            }
        }
        *self.log.lock().expect("lock") = log;
    }

    fn apply(&self, sequence: Sequence, cells: &[Cell]) {
        let mut builder = BatchBuilder::new(TABLE);
        for cell in cells {
            let series = builder.series(&[("host", &format!("h{}", cell.host))]);
            let field = builder.field_column(cell.field, FieldType::Float);
            let value = FieldValue::Float(cell.value);
            builder.push_row(series, cell.time_ns, &[(field, value)]);
        }
        let batch = builder.finish();
        let reservation = self.budget.force(Buffer::apply_bytes_max(&batch));
        self.buffer
            .apply(self.bucket.id, sequence, &batch, reservation);
    }

    /// This happens once the next file is there.
    pub(super) fn meanwhile(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.gate.meanwhile.lock().expect("lock") = Some(Box::pin(work));
    }

    /// This happens before the next files are removed, which are listed by then.
    pub(super) fn before_removal(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.gate.before_removal.lock().expect("lock") = Some(Box::pin(work));
    }

    pub(super) fn reload(&self) {
        let table = self.lake.shared.tables.get("b", TABLE).expect("a name");
        table.forget();
    }

    /// The values that its readers see, and the number of rows in all files.
    pub(super) async fn stored(&self) -> (Values, u64) {
        let snapshot = self.lake.snapshot(&self.bucket, TABLE).await;
        let Some(snapshot) = snapshot.expect("readable") else {
            return (Values::new(), 0);
        };
        let files = snapshot.files();
        tokio::task::spawn_blocking(move || {
            let mut values = Values::new();
            let mut rows = 0;
            for files in files.into_values() {
                rows += files
                    .iter()
                    .filter_map(|file| file.file().rows)
                    .sum::<u64>();
                read(&files, &mut values);
            }
            (values, rows)
        })
        .await
        .expect("read")
    }

    /// The paths of the table's files in the order of writing.
    pub(super) async fn paths(&self) -> Vec<String> {
        let snapshot = self.lake.snapshot(&self.bucket, TABLE).await;
        let snapshot = snapshot.expect("readable").expect("there");
        let files = snapshot.files().into_values().flatten();
        files.map(|file| file.file().path.to_string()).collect()
    }
}
