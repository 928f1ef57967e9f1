#!/usr/bin/env bash
# kill -9 under load with flushes and compactions under way, then everything is read from the
# tables and by export: tests/lake/kill.py. TIDEGATE_KILLS says how often (10). Needs python3 and
# its registry.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
with_packages deltalake==1.6.6 pyarrow==25.0.1
timeout $((600 + 45 * ${TIDEGATE_KILLS:-10})) "$python" "$root/tests/lake/kill.py"
