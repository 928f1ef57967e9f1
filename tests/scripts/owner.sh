#!/usr/bin/env bash
# Root runs a command, or the server once, over a folder that belongs to the service's user, and the
# tables' folder beside it: afterwards everything belongs to that user still, and the server starts
# as that user, with all points, and writes. Needs root, setpriv and curl; exit code 77 means skipped.
set -euo pipefail
skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "running as two users needs root"
for tool in setpriv curl; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
done
service=(setpriv --reuid=52017 --regid=52017 --clear-groups)
"${service[@]}" true || skip "no other user can be run here"
source "$(dirname "$0")/server.sh"

fail() {
    echo "FAILED: $1"
    exit 1
}

# The other user reaches the folder and the program.
chmod 711 "$work"
install -m 755 "$TIDEGATE_BIN" "$work/tidegate"
program=$work/tidegate
as_service() { "${service[@]}" "$program" "$@"; }
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${service[*]}" "$program" >"$work/as-service"
chmod 755 "$work/as-service"
lines=0

# serve_as PROGRAM NAME [FLAG…]: starts it as root or as the service.
serve_as() {
    TIDEGATE_BIN=$1
    start "${@:2}"
}

# work: writes to an old and a new measurement, flushes and compacts; everything is there.
work() {
    local at=$lines header="Authorization: Token $token" answer
    lines=$((lines + 2))
    answer=$(printf 'm v=%di %d\nn%d v=1i %d\n' "$at" "$lines" "$at" "$lines" |
        curl -sS -m 20 -o /dev/null -w '%{http_code}' "$url/api/v2/write?bucket=b" -H "$header" --data-binary @-)
    [ "$answer" = 204 ] || fail "$1: a write was answered with $answer"
    for what in flush compact; do
        curl -sS -m 60 -X POST "$url/api/v1/lake/$what" -H "$header" >"$work/answer"
        grep -q error "$work/answer" && fail "$1: $what: $(cat "$work/answer")"
    done
    answer=$(curl -sS -m 20 "$url/api/v1/export?bucket=b" -H "$header" | wc -l)
    [ "$answer" = "$lines" ] || fail "$1: $answer of $lines points are there"
}

# check NAME WHAT: every file below belongs to the service, and the service starts and writes.
check() {
    local foreign
    foreign=$(find "$work/$1" "$work/tables" ! -uid 52017 -printf '%P %u\n' -o ! -gid 52017 -printf '%P %g\n')
    [ -z "$foreign" ] || fail "$2: does not belong to the folder's owner: $foreign"
    serve_as "$work/as-service" "$1"
    work "after $2"
    stop
    echo "PASSED: $2"
}

folder() { install -d -o 52017 -g 52017 -m 700 "$work/$1"; }
export TIDEGATE_LAKE__URL=
mkdir "$work/tables"
chown 52017:52017 "$work/tables"

folder data
serve_as "$work/as-service" data
work "the service's first start"
stop
reset=$("$program" token reset-operator --data-dir "$work/data" 2>"$work/reset.log") || fail "$(cat "$work/reset.log")"
check data "token reset-operator as root"
serve_as "$work/as-service" data
curl -sSf -m 20 -o /dev/null "$url/api/v2/buckets" -H "Authorization: Token ${reset##* }" || fail "the new token does not work"
stop
serve_as "$program" data
work "a start as root"
stop
check data "one start as root"
"$program" wal inspect --data-dir "$work/data" >/dev/null
check data "wal inspect as root"

# The very first start as root, over a folder that a package made for its user.
folder empty
lines=0
serve_as "$program" empty
work "the first start as root"
stop
check empty "the first start as root"

# Tables in a folder of their own.
folder elsewhere
lines=0
export TIDEGATE_LAKE__URL=file://$work/tables
serve_as "$program" elsewhere
work "a first start as root with tables elsewhere"
stop
check elsewhere "a start as root with tables elsewhere"
