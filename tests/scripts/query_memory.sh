#!/usr/bin/env bash
# Heavy queries side by side, over and over: the peak of the server's memory stays within 1.25 times
# its budget and 128 MiB, each query is answered or refused with 503 and the name of a setting, all
# that was lent comes back, and no file of a query stays. TIDEGATE_BUDGET_MIB (256), TIDEGATE_SECONDS (60),
# TIDEGATE_ROWS (2000000). Then raw rows in InfluxQL: they stream, whatever they are; TIDEGATE_RAW_ROWS
# (500000; by hand 10000000) of one series and of a hundred. Linux; needs curl. Exit code 77 means skipped.
set -euo pipefail
[ -r /proc/self/status ] || { echo "SKIPPED: the peak is read from /proc"; exit 77; }
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
source "$(dirname "$0")/server.sh"
mib=${TIDEGATE_BUDGET_MIB:-256} seconds=${TIDEGATE_SECONDS:-60} rows=${TIDEGATE_ROWS:-2000000} points=200000
raw=${TIDEGATE_RAW_ROWS:-500000}

export TIDEGATE_MEMORY__BUDGET_BYTES=$((mib << 20))
start data

for hour in $(seq 0 9); do
    awk -v from=$((hour * points / 10)) -v count=$((points / 10)) 'BEGIN {
        for (n = from; n < from + count; n++)
            printf "m,host=h%d,rack=r%d v=%d,w=%d,s=\"text-%d\" %d000000000\n",
                n % 1000, n % 50, n, n * 7 % 1013, n, 1700000000 + n
    }' | curl -sf -o /dev/null "$url/api/v2/write?bucket=b" -H "Authorization: Token $token" --data-binary @-
done

# About 20 bytes a row and more: each needs many times its share.
series="(SELECT CAST(value AS VARCHAR) || '-' || CAST(value % 977 AS VARCHAR) AS s, value AS n
         FROM generate_series(1, $rows))"
queries=(
    "SELECT s FROM $series ORDER BY s LIMIT $((rows - 1))"
    "SELECT s, count(*), max(n) FROM $series GROUP BY s"
    "SELECT count(DISTINCT s) FROM $series"
    "SELECT a.s, b.n FROM $series a JOIN $series b ON a.s = b.s"
    "SELECT *, row_number() OVER (PARTITION BY host ORDER BY s) AS r FROM m"
    "SELECT a.s, b.s FROM m a JOIN m b ON a.host = b.host ORDER BY a.s, b.s LIMIT 1000000"
    "SELECT count(*) FROM m a, m b WHERE a.v + b.v < 0"
    "SELECT host, rack, count(DISTINCT s), max(v) FROM m GROUP BY host, rack"
)

# What a refusal names, for whoever is to do something about it.
setting='(query|memory)\.[a-z]+_[a-z_]+'

# ask NUMBER: asks one query until the time is over, and notes how each ended: `answered`, `refused`,
# `left` (by us, after a minute), `broken` (after a 200: the log says why), or what it was instead.
ask() {
    local until=$((SECONDS + seconds)) body=$work/body.$1 code status
    while [ "$SECONDS" -lt "$until" ]; do
        code=0
        : >"$body"
        status=$(curl -s -m 60 -o "$body" -w '%{http_code}' "$url/api/v3/query_sql" \
            -H "Authorization: Token $token" --get --data-urlencode "db=b" --data-urlencode format=csv \
            --data-urlencode "q=${queries[$1]}") || code=$?
        case "$code $status" in
        "0 200") echo answered ;;
        "0 503") grep -qE "$setting" "$body" && echo refused || echo "unnamed: $(head -c 300 "$body")" ;;
        "28 "*) echo left ;;
        "18 200" | "56 200" | "92 200") echo broken ;;
        *) echo "curl $code, status $status: $(head -c 300 "$body")" ;;
        esac >>"$work/ended.$1"
    done
}
asking=()
for number in "${!queries[@]}"; do
    ask "$number" &
    asking+=($!)
done
wait "${asking[@]}"

peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$server/status")
most=$((mib * 5 / 4 + 128))
for number in "${!queries[@]}"; do
    echo "$(cut -c 1-60 "$work/ended.$number" | sort | uniq -c | tr -s ' \n' ' '): ${queries[$number]:0:60}" | tr '\n' ' '
    echo
