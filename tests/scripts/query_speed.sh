#!/usr/bin/env bash
# The speed of questions in SQL and InfluxQL, beside DuckDB on the same tables and Debian's influxdb 1.6 on the
# same points: tests/speed/run.py. In CI with few points, where it shows that all give the same rows.
# The whole table, with the program of `cargo build --release`:
#   TIDEGATE_BIN=$PWD/target/release/tidegate TIDEGATE_STEP_S=10 TIDEGATE_ROUNDS=15 tests/scripts/query_speed.sh
# More beside the table, or alone with TIDEGATE_SPEED=rows and so on (table, rows, writes, panels, shown): all
# rows of a table over Flight, TIDEGATE_ROWS (200000; the whole: 10000000); the time of one-line writes beside
# heavy queries, TIDEGATE_WRITES (200; the whole: 5000); ten panels of dashboards in InfluxQL; and SHOW over
# TIDEGATE_SERIES (5000; the whole: 1000000) in files of TIDEGATE_SHOWN_DAYS (3; the whole: 30), and over
# TIDEGATE_TABLES (200; the whole: 10000).
# With TIDEGATE_FLOORS=1, a floor that is missed, or that could not be measured, is a failure.
# Needs python3 and its registry; apt for influxdb, which is skipped without it.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
with_packages deltalake==1.6.6 pyarrow==25.0.1 duckdb==1.5.5 duckdb-extension-delta==1.5.5
export TIDEGATE_STEP_S=${TIDEGATE_STEP_S:-60} TIDEGATE_ROUNDS=${TIDEGATE_ROUNDS:-1}
if [ -z "${TIDEGATE_INFLUXD:-}" ] && command -v dpkg >/dev/null &&
    (cd "$work" && timeout 120 apt-get download influxdb >apt.log 2>&1 && dpkg -x influxdb_*.deb influxdb); then
    export TIDEGATE_INFLUXD=$work/influxdb/usr/bin/influxd
fi
export TIDEGATE_ROWS=${TIDEGATE_ROWS:-200000} TIDEGATE_WRITES=${TIDEGATE_WRITES:-200}
export TIDEGATE_SERIES=${TIDEGATE_SERIES:-5000} TIDEGATE_SHOWN_DAYS=${TIDEGATE_SHOWN_DAYS:-3}
export TIDEGATE_TABLES=${TIDEGATE_TABLES:-200}
declare -A programs=([table]=run.py [rows]=rows.py [writes]=writes.py [panels]=dashboards.py [shown]=shown.py)
for speed in ${TIDEGATE_SPEED:-table rows writes panels shown}; do
    timeout "${TIDEGATE_SECONDS_MAX:-3600}" "$python" "$root/tests/speed/${programs[$speed]}"
done
