"""The speed table: loads the points, asks everybody each question by turns, compares the rows, and
prints the medians. Ends with an error for rows that differ. Times are for people, unless
TIDEGATE_FLOORS=1: then a floor that is missed, or that could not be measured, is an error, too."""

import math
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lake"))

import glob

import joint
import peers
import points
import questions
from server import Server

DAYS = int(os.environ.get("TIDEGATE_DAYS", "3"))
STEP_S = int(os.environ.get("TIDEGATE_STEP_S", "10"))
ROUNDS = int(os.environ.get("TIDEGATE_ROUNDS", "15"))
# Rounds that do not count.
WARM = 2 if ROUNDS > 1 else 0
INFLUXD = os.environ.get("TIDEGATE_INFLUXD")
FLOORS = os.environ.get("TIDEGATE_FLOORS") == "1"
# The most that Tidegate may take, as a part of what another takes: the geometric mean over all questions.
MEAN_MAX = {"duckdb, files": 0.7, "influxdb 1.6": 0.5}
WAYS = {
    "tidegate, http": MEAN_MAX,
    "tidegate, flight": MEAN_MAX,
    # The language of the one that it is held against.
    "tidegate, influxql": {"influxdb 1.6": 0.5},
}
# The same for each question with its last hour in memory, of what it takes from compacted files.
LIVE_MAX = 1.5
# Flushes of the table with small files per day of its points. One over midnight makes two files.
FILES_PER_DAY = 50
# The most points of a body.
BODY_POINTS = 10_000
SERVER = {
    # Only what is asked for is flushed.
    "LAKE__FLUSH_AGE_MS": 86_400_000,
    "LAKE__FLUSH_BYTES": 1 << 34,
    "MEMORY__BUDGET_BYTES": 2 << 30,
}


def load(server, influx, flush_s=math.inf, until_s=math.inf):
    """Writes all points. Flushes every so many seconds of their time, up to a time."""
    client = server.client()
    written, due_s = 0, points.START_S + flush_s
    body_points = int(min(BODY_POINTS, points.HOSTS * flush_s / STEP_S))
    for time_s, body in points.bodies(DAYS, STEP_S, points=body_points):
        status, answer = client.write(peers.BUCKET, body)
        assert status == 204, (status, answer[:300])
        if influx:
            influx.write(body)
        written += body.count(b"\n") + 1
        if due_s <= time_s + STEP_S < until_s:
            # Counted from when it was due: the rest of a body would make each wait longer.
            due_s += flush_s
            lake(server, "flush")
    return written


def lake(server, what):
    status, answer = server.client().ask("POST", f"/api/v1/lake/{what}")
    assert status in (200, 204), (status, answer[:300])


def canonical(rows):
    def value(one):
        if isinstance(one, (int, float)) and not isinstance(one, bool):
            return f"{one:.9g}" if abs(one) < 1e12 else str(int(one))
        return str(one)

    return sorted(tuple(value(one) for one in row) for row in rows)


def compare(everybody, question):
    """Returns the number of rows; all must be the same."""
    first, *others = everybody
    expected = canonical(first.rows(question))
    assert expected, f"{question.name}: no rows"
    for other in others:
        rows = canonical(other.rows(question))
        if rows != expected:
            differ = [pair for pair in zip(expected, rows) if pair[0] != pair[1]][:3]
            sys.exit(
                f"FAILED: {question.name}: {first.name} has {len(expected)} rows, {other.name} "
                f"{len(rows)}; the first that differ: {differ}"
            )
    return len(expected)


