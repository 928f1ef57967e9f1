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
    if ! timeout 300 "$@" >"$work/$name.log" 2>"$work/$name.err"; then
        echo "FAILED: $name"
        tail -n 40 "$work/$name.log" "$work/$name.err"
        failed=$((failed + 1))
        return
    fi
    echo "PASSED: $(tail -n 1 "$work/$name.log") ($((SECONDS - began)) s)"
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
export TIDEGATE_URL=$url TIDEGATE_TOKEN=$token TIDEGATE_PID=$server
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
    for name in pyarrow pyarrow-keepalive grafana influxdb3-python adbc flightsql-dbapi; do
        skip "$name" "no python3"
    done
else
    python_client pyarrow flight.py pyarrow==26.0.1
    python_client pyarrow-keepalive keepalive.py pyarrow==26.0.1
    python_client grafana grafana.py pyarrow==26.0.1 PyYAML==6.0.3
    python_client influxdb3-python v3.py influxdb3-python==0.21.0 pandas==3.1.1 polars==2.1.0
    python_client adbc adbc.py adbc-driver-flightsql==1.13.0 adbc-driver-manager==1.13.0
    python_client flightsql-dbapi dbapi.py flightsql-dbapi==0.2.2 pandas==3.1.1
fi

# Clients from Maven Central: $1 the name, $2 its profile in pom.xml, $3 the program.
java_client() {
    local name=$1 profile=$2 program=$3
    if ! timeout 600 mvn -q -B -P "$profile" -f "$query/java/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$clients/$profile" >"$work/mvn.log" 2>&1; then
        skip "$name" "it could not be fetched: $(grep -m 1 ERROR "$work/mvn.log")"
    else
        client "$name" java --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$clients/$profile/*" \
            "$query/java/$program"
    fi
}

if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
    skip jdbc "no java or no maven"
    skip influxdb3-java "no java or no maven"
else
    java_client jdbc jdbc QueryJdbc.java
    java_client influxdb3-java v3 QueryV3.java
fi

if ! command -v go >/dev/null; then
    skip influxdb3-go "no go"
elif ! (rm -rf "$clients/go" && cp -r "$query/go" "$clients/go" && cd "$clients/go" &&
    timeout 900 go build -mod=mod -o query .) >"$work/go.log" 2>&1; then
    skip influxdb3-go "its client could not be built: $(tail -n 1 "$work/go.log")"
else
    client influxdb3-go "$clients/go/query"
fi

if ! command -v npm >/dev/null; then
    skip influxdb3-js "no npm"
elif ! { mkdir -p "$clients/js" && cp "$query/js/query.mjs" "$clients/js/" &&
    timeout 600 npm install --prefix "$clients/js" --silent --no-audit --no-fund \
        @influxdata/influxdb3-client@2.1.0; } >"$work/npm.log" 2>&1; then
    skip influxdb3-js "it could not be installed: $(tail -n 1 "$work/npm.log")"
else
    # The authority is one that it is told of; without TLS the name is not used.
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=${TIDEGATE_TLS_CA:-} client influxdb3-js node "$clients/js/query.mjs"
fi

echo "NOT TRIED HERE: Grafana itself, whose Go package no registry has; grafana.py asks as it does"
echo "query clients: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
# Nothing could be tried: skipped, not passed.
[ "$passed" -gt 0 ] || exit 77
