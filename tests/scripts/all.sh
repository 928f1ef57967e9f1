#!/usr/bin/env bash
# Runs the checks that need more than the Rust toolchain, one script each: root, a small file
# system, strace, a memory cgroup, openssl, clients in other languages. A script that cannot run
# here exits with 77 and says why; that is counted as skipped, never as passed.
set -uo pipefail
cd "$(dirname "$0")"
# One shape of load here; memory.sh by itself runs them all.
export TIDEGATE_SHAPE=${TIDEGATE_SHAPE-cpu}
# What the scripts share, outside of their time limits.
cargo test --locked --no-run || exit 1
export TIDEGATE_BIN=${TIDEGATE_BIN:-$PWD/../../target/debug/tidegate}
passed=0 failed=0 skipped=0 seconds=
for script in instructions write_speed disk_full sync_error memory memory_lake curl tls refusals owner stop openapi backup readme interop query_clients influxql influxql_clients lake_models lake_day lake_order lake_readers query_memory query_concurrent query_speed lake_kill lake_store lake_power; do
    echo "== $script"
    began=$SECONDS
    timeout 3600 "./$script.sh" </dev/null
    case $? in
    0) echo "PASSED: $script"; passed=$((passed + 1)) ;;
    77) echo "SKIPPED: $script"; skipped=$((skipped + 1)) ;;
    *) echo "FAILED: $script"; failed=$((failed + 1)) ;;
    esac
    seconds+=" $script $((SECONDS - began))"
done
echo "NOT RUN HERE, by hand: the other shapes and the speeds of memory.sh, the long versions of lake_*.sh, memory_lake.sh, refusals.sh and stop.sh, query_mutants.sh, coverage.sh, the ignored long runs of engine::queries::tests"
echo "seconds:$seconds"
echo "scripts: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
