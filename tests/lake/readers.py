"""Tables written by Tidegate, read by other engines and compared value by value with what was
sent: first with overwritten points in several files, then compacted."""

import os
import sys
import time
from collections import Counter

import edges
import engines
import tables
from deltalake import DeltaTable
from server import PATIENCE_S, Server

BUCKET = "edges, ÄÖ"
# Rounds are told apart by their flushes: nothing else may start one.
QUIET = {"LAKE__FLUSH_AGE_MS": 3_600_000, "LAKE__UPKEEP_EVERY_MS": 0, "LAKE__STOP_MS_MAX": 60_000}
SOON = {**QUIET, "LAKE__FLUSH_AGE_MS": 200}
COMPACTING = {**QUIET, "LAKE__UPKEEP_EVERY_MS": 300, "LAKE__COMPACT_FILES_MIN": 2}
# Of each column, so many are asked for.
VALUES = 8
# daft 0.7.26 tells -0.0 from 0.0, and counts wrongly or fails if it is asked for values of a column
# that one of the files does not have: of every table it is asked for what every file has.
ASKED = {"daft": ["time", "time_ns", "day"]}


def write(server, points):
    client = server.client()
    for start in range(0, len(points), 50):
        lines = "\n".join(point.line() for point in points[start : start + 50])
        status, answer = client.write(BUCKET, lines)
        assert status == 204, (status, answer[:2000])


def flush_rounds(server):
    """One flush of each table a round, by a stop or by age."""
    for number, points in enumerate(edges.ROUNDS):
        by_age = number == 2
        server.settings = SOON if by_age else QUIET
        server.start()
        write(server, points)
        if by_age:
            is_done = lambda: server.metric("tidegate_flush_backlog_rows") == 0
            server.until(is_done, PATIENCE_S, "flushed by age")
        server.stop()


def until_compacted(server, found):
    """Every day of every table is one file."""

    def is_compacted():
        uris = [uri for folder in found.values() for uri in DeltaTable(folder).file_uris()]
        return len(uris) == len({os.path.dirname(uri) for uri in uris})

    server.settings = COMPACTING
    server.start()
    server.until(is_compacted, PATIENCE_S, "compacted")
    server.stop()


def several_files():
    """What readers see of points in several files: each file's rows, a round's points merged."""
    expected = {}
    for points in edges.ROUNDS:
        for table, rows in edges.merged(points).items():
            counter = expected.setdefault(table, Counter())
            counter.update((key, tables.frozen(fields)) for key, fields in rows.items())
    return expected


def one_file():
    """What they see once files are joined: each point once."""
    everything = edges.merged(point for points in edges.ROUNDS for point in points)
    return {
        table: Counter((key, tables.frozen(fields)) for key, fields in rows.items())
        for table, rows in everything.items()
    }


def compare(engine, found, expected):
    started = time.monotonic()
    values = 0
    for table, rows in expected.items():
        folder = found[BUCKET, table]
        named = tables.columns(DeltaTable(folder))
        read = tables.counted(engines.ALL[engine](folder), named)
        if read != rows:
            missing, surplus = list((rows - read).items()), list((read - rows).items())
            raise AssertionError(
                f"{engine} reads {table!r} differently: {len(missing)} rows missing, "
                f"{len(surplus)} not sent:\n{missing[:2]!s:.3000}\n{surplus[:2]!s:.3000}"
            )
        values += sum(len(fields) * times for (_, fields), times in rows.items())
    took = time.monotonic() - started
    count = sum(rows.total() for rows in expected.values())
    print(f"  {engine}: {len(expected)} tables, {count} rows, {values} values equal, {took:.1f} s")


def prune(engine, found):
    """Asks for single values of every column, and for times to the microsecond: an engine skips
    the files whose statistics leave them out."""
    if engine not in engines.COUNTS:
        return
    asked = 0
    for name in ["types", "days"]:
        folder = found[BUCKET, name]
        everything = DeltaTable(folder).to_pyarrow_table()
        for column in ASKED.get(engine, everything.column_names):
            counts = Counter(everything[column].to_pylist())
            del counts[None]
            for value in list(counts)[:: max(1, len(counts) // VALUES)]:
                read = engines.COUNTS[engine](folder, column, value)
                expected = counts[value]
                assert read == expected, (
                    f"{engine} finds {read} rows of {name} with {column} = {value!r}, not "
                    f"{expected}"
                )
                asked += 1
    print(f"  {engine}: {asked} questions for single values, answered as without statistics")


def compare_all(found, expected):
    failed = 0
    for engine in engines.ALL:
        try:
            compare(engine, found, expected)
            prune(engine, found)
        except Exception as error:
            failed += 1
            print(f"FAILED: {engine}: {type(error).__name__}: {error}")
    return failed


def main():
    if os.environ.get("TIDEGATE_SPARK") == "1":
        engines.ALL["spark"] = engines.spark
    server = Server("readers")
    flush_rounds(server)
    found = tables.folders(server.lake)
    once, several = one_file(), several_files()
    assert {(BUCKET, table) for table in once} == set(found), sorted(found)
    print("points in several files:")
    failed = compare_all(found, several)
    for table, rows in once.items():
        read = Counter(tables.merged(found[BUCKET, table]).items())
        assert read == rows, f"the files of {table!r} do not merge to what was sent"
    print("  the last file by name wins: equal to what was sent")
    until_compacted(server, found)
    print("compacted:")
    failed += compare_all(found, once)
    server.kill()
    sys.stdout.flush()
    # Threads of the engines are still at work, and have crashed Python while it shut down.
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main()
