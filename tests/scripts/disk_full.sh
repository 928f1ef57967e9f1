#!/usr/bin/env bash
# A disk of 8 MB that fills up: what is full is refused, nothing acknowledged is lost, and writes
# go on by themselves when there is space again. And one of 40 MB that is full of log, with the
# tables elsewhere: a flush frees it. tests/crash/disk_full.rs does the work; here are the disks.
# Needs root; exit code 77 means skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "mounting a file system needs root"

disk=$(mktemp -d)
image=""
cleanup() {
    mountpoint -q "$disk" && umount "$disk"
    rmdir "$disk"
    [ -z "$image" ] || rm -f "$image"
}
trap cleanup EXIT

check() {
    echo "-- on $1"
    TIDEGATE_TEST_DISK="$disk" timeout "$2" cargo test --locked --quiet --test crash -- \
        --ignored --exact --nocapture "disk_full::$3"
}
freed=a_full_disk_is_refused_loses_nothing_and_writes_go_on_when_it_is_freed
log=a_disk_full_of_log_is_freed_by_a_flush_to_tables_elsewhere

mount -t tmpfs -o size=8m tidegate-test "$disk" || skip "no tmpfs can be mounted here"
check tmpfs 200 "$freed"
umount "$disk"

mount -t tmpfs -o size=40m tidegate-test "$disk"
check "tmpfs, with the tables elsewhere" 400 "$log"
umount "$disk"

# The real thing has blocks, a journal and delayed allocation.
image=$(mktemp)
truncate -s 16M "$image"
if mkfs.ext4 -q -F "$image" && mount -o loop "$image" "$disk"; then
    # Of 16 MB ext4 leaves about 12.
    check ext4 200 "$freed"
else
    echo "NOT ON EXT4: no loop device here"
fi
