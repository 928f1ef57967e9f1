//! Damaged logs: what is refused, what is cut, and the errors.

use std::path::Path;
use std::sync::Arc;

use super::super::format::frame::{self, Kind, Label, Seal};
use super::super::format::released;
use super::super::format::segment::SegmentHeader;
use super::super::{Replayed, Wal, WalError, salvage};
use super::support::{Frames, Log, NODE, new_storage, recover, segment, small};
use crate::id::Sequence;
use crate::storage::{FaultStorage, Storage};

/// A log of three segments that ends in a crash; each number is a group of frames.
fn crashed() -> FaultStorage {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    for bytes in [40, 1400, 1400, 30, 2000, 1200, 20] {
        log.write(bytes).expect("durable");
    }
    log.submit(60);
    log.submit(61);
    log.committer.commit_group();
    assert_eq!((log.acknowledged().len(), log.wal.stats().segments), (9, 3));
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

fn found(storage: &FaultStorage) -> Result<(Replayed, Frames), WalError> {
    recover(storage, small()).map(|(recovered, frames)| (recovered.replayed().clone(), frames))
}

fn len(storage: &FaultStorage, number: u64) -> usize {
    storage.contents(&segment(number)).expect("there").len()
}

/// Refused, naming this segment; the offset.
#[track_caller]
fn refused_in(storage: &FaultStorage, number: u64) -> u64 {
    match found(storage) {
        Err(WalError::Damaged { path, offset, .. }) => {
            assert_eq!(path, Path::new(&segment(number)));
            offset
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_flip_of_any_byte_after_a_crash_is_refused_or_cut_with_the_last_group() {
    let good = crashed();
    let (_, whole) = found(&good).expect("opens");
    let mut torn = 0;
    for number in 1..=3 {
        for at in 0..len(&good, number) {
            let storage = copy(&good);
            assert!(storage.flip(&segment(number), at, 1 << (at % 8)));
            match found(&storage) {
                Err(WalError::Damaged { path, offset, .. }) => {
                    assert_eq!(path, Path::new(&segment(number)));
                    assert!(offset <= at as u64, "{offset} is named for {at}");
                }
                Ok((replayed, frames)) => {
                    let tail = replayed.torn.expect("told");
                    assert_eq!(number, 3);
                    assert!(tail.offset <= at as u64 && whole.starts_with(&frames));
                    assert!(frames.len() >= 7, "the last group has two frames");
                    torn += 1;
                }
                Err(other) => panic!("segment {number}, byte {at}: {other}"),
            }
        }
    }
    assert_eq!(torn, 60 + 61 + 2 * 24, "just the last group");
}

#[test]
fn a_flip_of_any_byte_after_a_clean_stop_is_refused_or_in_the_end_mark() {
    let good = crashed();
    Log::open(&good).committer.close().expect("closed");
    let (replayed, whole) = found(&good).expect("opens");
    assert!(replayed.clean && replayed.torn.is_none() && replayed.segments == 4);
    let last = len(&good, 4);
    for at in 0..last {
        let storage = copy(&good);
        storage.flip(&segment(4), at, 0x80);
        match found(&storage) {
            Ok((replayed, frames)) => {
                assert!(at >= last - 24 && replayed.torn.is_some() && !replayed.clean);
                assert_eq!(frames, whole, "the end mark carries nothing");
            }
            Err(_) => assert!(at < last - 24),
        }
    }
}

#[test]
fn a_cut_file_costs_only_what_was_cut_off_in_the_last_segment_and_is_refused_before() {
    let good = crashed();
    let (_, whole) = found(&good).expect("opens");
    let sizes = [1200, 20, 60, 61].map(|payload| payload + 24);
    for cut in 0..len(&good, 3) {
        let storage = copy(&good);
        let bytes = storage.contents(&segment(3)).expect("there");
        storage.put(&segment(3), &bytes[..cut]);
        if cut < 72 {
            assert_eq!(refused_in(&storage, 3), 0);
            continue;
        }
        let (replayed, frames) = found(&storage).expect("nothing proves that there was more");
        let in_segment = whole.len() - frames.len();
        let kept = &sizes[..sizes.len().saturating_sub(in_segment)];
        let end = 72 + kept.iter().sum::<usize>();
        assert!(whole.starts_with(&frames) && end <= cut);
        assert_eq!(
            replayed.torn.map(|torn| torn.bytes),
            (cut > end).then_some((cut - end) as u64)
        );
    }
    for cut in 0..len(&good, 2) {
        let storage = copy(&good);
        let bytes = storage.contents(&segment(2)).expect("there");
        storage.put(&segment(2), &bytes[..cut]);
        assert!(refused_in(&storage, 2) <= cut as u64);
    }
}

#[test]
fn damage_before_a_group_that_proves_it_was_durable_is_refused_at_its_offset() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    for bytes in [100, 200, 300] {
        log.write(bytes).expect("durable");
    }
    storage.flip(&segment(1), 72 + 124 + 24 + 7, 1);
    assert_eq!(refused_in(&storage, 1), 72 + 124);
    let text = found(&storage).expect_err("refused").to_string();
    assert!(
        text.contains("wal/0000000000000001.wal is damaged at offset 196"),
        "{text}"
    );
}

#[test]
fn frames_behind_a_torn_one_are_cut_with_it_and_counted() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(10).expect("durable");
    for bytes in [100, 50, 60] {
        log.submit(bytes);
    }
    log.committer.commit_group();
    let torn_at = 72 + 34;
    storage.flip(&segment(1), torn_at + 30, 4);
    let (replayed, frames) = found(&storage).expect("opens");
    let torn = replayed.torn.expect("told");
    assert_eq!(
        (torn.offset, torn.bytes, torn.frames),
        (106, 124 + 74 + 84, 2)
    );
    assert_eq!((frames.len(), replayed.last), (1, Sequence(1)));
    // The cut part stays cut, and its sequences are used again.
    let mut log = Log::open(&storage);
    assert_eq!(log.submit(5), 2);
    log.committer.commit_group();
    let (replayed, frames) = found(&storage.crash()).expect("opens");
    assert_eq!((frames.len(), replayed.torn), (2, None));
}

#[test]
fn anything_behind_the_end_mark_is_refused() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(10).expect("durable");
    log.committer.close().expect("closed");
    let mut bytes = storage.contents(&segment(1)).expect("there");
    let end = bytes.len();
    bytes.push(0);
    storage.put(&segment(1), &bytes);
    assert_eq!(refused_in(&storage, 1), end as u64);
    bytes.pop();
    let label = Label {
        kind: Kind::Data,
        sequence: 2,
        durable: 72,
    };
    frame::encode(&mut bytes, Seal::new(0xab, 1), end as u64, label, b"late");
    storage.put(&segment(1), &bytes);
    assert_eq!(refused_in(&storage, 1), end as u64);
}

#[test]
fn a_payload_that_looks_like_frames_cannot_pose_as_one() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(10).expect("durable");
    // A client can know at most the format, but not the node id.
    let mut forged = Vec::new();
    for at in 0..40 {
        let label = Label {
            kind: Kind::Data,
            sequence: 99,
            durable: 200 + at,
        };
        let offset = 106 + 24 + forged.len() as u64;
        frame::encode(&mut forged, Seal::new(0, 1), offset, label, b"x");
    }
    log.submit_payload(forged);
    log.committer.commit_group();
    storage.flip(&segment(1), 106, 1);
    let (replayed, frames) = found(&storage).expect("a torn tail");
    assert_eq!((frames.len(), replayed.torn.expect("told").frames), (1, 0));
}

