"""Questions beside writers, flushes, compactions, vacuums and deletions of buckets, over HTTP and
Flight.

Each writer counts in a series of its own, in two tables, and in the one field of a point that it
writes again and again. An answer must hold all that was acknowledged before the question was sent,
and nothing that was not sent before the answer came. A bucket that is deleted meanwhile ends a
question with 404 or NOT_FOUND, and nothing else fails.

    TIDEGATE_SECONDS=600  how long it goes on; 20 by default
"""

import collections
import json
import os
import random
import re
import threading
import time
import traceback
import urllib.parse

import pyarrow.flight as flight

from server import Gone, Server

SECONDS = float(os.environ.get("TIDEGATE_SECONDS", "20"))
DAY_NS = 86_400_000_000_000
NOW_NS = time.time_ns() // DAY_NS * DAY_NS
HOSTS = ["a", "b", "c", "d"]
END = time.monotonic() + SECONDS

# name of the table, host, rows, different numbers, first and last number, their sum
FIGURES = "count(seq), count(DISTINCT seq), min(seq), max(seq), sum(seq)"
SERIES = [
    f"SELECT 'm' AS t, host, {FIGURES} FROM m WHERE seq IS NOT NULL GROUP BY host",
    f"SELECT 'o' AS t, host, {FIGURES} FROM o GROUP BY host",
    f"SELECT 'm' AS t, host, {FIGURES} FROM m WHERE seq > 0 GROUP BY host UNION ALL "
    f"SELECT 'o' AS t, host, {FIGURES} FROM o WHERE seq > 0 GROUP BY host",
    f"SELECT 'm' AS t, host, {FIGURES} FROM (SELECT a.host, a.seq FROM m a JOIN m b "
    "ON a.host = b.host AND a.time = b.time AND a.seq = b.seq) GROUP BY host",
    f"WITH q AS (SELECT * FROM o ORDER BY time DESC LIMIT 100000000) "
    f"SELECT 'o' AS t, host, {FIGURES} FROM q GROUP BY host",
]
COUNTERS = [
    "SELECT host, counter FROM m WHERE kind = 'c'",
    "SELECT host, max(counter) FROM m GROUP BY host",
    "SELECT host, sum(counter) FROM m WHERE counter > 0 GROUP BY host",
    "SELECT host, selector_last(counter, time)['value'] FROM m WHERE kind IS NOT NULL GROUP BY host",
]
RAW = "SELECT host, seq, time FROM m WHERE host = '{}' AND seq IS NOT NULL ORDER BY seq DESC LIMIT 3000"

# What must not be in the server's log.
LOUD = re.compile("ERROR|panic|internal error|fault of ours")
TWICE = "SELECT (SELECT count(*) FROM m), (SELECT count(time) FROM m WHERE time > '2020-01-01')"

counts = collections.Counter()
faults = []


def goes_on():
    return time.monotonic() < END and not faults


class Refused(Exception):
    """An answer that is an error: its code."""


class Http:
    """Questions over HTTP."""

    # For a bucket that is not there, and for a table.
    codes = 404, 400

    def __init__(self, server):
        self.client = server.client()

    def rows(self, bucket, text):
        query = urllib.parse.urlencode({"db": bucket, "q": text, "format": "jsonl"})
        status, body = self.client.ask("GET", f"/api/v3/query_sql?{query}")
        if status != 200:
            raise Refused(status, body.decode(errors="replace"))
        # Nulls have no member, and none of the questions here has one.
        return [list(json.loads(line).values()) for line in body.splitlines()]


class Flight:
    """Questions over Flight, as the clients of v3 ask them."""

    codes = 5, 3

    # The words of pyarrow, which does not always say the number.
    names = {
        "invalid argument": 3,
        "not found": 5,
        "resource exhausted": 8,
        "internal": 13,
        "unavailable": 14,
    }

    def __init__(self, server):
        self.client = flight.connect(f"grpc://127.0.0.1:{server.port}")

    def code(self, told):
        number = re.search(r"grpc_status:(\d+)", told)
        if number:
            return int(number.group(1))
        name = re.match(r"Flight returned (.*?) error", told)
        return self.names.get(name.group(1)) if name else None

    def rows(self, bucket, text):
        ticket = {"database": bucket, "sql_query": text, "query_type": "sql"}
        try:
            reader = self.client.do_get(flight.Ticket(json.dumps(ticket)))
            table = reader.read_all()
        except Exception as error:
            raise Refused(self.code(str(error)), str(error)) from error
        columns = [column.to_pylist() for column in table.columns]
        return [list(row) for row in zip(*columns)]


