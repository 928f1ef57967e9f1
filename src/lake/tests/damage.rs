//! Damaged files, of a table and of its log: issue 9, B6. What is told names the file, and nothing is
//! made worse.

use object_store::path::Path;

use super::world::World;
use crate::lake::{LakeError, Upkeep};
use crate::memory::Room;
use crate::merge::{DAY_NS, TimeRange};
use crate::storage::Storage as _;

const LOG: &str = "lake/b/cpu/_delta_log";

/// Eight files of one day, one of another, and a checkpoint; and another table.
async fn world() -> World {
    let mut world = World::new(1).await;
    for time in 0..8 {
        world.write("cpu", 0..40, time);
        world.flush("cpu").await.expect("flushed");
        if time == 5 {
            let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Routine);
            done.await.expect("looked after");
        }
    }
    world.write("cpu", 0..2, DAY_NS);
    world.flush("cpu").await.expect("flushed");
    world.write("mem", 0..2, 1);
    world.flush("mem").await.expect("flushed");
    world
}

/// A process that knows nothing of the tables yet.
async fn again(world: &mut World) -> World {
    let log = std::mem::take(&mut world.log);
    World::open(world.storage.clone(), log)
        .await
        .expect("opened")
}

/// Reads all rows as an export does.
async fn export(world: &World) -> Result<usize, LakeError> {
    let snapshot = world.lake.snapshot(&world.bucket, "cpu").await?;
    let snapshot = snapshot.expect("a table");
    let budget = super::world::budget();
    let room = Room::enter(&budget, std::time::Duration::ZERO).await?;
    let read = move || {
        let mut rows = 0;
        for file in snapshot.files().into_values().flatten() {
            let mut chunks = file.open(TimeRange::ALL, None, &room, 1)?;
            while let Some(segment) = chunks
                .next()
                .map_err(|error| *error.downcast::<LakeError>().expect("the lake's"))?
            {
                rows += segment.rows();
            }
        }
        Ok(rows)
    };
    tokio::task::spawn_blocking(read).await.expect("read")
}

async fn upkeep(world: &World, what: Upkeep) -> Result<(), LakeError> {
    let done = world.lake.upkeep(&world.bucket, "cpu", what).await;
    done.map(drop)
}

/// The newest file of the log with this ending.
fn last_of_log(world: &World, ending: &str) -> String {
    let mut names = world.storage.list(LOG).expect("listed");
    names.retain(|name| name.ends_with(ending));
    format!("{LOG}/{}", names.pop().expect("one"))
}

/// A garbled log was told in the library's words, with a trace, and without the file; of one with an
/// empty commit a compaction made the files that were left the whole table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_of_a_log_is_named_to_all_and_put_back_all_is_well() {
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    type Damage = fn(&[u8]) -> Vec<u8>;
    // A flipped bit that leaves it JSON. From a bug: the file was not named.
    let renamed = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        assert!(text.contains("partitionValues"), "{text}");
        text.replace("partitionValues", "partitignValues")
            .into_bytes()
    };
    let cases: [(&str, Damage); 7] = [
        (".json", renamed),
        (".json", |_| b"\x00\xffgarbage\n{{".to_vec()),
        (".json", cut),
        (".json", |_| Vec::new()),
        (".checkpoint.parquet", |_| b"garbage".to_vec()),
        (".checkpoint.parquet", |_| Vec::new()),
        (".checkpoint.parquet", cut),
    ];
    for (number, (ending, damage)) in cases.into_iter().enumerate() {
        let mut world = world().await;
        let path = last_of_log(&world, ending);
        let before = world.storage.contents(&path).expect("there");
        world.storage.put(&path, &damage(&before));
        let mut world = again(&mut world).await;
        world.write("cpu", 0..2, 100);
        let name = path.strip_prefix("lake/b/cpu/").expect("below");
        for (what, done) in [
            ("export", export(&world).await.map(drop)),
            ("compact", upkeep(&world, Upkeep::Compact).await),
            ("vacuum", upkeep(&world, Upkeep::Vacuum).await),
            (
                "status",
                world.lake.status(&world.bucket, "cpu").await.map(drop),
            ),
            ("flush", world.flush("cpu").await),
        ] {
            let error = done.expect_err(&format!("{number}: {what}"));
            let told = error.to_string();
            assert!(!error.is_transient(), "{number}: {what}: {told}");
            for part in [
                "b/cpu",
                name,
                "damaged",
                "memory and in the log",
                "from a backup",
            ] {
                assert!(told.contains(part), "{number}: {what}: no {part}: {told}");
            }
            assert!(!told.contains(".rs") && told.lines().count() == 1, "{told}");
        }
        world.write("mem", 0..2, 2);
        world.flush("mem").await.expect("others go on");
        world.storage.put(&path, &before);
        world.flush("cpu").await.expect("flushed");
        assert_eq!(world.stored("cpu").await, world.expected("cpu"), "{number}");
    }
}

