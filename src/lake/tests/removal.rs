//! Several nodes delete a bucket, and one of them does not come back.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::cluster::{Cell, Cluster, Step, TABLE, Values};
use super::world::{World, budget};
use crate::lake::options::JoinLimits;
use crate::lake::positions::Positions;
use crate::lake::tables::Tables;

fn point(node: usize, time_ns: i64, value: f64) -> Step {
    let cell = Cell {
        host: 1,
        time_ns,
        field: "v",
        value,
    };
    let cells = vec![cell];
    Step::Write { node, cells }
}

async fn flush(cluster: &Cluster, node: usize) -> bool {
    let node = &cluster.nodes[node];
    let flushed = node.lake.flush_table(&node.bucket, TABLE).await;
    flushed.is_ok()
}

/// Does what a node does if its user deletes the bucket and it was never deleted before.
async fn remove(cluster: &Cluster, node: usize) -> bool {
    let tables = &cluster.nodes[node].lake.shared.tables;
    tables.remove_bucket("b", 0).await.is_ok()
}

fn values(time_ns: i64, value: f64) -> Values {
    let fields = [("v".to_owned(), value)];
    let point = ("h1".to_owned(), time_ns);
    Values::from([(point, fields.into())])
}

/// The mark was shared: the end of one was taken for the end of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_two_deletions_of_a_bucket_at_once_stays() {
    let cluster = Cluster::small(3, 1 << 20, JoinLimits::default()).await;
    cluster.run(point(0, 1, 1.0)).await;
    assert!(flush(&cluster, 0).await);
    cluster.run(point(0, 2, 2.0)).await;
    let meanwhile = Arc::clone(&cluster);
    cluster.nodes[1].before_removal(async move {
        remove(&meanwhile, 2).await;
        flush(&meanwhile, 0).await;
    });
    assert!(remove(&cluster, 1).await);
    // A node that was refused tries again.
    assert!(remove(&cluster, 2).await);
    assert!(flush(&cluster, 0).await);
    assert_eq!(cluster.stored(0).await.0, values(2, 2.0));
}

/// It had an id of its own each time it was tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_another_node_has_done_is_not_done_again_by_one_that_comes_back() {
    let mut world = World::shared(1).await;
    world.write("mem", 0..1, 1);
    world.flush("mem").await.expect("flushed");
    world
        .lake
        .note_deletion(world.bucket.id, "b")
        .expect("noted");
    let deleted = world.catalog.delete_bucket(world.bucket.id);
    deleted.expect("deleted");
    let other = Tables::new(world.store(), 2, true, &budget());
    let begun = other.deletions().begin("b", "b", 0).await;
    assert!(begun.expect("written"));
    world.lake.remove_deleted().await.expect("waits");
    assert_eq!(world.lake.shared.positions.deleted_buckets().len(), 1);
    let noted = Positions::open(Arc::new(world.storage.crash())).expect("readable");
    assert_eq!(noted.deletion_mark(world.bucket.id), Some(1));
    // Meanwhile the other one ends it, and somebody writes to the new bucket.
    other.remove_bucket("b", 0).await.expect("removed");
    let path = "lake/b/cpu/_delta_log/00000000000000000000.json";
    world.storage.put(path, b"{}");
    world.lake.remove_deleted().await.expect("done");
    assert!(world.lake.shared.positions.deleted_buckets().is_empty());
    assert!(world.storage.contents(path).is_some());
}

/// The others waited for ever, and there was nothing that an operator could do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_whose_node_does_not_come_back_is_taken_over_by_who_waits_for_it() {
    let cluster = Cluster::small(3, 1 << 20, JoinLimits::default()).await;
    cluster.run(point(0, 1, 1.0)).await;
    assert!(flush(&cluster, 0).await);
    let dead = cluster.nodes[1].lake.shared.tables.deletions();
    assert!(dead.begin("b", "b", 0).await.expect("written"));
    cluster.run(point(0, 2, 2.0)).await;
    assert!(!flush(&cluster, 0).await);
    let lake = &cluster.nodes[0].lake;
    assert!(lake.has_deleted());
    let met = &lake.shared.tables.deletions().met;
    for _ in 0..2 {
        lake.remove_deleted().await.expect("waits");
        assert!(!flush(&cluster, 0).await);
        met.stood_still_for(Duration::from_secs(500));
    }
    // While files go, it is waited for.
    let store = lake.shared.tables.store();
    store.put(&Path::from("b/x"), "".into()).await.expect("put");
    lake.remove_deleted().await.expect("waits");
    met.stood_still_for(Duration::from_secs(500));
    assert!(!flush(&cluster, 0).await);
    lake.remove_deleted().await.expect("waits");
    met.stood_still_for(Duration::from_secs(500));
    // The one that is not dead after all is about to remove files.
    let meanwhile = Arc::clone(&cluster);
    cluster.nodes[0].before_removal(async move {
        assert!(!remove(&meanwhile, 1).await, "it is not its any more");
        assert!(!flush(&meanwhile, 2).await);
    });
    lake.remove_deleted().await.expect("taken over");
    assert!(flush(&cluster, 0).await);
    assert!(remove(&cluster, 1).await, "it is done");
    lake.remove_deleted().await.expect("nothing to do");
    assert!(!lake.has_deleted());
    assert_eq!(cluster.stored(2).await.0, values(2, 2.0));
}
