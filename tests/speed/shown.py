"""The time of SHOW statements: over many series in a file per day, and over many tables. Beside influxdb
1.6 if it is there. Prints medians of each statement asked again, and what it took the first time; ends
with an error for an answer of another length than it must have. Times are for people, unless
TIDEGATE_FLOORS=1."""

import http.client
import json
import os
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lake"))

import peers
import points
from server import Server

SERIES = int(os.environ.get("TIDEGATE_SERIES", "1000000"))
TABLES = int(os.environ.get("TIDEGATE_TABLES", "10000"))
DAYS = int(os.environ.get("TIDEGATE_SHOWN_DAYS", "30"))
ROUNDS = int(os.environ.get("TIDEGATE_ROUNDS", "5"))
INFLUXD = os.environ.get("TIDEGATE_INFLUXD")
FLOORS = os.environ.get("TIDEGATE_FLOORS") == "1"
HOSTS, REGIONS = 1000, 5
BODY = 10_000
# Beside the other bucket, so that neither is asked for the other's tables.
OF_TABLES = "tables"
END_NS = (points.START_S + DAYS * 86_400) * 10**9
HOUR_NS = 3600 * 10**9
# What is asked, the rows of the answer, and the milliseconds that it may take the next time.
SHOWN = [
    ("SHOW TAG VALUES WITH KEY = host", HOSTS, 100),
    (f"SHOW TAG VALUES WITH KEY = host WHERE time > {END_NS - 10 * 24 * HOUR_NS}", HOSTS, None),
    (f"SHOW TAG VALUES WITH KEY = host WHERE time > {END_NS - 20 * HOUR_NS}", HOSTS, None),
    ("SHOW TAG VALUES WITH KEY = host WHERE region = 'r1'", HOSTS // REGIONS, None),
    ("SHOW TAG VALUES WITH KEY = container WHERE host = 'h0007'", SERIES // HOSTS, None),
    ("SHOW TAG KEYS", 3, None),
    ("SHOW TAG KEYS WHERE region = 'r1'", 3, None),
    ("SHOW FIELD KEYS", 1, None),
    ("SHOW SERIES WHERE host = 'h0007'", SERIES // HOSTS, None),
    ("SHOW SERIES LIMIT 10", 10, None),
    ("SHOW SERIES", SERIES, None),
    ("SHOW SERIES EXACT CARDINALITY", SERIES, None),
    ("SHOW TAG VALUES EXACT CARDINALITY WITH KEY = container", SERIES, None),
]
OF_MANY = [
    ("SHOW MEASUREMENTS", TABLES, 20),
    ("SHOW MEASUREMENTS WITH MEASUREMENT =~ /9$/ LIMIT 100", min(100, TABLES // 10), None),
    ("SHOW FIELD KEYS", TABLES, None),
    ("SHOW TAG KEYS", TABLES, None),
    ("SHOW TAG VALUES WITH KEY = host", TABLES, None),
]


class Peer:
    def __init__(self, name, port):
        self.name = name
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)

    def post(self, path, body=None):
        self.connection.request("POST", path, body)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status in (200, 204), (self.name, answer.status, body[:300])
        return body

    def query(self, database, text):
        return self.post("/query?" + urllib.parse.urlencode({"db": database, "q": text, "epoch": "ns"}))

    def write(self, database, body):
        self.post(f"/write?db={database}", body)


def bodies(day):
    """A point of each series, somewhere in the day."""
    for start in range(0, SERIES, BODY):
        start_s = points.START_S + day * 86_400 + 3600
        lines = [
            f"m,container=c{number:07},host=h{number % HOSTS:04},region=r{number % REGIONS}"
            f" v={day}i {start_s + number * 80_000 // SERIES}000000000"
            for number in range(start, min(SERIES, start + BODY))
        ]
        yield "\n".join(lines).encode()


def load(ours, everybody):
    for day in range(DAYS):
        for body in bodies(day):
            for peer in everybody:
                peer.write(peers.BUCKET, body)
        ours.post("/api/v1/lake/flush")
        ours.post("/api/v1/lake/compact")
    time_ns = points.START_S * 10**9
    for start in range(0, TABLES, BODY):
        numbers = range(start, min(TABLES, start + BODY))
        lines = "\n".join(f"table_{number:05},host=a v=1 {time_ns}" for number in numbers)
        for peer in everybody:
            peer.write(OF_TABLES, lines.encode())
    ours.post("/api/v1/lake/flush")


def count(body):
    """How many rows an answer has, or what it counts."""
    (result,) = json.loads(body)["results"]
    of_all = result.get("series", [])
    if of_all and of_all[0]["columns"] == ["count"]:
        return of_all[0]["values"][0][0]
    return sum(len(series["values"]) for series in of_all)


def timed(peer, database, text):
    began = time.perf_counter()
    body = peer.query(database, text)
    return (time.perf_counter() - began) * 1000, body


def ask(peer, database, text, rows):
    """The milliseconds of the first time, and the median of those after it."""
    first_ms, body = timed(peer, database, text)
    found = count(body)
    assert found == rows, f"{peer.name}: {text}: {found} instead of {rows}"
    # What is slow is not asked more often than it needs.
    rounds = ROUNDS if first_ms < 2000 else min(ROUNDS, 2)
    return first_ms, statistics.median(timed(peer, database, text)[0] for _ in range(rounds))


def memory_mib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as status:
        (line,) = (line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def main():
    server = Server("shown", {"LAKE__FLUSH_AGE_MS": 86_400_000, "MEMORY__BUDGET_BYTES": 4 << 30}).start()
    ours = Peer("tidegate", server.port)
    everybody = [ours]
    if INFLUXD:
        influx = peers.Influx(INFLUXD, os.path.join(os.environ["TIDEGATE_WORK"], "influx-shown"))
        everybody.append(Peer(influx.name, influx.connection.port))
    else:
        print("SKIPPED: influxdb: TIDEGATE_INFLUXD names no program")
    for peer in everybody:
        for database in (peers.BUCKET, OF_TABLES):
            peer.post("/query?" + urllib.parse.urlencode({"q": f"CREATE DATABASE {database}"}))
    began = time.monotonic()
    load(ours, everybody)
    print(f"{SERIES} series, {DAYS} days, {TABLES} tables: written in {time.monotonic() - began:.0f} s", flush=True)
    # What was kept of files while they were written is no help.
    server.stop()
    server.start()
    ours = everybody[0] = Peer("tidegate", server.port)
    names = "".join(f"{peer.name + ', first':>20}{'then':>10}" for peer in everybody)
    print(f"{'':76}{names}{'goal':>8}", flush=True)
    floors = []
    for database, asked in ((peers.BUCKET, SHOWN), (OF_TABLES, OF_MANY)):
        for text, rows, goal_ms in asked:
            taken = [ask(peer, database, text, rows) for peer in everybody]
            cells = "".join(f"{first:20.1f}{then:10.1f}" for first, then in taken)
            print(f"{text[:75]:76}{cells}{goal_ms or '':>8}", flush=True)
            if goal_ms and taken[0][1] > goal_ms:
                floors.append(f"{text}: {taken[0][1]:.1f} ms, at most {goal_ms}")
    print(f"memory of the server: at most {memory_mib(server)} MiB")
    server.stop()
    for floor in floors:
        print(f"missed: {floor}")
    if FLOORS and floors:
        sys.exit(f"FAILED: {len(floors)} floors are missed (TIDEGATE_FLOORS=1)")


main()
