"""Ten panels of dashboards in InfluxQL, timed beside influxdb 1.6.7 with the same points, and compared
with its answers. A panel asks for six hours of a few days, as Grafana sends it. Prints medians, and the
mean over them and the questions of the table, which was measured before in the same run. Times are
for people, unless TIDEGATE_FLOORS=1: then a floor that is missed, or that could not be measured, is an
error, too."""

import math
import os
import statistics
import sys
import time
import urllib.parse

# Before this folder: the peers are those that are asked by `/query`.
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "influxql"))

import joint
import compare
import panel_points
import panels
import peers

DAYS = int(os.environ.get("TIDEGATE_DAYS", "3"))
ROUNDS = int(os.environ.get("TIDEGATE_ROUNDS", "15"))
WARM = 2 if ROUNDS > 1 else 0
FLOORS = os.environ.get("TIDEGATE_FLOORS") == "1"
DAY_NS = 86_400 * 10**9
# The panels that are timed: dashboard and panel of `tests/influxql/dashboards`.
CHOSEN = {
    "mean by minute and host": ("Hosts: processors", "User time by host"),
    "mean of hosts by regex": ("Hosts: processors", "Busy"),
    "last by host": ("Hosts: load", "Load now"),
    "linear fill": ("Hosts: load", "Load"),
    "rate of counters": ("Hosts: network", "Bits per second"),
    "top 3": ("Hosts: space", "Top 3"),
    "95th percentile by host": ("Hosts: processors", "95th percentile"),
    "sum of means (subquery)": ("Containers: overview", "Memory of all"),
    "count of states": ("Factory: machines", "Stopped"),
    "alarms, newest first": ("Factory: alarms", "Newest"),
}


def load(everybody):
    """The points of the panels on some days, the last of which is the one that is asked for."""
    of_a_day = [line.rsplit(" ", 1) for line in panel_points.points()]
    for before in range(DAYS - 1, -1, -1):
        lines = [f"{head} {int(time) - before * DAY_NS}" for head, time in of_a_day]
        for start in range(0, len(lines), 5000):
            for peer in everybody:
                peer.write("\n".join(lines[start : start + 5000]))
    return len(of_a_day) * DAYS


def path(text):
    return "/query?" + urllib.parse.urlencode({"db": peers.DB, "epoch": "ms", "q": text})


def medians(everybody, text):
    """Milliseconds, for each. They take turns, so that a busy machine is busy for all of them."""
    taken = [[] for _ in everybody]
    for turn in range(-WARM, ROUNDS):
        for peer, times in zip(everybody, taken):
            began = time.perf_counter()
            status, _, body = peer.ask("GET", path(text))
            assert status == 200, (peer.name, status, body[:300])
            if turn >= 0:
                times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in taken]


def geometric(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main():
    if not peers.INFLUXD:
        print("SKIPPED: panels: TIDEGATE_INFLUXD names no program")
        sys.exit("FAILED: panels were not measured (TIDEGATE_FLOORS=1)" if FLOORS else 0)
    ours, oracle = peers.ours(), peers.Oracle()
    everybody = [ours, oracle]
    print(f"\npanels: {load(everybody)} points")
    ours.flush()
    status, _, body = ours.ask("POST", "/api/v1/lake/compact")
    assert status in (200, 204), (status, body[:300])
    print(f"{'panel':32}" + "".join(f"{peer.name:>18}" for peer in everybody), flush=True)
    ratios, floors = [], []
    for name, panel in CHOSEN.items():
        text = panels.question(*panel)
        found, theirs = (panels.by_grafana(peer, text, False) for peer in everybody)
        difference = compare.difference(found, theirs)
        if difference or not theirs["results"][0].get("series"):
            sys.exit(f"FAILED: {name}: {difference or 'no rows'}: {text}")
        mine_ms, theirs_ms = medians(everybody, text)
        print(f"{name:32}{mine_ms:18.1f}{theirs_ms:18.1f}", flush=True)
        ratios.append(mine_ms / theirs_ms)
        if mine_ms > 2 * theirs_ms + 3:
            floors.append(f"{name}: {mine_ms:.1f} ms, over 2 x {theirs_ms:.1f} + 3 ms")
    print(f"tidegate / {oracle.name}: geometric mean {geometric(ratios):.2f}")
    questions = joint.kept()
    if questions is None:
        floors.append("the mean with the questions of the table: these were not asked in this run")
    else:
        mean = geometric(ratios + questions)
        print(f"with the {len(questions)} questions of the table: geometric mean {mean:.2f}")
        if mean > joint.MEAN_MAX:
            floors.append(f"geometric mean {mean:.2f}, at most {joint.MEAN_MAX}")
    for floor in floors:
        print(f"missed: {floor}")
    if FLOORS and floors:
        sys.exit(f"FAILED: {len(floors)} floors are missed (TIDEGATE_FLOORS=1)")


if __name__ == "__main__":
    main()
