#!/usr/bin/env bash
# The instructions that parsing takes, counted by callgrind: of each shape of body in benches/support, to
# points and to columns, in the release profile without tables and queries. Fails if a count differs
# from the one in benches/instructions/counts.txt by more than 5 %, in either direction: what became
# faster is recorded, so that it stays so. Counts do not depend on what else the machine does, but on the
# compiler: with another one than in the file's first line, they are shown and not compared.
#
# TIDEGATE_RECORD=1 writes the file. Needs valgrind. Exit code 77 means skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "SKIPPED: $1"; exit 77; }
if ! command -v valgrind >/dev/null; then
    [ "$(id -u)" = 0 ] || skip "no valgrind, and installing it needs root"
    (apt-get update && apt-get install -y --no-install-recommends valgrind) >/dev/null 2>&1 </dev/null \
        || skip "no valgrind, and it cannot be installed"
fi
file=benches/instructions/counts.txt
compiler="# $(rustc --version), $(uname -m)"

# Its own profile would optimise it less than what is shipped.
unset CARGO_PROFILE_BENCH_OPT_LEVEL
bench=$(cargo bench --locked --no-default-features --bench instructions --no-run --message-format=json |
    sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p')
[ -x "$bench" ] || { echo "FAILED: the bench was not built"; exit 1; }

# count SHAPE PART TIMES
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$@" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\)$/\1/p'
}

counts() {
    echo "$compiler"
    echo "# part, instructions for a body, shape"
    "$bench" | sed -n 's/^\(.*\), \([a-z]*\): [0-9]* rows$/\1|\2/p' | while IFS='|' read -r shape part; do
        once=$(count "$shape" "$part" 1)
        # Once more than the first time, so that nothing counts that is done once only.
        printf '%s\t%s\t%s\n' "$part" "$(($(count "$shape" "$part" 2) - once))" "$shape"
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counts >"$work/counts"
[ "$(grep -vc '^#' "$work/counts")" -ge 20 ] || { cat "$work/counts"; echo "FAILED: counts are missing"; exit 1; }
if [ -n "${TIDEGATE_RECORD:-}" ]; then
    cp "$work/counts" "$file"
    cat "$file"
    exit
fi

awk -F'\t' '
    FNR == 1 { compiler[++files] = $0; next }
    /^#/ { next }
    files == 1 { recorded[$1 "\t" $3] = $2; next }
    {
        key = $1 "\t" $3; shown++
        if (!(key in recorded)) { printf "%-8s %12d  not recorded: %s\n", $1, $2, $3; bad++; next }
        part = $2 / recorded[key]
        is_bad = part > 1.05 || part < 1 / 1.05
        printf "%-8s %12d  %.3f of the record%s: %s\n", $1, $2, part, is_bad ? ", MORE THAN 5 % OFF" : "", $3
        bad += is_bad; delete recorded[key]
    }
    END {
        for (key in recorded) { print "recorded, but not counted: " key; bad++ }
        if (compiler[1] != compiler[2]) {
            print "SKIPPED: the record is of " substr(compiler[1], 3) ", this is " substr(compiler[2], 3)
            exit 77
        }
        if (bad) { print "FAILED: " bad " of " shown ". TIDEGATE_RECORD=1 tests/scripts/instructions.sh records what is meant"; exit 1 }
        print shown " counts are those of the record"
    }
' "$file" "$work/counts"
