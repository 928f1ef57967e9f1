//! A table of which a part is gone, with and without a word: issue 8, A1 and A3.

use std::sync::Arc;

use super::cluster::{Cell, Cluster, Step, TABLE};
use super::world::{World, budget};
use crate::lake::deletion::{Deletions, Mark, Step as Deleting};
use crate::lake::options::JoinLimits;
use crate::lake::state::actions;
use crate::lake::store::{self, Store};
use crate::lake::table::{Next, Seen};
use crate::lake::tables::Tables;
use crate::lake::{LakeError, Upkeep};
use crate::storage::fault::Fault;
use crate::storage::{Operation, Storage as _};

const LOG: &str = "lake/b/cpu/_delta_log";

impl World {
    /// The store of the tables as another node opens it.
    pub(super) fn store(&self) -> Store {
        let storage: Arc<dyn crate::storage::Storage> = Arc::new(self.storage.clone());
        store::open(None, &storage, 2).expect("opened")
    }

    /// Marks a deletion as ended, as another node may do it.
    fn put_end(&self, number: u64) {
        let mark = Mark {
            step: Deleting::Ended,
            id: number.to_string(),
            bucket: "b".to_owned(),
            node: "2".to_owned(),
        };
        let path = format!("lake/_tidegate/deleted/b/{number:020}.json");
        let mark = serde_json::to_vec(&mark).expect("JSON");
        self.storage.put(&path, &mark);
    }

