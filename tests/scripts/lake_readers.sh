#!/usr/bin/env bash
# Tables that Tidegate wrote, read by deltalake, polars, duckdb and daft, and compared value by
# value with what was sent: tests/lake/readers.py. With TIDEGATE_SPARK_JARS also by Spark in local
# mode, which takes some minutes more, 500 MB of packages and Java 17: the files
# delta-spark_2.13-4.0.0.jar and delta-storage-4.0.0.jar from Maven Central, with a comma between.
# Needs python3 and its registry.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: there is no python3"; exit 77; }
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"
packages=(deltalake==1.6.6 pyarrow==25.0.1 polars==2.1.0 duckdb==1.5.5
    duckdb-extension-delta==1.5.5 daft==0.7.26)
seconds=840
if [ -n "${TIDEGATE_SPARK_JARS:-}" ]; then
    command -v java >/dev/null || { echo "SKIPPED: there is no java for Spark"; exit 77; }
    seconds=3000
    export TIDEGATE_SPARK=1 SPARK_LOCAL_IP=127.0.0.1
    packages+=(pyspark==4.0.5 pandas)
fi
with_packages "${packages[@]}"
timeout "$seconds" "$python" "$root/tests/lake/readers.py"
# What the README shows of them.
timeout 600 "$python" "$root/tests/lake/readme.py"
