#!/usr/bin/env bash
# Memory of the tables by shape of load and by budget: flushes, what is kept per table, joins, exports
# (tests/lake/memory.py does the work and lists the shapes). Resident memory may be a quarter above
# the budget plus 64 MiB. Small as it stands; the sizes of the reports, at 64, 256 and 1,024 MiB:
#   TIDEGATE_LONG=1 tests/scripts/memory_lake.sh
# TIDEGATE_MEMORY_SHAPE="wide steady" and TIDEGATE_BUDGETS="64" choose; TIDEGATE_BIN names another
# program, and TIDEGATE_MEASURE=1 only measures it.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/scripts/server.sh
export TIDEGATE_BIN TIDEGATE_WORK=$work PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=tests/lake timeout "${TIDEGATE_SECONDS_MAX:-3600}" python3 tests/lake/memory.py
