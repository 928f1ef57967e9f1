#!/usr/bin/env bash
# Every refusal of a large body is read whole: by curl, Go, Node and Python's httpx, over HTTPS with
# HTTP/1.1 and HTTP/2, with bodies of 1 KB to 60 MB, with and without an announced length, while the
# server's memory stays as it was. Needs openssl and curl; go, node, and python3 with PyPI are each
# said to be missing and skipped.
#
# TIDEGATE_TRIES is how often each is tried. No answer may come later than TIDEGATE_LATE_MS_MAX
# after the last byte sent (curl: after the start). Its default is the time of an event, not of a
# machine: a refusal that waits until the server gives a body up takes 30 seconds. On a quiet
# machine, by hand: TIDEGATE_TRIES=60 TIDEGATE_LATE_MS_MAX=2000.
set -euo pipefail
tests=$(cd "$(dirname "$0")/.." && pwd)
for tool in openssl curl; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool"; exit 77; }
done
source "$tests/scripts/server.sh"
export TIDEGATE_TRIES=${TIDEGATE_TRIES:-3} TIDEGATE_LATE_MS_MAX=${TIDEGATE_LATE_MS_MAX:-20000}
# Kilobytes. One body of 60 MB in memory is more.
grown_kb_max=32768
# What a client may take in all: the bodies are sent in less than a second.
export TIDEGATE_SECONDS_MAX=$((TIDEGATE_LATE_MS_MAX / 1000 + 10))
skipped=0

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=refusals -keyout "$work/key.pem" \
    -addext subjectAltName=IP:127.0.0.1 -out "$work/cert.pem" 2>/dev/null
export CURL_CA_BUNDLE=$work/cert.pem TIDEGATE_CA=$work/cert.pem TIDEGATE_BODY=$work/body
# Its first line is not a point, and the rest are comments. `head` ends the endless one.
{ echo 'not a point'; yes "#$(printf 'x%.0s' {1..98})"; } 2>/dev/null | head -c 60000000 >"$work/body" || true

# Every client is a function that reads cases, "STATUS TOKEN BYTES PATH" a line, and prints a line
# for each and each protocol: PROTOCOL STATUS BYTES, how many answers were read whole, the longest
# time in milliseconds, and what was wrong first.
curl_client() {
    local status token length path protocol
    while read -r status token length path; do
        head -c "$length" "$work/body" >"$work/part"
        for protocol in http1.1 http2; do
            [ "$protocol" = http1.1 ] || [[ $(curl --version) == *HTTP2* ]] || continue
            curl_meet
        done
    done
}

# One case over one protocol, over HTTP/1.1 as curl does it (it waits to be asked for what is
# long), unasked, and in chunks.
curl_meet() {
    local forms=('Accept: */*' 'Expect:' 'Transfer-Encoding: chunked') read=0 latest=0 first= try form said code version late
    for try in $(seq "$TIDEGATE_TRIES"); do
        form=${forms[0]}
        [ "$protocol" = http2 ] || form=${forms[try % 3]}
        said=$(curl -sS -m "$TIDEGATE_SECONDS_MAX" "--$protocol" -o "$work/answer" -w '%{http_code} %{http_version} %{time_total}' \
            -H "Authorization: Token $token" -H "$form" --data-binary "@$work/part" "$url$path" 2>&1) || said="failed: $(head -n 1 <<<"$said")"
        read -r code version late <<<"$said"
        if [ "$code $version" = "$status ${protocol#http}" ] && grep -q '^{"code":.*"message":".*}$' "$work/answer"; then
            read=$((read + 1))
            late=$(awk -v s="$late" 'BEGIN { printf "%d", s * 1000 }')
            [ "$late" -le "$latest" ] || latest=$late
        else
            first=${first:-$form: $said}
        fi
    done
    echo "$protocol $status $length $read $latest $first"
}

go_client() { "$work/refused-go"; }
node_client() { node "$tests/refusals/refused.mjs"; }
httpx_client() { "$work/venv/bin/python" "$tests/refusals/refused.py"; }

