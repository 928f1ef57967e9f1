"""`kill -9` at random moments under load, again and again over one data folder, with flushes and
compactions under way all the time. TIDEGATE_KILLS says how often, TIDEGATE_SEED repeats a run."""

import os
import random
import time

import load
import tables
from deltalake import DeltaTable
from server import PATIENCE_S, Gone, Server

KILLS = int(os.environ.get("TIDEGATE_KILLS", "10"))
SEED = os.environ.get("TIDEGATE_SEED", str(time.time_ns()))
# An export of everything after so many kills.
EXPORT_EVERY = max(1, KILLS // 10)
SETTINGS = {
    "LAKE__FLUSH_BYTES": 65_536,
    "LAKE__FLUSH_AGE_MS": 200,
    "LAKE__UPKEEP_EVERY_MS": 500,
    "LAKE__COMPACT_FILES_MIN": 2,
    "LAKE__VACUUM_AGE_MS": 0,
    "LAKE__STOP_MS_MAX": 60_000,
    "WAL__SEGMENT_BYTES_MAX": 1_048_576,
    "WAL__GROUP_BYTES_MAX": 262_144,
    "WAL__SLICE_BYTES_MAX": 65_536,
}


def kill_starts(server, chance):
    """Kills a few servers soon after they began, most of them while they replay the log."""
    for _ in range(chance.choice([0, 0, 1, 3])):
        server.start(until_ready=False)
        time.sleep(chance.uniform(0, 0.3))
        server.kill()


def one_kill(server, records, chance):
    kill_starts(server, chance)
    server.start()
    count = lambda: sum(len(record.acknowledged) for record in records)
    before = count()
    clients = load.Load([server], records, seed=SEED)
    server.until(lambda: count() > before + 200, PATIENCE_S, "writing")
    time.sleep(chance.uniform(0, 2.0))
    server.kill()
    clients.join()


def tables_of(server):
    found = tables.folders(server.lake)
    return {name: DeltaTable(folder) for (_, name), folder in found.items()}


def stored_in(opened):
    return load.stored({name: table.to_pyarrow_table() for name, table in opened.items()})


def check_vacuum(server, found):
    """Nothing is left in the tables' folders that does not belong to them. A vacuum is asked for
    until this is so: the routine may join files of a table just after it was vacuumed."""
    orphans = lambda: sum(len(tables.orphans(folder)) for folder in found.values())
    before = orphans()

    def nothing_left():
        try:
            status, answer = server.client().ask("POST", "/api/v1/lake/vacuum")
        except Gone as error:
            raise AssertionError("the vacuum has no answer") from error
        assert 200 <= status < 300, (status, answer)
        return orphans() == 0

    server.until(nothing_left, PATIENCE_S, "vacuumed")
    print(f"vacuum: {before} files that belonged to no table are gone")


def main():
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    server = Server("kill", SETTINGS)
    records = [load.Record(client) for client in range(load.CLIENTS)]
    for number in range(1, KILLS + 1):
        one_kill(server, records, chance)
        if number % EXPORT_EVERY == 0:
            server.start()
            text = server.export(load.BUCKET)
            surplus = load.check(records, load.exported(text), f"the export after kill {number}")
            server.kill()
            acknowledged = sum(len(record.acknowledged) for record in records)
            sent = sum(record.sent for record in records)
            print(
                f"kill {number}: acknowledged {acknowledged} <= recovered "
                f"{acknowledged + surplus} <= sent {sent}",
                flush=True,
            )
    assert sum(len(record.acknowledged) for record in records) > 100 * KILLS, "too little load"
    server.start()
    server.stop()
    opened = tables_of(server)
    in_tables = list(stored_in(opened))
    surplus = load.check(records, in_tables, "the tables")
    logs = [tables.commits(folder) for folder in tables.folders(server.lake).values()]
    flushed = sum(tables.rows_flushed(log) for log in logs)
    assert flushed == len(in_tables), f"{flushed} rows flushed, {len(in_tables)} points are there"
    assert all(len(tables.transactions(log)) == 1 for log in logs), "one node wrote"
    versions = {name: table.version() for name, table in opened.items()}
    files = {name: len(table.file_uris()) for name, table in opened.items()}
    print(f"tables: {len(in_tables)} points, {surplus} of them unanswered; versions {versions}")
    print(f"files: {files}")
    server.start()
    in_export = set(load.exported(server.export(load.BUCKET)))
    assert in_export == set(in_tables), "export and tables differ"
    check_vacuum(server, tables.folders(server.lake))
    assert sorted(stored_in(tables_of(server))) == sorted(in_tables), "the vacuum changed points"
    server.stop()


if __name__ == "__main__":
    main()
