"""Power cuts under load: the file system is shut down as if the current were gone, so that only
what was synced is there when it is mounted again. TIDEGATE_CUTS says how often."""

import fcntl
import os
import random
import struct
import subprocess
import sys
import time

import load
import tables
from deltalake import DeltaTable
from server import PATIENCE_S, Server

CUTS = int(os.environ.get("TIDEGATE_CUTS", "3"))
SEED = os.environ.get("TIDEGATE_SEED", str(time.time_ns()))
MOUNT = os.environ["TIDEGATE_MOUNT"]
IMAGE = os.environ["TIDEGATE_IMAGE"]
# _IOR('X', 125, __u32) of the kernel's fs/ext4; 2: without writing out its journal first.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
SETTINGS = {
    "LAKE__FLUSH_BYTES": 65_536,
    "LAKE__FLUSH_AGE_MS": 200,
    "LAKE__UPKEEP_EVERY_MS": 500,
    "LAKE__COMPACT_FILES_MIN": 2,
    "LAKE__STOP_MS_MAX": 60_000,
    "WAL__SEGMENT_BYTES_MAX": 1_048_576,
    "WAL__GROUP_BYTES_MAX": 262_144,
    "WAL__SLICE_BYTES_MAX": 65_536,
}


def mount():
    subprocess.run(["mount", "-o", "loop", IMAGE, MOUNT], check=True, timeout=PATIENCE_S)


def unmount():
    subprocess.run(["umount", MOUNT], check=True, timeout=PATIENCE_S)


def cut():
    """From the end of this on nothing reaches the disk."""
    folder = os.open(MOUNT, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    finally:
        os.close(folder)


def one_cut(server, records, chance):
    server.start()
    clients = load.Load([server], records, seed=SEED)
    time.sleep(chance.uniform(0.5, 3.0))
    before = [set(record.acknowledged) for record in records]
    cut()
    time.sleep(chance.choice([0, 0.2]))
    server.kill()
    clients.join()
    unmount()
    mount()
    # Without power nobody is answered. Here a sync that was under way may be told to have worked,
    # although its part of the journal was dropped: seen of this ioctl with nothing but fdatasync
    # in one thread and other files synced beside it (Linux 6.18).
    for record, acknowledged in zip(records, before):
        record.acknowledged = acknowledged


def stored(server, records, where):
    """The points in the tables, which must be readable as they are."""
    found = tables.folders(server.lake)
    opened = {name: DeltaTable(path).to_pyarrow_table() for (_, name), path in found.items()}
    points = list(load.stored(opened))
    logs = [tables.commits(path) for path in found.values()]
    flushed = sum(tables.rows_flushed(log) for log in logs)
    assert flushed == len(points), f"{where}: {flushed} rows flushed, {len(points)} points there"
    for log in logs:
        tables.transactions(log)
    unsent = [number for client, number in points if number >= records[client].sent]
    assert not unsent, f"{where}: {unsent[:5]}"
    return points


def main():
    print(f"seed {SEED}")
    mount()
    try:
        cut()
    except OSError as error:
        unmount()
        print(f"SKIPPED: this kernel's ext4 cannot be shut down: {error}")
        sys.exit(77)
    unmount()
    mount()
    chance = random.Random(SEED)
    server = Server("power", SETTINGS, folder=os.path.join(MOUNT, "data"))
    records = [load.Record(client) for client in range(load.CLIENTS)]
    for number in range(1, CUTS + 1):
        one_cut(server, records, chance)
        in_tables = len(stored(server, records, f"the tables after cut {number}"))
        server.start()
        lines = load.exported(server.export(load.BUCKET))
        surplus = load.check(records, lines, f"the export after cut {number}")
        # What was only read must not change what is there.
        end = server.stop if number == CUTS else chance.choice([server.kill, server.stop])
        end()
        acknowledged = sum(len(record.acknowledged) for record in records)
        print(
            f"cut {number}: acknowledged {acknowledged} <= recovered {acknowledged + surplus} <= "
            f"sent {sum(record.sent for record in records)}; {in_tables} of them were in the tables",
            flush=True,
        )
    assert sum(len(record.acknowledged) for record in records) > 200 * CUTS, "too little load"
    points = stored(server, records, "the tables")
    surplus = load.check(records, points, "the tables")
    print(f"tables: {len(points)} points, {surplus} of them unanswered")
    unmount()


if __name__ == "__main__":
    main()