#[test]
fn frames_out_of_order_are_damage_even_with_right_checksums() {
    for (second, durable) in [(1, 72), (0, 72), (2, 71)] {
        let storage = new_storage(1);
        Log::open(&storage);
        let mut bytes = storage.contents(&segment(1)).expect("there");
        for (sequence, durable) in [(1, 72), (second, durable)] {
            let label = Label {
                kind: Kind::Data,
                sequence,
                durable,
            };
            let offset = bytes.len() as u64;
            frame::encode(&mut bytes, Seal::new(0xab, 1), offset, label, b"x");
        }
        storage.put(&segment(1), &bytes);
        let (replayed, frames) = found(&storage).expect("nothing proves the tail");
        assert_eq!(
            (frames.len(), replayed.torn.map(|torn| torn.offset)),
            (1, Some(97))
        );
    }
}

#[test]
fn missing_segments_are_noticed_unless_they_were_released() {
    let good = crashed();
    let storage = copy(&good);
    storage.take(&segment(2));
    let missing = found(&storage).expect_err("refused");
    assert!(
        matches!(&missing, WalError::MissingSegment { path } if path.ends_with("0000000000000002.wal"))
    );
    let storage = copy(&good);
    storage.take(&segment(1));
    let missing = found(&storage).expect_err("refused").to_string();
    assert!(
        missing.contains("the log starts at sequence 4 in wal/0000000000000002.wal"),
        "{missing}"
    );
    released::write(&storage, Sequence(2)).expect("written");
    found(&storage).expect_err("frame 3 is missing");
    released::write(&storage, Sequence(3)).expect("written");
    let (recovered, frames) = recover(&storage, small()).expect("released");
    assert_eq!((frames.len(), recovered.replayed().last), (6, Sequence(9)));
}

