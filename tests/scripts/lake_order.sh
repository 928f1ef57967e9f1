#!/usr/bin/env bash
# What is newer stays newer in the tables, and work on files comes to rest: overwritten points, late
# points of a past day, two nodes on one folder that flush and join at the same moment:
# tests/lake/order.py. TIDEGATE_LONG=1: the sizes of the reports; TIDEGATE_ORDER: some of it. Needs
# python3 and a C compiler.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/slow.sh"
export TIDEGATE_BIN TIDEGATE_WORK=$work PYTHONDONTWRITEBYTECODE=1
timeout "${TIDEGATE_SECONDS_MAX:-1800}" python3 "$root/tests/lake/order.py"
