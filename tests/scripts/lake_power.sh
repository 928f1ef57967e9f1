#!/usr/bin/env bash
# Power cuts across flushes, on an ext4 image: only what was synced survives; then everything that
# was acknowledged must be there, in tables that deltalake reads: tests/lake/power.py.
# TIDEGATE_CUTS says how often (3). Needs root, loop devices, python3 and its registry.
set -euo pipefail
skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "mounting a file system needs root"
command -v mkfs.ext4 >/dev/null || skip "there is no mkfs.ext4"
command -v python3 >/dev/null || skip "there is no python3"
source "$(dirname "$0")/server.sh"
source "$root/tests/lake/venv.sh"

export TIDEGATE_MOUNT=$work/disk TIDEGATE_IMAGE=$work/image
unmount_and_clean_up() {
    for _ in $(seq 300); do
        mountpoint -q "$TIDEGATE_MOUNT" || break
        umount "$TIDEGATE_MOUNT" || sleep 0.1
    done
    # Nothing is removed below a disk that is still there.
    mountpoint -q "$TIDEGATE_MOUNT" || cleanup
}
trap unmount_and_clean_up EXIT
mkdir "$TIDEGATE_MOUNT"
truncate -s 1G "$TIDEGATE_IMAGE"
mkfs.ext4 -q -F "$TIDEGATE_IMAGE" && mount -o loop "$TIDEGATE_IMAGE" "$TIDEGATE_MOUNT" ||
    skip "no loop device can be mounted here"
umount "$TIDEGATE_MOUNT"
with_packages deltalake==1.6.6 pyarrow==25.0.1
timeout $((450 + 90 * ${TIDEGATE_CUTS:-3})) "$python" "$root/tests/lake/power.py"
