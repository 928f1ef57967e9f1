#!/usr/bin/env bash
# More load than memory, on a server with a budget of 256 MiB in a memory cgroup of 512 MiB:
# tests/crash/memory.rs does the work and prints a line for each shape of load. TIDEGATE_SHAPE names
# a single one; TIDEGATE_SUSTAINED=1 adds ten times the budget beside a server without bounds. Exit
# code 77 means skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "a memory cgroup needs root"
name=tidegate-test-$$
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    cgroup=/sys/fs/cgroup/$name limit=memory.max
else
    cgroup=/sys/fs/cgroup/memory/$name limit=memory.limit_in_bytes
fi
mkdir "$cgroup" 2>/dev/null || skip "no cgroup can be made here"
cleanup() { rmdir "$cgroup" 2>/dev/null || true; }
trap cleanup EXIT
echo $((512 << 20)) >"$cgroup/$limit" 2>/dev/null || skip "no memory controller here"

# TIDEGATE_PROFILE=release for the figures of reports.
run() {
    TIDEGATE_TEST_CGROUP="$cgroup" timeout 2700 cargo test --locked --profile "${TIDEGATE_PROFILE:-dev}" --quiet --test crash -- \
        --ignored --exact --nocapture "memory::$1"
}
run the_memory_budget_holds_under_every_shape_of_load
# A comparison of speeds: for a quiet machine, by hand.
if [ "${TIDEGATE_SUSTAINED:-0}" = 1 ]; then
    run ten_times_the_budget_goes_through_at_half_the_speed_of_a_server_without_bounds
fi
