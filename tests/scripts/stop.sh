#!/usr/bin/env bash
# SIGTERM while the store hangs and a request does, during a flush, at rest, and during a start:
# the program ends with exit code 0 within server.shutdown_grace_ms, and nothing acknowledged is
# lost: tests/lake/stop.py. TIDEGATE_GRACE_MS (2000; the default of the server is 9000). Needs
# python3 and a C compiler.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/slow.sh"
export TIDEGATE_BIN TIDEGATE_WORK=$work PYTHONDONTWRITEBYTECODE=1
timeout 900 python3 "$root/tests/lake/stop.py"
