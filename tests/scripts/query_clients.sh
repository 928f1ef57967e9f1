#!/usr/bin/env bash
# Real clients that ask, against the real server: each writes points, gets them back by SQL at once with
# every value and type, and sees its errors the way its users would; once more over TLS.
# Needs python3, node, go or maven, and their registries; what is missing is said and skipped.
# TIDEGATE_CLIENTS names a folder in which the clients are kept from one run to the next.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
source "$tests/scripts/server.sh"
query=$tests/interop/query
clients=${TIDEGATE_CLIENTS:-$work/clients}
mkdir -p "$clients"
passed=0 failed=0 skipped=0

skip() {
    echo "SKIPPED: $1: $2"
    skipped=$((skipped + 1))
}

# Runs one client; $1 its name, the rest how to run it.
client() {
    local name=$1 began=$SECONDS
    shift
    if ! timeout 180 "$@" >"$work/$name.log" 2>&1; then
        echo "FAILED: $name"
        tail -n 40 "$work/$name.log"
        failed=$((failed + 1))
        return
    fi
    echo "PASSED: $name: $(tail -n 1 "$work/$name.log") ($((SECONDS - began)) s)"
    passed=$((passed + 1))
}

# A second server with a certificate of an authority of our own.
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority \
        -keyout "$work/authority.key" -out "$work/authority.pem" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
        -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
    openssl x509 -req -in "$work/server.csr" -CA "$work/authority.pem" -CAkey "$work/authority.key" \
        -set_serial 1 -days 30 -out "$work/server.pem" \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost') 2>/dev/null
    CURL_CA_BUNDLE=$work/authority.pem start tls \
        --tls-cert "$work/server.pem" --tls-key "$work/server.key"
    export TIDEGATE_TLS_URL=$url TIDEGATE_TLS_CA=$work/authority.pem
    curl -sS --fail-with-body -m 60 --cacert "$work/authority.pem" \
        "$url/api/v2/write?bucket=tls" -H "Authorization: Token $token" --data-binary 'm f=1 1'
else
    skip tls "no openssl"
fi

start data
export TIDEGATE_URL=$url TIDEGATE_TOKEN=$token
"$TIDEGATE_BIN" bucket create readable >/dev/null
TIDEGATE_READER=$("$TIDEGATE_BIN" token create --read readable --description reader 2>/dev/null)
TIDEGATE_WRITER=$("$TIDEGATE_BIN" token create --write written --description writer 2>/dev/null)
export TIDEGATE_READER TIDEGATE_WRITER

# Clients from PyPI: $1 the name, $2 the program, the rest the packages. One environment for all, so
# that what they share is fetched once.
python_client() {
    local name=$1 program=$2
    shift 2
    [ -x "$clients/python/bin/pip" ] || python3 -m venv "$clients/python" >"$work/pip.log" 2>&1
    if ! timeout 600 "$clients/python/bin/pip" install -q --disable-pip-version-check "$@" \
        >"$work/pip.log" 2>&1; then
        skip "$name" "$* could not be installed: $(tail -n 1 "$work/pip.log")"
    else
        client "$name" "$clients/python/bin/python" "$query/$program"
    fi
}

if ! command -v python3 >/dev/null; then
    for name in pyarrow influxdb3-python adbc flightsql-dbapi; do
        skip "$name" "no python3"
    done
else
    python_client pyarrow flight.py pyarrow==26.0.1
    python_client influxdb3-python v3.py influxdb3-python==0.21.0 pandas==3.1.1 polars==2.1.0
    python_client adbc adbc.py adbc-driver-flightsql==1.13.0 adbc-driver-manager==1.13.0
    python_client flightsql-dbapi dbapi.py flightsql-dbapi==0.2.2
fi

echo "query clients: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
