"""Memory by shape of load and budget: resident memory stays at most a quarter above the budget plus
64 MiB, whatever the points look like, and everything that was acknowledged comes out again.

    memory.py            small shapes at the smallest budget, for CI
    TIDEGATE_LONG=1      the sizes of the reports, at 64, 256 and 1,024 MiB
    TIDEGATE_MEMORY_SHAPE=wide  one of them; TIDEGATE_BUDGETS="64 256" others
    TIDEGATE_MEASURE=1   only measures: exit code 0 whatever comes out
"""

import http.client
import json
import os
import random
import shutil
import sys
import threading
import time
import urllib.parse

from server import Ended, Gone, Server

LONG = os.environ.get("TIDEGATE_LONG", "0") == "1"
MEASURE = os.environ.get("TIDEGATE_MEASURE", "0") == "1"
TABLES = int(os.environ.get("TIDEGATE_TABLES", 10_000 if LONG else 600))
BUDGETS = os.environ.get("TIDEGATE_BUDGETS", "64 256 1024" if LONG else "64")
DAY_NS = 86_400_000_000_000
START_NS = 1_700_006_400_000_000_000  # the first moment of a day
MIB = 1 << 20
# An answer of 503 is asked again for so long: what does not fit waits, and not for ever.
PATIENCE_S = 360
BODY_BYTES = 1_500_000
# Columns take many times their letters: a body of three megabytes does not fit into a small budget.
WIDE_BODY_BYTES = {True: 300_000, False: 3_000_000}


class Watch:
    """The highest resident memory of a process, and what of it was not mapped from files."""

    def __init__(self, pid):
        self.pid, self.peak, self.anonymous, self.is_over = pid, 0, 0, False
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.is_over:
            self.read()
            time.sleep(0.02)

    def read(self):
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
                found = dict(line.split(":", 1) for line in status)
        except OSError:
            return
        of = lambda key: int(found.get(key, "0 kB").split()[0]) * 1024
        self.peak = max(self.peak, of("VmHWM"))
        self.anonymous = max(self.anonymous, of("RssAnon"))

    def end(self):
        self.read()
        self.is_over = True
        self.thread.join()


class Run:
    """One shape on one server, which it may restart."""

    def __init__(self, name, budget_mib, settings):
        settings = {
            "MEMORY__BUDGET_BYTES": budget_mib * MIB,
            "MEMORY__BUCKET_PERCENT": 100,
            "LAKE__UPKEEP_EVERY_MS": 0,
            "LAKE__STOP_MS_MAX": 0,
            "LOG__LEVEL": "warn",
            **settings,
        }
        self.server = Server(f"{name}-{budget_mib}", settings)
        self.peaks, self.refused, self.lines = {}, 0, 0
        self.is_small = budget_mib < 256
        self.phase("start")
        self.server.start()
        self.watch = Watch(self.server.process.pid)

    def phase(self, name):
        """What is measured from now on is of this name."""
        self.now = name

    def note(self):
        self.watch.read()
        self.peaks[self.now] = self.watch.peak

    def restart(self):
        self.note()
        self.watch.end()
        self.server.kill()
        self.phase("restart")
        self.server.start()
        self.watch = Watch(self.server.process.pid)
        self.note()

    def write(self, lines, body_bytes=BODY_BYTES):
        """Writes lines in bodies of some size, each until it is accepted."""
        body, size = [], 0
        for line in lines:
            body.append(line)
            size += len(line) + 1
            if size >= body_bytes:
                self.post(body)
                body, size = [], 0
        if body:
            self.post(body)
        self.note()

    def post(self, body):
        end = time.monotonic() + PATIENCE_S
        text = "\n".join(body).encode()
        while True:
            status, answer = self.server.client().write("b", text)
            if status == 204:
                self.lines += len(body)
                return
            if status != 503 or time.monotonic() > end:
                raise AssertionError(f"a write: {status} {answer[:300]}")
            self.refused += 1
            time.sleep(0.1)

    def work(self, what):
        """Work on all tables; its last line says how many of them failed."""
        self.phase(what)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=900)
        end = time.monotonic() + PATIENCE_S
        while True:
            connection.request("POST", f"/api/v1/lake/{what}?bucket=b")
            answer = connection.getresponse()
            told = [json.loads(line) for line in answer.read().splitlines()]
            assert answer.status == 200, (what, answer.status, told[:2])
            failed = [line for line in told if "error" in line]
            if told[-1].get("done") and not failed:
                break
            assert time.monotonic() < end, (what, failed[:2] or told[-2:])
            time.sleep(0.5)
        self.note()

    def export(self, expected, **query):
        """Reads lines out, and counts them."""
        self.phase("export")
        path = "/api/v1/export?" + urllib.parse.urlencode({"bucket": "b", **query})
        end = time.monotonic() + PATIENCE_S
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=900)
            connection.request("GET", path)
            answer = connection.getresponse()
            if answer.status == 200:
                break
            told = answer.read()
            assert answer.status == 503 and time.monotonic() < end, (answer.status, told[:300])
            self.refused += 1
            time.sleep(0.5)
        lines = 0
        while piece := answer.read(1 << 18):
            lines += piece.count(b"\n")
        self.note()
        assert lines == expected, f"{lines} lines came out, {expected} were written"

    def end(self):
        self.note()
        self.watch.end()
        self.server.kill()
        shutil.rmtree(self.server.folder, ignore_errors=True)