    /// Takes all files of a folder away, behind everybody's back.
    fn take_folder(&self, folder: &str) {
        for entry in self.storage.entries(folder).expect("listed") {
            let path = format!("{folder}/{}", entry.name);
            match entry.is_folder {
                true => self.take_folder(&path),
                false => self.storage.take(&path),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_committed_to_a_table_whose_log_is_gone() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    world.take_folder(LOG);
    world.write("cpu", 0..2, 2);
    let refused = world.flush("cpu").await.expect_err("refused").to_string();
    assert!(refused.contains("b/cpu"), "{refused}");
    // Points that are not in the table are still in memory, and nothing begins a log at version 1.
    assert_eq!(world.buffer.tables().len(), 1);
    assert!(world.storage.entries(LOG).expect("listed").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_gone_after_a_restart_is_told_by_all_who_meet_it() {
    for gone in [LOG, "lake/b/cpu"] {
        let mut world = World::new(1).await;
        // A lake in which nothing is left is missed by the start itself.
        for table in ["cpu", "mem"] {
            world.write(table, 0..2, 1);
            world.flush(table).await.expect("flushed");
        }
        world.stop();
        world.take_folder(gone);
        let mut world = World::open(world.storage.clone(), world.log)
            .await
            .expect("opened");
        let told = world.lake.measurements(&world.bucket).await.expect("read");
        assert_eq!(told, ["cpu", "mem"], "{gone}");
        assert!(world.lake.snapshot(&world.bucket, "cpu").await.is_err());
        assert!(world.lake.status(&world.bucket, "cpu").await.is_err());
        world.write("cpu", 0..2, 2);
        let refused = world.flush("cpu").await.expect_err("refused").to_string();
        assert!(refused.contains("b/cpu"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_does_not_land_below_a_checkpoint_that_others_made() {
    let mut world = World::new(1).await;
    let other = Tables::new(world.store(), 2, true, &budget());
    let other = other.get("b", "cpu").expect("a name");
    world.write("cpu", 0..2, 0);
    world.flush("cpu").await.expect("flushed");
    let seen = other.refresh("other").await.expect("read").expect("there");
    assert_eq!(seen.version, 0);
    for time in 1..8 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
        let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Routine);
        done.await.expect("looked after");
    }
    let checkpoint = (0..20).find(|version| {
        let path = format!("{LOG}/{version:020}.checkpoint.parquet");
        world.storage.contents(&path).is_some()
    });
    for version in 0..checkpoint.expect("a checkpoint") {
        world.storage.take(&format!("{LOG}/{version:020}.json"));
    }
    let info = actions::transaction("other", 7, 0);
    let mut next = |_: &Seen| Ok(Next::Commit(actions::parse("b/cpu", vec![info.clone()])?));
    let committed = other.commit("other", &mut next).await.expect("committed");
    let version = committed.expect("there").version;
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    table.forget();
    let state = table.refresh("other").await.expect("read").expect("there");
    assert_eq!(state.version, version);
    assert_eq!(state.transactions.get("other"), Some(&7));
}

/// From a review: every commit after it was taken back, for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_after_a_version_of_which_only_the_checkpoint_is_left_stands() {
    let mut world = World::shared(1).await;
    for time in 0..3 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
    }
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    table.checkpoint(false).await.expect("written");
    for version in 0..3 {
        world.storage.take(&format!("{LOG}/{version:020}.json"));
    }
    for time in 3..5 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
    }
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_another_node_deleted_begins_anew_and_a_loss_after_that_is_told() {
    let mut world = World::shared(1).await;
    for table in ["cpu", "mem"] {
        world.write(table, 0..2, 1);
        world.flush(table).await.expect("flushed");
    }
    let other = Tables::new(world.store(), 2, true, &budget());
    other.remove_bucket("b", 0).await.expect("removed");
    for table in ["cpu", "mem"] {
        let found = world.lake.snapshot(&world.bucket, table).await;
        assert!(found.expect("no error").is_none(), "{table}");
        world.write(table, 0..1, 2);
        world.flush(table).await.expect("flushed");
        assert_eq!(world.stored(table).await.len(), 1, "{table}");
    }
    // The same after a restart, which has only the notes.
    world.stop();
    let log = std::mem::take(&mut world.log);
    let mut world = World::open(world.storage.crash(), log)
        .await
        .expect("opened");
    assert_eq!(world.stored("cpu").await.len(), 1);
    world.take_folder(LOG);
    world.write("cpu", 0..1, 3);
    let lost = world.flush("cpu").await.expect_err("refused");
    assert!(matches!(lost, LakeError::Gone { .. }), "{lost}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_added_to_a_bucket_while_another_node_removes_it() {
    let mut world = World::shared(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let deletions = Deletions::new(world.store(), 2);
    let begun = deletions.begin("b", "b", 0).await;
    assert!(begun.expect("written"));
    world.write("cpu", 0..2, 2);
    let refused = world.flush("cpu").await.expect_err("refused");
    assert!(matches!(refused, LakeError::Removing { .. }), "{refused}");
    world.take_folder("lake/b");
    let last = deletions.last("b").await.expect("read");
    let ended = deletions.step("b", &last, Deleting::Ended).await;
    assert!(ended.expect("written"));
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_falls_into_a_deletion_is_taken_back() {
    let mut world = World::shared(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    let info = actions::transaction("other", 7, 0);
    let mut times = 0;
    let mut next = |seen: &Seen| {
        times += 1;
        // Between the look and the commit everything goes, as another node may do it.
        if times == 1 {
            world.take_folder("lake/b");
            world.put_end(1);
        }
        match seen.state {
            Some(_) => Ok(Next::Commit(actions::parse("b/cpu", vec![info.clone()])?)),
            None => Ok(Next::Done),
        }
    };
    let committed = table.commit("other", &mut next).await.expect("no error");
    assert!(committed.is_none() && times == 2);
    assert!(world.storage.entries(LOG).expect("listed").is_empty());
}

/// From a review: it stayed for good, and nobody could make the table any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_falls_into_a_deletion_is_taken_back_whatever_fails_meanwhile() {
    use Operation::{Len, List, Open, Read, Remove, Rename, Sync, SyncDir};
    for operation in [Remove, Len, Open, Read, Sync, SyncDir, Rename, List] {
        for after in 0..8 {
            check_taken_back(operation, after).await;
        }
    }
}

async fn check_taken_back(operation: Operation, after: u64) {
    let mut world = World::shared(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    let info = actions::transaction("other", 7, 0);
    let mut is_deleted = false;
    let mut next = |seen: &Seen| {
        if !std::mem::replace(&mut is_deleted, true) {
            world.take_folder("lake/b");
            world.put_end(1);
            world.storage.fail(operation, after, Fault::Io);
        }
        match seen.state {
            Some(_) => Ok(Next::Commit(actions::parse("b/cpu", vec![info.clone()])?)),
            None => Ok(Next::Done),
        }
    };
    // It may fail.
    let _ = table.commit("other", &mut next).await;
    world.storage.heal();
    world.write("cpu", 0..3, 2);
    let what = format!("{operation}, {after}");
    let flushed = world.flush("cpu").await;
    assert!(flushed.is_ok(), "{what}: {flushed:?}");
    assert_eq!(world.stored("cpu").await.len(), 3, "{what}");
}

/// From a review: they were those of the table before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoint_and_rest_of_a_table_are_not_those_of_one_that_was_deleted() {
    let mut world = World::shared(1).await;
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    for time in 0..7 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
        let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Routine);
        done.await.expect("looked after");
    }
    let version = table.known().expect("read").version;
    assert!(table.unchecked(version).await.expect("read") < version);
    let other = Tables::new(world.store(), 2, true, &budget());
    other.remove_bucket("b", 0).await.expect("removed");
    world.write("cpu", 0..2, 8);
    world.flush("cpu").await.expect("flushed");
    let version = table.known().expect("read").version;
    assert_eq!(version, 0);
    assert_eq!(table.unchecked(0).await.expect("read"), 1);
    assert!(!table.rest.holds(0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_table_begins_anew_once_its_loss_is_accepted() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let accept = |world: &World| {
        let (lake, bucket) = (world.lake.clone(), Arc::clone(&world.bucket));
        async move { lake.accept_loss(&bucket, "cpu").await.expect("noted") }
    };
    assert!(!accept(&world).await, "nothing is lost");
    world.take_folder(LOG);
    world.write("cpu", 0..2, 2);
    world.flush("cpu").await.expect_err("refused");
    assert!(accept(&world).await);
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_ten_thousand_names_that_do_not_exist_leaves_no_handles() {
    let world = World::new(1).await;
    for name in 0..10_000 {
        let name = format!("m{name}");
        let found = world.lake.snapshot(&world.bucket, &name).await;
        assert!(found.expect("no error").is_none());
        let found = world.lake.status(&world.bucket, &name).await;
        assert!(found.expect("no error").is_none());
    }
    assert_eq!(world.lake.shared.tables.handles(), 0);
}

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

fn flush(node: usize, meanwhile: Vec<Step>) -> Step {
    Step::Flush { node, meanwhile }
}

/// Its files went with the bucket's folder, and the commit named them all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_whose_files_went_with_a_deleted_bucket_writes_them_again() {
    for (is_there, comes_back) in [(false, false), (true, false), (false, true), (true, true)] {
        let cluster = Cluster::small(3, 1 << 20, JoinLimits::default()).await;
        if is_there {
            cluster
                .run_all(vec![point(0, 1, 1.0), flush(0, vec![])])
                .await;
        }
        let mut meanwhile = vec![Step::Delete { node: 1 }];
        if comes_back {
            meanwhile.extend([point(2, 2, 2.0), flush(2, vec![])]);
        }
        cluster
            .run_all(vec![point(0, 3, 3.0), flush(0, meanwhile)])
            .await;
        let (stored, _) = cluster.stored(1).await;
        assert_eq!(stored, cluster.expected(), "{is_there}, {comes_back}");
        assert_eq!(stored.len(), 1 + usize::from(comes_back));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_commit_that_falls_into_a_deletion_is_taken_back() {
    let mut world = World::shared(1).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let first = world.storage.contents(&format!("{LOG}/{:020}.json", 0));
    let first = String::from_utf8(first.expect("there")).expect("text");
    let lines = first
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<serde_json::Value> = lines.collect();
    world.put_end(1);
    world.take_folder("lake/b");
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    let mut times = 0;
    let mut next = |_: &Seen| {
        times += 1;
        // Between the look and the commit another one begins and ends.
        if times == 1 {
            world.put_end(2);
            return Ok(Next::Commit(actions::parse("b/cpu", lines.clone())?));
        }
        Ok(Next::Done)
    };
    let committed = table.commit("other", &mut next).await.expect("no error");
    assert!(committed.is_none() && times == 2, "{times}");
    assert!(world.storage.entries(LOG).expect("listed").is_empty());
}

/// The copy's transaction was taken for this node's, and the rows left memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_commits_during_a_flush_does_not_take_its_rows_along() {
    let cluster = Cluster::small(2, 1 << 20, JoinLimits::default()).await;
    cluster
        .run_all(vec![point(0, 1, 1.0), flush(0, vec![])])
        .await;
    let (this, other) = (&cluster.nodes[0], &cluster.nodes[1]);
    cluster.run(point(0, 2, 2.0)).await;
    let app = this.lake.app().to_owned();
    let table = other.lake.shared.tables.get("b", TABLE).expect("a name");
    let copied = async move {
        let info = actions::transaction(&app, 1000, 0);
        let mut is_done = false;
        let mut next = |_: &Seen| {
            if std::mem::replace(&mut is_done, true) {
                return Ok(Next::Done);
            }
            Ok(Next::Commit(actions::parse("b/cpu", vec![info.clone()])?))
        };
        table.commit("x", &mut next).await.expect("committed");
    };
    this.meanwhile(copied);
    let refused = this.lake.flush_table(&this.bucket, TABLE).await;
    assert!(
        matches!(refused, Err(LakeError::Copied { .. })),
        "{refused:?}"
    );
}

/// It waited for the table with a place among the flushes in its hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_into_a_bucket_that_is_being_removed_does_not_wait() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..1, 1);
    world.flush("cpu").await.expect("flushed");
    world
        .lake
        .note_deletion(world.bucket.id, "b")
        .expect("noted");
    world
        .catalog
        .delete_bucket(world.bucket.id)
        .expect("deleted");
    let again = world.catalog.create_bucket("b", None).expect("created");
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    // What a removal holds until the last file is gone.
    let _removal = (table.upkeep().await, table.flushing().await);
    let flush = world.lake.flush_table(&again, "cpu");
    let refused = tokio::time::timeout(std::time::Duration::from_secs(60), flush).await;
    let refused = refused.expect("without the removal");
    assert!(matches!(refused, Err(LakeError::BeingDeleted { .. })));
}
