//! Salvage of damaged logs: the frames that are saved, and the report on the rest.

use std::sync::Arc;

use super::super::{FrameKind, Item, LogReader, Loss, Salvaged, Wal, WalError, salvage};
use super::support::{Frames, Log, NODE, new_storage, recover, segment, small};
use crate::id::Sequence;
use crate::storage::{FaultStorage, Storage, StorageError};

/// A log of three segments that ends in a crash, or in order.
fn log(is_closed: bool) -> FaultStorage {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    for bytes in [40, 1400, 1400, 30, 2000, 1200, 20] {
        log.write(bytes).expect("durable");
    }
    log.submit(60);
    log.submit(61);
    log.committer.commit_group();
    if is_closed {
        log.committer.close().expect("closed");
    }
    storage
}

fn copy(storage: &FaultStorage) -> FaultStorage {
    let copy = new_storage(2);
    for name in storage.list("wal").expect("listed") {
        let path = format!("wal/{name}");
        copy.put(&path, &storage.contents(&path).expect("there"));
    }
    copy
}

fn len(storage: &FaultStorage, number: u64) -> usize {
    storage.contents(&segment(number)).expect("there").len()
}

/// Salvages, and replays the new log after a power cut.
fn salvaged(storage: &FaultStorage) -> (Salvaged, Frames) {
    let to = new_storage(3);
    let dynamic: Arc<dyn Storage> = Arc::new(to.clone());
    let salvaged = salvage(storage, (dynamic, NODE), small()).expect("salvages");
    let (recovered, frames) = recover(&to.crash(), small()).expect("a start takes it");
    assert!(recovered.replayed().clean && recovered.replayed().torn.is_none());
    assert_eq!(frames.len() as u64, salvaged.frames);
    assert_eq!(recovered.replayed().last, salvaged.last);
    (salvaged, frames)
}

fn whole(storage: &FaultStorage) -> Frames {
    recover(&copy(storage), small()).expect("opens").1
}

/// The frame of the segment that has this byte, header included.
fn frame_at(storage: &FaultStorage, number: u64, at: usize) -> Option<u64> {
    let reader = LogReader::open(storage).expect("opens");
    let file = reader
        .segments()
        .iter()
        .find(|segment| segment.number == number);
    let mut found = None;
    let mut look = |item: Item<'_>| -> Result<(), StorageError> {
        if let Item::Frame(frame) = item
            && frame.kind == FrameKind::Data
            && (frame.offset..frame.offset + frame.bytes).contains(&(at as u64))
        {
            found = Some(frame.sequence.0);
        }
        Ok(())
    };
    reader
        .read(file.expect("there"), &mut look)
        .expect("readable");
    found
}

#[test]
fn a_flip_of_any_byte_costs_its_own_frame_and_nothing_else() {
    for good in [log(false), log(true)] {
        let all = whole(&good);
        for number in 1..=3 {
            for at in (0..len(&good, number)).filter(|at| at % 3 == 0 || *at < 200) {
                let storage = copy(&good);
                assert!(storage.flip(&segment(number), at, 1 << (at % 8)));
                let lost = frame_at(&good, number, at);
                let (told, frames) = salvaged(&storage);
                let mut expected = all.clone();
                expected.retain(|(sequence, _)| Some(*sequence) != lost);
                assert_eq!(frames, expected, "segment {number}, byte {at}");
                assert_eq!(told.losses.len(), 1, "segment {number}, byte {at}");
                let Loss {
                    offset,
                    bytes,
                    after,
                    before,
                    ..
                } = &told.losses[0];
                assert!((*offset..offset + bytes).contains(&(at as u64)), "{told:?}");
                if let Some(lost) = lost {
                    assert_eq!(after.0 + 1, lost);
                    assert!(before.is_none_or(|before| before.0 == lost + 1));
                }
            }
        }
    }
}

#[test]
fn a_good_log_is_copied_as_it_is_and_the_old_one_stays_as_it_was() {
    for good in [log(false), log(true)] {
        let before: Vec<_> = (1..=3)
            .map(|number| good.contents(&segment(number)))
            .collect();
        let (told, frames) = salvaged(&good);
        assert_eq!(frames, whole(&good));
        assert_eq!(
            (told.frames, told.last, told.losses),
            (9, Sequence(9), vec![])
        );
        let after: Vec<_> = (1..=3)
            .map(|number| good.contents(&segment(number)))
            .collect();
        assert_eq!(before, after);
    }
}