done
echo "peak $peak MiB, at most $most (budget $mib)"
bad=$(cat "$work"/ended.* | grep -vE '^(answered|refused|left|broken)$' || true)
[ -z "$bad" ] || { echo "neither rows nor a refusal that names a setting:"; head -n 5 <<<"$bad"; exit 1; }
broken=$(cat "$work"/ended.* | grep -c '^broken$' || true)
# A client cannot be told why an answer that had begun was broken off.
early=$(grep 'an answer ended early' "$work/data.log" || true)
named=$(grep -cE "$setting" <<<"$early" || true)
[ "$broken" -le "$named" ] || {
    echo "$broken answers were broken off, and the log names a setting for $named:"
    grep -vE "$setting" <<<"$early" | head -n 5
    exit 1
}
# On a busy machine a minute may be too short for all of them side by side: then one must be answered alone.
if ! grep -q '^answered' "$work"/ended.*; then
    status=$(curl -s -m 600 -o "$work/body" -w '%{http_code}' "$url/api/v3/query_sql" \
        -H "Authorization: Token $token" --get --data-urlencode "db=b" --data-urlencode format=csv \
        --data-urlencode "q=${queries[-1]}") || true
    [ "$status" = 200 ] || { echo "nothing was answered, and a query alone got $status: $(head -c 300 "$work/body")"; exit 1; }
fi
[ "$peak" -le "$most" ] || { echo "the peak is too high"; exit 1; }

metric() { curl -sf "$url/metrics" -H "Authorization: Token $token" | awk -v name="$1" '$1 == name { print $2 }'; }
for name in tidegate_queries_running tidegate_query_memory_used_bytes; do
    for _ in $(seq 100); do
        [ "$(metric "$name")" = 0 ] && continue 2
        sleep 0.1
    done
    echo "$name is $(metric "$name") after all clients have left"
    exit 1
done
left=$({ find "$work/data/queries" -name "*.spill" 2>/dev/null || true; } | wc -l)
[ "$left" = 0 ] || { echo "$left files of queries are left"; exit 1; }
stop

# Rows of InfluxQL that are in the order of their files stream: they take 64 MiB at most, however many.
export TIDEGATE_QUERY__TIMEOUT_MS=0
start raw
form=(-f -o /dev/null -H "Authorization: Token $token")
for table in one many; do
    for ((from = 0; from < raw; from += 50000)); do
        awk -v table=$table -v from="$from" -v count=50000 'BEGIN {
            series = table == "one" ? 1 : 100
            for (n = from; n < from + count; n++)
                printf "%s,host=h%02d v=%d.5,w=%d %d\n",
                    table, n % series, n % 977, n % 1013, 1700000000 + int(n / series) * (series > 1 ? 10 : 1)
        }' | curl -s --retry 20 --retry-delay 1 "${form[@]}" "$url/api/v2/write?bucket=b&precision=s" --data-binary @-
    done
done
# What flushes and merges files takes of the budget too, and is not what is measured.
for step in flush compact; do
    curl -s -X POST "${form[@]}" "$url/api/v1/lake/$step"
done
# streams PATH STATEMENT: an answer of all rows, of which there are as many lines or more.
streams() {
    local rss most lines
    echo 5 >"/proc/$server/clear_refs"
    rss=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$server/status")
    lines=$(curl -sfG "$url/$1" -H "Authorization: Token $token" --data-urlencode "q=$2" | wc -l)
    most=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$server/status")
    echo "$2 ($1): $lines lines, $rss to $most MiB: +$((most - rss))"
    [ "$lines" -ge "$3" ] || { echo "rows are missing"; exit 1; }
    [ "$((most - rss))" -le 64 ] || { echo "the rows are not streamed"; exit 1; }
}
for statement in "SELECT v, w FROM one" "SELECT v, w FROM one GROUP BY *" "SELECT v, w FROM many GROUP BY *" \
    "SELECT v, w FROM many"; do
    streams "query?db=b&chunked=true&chunk_size=100" "$statement" $((raw / 100))
    streams "api/v3/query_influxql?db=b&format=csv" "$statement" "$raw"
done
stop
echo "ok"