def wide(run, tables=300 if LONG else 60, fields=990):
    """Few bytes, very many columns: 2.9 MB of 300 tables with 990 fields and one row each."""
    row = ",".join(f"f{number}=1" for number in range(fields))
    lines = [f"t{table} {row} {START_NS}" for table in range(tables)]
    body_bytes = WIDE_BODY_BYTES[run.is_small]
    run.phase("write")
    run.write(lines, body_bytes)
    run.work("flush")
    run.write(lines, body_bytes)
    run.work("flush")
    run.work("vacuum")
    run.restart()
    run.write(lines, body_bytes)
    run.work("flush")


def wide_export(run):
    """The same, read out."""
    wide(run)
    run.export(300 if LONG else 60)


# A table is large beside the line that makes it: a body of very many that are new may not fit.
MANY_TABLES_BODY_BYTES = 100_000


def many_tables(run, tables=TABLES, rounds=2):
    """Ordinary tables of ten columns, very many of them."""
    row = ",".join(f"field_{number}={number}.5" for number in range(8))
    for round in range(rounds):
        run.phase(f"write {round}")
        lines = (
            f"measurement_{table},host=h,region=r {row} {START_NS + round}"
            for table in range(tables)
        )
        run.write(lines, MANY_TABLES_BODY_BYTES)
        run.work("flush")
    run.export(tables * rounds)


def days_by_columns(run, days=10_000 if LONG else 300, columns=900, fields=90):
    """Every row of a day of its own, every tenth column in it."""
    rows = [
        ",".join(f"f{name}=1.5" for name in range(start, start + fields))
        for start in range(0, columns, fields)
    ]
    run.phase("write")
    run.write(f"m,k=v {rows[day % len(rows)]} {START_NS - day * DAY_NS}" for day in range(days))
    run.work("flush")
    run.export(days)


def floats(rows, fields, start=0, series=100):
    """Rows of one day with values that no encoding makes small."""
    source = random.Random(start)
    pool = [f"{source.random():.15f}" for _ in range(10_007)]
    for row in range(start, start + rows):
        at = row * 31 % 10_000
        values = ",".join(f"f{field}={pool[(at + field * 7) % 10_007]}" for field in range(fields))
        yield f"m,host=h{row % series} {values} {START_NS + row * 1_000_000}"


def compaction(run, files=40 if LONG else 10, rows=20_000 if LONG else 3_000, fields=20):
    """Many files of one day joined into one."""
    for file in range(files):
        run.phase("write")
        run.write(floats(rows, fields, file * rows))
        run.work("flush")
    run.work("compact")
    run.export(files * rows)


