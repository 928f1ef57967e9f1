use std::sync::Arc;

use super::inspect::look;
use super::salvage::{copy, write_losses};
use crate::storage::{FaultStorage, Storage, check_folder, data_format, hold, read};
use crate::wal::{Generation, Wal, WalOptions};

/// A data folder with a catalog and a log of this many frames, closed in order or not.
fn folder(frames: usize, is_closed: bool) -> FaultStorage {
    let storage = FaultStorage::new(1);
    storage.put("catalog.json", b"{\"buckets\":[]}");
    storage.put("flushes.json", b"{\"format\":1,\"tables\":[]}");
    let dynamic: Arc<dyn Storage> = Arc::new(storage.clone());
    let options = WalOptions::default();
    let recovered = Wal::recover(dynamic, options, &mut |_, _| Ok(()), &mut |_| {});
    let wal = recovered.expect("new").start().expect("a thread");
    for _ in 0..frames {
        let (tx, rx) = std::sync::mpsc::channel();
        let done = Box::new(move |_, result: Result<(), _>| {
            let _ = tx.send(result.is_ok());
        });
        wal.submit(Generation::default(), vec![0x80; 100], done);
        assert!(rx.recv().expect("told"));
    }
    match is_closed {
        true => {
            wal.close().expect("closed");
            storage
        }
        false => storage.crash(),
    }
}

fn text(storage: &FaultStorage) -> String {
    let mut out = Vec::new();
    let log = look(storage, true).expect("readable");
    log.write(&mut out).expect("to memory");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_good_log_is_shown_frame_by_frame() {
    let shown = text(&folder(3, true));
    for part in [
        "segment 1 (wal/0000000000000001.wal)",
        "header: ok",
        "sequences: 1 to 3",
        "frames: 3 data with 300 bytes of payload, 0 probe, 1 end",
        "        72  data   sequence 1, 124 bytes, cannot be decoded: the bucket id is cut off",
        "end    sequence 3, 24 bytes",
        "log: 1 segments, 3 data frames; the log was closed in order",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let shown = text(&folder(3, false));
    assert!(shown.contains("the log was not closed"), "{shown}");
    assert!(shown.contains("known durable up to offset 320"), "{shown}");
}

#[test]
fn damage_and_torn_tails_are_told_apart_and_what_a_start_would_say() {
    let torn = folder(3, false);
    assert!(torn.flip("wal/0000000000000001.wal", 400, 1));
    let shown = text(&torn);
    assert!(
        shown.contains("unreadable: 124 bytes from offset 320"),
        "{shown}"
    );
    assert!(
        shown.contains("a start would cut a torn tail of 124 bytes"),
        "{shown}"
    );
    let damaged = folder(3, true);
    assert!(damaged.flip("wal/0000000000000001.wal", 100, 1));
    let shown = text(&damaged);
    assert!(shown.contains("a start would be refused: "), "{shown}");
    let json = serde_json::to_value(look(&damaged, false).expect("readable")).expect("JSON");
    assert_eq!(json["starts"], false);
    assert_eq!(json["segments"][0]["damage"][0]["offset"], 72);
    assert_eq!(json["segments"][0].get("frames"), None);
}

#[test]
fn a_salvaged_folder_has_the_catalog_the_flushes_and_its_format_last() {
    let damaged = folder(5, true);
    assert!(damaged.flip("wal/0000000000000001.wal", 350, 1));
    let to = FaultStorage::new(2);
    let dynamic: Arc<dyn Storage> = Arc::new(to.clone());
    let salvaged = copy(&damaged, &dynamic).expect("salvages");
    let mut out = Vec::new();
    write_losses(&salvaged, &mut out).expect("to memory");
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "lost: wal/0000000000000001.wal from offset 320 to 444 (124 bytes): the checksum of a frame \
         is wrong; between the writes 2 and 4\n"
    );
    let survived = to.crash();
    for file in ["catalog.json", "flushes.json"] {
        let copied = read(&survived, file).expect("readable");
        assert!(copied.is_some() && copied == read(&damaged, file).expect("readable"));
    }
    let format = |storage: &FaultStorage| data_format(storage).expect("a format");
    assert_eq!(format(&survived), format(&damaged));
    check_folder(&survived).expect("it notes what it holds, and holds it");
    assert!(text(&to).contains("4 data frames; the log was closed in order"));
    let full = FaultStorage::new(3);
    full.set_capacity(Some(10));
    copy(&damaged, &(Arc::new(full.clone()) as Arc<dyn Storage>)).expect_err("full");
    assert_eq!(full.len("format").expect("looked up"), None);
}

/// From a bug: tables that had been moved elsewhere (`lake.url`) seemed lost, so what was flushed was not
/// copied; the new folder was the same node, which its tables then refused as a copy.
#[test]
fn a_salvaged_folder_that_does_not_know_what_was_flushed_is_another_node() {
    for is_moved in [false, true] {
        let from = folder(2, true);
        hold(&from, "lake").expect("noted");
        if !is_moved {
            from.put("lake/b/m/_delta_log/0.json", b"x");
        }
        let to = FaultStorage::new(2);
        copy(&from, &(Arc::new(to.clone()) as Arc<dyn Storage>)).expect("salvages");
        let knows = read(&to, "flushes.json").expect("readable").is_some();
        let node = |storage: &FaultStorage| data_format(storage).expect("a format").node_id;
        assert_eq!(knows, !is_moved);
        assert_eq!(node(&to) == node(&from), knows, "moved: {is_moved}");
    }
}