def medians(everybody, question):
    """Milliseconds, for each. They take turns, so that a busy machine is busy for all of them."""
    taken = {peer.name: [] for peer in everybody}
    for turn in range(-WARM, ROUNDS):
        for peer in everybody:
            began = time.perf_counter()
            peer.ask(question)
            if turn >= 0:
                taken[peer.name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def geometric(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan


def table(title, everybody):
    names = [peer.name for peer in everybody]
    print(f"\n{title}\n{'question':24}{'rows':>8}" + "".join(f"{name:>18}" for name in names) + f"{'goal':>8}", flush=True)
    of_all = {}
    for question in questions.ALL:
        rows = compare(everybody, question)
        of_all[question.name] = times = medians(everybody, question)
        cells = "".join(f"{times[name]:18.1f}" for name in names)
        print(f"{question.name:24}{rows:8}{cells}{question.goal_ms:8}", flush=True)
    return of_all


def summary(of_all):
    """How Tidegate's ways compare with the others and with their goals: the floors missed."""
    floors = []
    for way, means in WAYS.items():
        for peer, most in means.items():
            ratios = [times[way] / times[peer] for times in of_all.values() if peer in times]
            if not ratios:
                floors.append(f"{way} / {peer}: not measured")
                continue
            mean = geometric(ratios)
            print(f"{way} / {peer}: geometric mean {mean:.2f}")
            if way == "tidegate, influxql":
                joint.keep(ratios)
            if mean > most:
                floors.append(f"{way} / {peer}: geometric mean {mean:.2f}, at most {most}")
        over = [
            name
            for name, times in of_all.items()
            if (best := min((times[p] for p in means if p in times), default=None))
            and times[way] > 2 * best + 3
        ]
        print(f"{way}: over 2 x the best + 3 ms: {', '.join(over) or 'none'}")
        floors += [f"{way}: {name}: over 2 x the best + 3 ms" for name in over]
        missed = [q.name for q in questions.ALL if of_all[q.name][way] > q.goal_ms]
        print(f"{way}: over its goal: {', '.join(missed) or 'none'}")
    return floors


def of_live_table(of_live):
    """How the live table compares with the compacted one: the floors missed."""
    floors = []
    for way in WAYS:
        ratios = {name: times[way] / times[of_compacted(way)] for name, times in of_live.items()}
        mean, most = geometric(list(ratios.values())), max(ratios.values())
        print(f"{way}: live / compacted: geometric mean {mean:.2f}, most {most:.2f}")
        floors += [
            f"{way}: {name}: live / compacted {ratio:.2f}, at most {LIVE_MAX}"
            for name, ratio in ratios.items()
            if ratio > LIVE_MAX
        ]
    return floors


def of_compacted(way):
    """The name of a way to the compacted table, where the live one is asked by turns with it."""
    return way.replace("tidegate", "compacted")


def judge(floors):
    """Tells which floors were missed. They end the program with an error if that is asked for."""
    print(f"\nfloors missed: {len(floors)}")
    for floor in floors:
        print(f"  {floor}")
    if FLOORS and floors:
        sys.exit(f"FAILED: {len(floors)} floors are missed (TIDEGATE_FLOORS=1)")


def last_points(everybody):
    for name, sql in questions.LAST_POINTS.items():
        question = questions.Question(name, sql, sql, "", 0)
        times = medians(everybody, question)
        print(f"{name:32}" + "".join(f"{time:18.1f}" for time in times.values()), flush=True)


def main():
    influx = None
    if INFLUXD:
        influx = peers.Influx(INFLUXD, os.path.join(os.environ["TIDEGATE_WORK"], "influx"))
    else:
        print("SKIPPED: influxdb: TIDEGATE_INFLUXD names no program")
    server = Server("compacted", SERVER).start()
    began = time.monotonic()
    written = load(server, influx)
    print(f"{written} points written in {time.monotonic() - began:.0f} s", flush=True)
    lake(server, "flush")
    lake(server, "compact")
    (log,) = glob.glob(f"{server.lake}/**/_delta_log", recursive=True)
    folder = os.path.dirname(log)
    ours = [peers.Http(server), peers.Flight(server)]
    influxql = [peers.Influxql(server)]
    ducks = [peers.DuckDb(folder, with_delta=True), peers.DuckDb(folder, with_delta=False)]
    compacted = table("compacted", [*ours, *influxql, *ducks, *([influx] if influx else [])])
    floors = summary(compacted)
    last_points(ours)
    if influx:
        influx.stop()

    # The same points as a live table has them: small files, and the last hour in memory. Both are asked by
    # turns once more: what waits while DuckDB and influxdb answer is slower than what is asked alone.
    live = Server("live", {**SERVER, "LAKE__COMPACT_FILES_MIN": 10_000}).start()
    end_s = points.START_S + DAYS * 86_400
    load(live, None, flush_s=86_400 // FILES_PER_DAY, until_s=end_s - 3600)
    files = len(glob.glob(f"{live.lake}/**/*.parquet", recursive=True))
    both = [peers.Http(live), peers.Flight(live)]
    by_turns = [peers.Http(server), peers.Flight(server), peers.Influxql(server)]
    for peer in by_turns:
        peer.name = of_compacted(peer.name)
    everybody = [*both, peers.Influxql(live), *by_turns]
    of_live = table(f"live: {files} files, the last hour in memory", everybody)
    floors += of_live_table(of_live)
    last_points(both)
    live.stop()
    server.stop()
    judge(floors)


main()
