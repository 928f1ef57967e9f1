#!/usr/bin/env bash
# Runs the README as a newcomer would: every block of commands, in its order, in a fresh copy of
# the sources. A block marked `text` after a block of commands is what they print, to the letter.
# Programs of clients run too: the first line of each says what it needs; what cannot be had here is
# said and skipped.
# TIDEGATE_BIN names a program that takes the place of the one that the README builds. Needs curl.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v curl >/dev/null || { echo "SKIPPED: there is no curl"; exit 77; }
if (exec 3<>/dev/tcp/127.0.0.1/8086) 2>/dev/null; then
    echo "SKIPPED: something listens on the README's port, 8086"
    exit 77
fi
work=$(mktemp -d)
server=

cleanup() {
    if [ -n "$server" ]; then
        # The shell of the block, what it runs, and what that runs.
        kill -- "-$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

# One file a block: 01.sh, 02.text, … in the order of the README.
mkdir "$work/blocks"
awk -v folder="$work/blocks" '
    /^```(sh|text|python|javascript|go|java)$/ { file = sprintf("%s/%02d.%s", folder, ++count, substr($0, 4)); printf "" >file; next }
    /^```/ { file = ""; next }
    file { print >>file }
' "$root/README.md"

git -C "$root" ls-files -z | tar -C "$root" --null -T - -cf - | (mkdir "$work/tidegate" && tar -C "$work/tidegate" -xf -)
cd "$work/tidegate"
if [ -z "${TIDEGATE_BIN:-}" ]; then
    cargo build --locked --release --manifest-path "$root/Cargo.toml"
    TIDEGATE_BIN=$root/target/release/tidegate
fi
mkdir "$work/bin"
ln -s "$(realpath "$TIDEGATE_BIN")" "$work/bin/tidegate"
export PATH=$work/bin:$PATH
sed -i 's/cargo run --release --/tidegate/' "$work"/blocks/*.sh

await() {
    for _ in $(seq 3000); do
        curl -sf -m 60 -o /dev/null http://127.0.0.1:8086/ready && return
        sleep 0.1
    done
    echo "FAILED: the server is not ready"
    cat "$work/server.log"
    exit 1
}

# A project of Maven that needs one artifact, GROUP:NAME:VERSION, and with it all that this one needs.
pom() {
    local group name version
    IFS=: read -r group name version <<<"$1"
    cat <<END
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>readme</groupId><artifactId>ask</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>$group</groupId><artifactId>$name</artifactId><version>$version</version>
  </dependency></dependencies>
</project>
END
}

# Makes ready what the program of a client needs, in a folder of its own, and says how to run it
# (`$run`). Returns 1 if that cannot be had here.
prepare() {
    local block=$1 kind=${1##*.} needs
    mkdir -p "$work/$kind"
    needs=$(sed -n '1s/^[/#]* *[a-z]* [a-z:]* //p' "$block")
    case $kind in
    python)
        run=("$work/python/bin/python" "$block")
        python3 -m venv "$work/python" &&
            timeout 600 "$work/python/bin/pip" install -q --disable-pip-version-check $needs
        ;;
    javascript)
        run=(node "$work/javascript/ask.mjs")
        cp "$block" "$work/javascript/ask.mjs"
        timeout 600 npm install --prefix "$work/javascript" --silent --no-audit --no-fund "$needs"
        ;;
    go)
        run=("$work/go/ask")
        cp "$block" "$work/go/main.go"
        (cd "$work/go" && go mod init ask && timeout 300 go get "$needs" &&
            timeout 600 go build -mod=mod -o ask .)
        ;;
    java)
        run=(java --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$work/java/*" "$work/java/Ask.java")
        # The libraries of one block are not for the next.
        rm -rf "$work/java" && mkdir "$work/java"
        cp "$block" "$work/java/Ask.java"
        pom "${needs#*=}" >"$work/java/pom.xml"
        timeout 600 mvn -q -B -f "$work/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/java"
        ;;
    esac >"$work/prepare.log" 2>&1
}

ran=0 compared=0 skipped=0 previous=
: >"$work/environment"
for block in "$work"/blocks/*; do
    name=$(basename "$block")
    case $block in
    *.text)
        # Only what follows commands is their output; drawings are not.
        if [ -n "$previous" ]; then
            # Lines may end as CSV's do, and the last one not at all.
            diff "$block" <(tr -d '\r' <"$previous" | awk 1) || { echo "FAILED: $name is not what was printed"; exit 1; }
            compared=$((compared + 1))
        fi
        previous=
        continue
        ;;
    *.python | *.javascript | *.go | *.java)
        previous=
        # Others are parts of programs, to be read.
        head -n 1 "$block" | grep -Eq '^(#|//) (pip install|npm install|go get|mvn) ' || continue
        if ! prepare "$block"; then
            echo "SKIPPED: $name: $(tail -n 1 "$work/prepare.log")"
            skipped=$((skipped + 1))
            continue
        fi
        echo "== $name"
        if ! timeout 120 "${run[@]}" >"$work/$name.printed" 2>"$work/errors"; then
            cat "$work/$name.printed" "$work/errors"
            echo "FAILED: $name"
            exit 1
        fi
        previous=$work/$name.printed
        ran=$((ran + 1))
        continue
        ;;
    esac
    previous=
    if grep -q 'tidegate serve\|-- serve' "$block"; then
        # It runs until it is stopped.
        setsid bash -euo pipefail "$block" >"$work/server.out" 2>>"$work/server.log" &
        server=$!
        await
    elif grep -q '^cargo test' "$block"; then
        # The tests run these scripts, not the other way round.
        echo "not run here: cargo test"
    else
        echo "== $name"
        cat "$block"
        # What a block sets is there in the next one.
        { cat "$work/environment" "$block"; echo "export -p >'$work/environment'"; } >"$work/run"
        if ! timeout 900 bash -euo pipefail "$work/run" >"$work/printed" 2>"$work/errors"; then
            cat "$work/printed" "$work/errors"
            echo "FAILED: $name"
            exit 1
        fi
        if grep -q '^HTTP/1.1 [45]' "$work/printed"; then
            cat "$work/printed"
            echo "FAILED: $name was refused"
            exit 1
        fi
        cp "$work/printed" "$work/$name.printed"
        previous=$work/$name.printed
    fi
    ran=$((ran + 1))
done
# What the README has today, without the programs of clients, which may not be had here. A README that
# has more of them raises these.
[ "$ran" -ge 15 ] && [ "$compared" -ge 5 ] || { echo "FAILED: only $ran blocks ran, $compared were compared"; exit 1; }
echo "PASSED: $ran blocks ran, what $compared of them print was compared, $skipped were skipped"
