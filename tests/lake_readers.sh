#!/usr/bin/env bash
# Tables that Tidegate wrote, read by deltalake, polars, duckdb and daft, and by Spark with
# TIDEGATE_SPARK=1, and compared value by value with what was sent: tests/lake/readers.py. Needs
# python3 and its registry.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
with_packages deltalake==1.6.6 pyarrow==25.0.1 polars==2.1.0 duckdb==1.5.5 \
    duckdb-extension-delta==1.5.5 daft==0.7.26
timeout 280 "$python" "$root/tests/lake/readers.py"
# What the README shows of them.
timeout 200 "$python" "$root/tests/lake/readme.py"
