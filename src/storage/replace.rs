//! Replaces a part of the data folder: the file is swapped, then noted.

use super::error::StorageError;
use super::parts::hold;
use super::swap::put;
use super::traits::Storage;

/// Replaces the file at `path`, or creates it, and notes it as a part of the data folder. When this
/// returns, the new bytes are durable. After an error or a crash within, the file holds the old
/// bytes or the new ones.
pub fn replace(storage: &dyn Storage, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
    put(storage, path, bytes)?;
    match hold(storage, path) {
        // The reserve was spent on the file itself. The next replacement or start notes what is not
        // noted yet.
        Err(error) if error.is_full() => Ok(()),
        held => held,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::super::names::RESERVE_FILE;
    use super::super::swap::{RESERVE_BYTES, ensure_reserve};
    use super::super::{FaultStorage, Operation, Storage, read};
    use super::replace;

    #[test]
    fn a_crash_at_any_operation_leaves_the_old_bytes_or_the_new_ones() {
        for seed in 0..400 {
            let storage = FaultStorage::new(seed);
            replace(&storage, "state", b"old state").expect("written");
            storage.cut_power_after(seed % 13);
            let replaced = replace(&storage, "state", b"the new state");
            let found = read(&storage.crash(), "state")
                .expect("readable")
                .expect("there");
            match replaced {
                Ok(()) => assert_eq!(found, b"the new state"),
                Err(_) => assert!(found == b"old state" || found == b"the new state"),
            }
        }
    }

    #[test]
    fn a_failed_write_sync_or_rename_is_told_and_leaves_whole_bytes() {
        for operation in [
            Operation::Write,
            Operation::Sync,
            Operation::Rename,
            Operation::SyncDir,
        ] {
            let storage = FaultStorage::new(3);
            replace(&storage, "state", b"old").expect("written");
            storage.fail(operation, 0, Fault::ShortIo);
            replace(&storage, "state", b"new").expect_err("told");
            let found = read(&storage.crash(), "state")
                .expect("readable")
                .expect("there");
            assert!(found == b"old" || found == b"new", "{operation}");
            replace(&storage, "state", b"newer").expect("works again");
        }
    }

    #[test]
    fn small_state_can_be_written_on_a_full_disk_once_and_the_reserve_comes_back() {
        let storage = FaultStorage::new(1);
        replace(&storage, "catalog/state", b"old").expect("written");
        storage.set_capacity(Some(0));
        let state = vec![7; 100_000];
        replace(&storage, "catalog/state", &state).expect("from the reserve");
        assert_eq!(
            read(&storage.crash(), "catalog/state").expect("readable"),
            Some(state)
        );
        assert!(
            replace(&storage, "catalog/state", b"x")
                .expect_err("used up")
                .is_full()
        );
        storage.set_capacity(None);
        replace(&storage, "catalog/state", b"x").expect("there is space");
        let reserve = storage.len(RESERVE_FILE).expect("readable");
        assert_eq!(reserve, Some(RESERVE_BYTES as u64));
    }

    #[test]
    fn what_is_larger_than_the_reserve_does_not_spoil_it() {
        let storage = FaultStorage::new(1);
        ensure_reserve(&storage).expect("set aside");
        storage.set_capacity(Some(0));
        let error = replace(&storage, "state", &vec![1; RESERVE_BYTES + 1]).expect_err("full");
        assert!(error.is_full(), "{error}");
        replace(&storage, "state", &vec![1; RESERVE_BYTES]).expect("fits exactly");
    }

    /// From issue 8, C9: the first file that had grown by a block took the whole reserve.
    #[test]
    fn one_file_after_the_other_can_be_written_on_a_full_disk_while_they_grow() {
        let storage = FaultStorage::new(1);
        replace(&storage, "flushes.json", &[7; 400_000]).expect("written");
        let fill_up = || storage.set_capacity(Some(storage.used_bytes()));
        fill_up();
        for round in 1..10 {
            for path in ["flushes.json", "schemas.json", "wal/released"] {
                let bytes = vec![7; 400_000 + round * 10_000];
                let written = replace(&storage, path, &bytes[..bytes.len() / 3]);
                written.unwrap_or_else(|error| panic!("{path}, round {round}: {error}"));
                // Somebody else takes what is left.
                fill_up();
            }
        }
    }

    #[test]
    fn the_reserve_has_room_for_all_of_the_state_and_takes_what_there_is() {
        let storage = FaultStorage::new(1);
        replace(&storage, "schemas.json", &vec![7; 3_000_000]).expect("written");
        let reserve = || storage.len(RESERVE_FILE).expect("readable").unwrap_or(0);
        assert!(reserve() >= 3_000_000, "{}", reserve());
        storage.remove(RESERVE_FILE).expect("removed");
        storage.set_capacity(Some(storage.used_bytes() + 700_000));
        assert!(ensure_reserve(&storage).expect_err("short").is_full());
        assert!(reserve() > 690_000, "{}", reserve());
        storage.set_capacity(None);
        ensure_reserve(&storage).expect("whole again");
        assert!(reserve() >= 3_000_000, "{}", reserve());
    }
}
