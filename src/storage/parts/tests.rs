use std::collections::BTreeSet;

use super::super::fault::Fault;
use super::super::{
    FORMAT_FILE, FaultStorage, Operation, Space, Storage, StorageError, check_folder, data_format,
    ensure_held, held, hold, hold_last, open_folder, replace,
};

const FIRST: &[u8] = b"tidegate data format 1\nnode 00000000000000ab\n";

const SEGMENT: &str = "wal/0000000000000007.wal";

const WHOLE: [&str; 6] = [
    "catalog.json",
    "flushes.json",
    "lake",
    "schemas.json",
    SEGMENT,
    "wal/released",
];

/// A folder with all of its parts, as a program left it that knew of no notes.
fn first_version() -> FaultStorage {
    let storage = FaultStorage::new(1);
    storage.put(FORMAT_FILE, FIRST);
    for path in WHOLE.into_iter().filter(|path| *path != "lake") {
        storage.put(path, b"x");
    }
    storage.put("wal/0000000000000006.wal", b"x");
    storage.put("lake/b/m/_delta_log/0.json", b"x");
    storage
}

fn noted(storage: &FaultStorage) -> Vec<String> {
    held(storage).expect("readable").into_iter().collect()
}

fn missing(result: Result<(), StorageError>) -> Vec<String> {
    match result {
        Ok(()) => Vec::new(),
        Err(StorageError::Missing { parts, .. }) => {
            parts.iter().map(|part| part.path().to_owned()).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_folder_of_version_1_gets_its_notes_whatever_moment_it_is_cut_short_at() {
    let mut changes = 0;
    loop {
        let storage = first_version();
        storage.cut_power_after(changes);
        let opened = open_folder(&storage);
        // Version 1 or 2, and its parts; both continue.
        let survived = storage.crash();
        let format = data_format(&survived).expect("readable");
        assert_eq!(format.node_id, 0xab);
        if opened.is_ok() {
            assert_eq!(format.version, 2);
        }
        if format.version == 2 {
            assert_eq!(noted(&survived), WHOLE, "after {changes} changes");
        }
        open_folder(&survived).expect("goes on");
        assert_eq!(noted(&survived), WHOLE);
        assert_eq!(noted(&survived.crash()), WHOLE);
        if opened.is_ok() {
            break;
        }
        changes += 1;
    }
    assert!(changes >= 4, "create, write, sync, rename, sync: {changes}");
}

#[test]
fn a_failed_change_of_the_migration_leaves_a_folder_that_goes_on() {
    for operation in [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::SyncDir,
    ] {
        let storage = first_version();
        storage.fail(operation, 0, Fault::ShortIo);
        open_folder(&storage).expect_err("told");
        for storage in [storage.crash(), storage] {
            open_folder(&storage).expect("goes on");
            assert_eq!(noted(&storage.crash()), WHOLE, "{operation}");
        }
    }
}

/// A full disk is no reason to refuse a start: what the log holds leaves through it.
#[test]
fn a_folder_of_version_1_opens_on_a_full_disk_and_is_migrated_when_there_is_space() {
    let storage = first_version();
    storage.set_capacity(Some(0));
    open_folder(&storage).expect("goes on");
    assert_eq!(data_format(&storage).expect("readable").version, 1);
    storage.take("catalog.json");
    assert_eq!(missing(open_folder(&storage)), ["catalog.json"]);
    storage.put("catalog.json", b"x");
    storage.set_capacity(None);
    open_folder(&storage).expect("migrated");
    assert_eq!(noted(&storage.crash()), WHOLE);
}

#[test]
fn a_folder_of_version_1_is_trusted_but_for_what_must_have_been_there() {
    for (lost, is_told) in [
        ("catalog.json", true),
        ("flushes.json", true),
        ("schemas.json", true),
        ("wal/released", false),
        (SEGMENT, false),
    ] {
        let storage = first_version();
        storage.take(lost);
        let told = missing(open_folder(&storage));
        assert_eq!(told.contains(&lost.to_owned()), is_told, "{lost}: {told:?}");
        let version = data_format(&storage).expect("readable").version;
        assert_eq!(version, if is_told { 1 } else { 2 }, "{lost}");
    }
    // A first start that was cut short, and files of a flush that was never committed.
    let storage = FaultStorage::new(1);
    storage.put(FORMAT_FILE, FIRST);
    open_folder(&storage).expect("new");
    storage.put(FORMAT_FILE, FIRST);
    storage.put("catalog.json", b"x");
    storage.put("lake/b/m/day=2024-01-01/0.parquet", b"x");
    open_folder(&storage).expect("whole");
}

#[test]
fn every_part_and_every_pair_of_parts_that_is_lost_is_told_by_name() {
    for first in WHOLE {
        for second in WHOLE {
            let storage = first_version();
            open_folder(&storage).expect("migrated");
            for lost in [first, second] {
                match lost {
                    "lake" => storage.take("lake/b/m/_delta_log/0.json"),
                    lost => storage.take(lost),
                }
            }
            let mut told = missing(check_folder(&storage));
            assert_eq!(missing(open_folder(&storage)), told);
            told.extend(missing(ensure_held(&storage, "lake")));
            let told: BTreeSet<_> = told.iter().map(String::as_str).collect();
            assert_eq!(told, BTreeSet::from([first, second]));
        }
    }
}

#[test]
fn the_refusal_says_what_is_lost_what_it_means_and_what_can_be_done() {
    let storage = first_version();
    open_folder(&storage).expect("migrated");
    storage.take("flushes.json");
    storage.take(SEGMENT);
    let told = open_folder(&storage).expect_err("refused").to_string();
    for part in [
        "has lost flushes.json (what of the log the tables have already), and wal/0000000000000007.wal",
        "put back what is missing",
        "`tidegate wal salvage --data-dir . --out .-salvaged` makes a new folder",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    storage.take("catalog.json");
    let told = open_folder(&storage).expect_err("refused").to_string();
    assert!(
        told.contains("catalog.json (all buckets and tokens"),
        "{told}"
    );
    assert!(!told.contains("salvage"), "no way without it: {told}");
}

/// kill -9 in the very first start is no damage.
#[test]
fn a_first_start_that_is_cut_short_anywhere_is_gone_on_with() {
    let work = |storage: &FaultStorage| {
        open_folder(storage)?;
        replace(storage, "catalog.json", b"x")?;
        let segment = storage.create_new("wal/0000000000000001.wal.new")?;
        segment.sync_all()?;
        storage.rename("wal/0000000000000001.wal.new", "wal/0000000000000001.wal")?;
        storage.sync_dir("wal")?;
        hold_last(storage, "wal/0000000000000001.wal", Space::Free)?;
        replace(storage, "schemas.json", b"x")
    };
    for seed in 0..20 {
        let mut changes = 0;
        loop {
            let storage = FaultStorage::new(seed);
            storage.cut_power_after(changes);
            let worked = work(&storage);
            let survived = storage.crash();
            survived.sync_dir("").expect("as at every start");
            open_folder(&survived).unwrap_or_else(|error| panic!("after {changes}: {error}"));
            if worked.is_ok() {
                let all = ["catalog.json", "schemas.json", "wal/0000000000000001.wal"];
                assert_eq!(noted(&survived), all);
                break;
            }
            changes += 1;
        }
    }
}

#[test]
fn of_a_series_the_newest_is_held() {
    let storage = first_version();
    open_folder(&storage).expect("migrated");
    storage.put("wal/0000000000000008.wal", b"x");
    hold_last(&storage, "wal/0000000000000008.wal", Space::Free).expect("noted");
    let noted = noted(&storage.crash());
    assert!(!noted.contains(&SEGMENT.to_owned()));
    assert!(noted.contains(&"wal/0000000000000008.wal".to_owned()));
    assert!(noted.contains(&"wal/released".to_owned()));
    assert_eq!(noted.len(), WHOLE.len());
}

/// After a failed sync the page cache shows a note that is not durable.
#[test]
fn a_note_that_failed_is_written_anew_and_not_found_to_be_there() {
    for operation in [Operation::Sync, Operation::Rename, Operation::SyncDir] {
        for seed in 0..20 {
            let storage = FaultStorage::new(seed);
            open_folder(&storage).expect("new");
            storage.put("catalog.json", b"x");
            storage.fail(operation, 0, Fault::Io);
            hold(&storage, "catalog.json").expect_err("told");
            hold(&storage, "catalog.json").expect("again");
            assert_eq!(noted(&storage.crash()), ["catalog.json"], "{operation}");
        }
    }
}

#[test]
fn a_new_segment_does_not_take_the_reserve_of_small_state() {
    let storage = FaultStorage::new(1);
    open_folder(&storage).expect("new");
    super::super::ensure_reserve(&storage).expect("set aside");
    storage.set_capacity(Some(0));
    let error = hold_last(&storage, SEGMENT, Space::Free).expect_err("full");
    assert!(error.is_full(), "{error}");
    replace(&storage, "catalog.json", b"x").expect("from the reserve");
}
