#!/usr/bin/env bash
# The two ways to back up and restore that the README names, tried on real data: copy the folder
# of a stopped server; export, and import elsewhere. Needs curl.
set -euo pipefail
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
source "$(dirname "$0")/server.sh"
export TIDEGATE_TOKEN=$token

fail() {
    echo "FAILED: $1"
    exit 1
}

# 20,000 points in two buckets, of every type, with names that need escapes.
points() {
    awk -v kind="$1" 'BEGIN {
        for (i = 0; i < 10000; i++) {
            printf "m\\ %s,host=h\\,%d f=%d.25,n=%di,u=%du,ok=%s,text=\"a \\\"%d\\\" b\" %d000000000\n",
                kind, i % 100, i, -i, i, i % 2 ? "true" : "false", i, 1721548800 + i
        }
    }'
}

# import FILE BUCKET
import() {
    "$TIDEGATE_BIN" import "$1" --bucket "$2" >"$work/import.log" 2>&1 || {
        tail -n 5 "$work/import.log"
        fail "$1 was not imported"
    }
}

start original
export TIDEGATE_URL=$url
for bucket in one "two words"; do
    points "${bucket%% *}" >"$work/points"
    import "$work/points" "$bucket"
    "$TIDEGATE_BIN" export --bucket "$bucket" -o "$work/original $bucket.lp" 2>/dev/null
    [ "$(wc -l <"$work/original $bucket.lp")" = 10000 ] || fail "$bucket is not whole"
done
reader=$("$TIDEGATE_BIN" token create --read one 2>/dev/null)
stop

# A copy of the folder is another server with the same buckets, points and tokens.
cp -a "$work/original" "$work/copy"
start copy
export TIDEGATE_URL=$url
for bucket in one "two words"; do
    "$TIDEGATE_BIN" export --bucket "$bucket" -o "$work/copy.lp" 2>/dev/null
    cmp "$work/original $bucket.lp" "$work/copy.lp" || fail "the copy's $bucket differs"
done
"$TIDEGATE_BIN" export --bucket one --token "$reader" -o "$work/copy.lp" 2>/dev/null ||
    fail "a token of the original does not work on the copy"
stop
echo "PASSED: stop and copy"

# Exported line protocol, imported into an empty server, exports the same.
start empty
export TIDEGATE_URL=$url
for bucket in one "two words"; do
    import "$work/original $bucket.lp" "$bucket"
    "$TIDEGATE_BIN" export --bucket "$bucket" -o "$work/restored.lp" 2>/dev/null
    cmp "$work/original $bucket.lp" "$work/restored.lp" || fail "the restored $bucket differs"
done
stop
echo "PASSED: export and import"
