#!/usr/bin/env bash
# The cost of writes beside Debian's victoria-metrics 1.79.5 and influxdb 1.6.7: benches/peers, whose head says
# what its sections measure. In CI with few lines, where it shows that all of it runs. The whole table:
#   TIDEGATE_BIN=$PWD/target/release/tidegate TIDEGATE_LINES=200000 TIDEGATE_ROUNDS=5 tests/scripts/write_speed.sh
# TIDEGATE_SECTIONS names the sections (beside bulk growth one small), TIDEGATE_CONNECTIONS how many send (4),
# TIDEGATE_SECONDS how long each part of `beside` takes (1).
# Without TIDEGATE_BIN it measures the program of `cargo build --release`. Needs apt for the others, which are
# left out without it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
[ "$(uname -s)" = Linux ] || { echo "SKIPPED: processor time is read from Linux's /proc"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE: unpacks it into the work folder.
fetch() {
    command -v dpkg >/dev/null && command -v apt-get >/dev/null || return 1
    (cd "$work" && timeout 120 apt-get download "$1" && dpkg -x "$1"_*.deb "$1") >"$work/apt.log" 2>&1
}
if [ -z "${TIDEGATE_VICTORIA:-}" ] && fetch victoria-metrics; then
    export TIDEGATE_VICTORIA=$work/victoria-metrics/usr/bin/victoria-metrics
fi
if [ -z "${TIDEGATE_INFLUXD:-}" ] && fetch influxdb; then
    export TIDEGATE_INFLUXD=$work/influxdb/usr/bin/influxd
fi
if [ -z "${TIDEGATE_BIN:-}" ]; then
    cargo build --locked --release
    export TIDEGATE_BIN=$root/target/release/tidegate
fi
export TIDEGATE_LINES=${TIDEGATE_LINES:-10000} TIDEGATE_ROUNDS=${TIDEGATE_ROUNDS:-1}
export TIDEGATE_SECONDS=${TIDEGATE_SECONDS:-1}
# The server is a program of its own: the bench needs neither tables nor queries.
timeout 3600 cargo bench --locked --no-default-features --bench peers -- ${TIDEGATE_SECTIONS:-}
