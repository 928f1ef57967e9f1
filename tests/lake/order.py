"""What is newer stays newer, and work on files comes to rest, whatever is joined with what and
whoever commits when. Every point's newest value is known here; the export must show just that.

    order.py              small, for CI
    TIDEGATE_LONG=1       the sizes and times of the reports
    TIDEGATE_ORDER="rewritten late nodes"  some of it
"""

import http.client
import json
import os
import random
import threading
import time

from server import WORK, Server
from slow import Slow

LONG = os.environ.get("TIDEGATE_LONG", "0") == "1"
SEED = os.environ.get("TIDEGATE_SEED", str(time.time_ns()))
DAY_NS = 86_400_000_000_000
# A running day: only small files are joined by themselves.
TODAY_NS = time.time_ns() // DAY_NS * DAY_NS
PAST_NS = TODAY_NS - 30 * DAY_NS
# What a file of a compaction has at least, as row groups go.
PART_ROWS = 131_072
SETTINGS = {
    "LAKE__FILE_BYTES_MAX": 65_536,
    "LAKE__UPKEEP_EVERY_MS": 0,
    "LAKE__FLUSH_AGE_MS": 3_600_000,
    "LAKE__VACUUM_AGE_MS": 0,
    "LOG__LEVEL": "warn",
}


class Points:
    """Points by number: their newest values, as far as they were acknowledged. A value is the
    number of its write; a second field keeps files from getting small."""

    def __init__(self, start_ns, series=100):
        self.start_ns, self.series, self.newest, self.writes = start_ns, series, {}, 0
        self.chance = random.Random(SEED)

    def write(self, numbers, *servers, body_lines=20_000):
        """Writes points to a server, or the same to several."""
        self.writes += 1
        for at in range(0, len(numbers), body_lines):
            some = numbers[at : at + body_lines]
            body = "\n".join(self.line(number) for number in some)
            for server in servers:
                while (answer := server.client().write("b", body))[0] == 503:
                    time.sleep(0.05)
                assert answer[0] == 204, answer
            self.newest.update(dict.fromkeys(some, self.writes))

    def line(self, number):
        noise = self.chance.getrandbits(8)
        return f"m,h={number % self.series} v={self.writes}i,x={noise}i {self.start_ns + number * 1000}"

    def check(self, server, what):
        """Every point once, with its newest value."""
        found, old, doubled = {}, 0, 0
        for line in export(server):
            value, ns = line.split(b" v=", 1)[1].split(b" ")
            number = (int(ns) - self.start_ns) // 1000
            doubled += number in found
            found[number] = int(value[: value.index(b"i")])
            old += found[number] != self.newest.get(number)
        lost = len(self.newest.keys() - found.keys())
        told = f"{what}: {len(found)} points, {old} old, {doubled} doubled, {lost} lost"
        print(f"  {told}", flush=True)
        assert (old, doubled, lost) == (0, 0, 0), f"{told} (seed {SEED})"

    def rest(self, server, when):
        """So, and the tables have them once, for who reads them without us."""
        found = table(server)
        assert found["rows"] == len(self.newest), f"{found} for {len(self.newest)} points"
        self.check(server, f"{found['files']} files {when}")


def export(server):
    """The lines of a bucket, one by one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=900)
    connection.request("GET", "/api/v1/export?bucket=b")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()[:300]
    yield from (line.rstrip(b"\n") for line in answer)


def work(server, what):
    """Work on all tables; returns how many files it removed and added."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=900)
    end = time.monotonic() + 360
    while True:
        connection.request("POST", f"/api/v1/lake/{what}")
        answer = connection.getresponse()
        told = [json.loads(line) for line in answer.read().splitlines()]
        assert answer.status == 200, (what, answer.status, told[:2])
        if not any("error" in line for line in told):
            return sum(line.get("files_removed", 0) + line.get("files_added", 0) for line in told)
        assert time.monotonic() < end, (what, told[:2])
        time.sleep(0.2)


def table(server):
    """What the server knows of its one table."""
    status, body = server.get("/api/v1/lake")
    assert status == 200, (status, body[:300])
    (found,) = json.loads(body)["tables"]
    return found


def disk_bytes(server):
    found = (os.path.join(path, f) for path, _, each in os.walk(server.lake) for f in each)
    return sum(os.path.getsize(path) for path in found)


def restart(server, settings):
    server.stop()
    server.settings.update(settings)
    server.start()