#[test]
fn foreign_segments_and_other_versions_are_refused_by_name() {
    let storage = new_storage(1);
    Log::open(&storage).write(10).expect("durable");
    let bytes = storage.contents(&segment(1)).expect("there");
    let told = |change: &dyn Fn(&mut Vec<u8>)| {
        let storage = copy(&storage);
        let mut bytes = bytes.clone();
        change(&mut bytes);
        storage.put(&segment(1), &bytes);
        found(&storage).expect_err("refused").to_string()
    };
    let of_version = |version: u8| {
        move |bytes: &mut Vec<u8>| {
            bytes[8] = version;
            let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..72]);
            bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        }
    };
    let newer = told(&of_version(9));
    assert!(
        newer.contains("has version 9, but this tidegate reads 1: start the newer"),
        "{newer}"
    );
    let older = told(&of_version(0));
    assert!(
        older.contains("has version 0, which this tidegate no longer reads"),
        "{older}"
    );
    let other = told(&|bytes| {
        let header = SegmentHeader::decode(bytes).expect("good");
        bytes.splice(
            ..72,
            SegmentHeader {
                node_id: 0xcd,
                ..header
            }
            .encode(),
        );
    });
    assert!(
        other.contains(
            "by node 00000000000000cd, but this data folder belongs to node 00000000000000ab"
        ),
        "{other}"
    );
    let renamed = told(&|bytes| {
        let header = SegmentHeader::decode(bytes).expect("good");
        bytes.splice(
            ..72,
            SegmentHeader {
                number: 4,
                ..header
            }
            .encode(),
        );
    });
    assert!(renamed.contains("holds another segment"), "{renamed}");
    let none = told(&|bytes| *bytes = vec![b'x'; 100]);
    assert!(none.contains("no log segment"), "{none}");
}