def steady(run, seconds=60 if LONG else 8, rate=20_000, fields=10):
    """A fleet's even load."""
    run.phase("write")
    began = time.monotonic()
    row, lines = 0, []
    while time.monotonic() - began < seconds:
        due = int((time.monotonic() - began) * rate)
        if due - row < 5_000:
            time.sleep(0.01)
            continue
        run.write(floats(5_000, fields, row, series=1_000))
        row += 5_000
    run.work("flush")
    run.export(row)


def texts(run, rows=300 if LONG else 60, bytes_each=900_000, distinct=3):
    """Long texts, most of them equal."""
    run.phase("write")
    letters = [chr(97 + number) * bytes_each for number in range(distinct)]
    run.write(f'm,k=v s="{letters[row % distinct]}" {START_NS + row}' for row in range(rows))
    run.work("flush")
    run.export(rows)
    run.work("compact")
    run.export(rows)


def distinct_texts(run, rows=200 if LONG else 40, bytes_each=900_000):
    """Long texts, no two of them equal."""
    source = random.Random(7)
    run.phase("write")
    run.write(
        f'm,k=v s="{source.randbytes(bytes_each // 2).hex()}" {START_NS + row}'
        for row in range(rows)
    )
    run.work("flush")
    run.export(rows)


def long_tags(run, series=600 if LONG else 200, bytes_each=60_000, rows=20):
    """Tag values of 60 kB, each in some rows."""
    for row in range(rows // 10):
        run.phase("write")
        run.write(
            f"m,t={number:05}{'x' * bytes_each} v={row} {START_NS + row}" for number in range(series)
        )
        run.work("flush")
    run.export(series * (rows // 10))
    run.work("compact")
    run.export(series * (rows // 10))


def day_above_budget(run, rows=1_200_000 if LONG else 60_000, fields=20):
    """A table-day of more bytes than the budget: read, cut out of, compacted."""
    run.phase("write")
    run.write(floats(rows, fields))
    run.work("flush")
    run.export(0, start=0, end=1000)
    run.export(rows)
    run.work("compact")
    run.export(rows)
    run.export(0, start=0, end=1000)


# Reading a thousand columns of many tables out takes more than the limit when budgets are small.
LONG_ONLY = {"wide_export"}

SHAPES = {
    "wide": (wide, {}),
    "wide_export": (wide_export, {}),
    "many_tables": (many_tables, {"LIMITS__TABLES_MAX": 100_000}),
    "days_by_columns": (days_by_columns, {}),
    "compaction": (compaction, {}),
    "steady": (steady, {"LAKE__FLUSH_AGE_MS": 2000}),
    "texts": (texts, {}),
    "distinct_texts": (distinct_texts, {}),
    "long_tags": (long_tags, {}),
    "day_above_budget": (day_above_budget, {}),
}


def measure(name, budget_mib):
    """Runs a shape; returns what is wrong with it."""
    shape, settings = SHAPES[name]
    limit = budget_mib * MIB * 5 // 4 + 64 * MIB
    began = time.monotonic()
    run = Run(name, budget_mib, settings)
    wrong = None
    try:
        shape(run)
    except (Ended, Gone, AssertionError) as error:
        wrong = f"{run.now}: {error}"
    anonymous = run.watch.anonymous
    run.end()
    peak = max(run.peaks.values())
    if peak > limit and wrong is None:
        wrong = "above the limit"
    phases = ", ".join(f"{phase} {peak // MIB}" for phase, peak in run.peaks.items())
    print(
        f"{name}: budget {budget_mib} MiB, limit {limit // MIB}: peak {peak // MIB} MiB "
        f"(anonymous {anonymous // MIB}); {phases}; {run.lines} lines, {run.refused} refusals, "
        f"{time.monotonic() - began:.0f} s{': WRONG: ' + wrong[:600] if wrong else ''}",
        flush=True,
    )
    return wrong


def main():
    chosen = os.environ.get("TIDEGATE_MEMORY_SHAPE", "").split()
    names = chosen or [name for name in SHAPES if LONG or name not in LONG_ONLY]
    wrong = [
        f"{name} at {budget} MiB"
        for name in names
        for budget in BUDGETS.split()
        if measure(name, int(budget))
    ]
    if wrong:
        print("WRONG: " + "; ".join(wrong))
        sys.exit(0 if MEASURE else 1)


main()