/// The hint of where the last checkpoint is: without it the log is listed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_hint_of_the_last_checkpoint_does_no_harm() {
    for hint in [b"".as_slice(), b"garbage"] {
        let mut world = world().await;
        world.storage.put(&format!("{LOG}/_last_checkpoint"), hint);
        let mut world = again(&mut world).await;
        world.write("cpu", 0..2, 100);
        world.flush("cpu").await.expect("flushed");
        assert_eq!(world.stored("cpu").await, world.expected("cpu"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_that_leads_nowhere_is_named_and_may_be_removed() {
    let mut world = world().await;
    let path = format!("{LOG}/_last_checkpoint");
    world.storage.put(&path, b"{\"version\":77,\"size\":1}");
    let mut world = again(&mut world).await;
    world.write("cpu", 0..2, 100);
    let told = world.flush("cpu").await.expect_err("refused").to_string();
    for part in ["_delta_log/_last_checkpoint", "version 77", "remove it"] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    world.storage.take(&path);
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

/// It was called a fault of ours, and a compaction of what lies beside it said that all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_of_a_table_is_named_and_no_compaction_takes_it_for_whole() {
    for damage in [
        "a page",
        "a page's header",
        "the footer",
        "its end",
        "its bytes",
        "all of it",
    ] {
        let mut world = world().await;
        let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
        let state = table.refresh(world.lake.app()).await.expect("readable");
        let state = state.expect("a table");
        let files = state.by_day();
        let (_, of_day) = files.into_iter().next().expect("a day");
        let name = of_day.first().expect("a file").path.to_string();
        let path = format!("lake/b/cpu/{}", Path::parse(&name).expect("a path"));
        let before = world.storage.contents(&path).expect("there");
        let mut bytes = before.clone();
        let length = bytes.len();
        let footer =
            length - 8 - usize::from(bytes[length - 8]) - 256 * usize::from(bytes[length - 7]);
        match damage {
            "a page" => bytes[footer - 6] ^= 4,
            "a page's header" => {
                // Of the last column, which is read.
                let header = (0..footer - 12)
                    .rev()
                    .find(|at| bytes[*at..].starts_with(&[0x15, 0]));
                bytes[header.expect("a header") + 3] ^= 8;
            }
            "the footer" => bytes[footer + 3] ^= 4,
            "its end" => bytes.truncate(length - 5),
            // As a power cut leaves a file that was never synced. From a bug: it was told as a store
            // that does not answer.
            "its bytes" => bytes.clear(),
            _ => world.storage.take(&path),
        }
        if damage != "all of it" {
            world.storage.put(&path, &bytes);
        }
        let mut world = again(&mut world).await;
        for (what, done) in [
            ("export", export(&world).await.map(drop)),
            ("compact", upkeep(&world, Upkeep::Compact).await),
            ("routine", upkeep(&world, Upkeep::Routine).await),
        ] {
            let error = done.expect_err(&format!("{damage}: {what}"));
            let told = error.to_string();
            assert!(!error.is_transient(), "{damage}: {what}: {told}");
            for part in ["b/cpu", &*name, "cannot be read", "from a backup"] {
                assert!(told.contains(part), "{damage}: {what}: no {part}: {told}");
            }
            assert_eq!(told.lines().count(), 1, "{told}");
        }
        world.write("cpu", 0..2, 100);
        world.flush("cpu").await.expect("new points are taken");
        world.storage.put(&path, &before);
        upkeep(&world, Upkeep::Compact).await.expect("joined");
        let points = |points: super::world::Points| -> Vec<_> {
            points
                .into_iter()
                .map(|(key, (value, _))| (key, value))
                .collect()
        };
        assert_eq!(
            points(world.stored("cpu").await),
            points(world.expected("cpu")),
            "{damage}"
        );
    }
}
