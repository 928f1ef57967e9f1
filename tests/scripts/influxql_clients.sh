#!/usr/bin/env bash
# Real clients of InfluxDB 1.x against the real server: each writes points and asks for them in
# InfluxQL, with what its users do: groups, chunks, parameters, lists, errors, a wrong token.
# Needs python3, node, go, apt, curl, and their registries; what is missing is said and skipped.
# TIDEGATE_CLIENTS names a folder in which the clients are kept from one run to the next.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
source "$tests/scripts/server.sh"
programs=$tests/interop/influxql
clients=${TIDEGATE_CLIENTS:-$work/clients}
mkdir -p "$clients"
passed=0 failed=0 skipped=0
# influxdb-client 1.6.7~rc0-1+b13 for amd64.
shell=5beec434592b6ca5184a89c59266b80683d5e003deabd4f09816e605e14b53af

skip() {
    echo "SKIPPED: $1: $2"
    skipped=$((skipped + 1))
}

# Runs one client; $1 its name, the rest how to run it.
client() {
    local name=$1 began=$SECONDS
    shift
    if ! timeout 300 "$@" >"$work/$name.log" 2>"$work/$name.err"; then
        echo "FAILED: $name"
        tail -n 40 "$work/$name.log" "$work/$name.err"
        failed=$((failed + 1))
        return
    fi
    echo "PASSED: $(tail -n 1 "$work/$name.log") ($((SECONDS - began)) s)"
    passed=$((passed + 1))
}

start data
export TIDEGATE_URL=$url TIDEGATE_TOKEN=$token TIDEGATE_WORK=$work

if ! command -v python3 >/dev/null; then
    skip influxdb-python "no python3"
elif ! { [ -x "$clients/v1/bin/pip" ] || python3 -m venv "$clients/v1"; } >"$work/pip.log" 2>&1 ||
    ! timeout 600 "$clients/v1/bin/pip" install -q --disable-pip-version-check influxdb==5.3.2 >"$work/pip.log" 2>&1; then
    skip influxdb-python "it could not be installed: $(tail -n 1 "$work/pip.log")"
else
    client influxdb-python "$clients/v1/bin/python" "$programs/v1.py"
fi

if ! command -v npm >/dev/null; then
    skip node-influx "no npm"
elif ! { mkdir -p "$clients/v1-js" && cp "$programs/v1.mjs" "$clients/v1-js/" &&
    timeout 600 npm install --prefix "$clients/v1-js" --silent --no-audit --no-fund influx@5.12.0; } >"$work/npm.log" 2>&1; then
    skip node-influx "it could not be installed: $(tail -n 1 "$work/npm.log")"
else
    client node-influx node "$clients/v1-js/v1.mjs"
fi

if ! command -v go >/dev/null; then
    skip influxdb1-client "no go"
elif ! (rm -rf "$clients/v1-go" && cp -r "$programs/go" "$clients/v1-go" && cd "$clients/v1-go" &&
    timeout 900 go build -mod=mod -o ask .) >"$work/go.log" 2>&1; then
    skip influxdb1-client "it could not be built: $(tail -n 1 "$work/go.log")"
else
    client influxdb1-client "$clients/v1-go/ask"
fi

# Debian's shell of 1.6.7.
has_shell() {
    [ -z "${TIDEGATE_SHELL:-}" ] || return 0
    command -v dpkg >/dev/null && command -v apt-get >/dev/null || { echo "no apt"; return 1; }
    (cd "$work" && timeout 120 apt-get download influxdb-client) >"$work/apt.log" 2>&1 || { tail -n 1 "$work/apt.log"; return 1; }
    echo "$shell $(echo "$work"/influxdb-client_*.deb)" | sha256sum -c >/dev/null 2>&1 ||
        { echo "Debian's package is another one"; return 1; }
    dpkg -x "$work"/influxdb-client_*.deb "$work/influxdb-client"
    export TIDEGATE_SHELL=$work/influxdb-client/usr/bin/influx
}
if ! command -v python3 >/dev/null; then
    skip influx "no python3, which types"
elif ! has_shell >"$work/shell"; then
    skip influx "$(cat "$work/shell")"
else
    client influx python3 "$programs/shell.py"
fi

# curl, with each way to say who asks; and with none, and one that is wrong.
by_curl() {
    local db=influxql-curl answer wanted status
    ask() { curl -sS -m 60 "$@"; }
    ask "$url/query" -H "Authorization: Token $token" --data-urlencode "q=CREATE DATABASE \"$db\"" >/dev/null
    ask --fail-with-body "$url/write?db=$db" -H "Authorization: Token $token" --data-binary 'm,host=a f=1.5 1700000000000000000'
    wanted='{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[["2023-11-14T22:13:20Z",1.5]]}]}]}'
    for who in "-H|Authorization: Token $token" "-H|Authorization: Bearer $token" "-u|anyone:$token"; do
        answer=$(ask "${who%%|*}" "${who#*|}" -G "$url/query" --data-urlencode "db=$db" --data-urlencode 'q=SELECT f FROM m')
        [ "$answer" = "$wanted" ] || { echo "${who%%:*}: $answer"; return 1; }
    done
    answer=$(ask -G "$url/query" --data-urlencode "db=$db" --data-urlencode 'q=SELECT f FROM m' -d u=anyone -d "p=$token")
    [ "$answer" = "$wanted" ] || { echo "u and p: $answer"; return 1; }
    answer=$(ask "$url/query" -H "Authorization: Token $token" -F "q=@-;filename=q.txt" -F "db=$db" <<<'SELECT f FROM m')
    [ "$answer" = "$wanted" ] || { echo "a file: $answer"; return 1; }
    answer=$(ask "$url/query" -H "Authorization: Token $token" -H 'Accept: application/csv' --data-urlencode "db=$db" --data-urlencode 'q=SELECT f FROM m')
    [ "$answer" = "$(printf 'name,tags,time,f\nm,,1700000000000000000,1.5')" ] || { echo "CSV: $answer"; return 1; }
    for who in "" "Authorization: Token wrong"; do
        status=$(ask -o "$work/refused" -D "$work/head" -w '%{http_code}' ${who:+-H "$who"} "$url/query?db=$db&q=SHOW+MEASUREMENTS")
        # No challenge that opens a browser's dialogue; an error in the key that each client reads.
        [ "$status" = 401 ] && ! grep -qi 'www-authenticate: basic' "$work/head" &&
            python3 -c 'import json, sys; told = json.load(open(sys.argv[1])); assert set(told) == {"code", "message", "error"}, told' "$work/refused" ||
            { echo "refused: $status $(cat "$work/refused" "$work/head")"; return 1; }
    done
    echo "curl: each way to say who asks, a file, CSV, what is refused"
}
if ! command -v python3 >/dev/null; then
    skip curl "no python3, which reads the answers"
else
    by_curl >"$work/curl.log" && { echo "PASSED: $(tail -n 1 "$work/curl.log")"; passed=$((passed + 1)); } ||
        { echo "FAILED: curl"; cat "$work/curl.log"; failed=$((failed + 1)); }
fi

echo "influxql clients: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
