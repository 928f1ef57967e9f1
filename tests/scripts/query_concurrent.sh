#!/usr/bin/env bash
# Questions beside writers, flushes, compactions, vacuums and deletions of buckets, over HTTP and
# Flight: tests/lake/beside.py. TIDEGATE_SECONDS: the time that it goes on, 20 by default. Needs
# python3 and pyarrow; TIDEGATE_VENV names a virtual environment that has it.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
with_packages pyarrow
timeout $((${TIDEGATE_SECONDS:-20} + 300)) "$python" "$root/tests/lake/beside.py"
