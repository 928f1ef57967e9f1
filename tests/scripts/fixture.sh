#!/usr/bin/env bash
# Makes a data folder with a bit of everything, as a program of the past wrote it: what every later
# format starts from. tests/fixtures/README.md says what is in it and how it was made.
#
#   TIDEGATE_BIN=/path/to/the/old/tidegate tests/scripts/fixture.sh tests/fixtures/format-1
#
# Needs curl.
set -euo pipefail
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
target=$(realpath -m "${1:?name the folder to make}")
[ ! -e "$target/data" ] || { echo "$target/data is there already: a fixture is never made anew"; exit 1; }
source "$(dirname "$0")/server.sh"

# Opens nothing but folders of this fixture and copies of them.
token=fixture-only-operator-token-0123456789
export TIDEGATE_TOKEN=$token
# Small: nothing is set aside for it, nothing happens but what is asked for.
export TIDEGATE_LAKE__STOP_MS_MAX=0 TIDEGATE_LAKE__UPKEEP_EVERY_MS=0
export TIDEGATE_LAKE__COMPACT_FILES_MIN=2 TIDEGATE_LAKE__FLUSH_AGE_MS=86400000

serve() {
    start data
    export TIDEGATE_URL=$url
}

# write BUCKET: line protocol from standard input, as one request.
write() {
    curl -sS --fail-with-body -m 10 -H "Authorization: Token $token" --data-binary @- \
        "$url/api/v2/write?bucket=${1// /%20}"
}

# The tables of a bucket that was deleted are removed one by one: until then a flush is refused.
lake() {
    for _ in $(seq 100); do
        "$TIDEGATE_BIN" lake "$@" >/dev/null 2>"$work/lake.log" && return
        sleep 0.1
    done
    cat "$work/lake.log"
    exit 1
}

# every VALUE: a point with every type and with names that need escapes, on two days.
every() {
    for day in 1700000000 1700100000; do
        printf 'every\\ type,host=a\\,b,zone=\xc3\xa9 f=%s.5,i=-%si,u=%su,b=%s,s="say \\"%s\\"" %s000000001\n' \
            "$1" "$1" "$1" true "$1" "$day"
        printf 'every\\ type f=%s.25,i=%si %s000000002\n' "$1" "$1" "$day"
    done
}

# Run 1, closed in order: two flushes and a compaction, a third flush beside its file, a bucket that
# is deleted and made anew.
serve
"$TIDEGATE_BIN" bucket create first --retention 876000h >/dev/null
every 1 | write first
lake flush
every 2 | write first
echo 'every\ type,host=late f=9 1700000000000000003' | write first
lake flush
lake compact
echo 'every\ type,host=a\,b,zone=é f=3.5 1700000000000000001' | write first
echo 'odd,day=x v=1,V=2i,time_ns="y",Day=false -1' | write first
echo 'm v=1i 1700000000000000000' | write again
lake flush
"$TIDEGATE_BIN" bucket delete again --yes >/dev/null
echo 'm,of=new n=1 1700000000000000000' | write again
lake flush
stop

# Run 2, closed in order: the first segment is released; rows only in the log, and rows of which a
# newer value is only there.
serve
"$TIDEGATE_BIN" token create --read first --description reader >"$work/reader" 2>/dev/null
echo 'm,of=new n=2 1700000000000000001' | write again
lake flush
printf 'only\\ in\\ log,host=%s v="a",n=%si 170000000%s000000000\n' a 1 0 b 2 1 c 3 2 | write "two words"
echo 'every\ type,host=late f=10,new="column" 1700000000000000003' | write first
stop

# Run 3, killed: more of both in a segment without an end mark.
serve
echo 'every\ type f=4.25 1700100000000000002' | write first
echo 'only\ in\ log,host=a v="b" 1700000000000000000' | write "two words"
echo 'm,of=new n=3 1700000000000000001' | write again
kill -9 "$server"
wait "$server" 2>/dev/null || true

# What is made anew at every start stays out.
mkdir -p "$target/expected"
cp -r "$work/data" "$target/data"
rm -f "$target/data/lock" "$target/data/reserve"
find "$target/data" -type d -empty -delete
cp "$work/reader" "$target/expected/reader.token"

# What the same program reads back from a copy.
serve
for bucket in first "two words" again; do
    "$TIDEGATE_BIN" export --bucket "$bucket" 2>/dev/null | LC_ALL=C sort >"$target/expected/$bucket.lp"
done
stop
find "$target" -type f | sort | xargs -d '\n' du -b
