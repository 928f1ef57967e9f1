#!/usr/bin/env bash
# A fleet's hours in the tables: bytes a row, files, memory; and how soon a server with many files
# is ready. tests/crash/day.rs does the work. The long version, a whole day of 50 hosts with 100
# measurements, and 10,000 files:
#   TIDEGATE_PROFILE=release TIDEGATE_HOURS=24 TIDEGATE_HOSTS=50 TIDEGATE_MEASUREMENTS=100 TIDEGATE_TABLES=100 TIDEGATE_FILES=10000 tests/scripts/lake_day.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
timeout "${TIDEGATE_SECONDS_MAX:-3600}" cargo test --locked --profile "${TIDEGATE_PROFILE:-dev}" --quiet --test crash -- \
    --ignored --nocapture --test-threads 1 day::