def compacted(name, start_ns, parts):
    """A server with a day of as many parts of one compaction, and its points."""
    server, points = Server(name, SETTINGS).start(), Points(start_ns)
    rows = parts * PART_ROWS
    for at in range(0, rows, rows // 4):
        points.write(range(at, min(rows, at + rows // 4)), server)
        work(server, "flush")
    work(server, "compact")
    work(server, "vacuum")
    return server, points


def rewritten(parts=61 if LONG else 1, again=640_000 if LONG else 40_000, files_again=32 if LONG else 8):
    """Overwritten points, in parts of two compactions that a third one cannot take all at once."""
    server, points = compacted("rewritten", TODAY_NS, parts)
    step = again // files_again
    for at in range(0, again, step):
        points.write(range(at, at + step), server)
        work(server, "flush")
    before = table(server)["files"]
    # By itself: only the small files of a running day.
    restart(server, {"LAKE__UPKEEP_EVERY_MS": 1000})
    server.until(lambda: table(server)["files"] < before, 300, "joined")
    restart(server, {"LAKE__UPKEEP_EVERY_MS": 0})
    points.check(server, f"{before} files, then {table(server)['files']} of two compactions")
    work(server, "compact")
    points.check(server, f"{table(server)['files']} files of three")
    work(server, "compact")
    assert work(server, "compact") == 0, "a compaction right after the last one did something"
    points.rest(server, "at rest")
    server.stop()


def late(parts=66 if LONG else 1, seconds=25 if LONG else 5):
    """A late point of a past day of many files: work comes to rest, and the disk does not grow."""
    server, points = compacted("late", PAST_NS, parts)
    restart(server, {"LAKE__UPKEEP_EVERY_MS": 1000})
    for number in (7, parts * PART_ROWS // 2, parts * PART_ROWS + 5):
        points.write([number], server)
        work(server, "flush")
    before, bytes_before, versions = table(server), disk_bytes(server), []
    for _ in range(seconds * 10):
        versions.append(table(server)["version"])
        time.sleep(0.1)
    after, bytes_after = table(server), disk_bytes(server)
    rests = versions.count(versions[-1]) / 10
    told = f"{before['files']} > {after['files']} files, {bytes_before >> 10} > {bytes_after >> 10} KiB, at rest for {rests:.0f} s"
    print(f"  {told}", flush=True)
    assert rests > seconds / 2, f"the upkeep does not come to rest: {told}"
    assert bytes_after < bytes_before * 1.5 + 300_000, f"the disk grows: {told}"
    work(server, "compact")
    assert work(server, "compact") == 0, "a compaction right after the last one did something"
    points.rest(server, "at rest")
    server.stop()


def nodes(rounds=60 if LONG else 6, rows=3_000):
    """Two nodes on one folder flush and join at the same moment, one of them slowly."""
    shared = {"LAKE__URL": f"file://{WORK}/shared", "LAKE__SHARED": "true", "QUERY__REFRESH_MS": 0}
    settings = {**SETTINGS, **shared, "LAKE__VACUUM_AGE_MS": 3_600_000, "LAKE__COMPACT_FILES_MIN": 2}
    os.makedirs(f"{WORK}/shared", exist_ok=True)
    # Between what a flush prepares and its commit lie syncs of files that have no name yet.
    slow = Slow(WORK, "slow-node", "/_staging/")
    both = [Server("slow-node", settings, slow.environment).start(), Server("node", settings).start()]
    points = Points(PAST_NS, series=10)
    chance = random.Random(SEED)
    for number in range(rounds):
        for rest, servers in ((0, both[:1]), (1, both[1:]), (2, both)):
            numbers = chance.sample(range(rest, rows * 6, 3), rows if number else rows * 2)
            points.write(sorted(numbers), *servers)
        if number % 2:
            overtaken(slow, *both, is_killed=number % 4 == 3)
        else:
            together([lambda server=server: work(server, "flush") for server in both])
            # Not always: the next flush meets files that are not joined.
            if chance.random() < 0.5:
                together([lambda server=server: work(server, "compact") for server in both])
        if number % 5 == 0:
            for server in both:
                points.check(server, f"round {number}")
    for _ in range(3):
        together([lambda server=server: work(server, "compact") for server in both])
    assert work(both[0], "compact") + work(both[1], "compact") == 0, "it does not come to rest"
    for server in both:
        points.rest(server, f"after {rounds} rounds")
        server.stop()


def overtaken(slow, first, second, is_killed):
    """One node flushes and joins while the other one is between the start of a flush and its
    commit; that one may be killed there, and then it starts again."""
    slow.by(700)
    wrong = []

    def flush():
        try:
            work(first, "flush")
        except (OSError, http.client.HTTPException) as error:
            wrong.append(error)

    flushing = threading.Thread(target=flush, daemon=True)
    flushing.start()
    staging = f"{WORK}/shared/_staging"
    first.until(lambda: any(files for _, _, files in os.walk(staging)), 300, "flushing")
    work(second, "flush")
    work(second, "compact")
    if is_killed:
        first.kill()
    slow.by(0)
    flushing.join()
    if is_killed:
        first.start()
        work(first, "flush")
    else:
        assert not wrong, wrong


def together(tasks):
    """Runs them at the same moment; what one of them throws is thrown here."""
    start, wrong = threading.Barrier(len(tasks)), []

    def run(task):
        try:
            start.wait()
            task()
        except BaseException as error:  # noqa: B036
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


CASES = {"rewritten": rewritten, "late": late, "nodes": nodes}


def main():
    print(f"seed {SEED}")
    for name in os.environ.get("TIDEGATE_ORDER", " ".join(CASES)).split():
        print(f"{name}: {CASES[name].__doc__.splitlines()[0]}", flush=True)
        CASES[name]()


if __name__ == "__main__":
    main()