#[test]
fn a_chain_whose_links_do_not_fit_is_refused() {
    let good = crashed();
    let relink = |change: &dyn Fn(&mut SegmentHeader)| {
        let storage = copy(&good);
        let mut bytes = storage.contents(&segment(3)).expect("there");
        let mut header = SegmentHeader::decode(&bytes).expect("good");
        change(&mut header);
        bytes.splice(..72, header.encode());
        storage.put(&segment(3), &bytes);
        found(&storage).expect_err("refused").to_string()
    };
    let text = relink(&|header| header.predecessor.segment = 1);
    assert!(text.contains("does not name its predecessor"), "{text}");
    let text = relink(&|header| header.predecessor.sequence = Sequence(77));
    assert!(text.contains("frames are missing before it"), "{text}");
    let text = relink(&|header| header.predecessor.offset += 1);
    assert!(
        text.contains("0000000000000002.wal") && text.contains("ends too early"),
        "{text}"
    );
    let text = relink(&|header| header.predecessor.offset -= 1);
    assert!(
        text.contains("0000000000000002.wal") && text.contains("ends within"),
        "{text}"
    );
    let text = relink(&|header| header.durable = 1 << 20);
    assert!(
        text.contains("0000000000000003.wal") && text.contains("ends too early"),
        "{text}"
    );
}

#[test]
fn unfinished_segments_are_swept_and_other_files_left_alone() {
    let storage = crashed();
    storage.put("wal/0000000000000007.wal.new", b"half");
    storage.put("wal/notes.txt", b"mine");
    found(&storage).expect("opens");
    let names = storage.list("wal").expect("listed");
    assert!(names.iter().any(|name| name == "notes.txt"));
    assert!(!names.iter().any(|name| name.ends_with(".new")));
}

#[test]
fn a_frame_that_cannot_be_taken_stops_the_start_and_is_named() {
    let storage = crashed();
    let mut taken = 0;
    let mut on_frame = |sequence: Sequence, _: &[u8]| {
        taken += 1;
        match sequence.0 {
            2 => Err("no such bucket".into()),
            _ => Ok(()),
        }
    };
    let storage = std::sync::Arc::new(storage);
    let refused = super::super::Wal::recover(storage, small(), &mut on_frame, &mut |_| {});
    let error = refused.expect_err("refused");
    let text = error.to_string();
    assert!(
        text.contains("frame 2 at offset 136 of log segment wal/0000000000000001.wal"),
        "{text}"
    );
    let source = std::error::Error::source(&error)
        .expect("a reason")
        .to_string();
    assert_eq!((source.as_str(), taken), ("no such bucket", 2));
}

/// From a bug: 1,200 acknowledged points were gone without a word.
#[test]
fn the_last_segment_is_missed_too_and_so_is_the_whole_log() {
    let good = crashed();
    for lost in [&[3][..], &[1, 2, 3], &[2, 3]] {
        let storage = good.crash();
        for number in lost {
            storage.take(&segment(*number));
        }
        let told = found(&storage).expect_err("refused").to_string();
        assert!(
            told.contains("wal/0000000000000003.wal"),
            "{lost:?}: {told}"
        );
        let examined = Wal::examine(&storage).expect_err("refused").to_string();
        assert_eq!(examined, told);
        let to = new_storage(3);
        let to: Arc<dyn Storage> = Arc::new(to);
        let salvaged = salvage(&storage, (to, NODE), small()).expect("salvages");
        let named = |number: &u64| {
            let path = segment(*number);
            salvaged
                .losses
                .iter()
                .any(|loss| loss.path == Path::new(&path))
        };
        assert!(named(&3), "{:?}", salvaged.losses);
    }
}

/// A crash between a segment's name and the note of it leaves one that nothing was acknowledged in.
#[test]
fn a_power_cut_at_any_change_of_a_rotation_is_no_missing_segment() {
    for seed in 0..60 {
        let storage = FaultStorage::new(seed);
        let mut log = Log::open(&storage);
        log.write(100).expect("durable");
        storage.cut_power_after(seed % 20);
        let mut acknowledged = 1;
        while log.write(1400).is_ok() {
            acknowledged += 1;
        }
        let (_, frames) = found(&storage.crash()).expect("opens");
        assert!(frames.len() >= acknowledged, "seed {seed}");
    }
}
