#!/usr/bin/env bash
# schemathesis against config/openapi.yaml: requests made up from the schema, valid and not, and
# every answer held against it. TIDEGATE_EXAMPLES an operation, made up from TIDEGATE_SEED: the same
# ones every time by default. Needs python3 and its registry.
set -euo pipefail
examples=${TIDEGATE_EXAMPLES:-200}
for tool in python3 curl; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: there is no $tool"; exit 77; }
done
source "$(dirname "$0")/server.sh"

if ! python3 -m venv "$work/venv" ||
    ! timeout 900 "$work/venv/bin/pip" install -q "schemathesis==4.*" >"$work/pip.log" 2>&1; then
    tail -n 3 "$work/pip.log" 2>/dev/null
    echo "SKIPPED: schemathesis cannot be installed"
    exit 77
fi

start data
# Made-up requests revoke tokens too. Ours has a number that they will hardly hit.
make() {
    curl -sS -m 60 -X POST "$url/api/v1/tokens" -H "Authorization: Token $token" -d "$1"
}
for _ in $(seq 200); do
    make '{"read":["*"]}' >/dev/null
done
operator=$(make '{"operator":true}' | sed 's/.*"token":"\([0-9a-f]*\)".*/\1/')

# It leaves a cache where it runs.
cd "$work"
timeout 2700 "$work/venv/bin/st" --config-file "$root/tests/openapi/schemathesis.toml" run \
    "$root/config/openapi.yaml" --url "$url" --max-examples "$examples" \
    --header "Authorization: Token $operator" --seed "${TIDEGATE_SEED:-1}"
curl -sf -m 60 -o /dev/null "$url/health" || { echo "FAILED: the server is not well"; exit 1; }
