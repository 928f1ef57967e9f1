#!/usr/bin/env bash
# InfluxQL by `/query`, held against Debian's influxdb 1.6.7 with the same points, and against our own
# SQL. In parts, all of them or those that TIDEGATE_INFLUXQL names:
#   judged   bodies byte for byte: those of the query contract, formats, chunks, zones, lists of statements
#   bodies   the same for random names, values and formats; TIDEGATE_BODIES (200)
#   wire     the requests of clients to the byte
#   meant    what differs from 1.6.7 on purpose: an example of each rule of compare.py
#   panels   the questions of fifty dashboards (tests/influxql/dashboards)
#   errors   every error text
#   meaning  odd statements: names, types, wildcards, conditions; TIDEGATE_MEANING (2000)
#   regexes  regular expressions: TIDEGATE_REGEXES (2000)
#   random   seeded random statements; TIDEGATE_QUERIES (2000; by hand 100000), TIDEGATE_SEED (1)
#   pairs    one question in InfluxQL and in SQL
#   fuzz     random texts, of which none may break anything; TIDEGATE_FUZZ (20000; by hand 1000000)
# All but the last two need the judge: TIDEGATE_INFLUXD, or Debian's package, fetched by apt.
# Differences that are meant have names in tests/influxql/compare.py and are counted.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
export TIDEGATE_BIN PYTHONDONTWRITEBYTECODE=1
package=fcfddf7937befd82264359feaeb2f46a79f9574656ee0981eb19dcc5a153f55c

# The package whose answers were looked at: influxdb 1.6.7~rc0-1+b13 for amd64.
judge() {
    [ -z "${TIDEGATE_INFLUXD:-}" ] || return 0
    command -v dpkg >/dev/null && command -v apt-get >/dev/null || { echo "no apt"; return 1; }
    (cd "$work" && timeout 120 apt-get download influxdb) >"$work/apt.log" 2>&1 || { tail -n 1 "$work/apt.log"; return 1; }
    echo "$package $(echo "$work"/influxdb_*.deb)" | sha256sum -c >/dev/null 2>&1 ||
        { echo "Debian's package is another one"; return 1; }
    dpkg -x "$work"/influxdb_*.deb "$work/influxdb"
    export TIDEGATE_INFLUXD=$work/influxdb/usr/bin/influxd
}

declare -A programs=([random]=random_queries)
passed=0 failed=0 skipped=0
why=
judge >"$work/why" || { why=$(cat "$work/why"); echo "SKIPPED: the parts that need influxdb 1.6.7: $why"; }
for part in ${TIDEGATE_INFLUXQL:-judged bodies wire meant panels errors meaning regexes random pairs fuzz}; do
    if [ -z "${TIDEGATE_INFLUXD:-}" ] && [ "$part" != pairs ] && [ "$part" != fuzz ]; then
        echo "SKIPPED: $part: $why"
        skipped=$((skipped + 1))
        continue
    fi
    began=$SECONDS
    mkdir "$work/$part"
    if TIDEGATE_WORK=$work/$part timeout "${TIDEGATE_SECONDS_MAX:-1800}" \
        python3 "$root/tests/influxql/${programs[$part]:-$part}.py"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $part"
        failed=$((failed + 1))
    fi
    echo "-- $part: $((SECONDS - began)) s"
done
echo "influxql: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
