#!/usr/bin/env bash
# Heavy queries side by side, over and over: the peak of the server's memory stays within 1.25 times
# its budget and 128 MiB, each query is answered or refused by name (503), all that was lent comes
# back, and no file of a query stays. TIDEGATE_BUDGET_MIB (256), TIDEGATE_SECONDS (60),
# TIDEGATE_ROWS (2000000). Linux; needs curl. Exit code 77 means skipped.
set -euo pipefail
[ -r /proc/self/status ] || { echo "SKIPPED: the peak is read from /proc"; exit 77; }
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
source "$(dirname "$0")/server.sh"
mib=${TIDEGATE_BUDGET_MIB:-256} seconds=${TIDEGATE_SECONDS:-60} rows=${TIDEGATE_ROWS:-2000000} points=200000

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

# ask NUMBER: asks one query until the time is over, and notes the status of each.
ask() {
    local until=$((SECONDS + seconds)) status
    while [ "$SECONDS" -lt "$until" ]; do
        status=$(curl -s -m 60 -o /dev/null -w '%{http_code}' "$url/api/v3/query_sql" \
            -H "Authorization: Token $token" --get --data-urlencode "db=b" --data-urlencode format=csv \
            --data-urlencode "q=${queries[$1]}") || status="$status-left"
        echo "$status" >>"$work/status.$1"
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
    echo "$(sort "$work/status.$number" | uniq -c | tr -s ' \n' ' '): ${queries[$number]:0:60}" | tr '\n' ' '
    echo
done
echo "peak $peak MiB, at most $most (budget $mib)"
bad=$(cat "$work"/status.* | grep -vcE '^(200|200-left|000-left|503)$' || true)
[ "$bad" = 0 ] || { echo "$bad answers are neither rows nor a refusal"; exit 1; }
grep -q '^200' "$work"/status.* || { echo "nothing was answered"; exit 1; }
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
left=$(find "$work/data/queries" -name '*.spill' 2>/dev/null | wc -l)
[ "$left" = 0 ] || { echo "$left files of queries are left"; exit 1; }
stop
echo "ok"
