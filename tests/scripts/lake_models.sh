#!/usr/bin/env bash
# Random flushes, overwrites, compactions, crashes and faults of a store, of one node and of several, held
# against a plain model: src/lake/tests/random.rs and faults.rs. TIDEGATE_CASES is how many of each, 1000
# by default; the long version, 10,000 and 5,000: TIDEGATE_PROFILE=release TIDEGATE_LONG=1.
# A case that fails is printed with its number, and is the same in the next run.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${TIDEGATE_LONG:-}" ] || export TIDEGATE_CASES=${TIDEGATE_CASES:-1000}
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
timeout "${TIDEGATE_SECONDS_MAX:-3000}" cargo test --locked --profile "${TIDEGATE_PROFILE:-dev}" --lib -- \
    --ignored lake::tests::random:: lake::tests::faults:: | tee "$printed"
# A test that has another name now is not run, and does not fail.
grep -q '^test result: ok\. 2 passed' "$printed" || { echo "FAILED: these are not the two models"; exit 1; }
