#!/usr/bin/env bash
# Line coverage by the unit tests, a line a module. Needs cargo-tarpaulin (cargo install
# cargo-tarpaulin --locked) and some minutes: run it by hand. Exit 1 if a module that must stay at
# 90 % or above does not. Test code is not counted.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! cargo tarpaulin --version >/dev/null 2>&1; then
    echo "SKIPPED: coverage: no cargo-tarpaulin (cargo install cargo-tarpaulin --locked)"
    exit 0
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
cargo tarpaulin --engine llvm --lib --skip-clean --target-dir target/tarpaulin --timeout 600 \
    --exclude-files 'src/*/tests.rs' 'src/*/tests/*' 'src/*/*/tests.rs' 'src/*/*/tests/*' \
    --out Stdout | tee "$out" | tail -n 1
awk '
    /^\|\| src\/.*: [0-9]+\/[0-9]+/ {
        split($2, path, "/"); module = path[2]; sub(/\.rs:?$/, "", module)
        split($3, count, "/"); covered[module] += count[1]; lines[module] += count[2]
    }
    END {
        split("line_protocol wal columnar buffer ingest auth body", must)
        for (i in must) needed[must[i]] = 1
        for (module in lines) {
            percent = 100 * covered[module] / lines[module]
            printf "%-14s %5.1f %% of %d lines\n", module, percent, lines[module]
            seen[module] = 1
            if (module in needed && percent < 90) { failed = 1; print "FAILED: " module " is below 90 %" }
        }
        for (module in needed) if (!(module in seen)) { failed = 1; print "FAILED: nothing about " module }
        exit failed
    }' "$out"
