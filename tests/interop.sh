#!/usr/bin/env bash
# Real client libraries against the real server: each writes points in batches, one of them bad,
# and sees the error the way its users would; and Telegraf. Needs python3, node or go, and their
# registries; what is missing is said and skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/server.sh"
passed=0 failed=0 skipped=0
start data
export TIDEGATE_URL=$url TIDEGATE_TOKEN=$token

# Runs one client; $1 its name, the rest how to run it. It writes to the bucket of its name 1,000
# points of measurement `m`, host 0 to 9.
client() {
    local name=$1
    shift
    if ! timeout 360 "$@" >"$work/$name.log" 2>&1; then
        echo "FAILED: $name"
        cat "$work/$name.log"
        failed=$((failed + 1))
        return
    fi
    stored_in "$name"
}

# Counts what a client has written to the bucket of its name.
stored_in() {
    local name=$1 stored
    stored=$(curl -sS -m 60 "$url/api/v1/export?bucket=$name&measurement=m" \
        -H "Authorization: Token $token" | grep -c '^m,host=')
    if [ "$stored" = 1000 ]; then
        echo "PASSED: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name: $stored of 1000 points are stored"
        failed=$((failed + 1))
    fi
}

skip() {
    echo "SKIPPED: $1: $2"
    skipped=$((skipped + 1))
}

# A client from PyPI; $1 its name, $2 the package, $3 the program.
python_client() {
    if ! { python3 -m venv "$work/venv-$1" &&
        timeout 600 "$work/venv-$1/bin/pip" install -q "$2"; } >"$work/pip.log" 2>&1; then
        skip "$1" "$2 could not be installed: $(tail -n 1 "$work/pip.log")"
    else
        client "$1" "$work/venv-$1/bin/python" "$here/interop/$3"
    fi
}

if ! command -v python3 >/dev/null; then
    skip python "no python3"
    skip python-v1 "no python3"
    skip python-v3 "no python3"
else
    python_client python influxdb-client==1.50.0 write.py
    python_client python-v1 influxdb==5.3.2 write_v1.py
    python_client python-v3 influxdb3-python==0.21.0 write_v3.py
fi

if ! command -v npm >/dev/null; then
    skip node "no npm"
elif ! { cp "$here/interop/write.mjs" "$work/" && cd "$work" &&
    timeout 600 npm install --silent --no-audit --no-fund @influxdata/influxdb-client@1.35.0; } \
    >"$work/npm.log" 2>&1; then
    skip node "@influxdata/influxdb-client could not be installed: $(tail -n 1 "$work/npm.log")"
else
    client node node "$work/write.mjs"
fi

if ! command -v go >/dev/null; then
    skip go "no go"
elif ! { cp -r "$here/interop/go" "$work/go" && cd "$work/go" &&
    timeout 900 go build -mod=mod -o "$work/write-go" .; } >"$work/go.log" 2>&1; then
    skip go "influxdb-client-go could not be built: $(tail -n 1 "$work/go.log")"
else
    client go "$work/write-go"
fi

# Telegraf itself, of its plugins only those that are needed here.
plugins=inputs.file,outputs.influxdb,outputs.influxdb_v2,parsers.influx,serializers.influx
awk 'BEGIN { for (n = 0; n < 1000; n++) printf "m,host=%d v=%d.5 %d000000000\n", n % 10, n, 1721548800 + n }' \
    >"$work/points.lp"
if ! command -v go >/dev/null; then
    skip telegraf "no go"
elif ! GOFLAGS=-mod=mod GOBIN=$work timeout 1800 go install -tags "custom,$plugins" \
    github.com/influxdata/telegraf/cmd/telegraf@v1.37.2 >"$work/telegraf.log" 2>&1; then
    skip telegraf "it could not be built: $(tail -n 1 "$work/telegraf.log")"
elif ! TIDEGATE_POINTS=$work/points.lp timeout 180 "$work/telegraf" --once \
    --config "$here/interop/telegraf.conf" >"$work/telegraf.log" 2>&1; then
    echo "FAILED: telegraf"
    cat "$work/telegraf.log"
    failed=$((failed + 1))
else
    for output in v2 v1; do
        stored_in "telegraf-$output"
    done
fi

echo "interop: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