#[test]
fn an_empty_log_becomes_an_empty_log() {
    let (told, frames) = salvaged(&new_storage(1));
    assert_eq!((told, frames), (Salvaged::default(), Frames::new()));
}

#[test]
fn missing_segments_are_named_with_the_gap_that_they_leave() {
    let all = whole(&log(true));
    for number in 1..=3 {
        let storage = log(true);
        storage.remove(&segment(number)).expect("removed");
        assert!(Wal::examine(&storage).is_err());
        let (told, frames) = salvaged(&storage);
        assert!(frames.len() < all.len() && !frames.is_empty());
        assert!(frames.iter().all(|frame| all.contains(frame)));
        let loss = &told.losses[0];
        assert_eq!((told.losses.len(), loss.bytes), (1, 0));
        assert_eq!(loss.what, "the file is missing");
        assert_eq!(loss.before.is_none(), number == 3);
        let gap = loss.after.0 + 1..loss.before.map_or(u64::MAX, |next| next.0);
        let lost = all.iter().map(|(sequence, _)| *sequence);
        let lost: Vec<u64> = lost.filter(|sequence| gap.contains(sequence)).collect();
        assert_eq!(lost.len() + frames.len(), all.len());
    }
}

#[test]
fn a_cut_file_is_told_with_the_bytes_that_are_gone() {
    let storage = log(true);
    let bytes = len(&storage, 1);
    let mut contents = storage.contents(&segment(1)).expect("there");
    contents.truncate(bytes - 10);
    storage.put(&segment(1), &contents);
    let (told, frames) = salvaged(&storage);
    assert_eq!(frames.len(), 8);
    assert_eq!(told.losses.len(), 2, "{told:?}");
    assert!(told.losses[0].what.contains("ends within a frame"));
    assert_eq!(told.losses[1].what, "the file ends too early");
    assert_eq!(told.losses[1].bytes, 10);
}

#[test]
fn frames_behind_a_torn_one_that_nobody_acknowledged_come_along() {
    let good = log(false);
    let storage = copy(&good);
    let at = (0..len(&good, 3)).find(|at| frame_at(&good, 3, *at) == Some(8));
    assert!(storage.flip(&segment(3), at.expect("there") + 30, 1));
    let (_, started) = recover(&copy(&storage), small()).expect("a torn tail is cut");
    let (_, frames) = salvaged(&storage);
    let sequences = |frames: &Frames| frames.iter().map(|frame| frame.0).collect::<Vec<_>>();
    assert_eq!(sequences(&started), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(sequences(&frames), [1, 2, 3, 4, 5, 6, 7, 9]);
}

#[test]
fn looking_at_a_log_tells_what_a_start_would_and_changes_nothing() {
    let storage = log(false);
    let files = storage.list("wal").expect("listed");
    let examined = Wal::examine(&storage).expect("it would start");
    assert_eq!(
        (examined.frames, examined.clean, examined.segments),
        (9, false, 3)
    );
    assert_eq!(storage.list("wal").expect("listed"), files);
    assert!(storage.flip(&segment(1), 90, 1));
    let refused = Wal::examine(&storage).expect_err("damaged");
    assert!(matches!(refused, WalError::Damaged { .. }), "{refused}");
    let reader = LogReader::open(&storage).expect("opens");
    let [first, _, last] = reader.segments() else {
        panic!("three segments")
    };
    assert_eq!(first.exact_end.expect("named").offset, first.bytes);
    assert_eq!((last.exact_end, last.header_fault.clone()), (None, None));
}

#[test]
fn a_disk_that_fails_while_salvaging_is_told() {
    let storage = log(false);
    let to = new_storage(3);
    to.set_capacity(Some(1000));
    let dynamic: Arc<dyn Storage> = Arc::new(to);
    let error = salvage(&storage, (dynamic, NODE), small()).expect_err("full");
    assert!(matches!(error, WalError::Storage(error) if error.is_full()));
}

#[test]
fn frames_that_a_restart_carried_over_are_taken_once_even_if_its_header_is_damaged() {
    let storage = log(false);
    let mut restarted = Log::open(&storage);
    restarted.write(50).expect("durable");
    let all = whole(&storage);
    assert!(
        storage.flip(&segment(4), 60, 1),
        "the header says where segment 3 ends"
    );
    let (told, frames) = salvaged(&storage);
    assert_eq!((frames.len(), frames), (10, all));
    assert_eq!((told.losses.len(), told.losses[0].bytes), (1, 72));
}