def time_ns(number):
    """Out of order, on three days."""
    return NOW_NS - number % 3 * DAY_NS + number * 1000


class Series:
    """A writer's series: what was sent, and what was acknowledged."""

    def __init__(self):
        self.sent = self.acknowledged = 0

    def write(self, server_client, bucket, last, lines):
        self.sent = last
        while goes_on():
            status, body = server_client.write(bucket, lines)
            if status == 204:
                self.acknowledged = last
                counts["writes"] += 1
                return
            assert status == 503, (status, body)
            counts["writes that wait"] += 1
            time.sleep(0.05)


series = {host: Series() for host in HOSTS}


def writer(server, host):
    client, chance = server.client(), random.Random(host)
    while goes_on():
        first = series[host].sent + 1
        last = first + chance.choice([0, 0, 0, 10, 60])
        lines = []
        for number in range(first, last + 1):
            lines.append(f"m,host={host} seq={number}i {time_ns(number)}")
            lines.append(f"o,host={host} seq={number}i {time_ns(number)}")
        lines.append(f"m,host={host},kind=c counter={last}i,f{last % 7}=1 {NOW_NS}")
        series[host].write(client, "b", last, "\n".join(lines))
        time.sleep(0.02)


def within(found, at_least, host, text):
    at_most = series[host].sent
    assert at_least <= found <= at_most, f"{host}: {found} is not in {at_least}..={at_most}: {text}"