skip() {
    echo "SKIPPED: $1: $2"
    skipped=$((skipped + 1))
}

clients=(curl)
[[ $(curl --version) == *HTTP2* ]] || skip curl "this one has no HTTP/2"
if ! command -v go >/dev/null; then
    skip go "no go"
elif ! (cd "$tests/refusals/go" && GOTOOLCHAIN=local go build -o "$work/refused-go" .) >"$work/go.log" 2>&1; then
    skip go "the client could not be built: $(tail -n 1 "$work/go.log")"
else
    clients+=(go)
fi
if ! command -v node >/dev/null; then
    skip node "no node"
else
    clients+=(node)
fi
if ! command -v python3 >/dev/null; then
    skip httpx "no python3"
elif ! { python3 -m venv "$work/venv" &&
    timeout 600 "$work/venv/bin/pip" install -q 'httpx[http2]==0.28.1'; } >"$work/pip.log" 2>&1; then
    skip httpx "it could not be installed: $(tail -n 1 "$work/pip.log")"
else
    clients+=(httpx)
fi

peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$server/status"; }

# Meets the cases in `$work/cases` with every client.
meet() {
    local client
    export TIDEGATE_URL=$url
    for client in "${clients[@]}"; do
        echo "$client"
        "${client}_client" <"$work/cases" 2>"$work/$client.log" | sed "s/^/$client /" >>"$work/met" || {
            echo "FAILED: $client did not get through:"
            tail -n 20 "$work/$client.log"
            failed=1
        }
    done
}

sizes=(1100 100000 1000000 20000000 60000000)
: >"$work/met"
failed=0

echo "-- refused before the body is read"
export TIDEGATE_SERVER__AUTO_CREATE_BUCKETS=false
TIDEGATE_LIMITS__WIRE_BYTES_MAX=1024 start early --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
create() {
    curl -sSf -m 60 -o /dev/null "$url/api/v1/buckets" -H "Authorization: Token $token" --data-binary '{"name":"b"}'
}
create
before=$(peak_kb)
for size in "${sizes[@]}"; do
    echo "401 wrong $size /api/v2/write?bucket=b"
    echo "404 $token $size /api/v2/write?bucket=none"
    echo "413 $token $size /api/v2/write?bucket=b"
    echo "400 $token $size /api/v2/write?bucket="
done >"$work/cases"
meet
after=$(peak_kb)
stop

echo "-- refused for a line of the body"
start late --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
create
for size in "${sizes[@]:0:4}"; do
    echo "400 $token $size /api/v2/write?bucket=b"
done >"$work/cases"
meet
stop

# The worst of each client, protocol and length; then whatever was not read, or too late.
echo "-- read whole of tried, the longest time after the last byte"
awk -v tries="$TIDEGATE_TRIES" '
    { key = sprintf("%-6s %-9s %8d bytes", $1, $2, $4); read[key] += $5; tried[key] += tries }
    $6 > latest[key] { latest[key] = $6 }
    !(key in seen) { seen[key] = 1; order[++keys] = key }
    END { for (i = 1; i <= keys; i++) printf "%s: %d of %d, %d ms\n", order[i], read[order[i]], tried[order[i]], latest[order[i]] }
' "$work/met"
echo "memory of the server at its most: $before kB before, $after kB after the early refusals"
awk -v tries="$TIDEGATE_TRIES" -v late="$TIDEGATE_LATE_MS_MAX" '
    $5 != tries || $6 > late { print "FAILED: " $0; bad = 1 }
    END { exit bad || NR == 0 }
' "$work/met" || failed=1
[ $((after - before)) -le "$grown_kb_max" ] || {
    echo "FAILED: the memory grew by $((after - before)) kB"
    failed=1
}
echo "refusals: $(($(wc -l <"$work/met") * TIDEGATE_TRIES)) tried, $skipped clients skipped"
[ "$failed" = 0 ]
