#!/usr/bin/env bash
# curl, as users type it: every endpoint with every form of credentials, the bodies of v1 and v3
# to the letter, and what an agent of v1 does when it starts. Needs curl.
set -euo pipefail
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
source "$(dirname "$0")/server.sh"
start data
checked=0

# ask METHOD PATH [curl's flags…]: prints the status and the body.
ask() {
    local method=$1 path=$2
    shift 2
    curl -sS -m 60 -X "$method" -w '\n%{http_code}' "$url$path" "$@" |
        awk '{ line[NR] = $0 } END { printf "%s", line[NR]; for (i = 1; i < NR; i++) if (line[i] != "") printf " %s", line[i] }'
}

# expect WANTED METHOD PATH [curl's flags…]: WANTED is the status, or all that `ask` prints.
expect() {
    local wanted=$1 got
    shift
    got=$(ask "$@")
    [ "$got" = "$wanted" ] || [ "${got%% *}" = "$wanted" ] || {
        echo "FAILED: $*"
        echo "expected $wanted"
        echo "got      $got"
        exit 1
    }
    checked=$((checked + 1))
}

v1=$(printf '%s' "m,from=v1 f=1 1")
# Path, method, body, the status with a good token, whether v1's forms count.
endpoints=(
    "POST|/api/v2/write?bucket=b|m,from=v2 f=1 1|204|v2"
    "POST|/write?db=b|$v1|204|v1"
    "POST|/query?q=CREATE%20DATABASE%20b||200|v1"
    "GET|/query?q=SHOW%20DATABASES||200|v1"
    "POST|/api/v3/write_lp?db=b|m,from=v3 f=1 1|204|v2"
    "GET|/api/v1/export?bucket=b||200|v2"
    "GET|/api/v2/buckets||200|v2"
    "GET|/api/v2/orgs||200|v2"
    "POST|/api/v2/delete||501|v2"
    "POST|/api/v2/query||501|v2"
    "GET|/api/v1/tokens||200|v2"
    "POST|/api/v1/tokens|{\"read\":[\"b\"]}|201|v2"
    "DELETE|/api/v1/tokens/999||404|v2"
    "GET|/api/v1/buckets||200|v2"
    "POST|/api/v1/buckets|{\"name\":\"b\"}|409|v2"
    "PATCH|/api/v1/buckets/b|{\"retention_seconds\":null}|200|v2"
    "DELETE|/api/v1/buckets/none||404|v2"
)
for endpoint in "${endpoints[@]}"; do
    IFS='|' read -r method path body status dialect <<<"$endpoint"
    data=()
    [ -n "$body" ] && data=(--data-binary "$body")
    expect "$status" "$method" "$path" "${data[@]}" -H "Authorization: Token $token"
    expect "$status" "$method" "$path" "${data[@]}" -H "Authorization: Bearer $token"
    expect "$status" "$method" "$path" "${data[@]}" -u "anyone:$token"
    expect 401 "$method" "$path" "${data[@]}"
    expect 401 "$method" "$path" "${data[@]}" -H "Authorization: Token ${token}x"
    with=$path\&; [[ $path == *\?* ]] || with=$path\?
    by_v1=401; [ "$dialect" = v1 ] && by_v1=$status
    expect "$by_v1" "$method" "${with}u=anyone&p=$token" "${data[@]}"
    expect "$by_v1" "$method" "$path" "${data[@]}" -H "Authorization: Token anyone:$token"
done
for path in /ping /health /api/v2/health /ready /api/v2/ready /metrics /api/v2/setup; do
    status=200; [ "$path" = /ping ] && status=204
    expect "$status" GET "$path"
done
points='m,from=v1 f=1.0 1 m,from=v2 f=1.0 1 m,from=v3 f=1.0 1000000000'
expect "200 $points" GET '/api/v1/export?bucket=b' -H "Authorization: Token $token"

# Bodies, to the letter.
operator=(-H "Authorization: Token $token")
expect '400 {"error":"failed to deserialize db/rp/precision in request: missing field `db`","code":"invalid","message":"failed to deserialize db/rp/precision in request: missing field `db`"}' \
    POST /write "${operator[@]}" --data-binary 'm f=1'
expect '200 {"results":[{"statement_id":0}]}' \
    POST /query "${operator[@]}" --data-urlencode 'q=CREATE DATABASE "telegraf"'
expect '401 {"error":"unauthorized access","code":"unauthorized","message":"unauthorized access"}' \
    POST '/write?db=b' --data-binary 'm f=1'
expect '401 {"error":"unauthorized access"}' POST '/api/v3/write_lp?db=b' --data-binary 'm f=1'
expect '400 {"error":"partial write of line protocol occurred","data":[{"original_line":"m f=x","line_number":2,"error_message":"`x` is not a field value: expected a number, true or false, or a string in double quotes"}]}' \
    POST '/api/v3/write_lp?db=b' "${operator[@]}" --data-binary $'m f=1\nm f=x'
expect '204' POST '/write?db=b' "${operator[@]}" --data-binary $'\n'

# The start of an agent of v1: its database, then a batch, gzip and chunked.
agent=(-u "telegraf:$token" -A 'Telegraf/1.30.0 Go/1.22.2')
expect '200 {"results":[{"statement_id":0}]}' \
    POST /query "${agent[@]}" --data-urlencode 'q=CREATE DATABASE "telegraf"'
printf 'cpu,host=a usage_idle=98.5 1721548800000000000\n' | gzip >"$work/batch.gz"
expect 204 POST '/write?consistency=any&db=telegraf' "${agent[@]}" -H 'Content-Encoding: gzip' \
    -H 'Transfer-Encoding: chunked' --data-binary "@$work/batch.gz"
expect '200 cpu,host=a usage_idle=98.5 1721548800000000000' \
    GET '/api/v1/export?bucket=telegraf' "${operator[@]}"
stop
echo "PASSED: $checked answers to curl"
