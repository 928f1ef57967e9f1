#!/usr/bin/env bash
# HTTPS as it is run: certificates made by openssl, curl as a client, and their exchange by SIGHUP
# under load, without one failed request. Needs openssl and curl.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$tests")
for tool in openssl curl; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool"; exit 77; }
done
work=$(mktemp -d)
token=tls-token-with-thirty-two-characters
load=()

cleanup() {
    touch "$work/done"
    [ -n "${server:-}" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAILED: $1"
    tail -n 20 "$work/log"
    exit 1
}

if [ -z "${TIDEGATE_BIN:-}" ]; then
    cargo build --locked --manifest-path "$root/Cargo.toml"
    TIDEGATE_BIN=$root/target/debug/tidegate
fi

# $1: the name; $2: days from now until which it is valid. One authority for all.
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority \
    -keyout "$work/authority.key" -out "$work/authority.pem" 2>/dev/null
certificate() {
    openssl req -newkey "${3:-rsa:2048}" ${3:+-pkeyopt ec_paramgen_curve:P-256} -nodes \
        -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/authority.pem" -CAkey "$work/authority.key" \
        -set_serial "0x$(openssl rand -hex 8)" -days "$2" -out "$work/$1.pem" \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1') 2>/dev/null
}
certificate first 30
certificate second 30 ec
install_pair() {
    cp "$work/$1.pem" "$work/cert.pem"
    cp "$work/$1.key" "$work/key.pem"
}

install_pair first
: >"$work/out"
TIDEGATE_INIT_TOKEN=$token "$TIDEGATE_BIN" serve --listen 127.0.0.1:0 --data-dir "$work/data" \
    --tls-cert "$work/cert.pem" --tls-key "$work/key.pem" >"$work/out" 2>"$work/log" &
server=$!
for _ in $(seq 1200); do
    url=$(sed -n 's/^listening on //p' "$work/out")
    [ -n "$url" ] && break
    sleep 0.1
done
case $url in https://127.0.0.1:*) ;; *) fail "it does not say https:// but: $url" ;; esac
address=${url#https://}

call() { curl -sS -m 60 --cacert "$work/authority.pem" "$@"; }
write() {
    call "$@" -o /dev/null -w '%{http_code}' "$url/api/v2/write?bucket=b" \
        -H "Authorization: Token $token" --data-binary "m f=$RANDOM $RANDOM"
}
shown() {
    openssl s_client -connect "$address" </dev/null 2>/dev/null |
        openssl x509 -noout -subject | sed 's/.*CN *= *//'
}

for _ in $(seq 1200); do
    [ "$(call -o /dev/null -w '%{http_code}' "$url/ready")" = 200 ] && break
    sleep 0.1
done

echo "-- versions and protocols"
for version in 1.2 1.3; do
    for protocol in --http1.1 --http2; do
        if [ "$protocol" = --http2 ] && ! curl --version | grep -q HTTP2; then
            echo "SKIPPED: this curl has no HTTP/2"
            continue
        fi
        code=$(write "--tlsv$version" --tls-max "$version" "$protocol")
        [ "$code" = 204 ] || fail "TLS $version $protocol: $code"
    done
    openssl s_client -connect "$address" "-tls${version/./_}" -alpn h2,http/1.1 </dev/null 2>&1 |
        grep -q 'ALPN protocol: h2' || fail "TLS $version: ALPN does not choose h2"
done
if openssl s_client -connect "$address" -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null >/dev/null 2>&1
then fail "TLS 1.1 is spoken"; fi
told=$(curl -sS -m 60 "http://$address/ping")
case $told in *"use https://"*) ;; *) fail "plain HTTP is told: $told" ;; esac

echo "-- SIGHUP under load"
for task in 1 2 3; do
    (
        while [ ! -e "$work/done" ]; do
            code=$(write) || code="$code $?"
            echo "$code"
        done >"$work/load.$task"
    ) &
    load+=($!)
done
for round in 1 2 3 4 5 6; do
    [ $((round % 2)) = 1 ] && name=second || name=first
    install_pair "$name"
    kill -HUP "$server"
    for _ in $(seq 1200); do
        [ "$(shown)" = "$name" ] && break
        sleep 0.1
    done
    [ "$(shown)" = "$name" ] || fail "round $round: $(shown) is shown, not $name"
done

echo "-- SIGHUP with a broken pair"
cp "$work/second.pem" "$work/cert.pem"
kill -HUP "$server"
for _ in $(seq 1200); do
    grep -q 'does not belong to' "$work/log" && break
    sleep 0.1
done
grep -q 'the certificate in use stays.*does not belong to' "$work/log" || fail "nothing in the log"
[ "$(shown)" = first ] || fail "the broken pair is in use"
for _ in $(seq 1200); do
    [ "$(cat "$work"/load.* | wc -l)" -ge 20 ] && break
    sleep 0.1
done
touch "$work/done"
wait "${load[@]}"
requests=$(cat "$work"/load.* | wc -l)
failed=$(cat "$work"/load.* | grep -vcx 204 || true)
[ "$failed" = 0 ] || fail "$failed of $requests requests failed: $(cat "$work"/load.* | sort | uniq -c)"
[ "$requests" -ge 20 ] || fail "only $requests requests"

kill "$server"
wait "$server" || fail "it did not end well"
server=
echo "tls: $requests requests across 7 signals, none failed"
