#!/usr/bin/env bash
# Breaks the program on purpose, one line at a time, and demands that the tests of plan shapes
# (`engine::queries::tests::shapes`) see each:
#   merge   files that have points in common are read one beside the other, not merged
#   field   a condition on a field is decided below the merge, where only tags and times may be
# By hand: each compiles the library anew, for minutes. It changes files of this very tree and puts them
# back, also when it is interrupted; a file with changes of yours is not touched.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests=engine::queries::tests::shapes
work=$(mktemp -d)
broken=

restore() {
    [ -z "$broken" ] || cp "$work/whole" "$broken"
    broken=
}
trap 'restore; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The tests compile, or this is over; what they say is in `$work/log`.
run() {
    cargo test --locked --workspace --lib --no-run -q >"$work/log" 2>&1 ||
        { tail -n 40 "$work/log"; echo "FAILED: $1 does not compile"; exit 1; }
    timeout 1800 cargo test --locked --workspace --lib -q "$tests" >"$work/log" 2>&1
}

# mutant NAME FILE LINE OTHER: LINE stands in FILE once; with OTHER in its place the tests fail.
mutant() {
    local name=$1 file=$2 line=$3 other=$4 began=$SECONDS
    git diff --quiet HEAD -- "$file" || { echo "FAILED: $name: $file has changes that are not committed"; exit 1; }
    [ "$(grep -cF -- "$line" "$file")" = 1 ] || { echo "FAILED: $name: $file has this line not once: $line"; exit 1; }
    cp "$file" "$work/whole"
    broken=$file
    LINE=$line OTHER=$other awk '
        BEGIN { line = ENVIRON["LINE"] }
        place = index($0, line) { $0 = substr($0, 1, place - 1) ENVIRON["OTHER"] substr($0, place + length(line)) }
        { print }
    ' "$work/whole" >"$file"
    if run "$name"; then
        restore
        echo "FAILED: $name: no test of $tests fails"
        exit 1
    fi
    restore
    # It failed for the rows of an answer, not for something else.
    grep -q "test .*$tests.* FAILED\|$tests.*panicked\|panicked at src/engine/queries/tests/shapes" "$work/log" ||
        { tail -n 40 "$work/log"; echo "FAILED: $name: the tests of shapes are not what failed"; exit 1; }
    echo "seen: $name ($((SECONDS - began)) s)"
    grep -m 1 -A 4 'panicked at' "$work/log" | cut -c1-200
}

run "the program as it is" || { tail -n 40 "$work/log"; echo "FAILED: $tests fails without a mutation"; exit 1; }
grep -q '^test result: ok. [1-9]' "$work/log" || { tail -n 5 "$work/log"; echo "FAILED: there are no tests $tests"; exit 1; }
mutant merge src/read/split.rs \
    'other.is_some_and(|other| file.may_share_points(other.as_ref())),' 'other.is_none(),'
mutant field src/query/provider/filters.rs \
    '(kinds.kind(column)? == ColumnKind::Tag).then(|| TagFilter {' '(kinds.kind(column)? != ColumnKind::Time).then(|| TagFilter {'
echo "mutants: both were seen"
