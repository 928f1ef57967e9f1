//! The log when all goes well.

use super::support::{Log, payload};
use crate::storage::FaultStorage;

#[test]
fn what_was_acknowledged_is_found_in_order_after_a_crash_and_after_a_clean_stop() {
    let storage = FaultStorage::new(1);
    let mut log = Log::open(&storage);
    assert!(log.found.is_empty());
    for bytes in [0, 1, 100, 900, 2500, 100] {
        log.write(bytes).expect("durable");
    }
    let storage = storage.crash();
    let mut log = Log::open(&storage);
    let sizes = [0, 1, 100, 900, 2500, 100];
    let expected: Vec<_> = (1..)
        .zip(sizes)
        .map(|(sequence, bytes)| (sequence, payload(sequence, bytes)))
        .collect();
    assert_eq!(log.found, expected);
    log.write(10).expect("durable");
    log.committer.close().expect("closed");
    let log = Log::open(&storage.crash());
    assert_eq!(log.found.len(), 7);
    assert_eq!(log.wal.last_submitted().0, 7);
}
