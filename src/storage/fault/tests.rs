//! The model must be as cruel as it says, and not more.

use super::{Fault, FaultStorage};
use crate::storage::{File, Operation, Storage};

fn synced(storage: &FaultStorage, path: &str, bytes: &[u8]) -> Box<dyn File> {
    let file = storage.create_new(path).expect("created");
    file.write_all_at(bytes, 0).expect("written");
    file.sync_data().expect("synced");
    storage.sync_dir("").expect("synced");
    file
}

#[test]
fn synced_bytes_survive_every_crash_and_others_only_sometimes() {
    let mut seen = [0; 3];
    for seed in 0..200 {
        let storage = FaultStorage::new(seed);
        let file = synced(&storage, "a", b"durable");
        file.write_all_at(&[b'x'; 2000], 7).expect("written");
        let found = storage.crash().contents("a").expect("its name was synced");
        assert!(found.starts_with(b"durable"));
        let whole = found.len() == 2007 && found[7..].iter().all(|byte| *byte == b'x');
        seen[if found.len() == 7 {
            0
        } else if whole {
            1
        } else {
            2
        }] += 1;
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

#[test]
fn a_name_that_was_not_synced_may_be_gone_and_a_rename_is_never_half_done() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let storage = FaultStorage::new(seed);
        synced(&storage, "a", b"1");
        storage.rename("a", "b").expect("renamed");
        storage.create_new("c").expect("created");
        outcomes.insert(storage.crash().list("").expect("listed").concat());
    }
    let outcomes: Vec<_> = outcomes.iter().map(String::as_str).collect();
    assert_eq!(outcomes, ["a", "ac", "b", "bc"]);
}

#[test]
fn what_a_failed_sync_lost_no_later_sync_brings_back() {
    let lost = (0..100).filter(|seed| {
        let storage = FaultStorage::new(*seed);
        let file = synced(&storage, "a", b"");
        file.write_all_at(b"x", 0).expect("written");
        storage.fail(Operation::Sync, 0, Fault::Io);
        file.sync_data().expect_err("told");
        file.sync_data().expect("a lie");
        assert_eq!(
            storage.contents("a").expect("there"),
            b"x",
            "the program still sees it"
        );
        storage.crash().contents("a").expect("there").is_empty()
    });
    assert!((10..90).contains(&lost.count()));
}

#[test]
fn a_full_disk_takes_what_fits_and_slack_in_a_block_is_free() {
    let storage = FaultStorage::new(1);
    storage.set_capacity(Some(8192));
    let file = synced(&storage, "a", &[1; 4000]);
    synced(&storage, "b", &[1; 10]);
    file.write_all_at(&[2; 50], 4000).expect("within the block");
    let full = file
        .write_all_at(&[2; 100], 4050)
        .expect_err("no block left");
    assert!(full.is_full(), "{full}");
    assert_eq!(file.len().expect("known"), 4096);
    assert_eq!(storage.used_bytes(), 8192);
    storage.remove("b").expect("removed");
    file.write_all_at(&[2; 100], 4096).expect("a block is free");
}

#[test]
fn faults_count_down_once_or_stay_and_a_short_write_leaves_a_part() {
    let storage = FaultStorage::new(5);
    let file = synced(&storage, "a", b"");
    storage.fail(Operation::Write, 1, Fault::ShortFull);
    file.write_all_at(b"12345678", 0)
        .expect("the first is good");
    assert!(
        file.write_all_at(&[9; 100], 8)
            .expect_err("the second is not")
            .is_full()
    );
    assert!(file.len().expect("known") < 108);
    file.write_all_at(b"x", 0).expect("once only");
    storage.fail_always(Operation::SetLen, Fault::Io);
    assert!(file.set_len(0).is_err() && file.set_len(0).is_err());
    storage.heal();
    file.set_len(0).expect("healed");
}

#[test]
fn nothing_changes_after_the_power_is_cut() {
    let storage = FaultStorage::new(5);
    let file = synced(&storage, "a", b"1");
    storage.cut_power_after(1);
    file.write_all_at(b"2", 1).expect("the last one");
    assert!(file.sync_data().is_err() && file.write_all_at(b"3", 2).is_err());
    assert!(storage.create_new("b").is_err() && storage.remove("a").is_err());
    assert_eq!(storage.contents("a").expect("there"), b"12");
    let after = storage.crash();
    assert!(after.open("a").is_ok() && after.create_new("b").is_ok());
}

#[test]
fn the_same_seed_gives_the_same_crash() {
    let crash = |seed| {
        let storage = FaultStorage::new(seed);
        synced(&storage, "a", b"1")
            .write_all_at(&[7; 5000], 1)
            .expect("written");
        storage.crash().contents("a")
    };
    assert!((0..20).all(|seed| crash(seed) == crash(seed)));
}
