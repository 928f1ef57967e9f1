//! Two clients and one column, with and without a log that fails in between.

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::support::{PATIENCE, Setup, World, soon};
use crate::clock;
use crate::ingest::WriteError;
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clients_that_create_a_column_with_two_types_end_in_an_order() {
    for round in 0..50 {
        let world = World::new();
        world.write("m z=1 0").await;
        let (float, boolean) =
            tokio::join!(world.try_write("m v=1.5 1\n"), world.try_write("m v=t 2\n"));
        let (float, boolean) = (float.expect("works"), boolean.expect("works"));
        assert_eq!(float.accepted + boolean.accepted, 1, "round {round}");
        let expected = if float.accepted == 1 {
            " v=1.5 1"
        } else {
            " v=true 2"
        };
        assert_eq!(world.rows("m")[1..], [expected]);
        assert_eq!(world.after_crash().rows("m")[1..], [expected]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_refused_for_a_column_whose_write_failed() {
    for round in 0..200 {
        let world = World::new();
        world.write("m z=1 0").await;
        world.storage.fail(Operation::Sync, 0, Fault::Io);
        let (float, boolean) =
            tokio::join!(world.try_write("m v=1.5 1\n"), world.try_write("m v=t 2\n"));
        // One write or the other met the failing sync, perhaps both in one group. Whoever was
        // answered with 400 must have lost against a column that exists.
        let mut stored = vec![" z=1.0 0".to_owned()];
        for (result, row) in [(&float, " v=1.5 1"), (&boolean, " v=true 2")] {
            match result {
                Ok(outcome) if outcome.accepted == 1 => stored.push(row.to_owned()),
                Ok(_) => assert!(
                    [&float, &boolean]
                        .iter()
                        .any(|r| r.as_ref().is_ok_and(|o| o.accepted == 1)),
                    "round {round}: refused for a column that does not exist"
                ),
                Err(error) => assert!(matches!(error, WriteError::LogUnavailable(_)), "{error}"),
            }
        }
        assert_eq!(world.rows("m"), stored, "round {round}");
        // The column is free again if nobody got it.
        if stored.len() == 1 {
            let again = write_until_it_works(&world, "m v=\"s\" 3\n").await;
            assert_eq!(again, 1, "round {round}");
            stored.push(" v=\"s\" 3".to_owned());
        }
        let after = world.after_crash().rows("m");
        assert_eq!(after, world.rows("m"), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_acknowledges_nothing_and_writes_go_on() {
    let world = World::new();
    world.write("m v=1 1").await;
    world.storage.fail(Operation::Sync, 0, Fault::Io);
    let error = world.try_write("m v=2 2").await.expect_err("not synced");
    assert!(matches!(error, WriteError::LogUnavailable(_)), "{error}");
    assert_eq!(world.rows("m"), [" v=1.0 1"]);
    // Whatever else there is to tell: the client must send all of it again.
    world.storage.fail(Operation::Sync, 0, Fault::Io);
    let error = world.try_write("bad\nm v=2 2\nm v=true 2");
    let error = error.await.expect_err("not synced");
    assert!(matches!(error, WriteError::LogUnavailable(_)), "{error}");
    assert_eq!(write_until_it_works(&world, "m v=3 3").await, 1);
    assert_eq!(world.rows("m"), [" v=1.0 1", " v=3.0 3"]);
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_keeps_everything_and_the_schemas() {
    let world = World::new();
    world.write("m,t=a v=1 1\nn v=2i 2").await;
    world.ingest.close().expect("closes");
    let error = world.try_write("m v=9 9").await.expect_err("closed");
    assert!(matches!(error, WriteError::LogUnavailable(_)), "{error}");
    let again = world.after_crash();
    assert_eq!(again.rows("m"), ["t=a v=1.0 1"]);
    let outcome = again.write("n v=1.5 3\nn v=3i 3").await;
    assert_eq!((outcome.accepted, outcome.rejected), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_does_not_undo_its_write() {
    let gate = Arc::new(Gate::default());
    let setup = Setup {
        observer: Some(gate.clone()),
        ..Setup::default()
    };
    let world = World::open(FaultStorage::new(1), setup).expect("the log opens");
    gate.shut();
    // Beside another one it is left to the log's thread, so that it waits.
    let _other = Arc::clone(&world.ingest.shared.under_way);
    let ingest = world.ingest.clone();
    let request = world.request("m v=1 1", true);
    let write = tokio::spawn(async move { ingest.write(request).await });
    gate.held().await;
    write.abort();
    assert!(write.await.expect_err("hung up").is_cancelled());
    assert!(world.rows("m").is_empty(), "it is on its way");
    gate.open();
    soon("it is applied", || !world.rows("m").is_empty()).await;
    assert_eq!(world.rows("m"), [" v=1.0 1"]);
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
}

/// Writes until the log works again; the lines accepted then.
async fn write_until_it_works(world: &World, lines: &str) -> u64 {
    let started = clock::instant();
    loop {
        match world.try_write(lines).await {
            Ok(outcome) => return outcome.accepted,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
