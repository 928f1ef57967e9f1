# Sourced by the scripts that need a running server: a folder `$work` that goes with the script,
# the program `$TIDEGATE_BIN`, and servers on free ports that end with the script.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
token=0123456789abcdef-of-the-test-scripts
servers=()

cleanup() {
    local server
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    done
    rm -rf "$work"
}
trap cleanup EXIT

if [ -z "${TIDEGATE_BIN:-}" ]; then
    cargo build --locked --manifest-path "$root/Cargo.toml"
    TIDEGATE_BIN=$root/target/debug/tidegate
fi

# start NAME [FLAG…]: a server over the data folder `$work/NAME`; sets `$url` and `$server`, and
# returns when it is ready.
start() {
    local name=$1
    shift
    : >"$work/$name.out"
    TIDEGATE_INIT_TOKEN=$token "$TIDEGATE_BIN" serve --listen 127.0.0.1:0 \
        --data-dir "$work/$name" "$@" >"$work/$name.out" 2>>"$work/$name.log" &
    server=$!
    servers+=("$server")
    for _ in $(seq 1200); do
        url=$(sed -n 's/^listening on //p' "$work/$name.out")
        [ -n "$url" ] && curl -sf -m 60 -o /dev/null "$url/ready" && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "the server did not start"
    cat "$work/$name.log"
    exit 1
}

# stop: the last one that was started, as a supervisor would.
stop() {
    kill "$server"
    wait "$server"
}
