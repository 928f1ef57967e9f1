#!/usr/bin/env bash
# Real client libraries against the real server: each writes points in batches, one of them bad,
# and sees the error the way its users would; and Telegraf. Then what scrapers make of `/metrics`.
# Needs python3, node, go, maven or ruby, and their registries; what is missing is said and skipped.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
source "$tests/scripts/server.sh"
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
        client "$1" "$work/venv-$1/bin/python" "$tests/interop/$3"
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

# A client from npm; $1 its name, $2 the package, $3 the program.
node_client() {
    mkdir "$work/npm-$1" && cp "$tests/interop/$3" "$work/npm-$1/"
    if ! timeout 600 npm install --prefix "$work/npm-$1" --silent --no-audit --no-fund "$2" \
        >"$work/npm.log" 2>&1; then
        skip "$1" "$2 could not be installed: $(tail -n 1 "$work/npm.log")"
    else
        client "$1" node "$work/npm-$1/$3"
    fi
}

if ! command -v npm >/dev/null; then
    skip node "no npm"
    skip node-v1 "no npm"
else
    node_client node @influxdata/influxdb-client@1.35.0 write.mjs
    node_client node-v1 influx@5.12.0 write_v1.mjs
fi

if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
    skip java "no java or no maven"
elif ! timeout 300 mvn -q -B -f "$tests/interop/java/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$work/jars" >"$work/mvn.log" 2>&1; then
    skip java "influxdb-java could not be fetched: $(tail -n 1 "$work/mvn.log")"
else
    client java java -cp "$work/jars/*" "$tests/interop/java/WriteV1.java"
fi

# Ruby's client is a package of Debian's.
has_ruby_client() {
    ruby -e 'require "influxdb"' >/dev/null 2>&1
}
if ! has_ruby_client && [ "$(id -u)" = 0 ]; then
    (apt-get update && timeout 300 apt-get install -y --no-install-recommends ruby ruby-influxdb) \
        >"$work/apt.log" 2>&1 </dev/null || tail -n 1 "$work/apt.log"
fi
if ! has_ruby_client; then
    skip ruby "no ruby with its package influxdb (Debian: ruby-influxdb)"
else
    client ruby ruby "$tests/interop/write_v1.rb"
fi

# Builds a program of a folder here; $1 the folder. It is $work/$1.bin then.
go_program() {
    cp -r "$tests/interop/$1" "$work/$1" && cd "$work/$1" &&
        timeout 900 go build -mod=mod -o "$work/$1.bin" . >"$work/go.log" 2>&1
}

for name in go go-v3; do
    if ! command -v go >/dev/null; then
        skip "$name" "no go"
    elif ! go_program "$name"; then
        skip "$name" "its client could not be built: $(tail -n 1 "$work/go.log")"
    else
        client "$name" "$work/$name.bin"
    fi
done

# Telegraf's input for Prometheus: of every family that had samples before it came, there is a
# point with its name and the field of its kind.
scraped_by_telegraf() {
    local missing
    curl -sS -m 60 "$url/api/v1/export?bucket=telegraf-prometheus" \
        -H "Authorization: Token $token" >"$work/scraped"
    missing=$(awk '
        NR == FNR { stored[$0] = 1; next }
        $2 == "TYPE" { kind[$3] = $4 == "histogram" ? "count" : $4 }
        END { for (name in kind) {
            found = 0
            for (line in stored)
                if (index(line, name ",") == 1 && line ~ "[ ,]" kind[name] "=") found = 1
            if (!found) printf "%s ", name } }' "$work/scraped" "$work/before")
    if [ -s "$work/scraped" ] && [ -z "$missing" ]; then
        echo "PASSED: telegraf-prometheus: $(grep -c '^# TYPE' "$work/before") families"
        passed=$((passed + 1))
    else
        echo "FAILED: telegraf-prometheus: it has not stored $missing"
        failed=$((failed + 1))
    fi
}

# Telegraf itself, of its plugins only those that are needed here.
plugins=inputs.file,inputs.prometheus,outputs.influxdb,outputs.influxdb_v2,parsers.influx,serializers.influx
awk 'BEGIN { for (n = 0; n < 1000; n++) printf "m,host=%d v=%d.5 %d000000000\n", n % 10, n, 1721548800 + n }' \
    >"$work/points.lp"
curl -sS -m 60 "$url/metrics" -o "$work/before"
if ! command -v go >/dev/null; then
    skip telegraf "no go"
elif ! GOFLAGS=-mod=mod GOBIN=$work timeout 1800 go install -tags "custom,$plugins" \
    github.com/influxdata/telegraf/cmd/telegraf@v1.37.2 >"$work/telegraf.log" 2>&1; then
    skip telegraf "it could not be built: $(tail -n 1 "$work/telegraf.log")"
elif ! TIDEGATE_POINTS=$work/points.lp timeout 180 "$work/telegraf" --once \
    --config "$tests/interop/telegraf.conf" >"$work/telegraf.log" 2>&1; then
    echo "FAILED: telegraf"
    cat "$work/telegraf.log"
    failed=$((failed + 1))
else
    for output in v2 v1; do
        stored_in "telegraf-$output"
    done
    scraped_by_telegraf
fi

# By then there are samples of every kind that a server can have, of tables too.
"$TIDEGATE_BIN" lake flush >"$work/flush.log" 2>&1 || cat "$work/flush.log"
if ! command -v go >/dev/null; then
    skip promlint "no go"
elif ! go_program promlint; then
    skip promlint "it could not be built: $(tail -n 1 "$work/go.log")"
elif ! curl -sS -m 60 "$url/metrics" -o "$work/metrics" ||
    ! "$work/promlint.bin" <"$work/metrics" >"$work/promlint.log" 2>&1; then
    echo "FAILED: promlint"
    cat "$work/promlint.log"
    failed=$((failed + 1))
else
    echo "PASSED: promlint: $(grep -c '^# TYPE' "$work/metrics") families"
    passed=$((passed + 1))
fi

echo "interop: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