def asker(server, protocol):
    asking, chance = protocol(server), random.Random(protocol.__name__)
    while goes_on():
        low = {host: series[host].acknowledged for host in HOSTS}
        kind = chance.choice(["series", "series", "counters", "raw", "twice"])
        try:
            if kind == "series":
                text = chance.choice(SERIES)
                rows = asking.rows("b", text)
                for name in [name for name in "mo" if f"'{name}'" in text]:
                    found = {row[1]: row[2:] for row in rows if row[0] == name}
                    assert len(found) == len([row for row in rows if row[0] == name]), text
                    for host in HOSTS:
                        count = found[host][0]
                        of = [count, count, 1, count, count * (count + 1) // 2]
                        assert found[host] == of, f"{host}: {found[host]}, expected {of}: {text}"
                        within(count, low[host], host, text)
            elif kind == "counters":
                text = chance.choice(COUNTERS)
                rows = asking.rows("b", text)
                assert sorted(row[0] for row in rows) == HOSTS, (rows, text)
                for host, counter in rows:
                    within(counter, low[host], host, text)
            elif kind == "raw":
                host = chance.choice(HOSTS)
                text = RAW.format(host)
                numbers = [row[1] for row in asking.rows("b", text)]
                last = numbers[0]
                of = list(range(last, max(last - 3000, 0), -1))
                assert numbers == of, f"{host}: {numbers[:20]}… of {len(numbers)}: {text}"
                within(last, low[host], host, text)
            else:
                [[a, b]] = asking.rows("b", TWICE)
                assert a == b, (a, b, TWICE)
        except Refused as error:
            # Memory may be short.
            if error.args[0] in (503, 8):
                counts[f"{protocol.__name__} refused"] += 1
                time.sleep(0.1)
                continue
            raise
        counts[f"{protocol.__name__} {kind}"] += 1


doomed = {"generation": 0, "series": None, "deleting": set()}


def doomer(server):
    """Creates a bucket, always of one name, fills and deletes it."""
    client, generation = server.client(), 0
    while goes_on():
        generation += 1
        body = json.dumps({"name": "x"})
        status, answer = client.ask("POST", "/api/v1/buckets", body)
        assert status == 201, (status, answer)
        mine = Series()
        for last in range(50, 401, 50):
            lines = [
                f"d,generation=g{generation} seq={number}i {time_ns(number)}"
                for number in range(last - 49, last + 1)
            ]
            mine.write(client, "x", last, "\n".join(lines))
            doomed["generation"], doomed["series"] = generation, mine
        if generation % 4 == 0:
            status, answer = client.ask("POST", "/api/v1/lake/flush?bucket=x")
            assert status == 200, (status, answer)
        doomed["deleting"].add(generation)
        status, answer = client.ask("DELETE", "/api/v1/buckets/x")
        assert status in (200, 204), (status, answer)
        counts["deletions"] += 1


def doomed_asker(server, protocol):
    asking = protocol(server)
    text = "SELECT generation, seq FROM d WHERE seq > 0"
    while goes_on():
        generation, mine = doomed["generation"], doomed["series"]
        low = mine.acknowledged if mine else 0
        try:
            rows = asking.rows("x", text)
        except (Refused, Gone) as error:
            told = str(error)
            is_gone = "database not found" in told or "was deleted while" in told
            # A new bucket has no table yet.
            is_new = "there is no table" in told
            is_broken = isinstance(error, Gone)
            is_busy = error.args[0] in (503, 8)
            assert is_gone or is_new or is_broken or is_busy, told
            if is_broken:
                assert generation in doomed["deleting"], f"cut, and the bucket is there: {told}"
                counts[f"{protocol.__name__} cut"] += 1
            elif is_gone and "was deleted while" in told:
                counts[f"{protocol.__name__} ended by a deletion"] += 1
            elif is_gone:
                counts[f"{protocol.__name__} nothing there"] += 1
            else:
                counts[f"{protocol.__name__} {'refused' if is_busy else 'no table yet'}"] += 1
            if isinstance(error, Refused) and not is_busy:
                assert error.args[0] == protocol.codes[is_new], told
            continue
        generations = {row[0] for row in rows}
        assert len(generations) <= 1, f"points of several buckets: {generations}"
        numbers = sorted(row[1] for row in rows)
        assert numbers == list(range(1, len(numbers) + 1)), numbers[:20]
        if generations == {f"g{generation}"}:
            assert low <= len(numbers) <= mine.sent, (low, len(numbers), mine.sent)
        elif generations:
            assert int(generations.pop()[1:]) > generation, "an older bucket came back"
        counts[f"{protocol.__name__} doomed"] += bool(rows)


def mover(server, what, pause):
    client = server.client()
    while goes_on():
        status, body = client.ask("POST", f"/api/v1/lake/{what}?bucket=b")
        assert status == 200, (status, body)
        counts[what] += 1
        time.sleep(pause)


def guarded(work, *arguments):
    def run():
        try:
            work(*arguments)
        except BaseException:
            faults.append(f"{work.__name__}{arguments[1:]}: {traceback.format_exc()}")

    return threading.Thread(target=run)


def main():
    server = Server("beside", {"LOG__LEVEL": "info", "LAKE__FLUSH_AGE_MS": 3000}).start()
    client = server.client()
    for host in HOSTS:
        points = [f"{table},host={host} seq=1i {time_ns(1)}" for table in "mo"]
        points.append(f"m,host={host},kind=c counter=1i {NOW_NS}")
        series[host].write(client, "b", 1, "\n".join(points))
    works = [guarded(writer, server, host) for host in HOSTS]
    works += [guarded(asker, server, protocol) for protocol in (Http, Flight, Flight)]
    works += [guarded(doomed_asker, server, protocol) for protocol in (Http, Flight)]
    works += [guarded(doomer, server)]
    works += [guarded(mover, server, *of) for of in (("flush", 0.5), ("compact", 2), ("vacuum", 3))]
    for work in works:
        work.start()
    for work in works:
        work.join()
    text = open(server.log_path, encoding="utf-8", errors="replace").read()
    loud = [line for line in text.splitlines() if LOUD.search(line)]
    print(json.dumps(counts, indent=1, sort_keys=True))
    print({host: (one.acknowledged, one.sent) for host, one in series.items()})
    if not faults:
        server.stop()
    assert not faults, "\n".join(faults)
    assert not loud, loud[:20]
    for kind in ("Http series", "Flight series", "Http counters", "Flight raw", "deletions", "compact"):
        assert counts[kind], f"no {kind}"
    # The bucket that comes and goes was met with points in it, and when it was gone.
    for protocol in ("Http", "Flight"):
        assert counts[f"{protocol} doomed"], f"{protocol}: no answer had points of the doomed bucket"
        gone = sum(counts[f"{protocol} {kind}"] for kind in ("nothing there", "ended by a deletion", "cut"))
        assert gone, f"{protocol}: the doomed bucket was never gone"


main()
