"""The questions of fifty dashboards, as Grafana's InfluxQL mode sends them: of people who look after
hosts, containers, a house and a factory. Asked of Tidegate and of 1.6.7, whose answers must be alike.

The dashboards are texts in the folder `dashboards`, as people write them:

    # TITLE | 6h by 1m                    the range that is looked at (or `DAY to DAY`), and `$__interval`
    $NAME (a, b): SHOW TAG VALUES …       a variable: what is chosen (`*` for all), and what offers it
    PANEL: SELECT …; SELECT …             the questions of a panel, in one request

`:dashboardTime:` and `:upperDashboardTime:` are Chronograf's. A question without rows proves nothing, so
each has some.
"""

import collections
import datetime
import functools
import json
import pathlib
import re
import sys
import urllib.parse

import compare
import judged
import panel_points
import peers
from panel_points import END_S

FOLDER = pathlib.Path(__file__).parent / "dashboards"
SECONDS = {"m": 60, "h": 3600}
DASHBOARDS_MIN = 50

Dashboard = collections.namedtuple("Dashboard", "title start_ms end_ms interval variables panels")


def time_range(text):
    """Returns the milliseconds of `6h`, or of `2024-03-20 to 2024-04-29`."""
    if " to " in text:
        return tuple(int(datetime.datetime.fromisoformat(day + "T00:00+00:00").timestamp()) * 1000 for day in text.split(" to "))
    return (END_S - int(text[:-1]) * SECONDS[text[-1]]) * 1000, END_S * 1000


def read(text):
    """Returns the dashboards of a text."""
    for block in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        title, *lines = block.strip().split("\n")
        name, around = title.split(" | ")
        times, interval = around.split(" by ")
        variables, panels = {}, {}
        for line in lines:
            head, question = line.split(": ", 1)
            found = re.fullmatch(r"\$(\w+) \((.*)\)", head)
            if found:
                variables[found[1]] = (found[2].split(", "), question)
            else:
                assert head not in panels, (name, head)
                panels[head] = question
        yield Dashboard(name, *time_range(times), interval, variables, panels)


@functools.cache
def dashboards():
    return [dashboard for file in sorted(FOLDER.glob("*.txt")) for dashboard in read(file.read_text(encoding="utf-8"))]


def for_pattern(values):
    """Values of a variable within a regular expression, as Grafana puts them there."""
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def expand(dashboard, text, chosen):
    """The question that is sent: `chosen` are the values of each variable."""
    start, end = dashboard.start_ms, dashboard.end_ms
    fixed = {"timeFilter": f"time >= {start}ms and time <= {end}ms", "__interval": dashboard.interval}

    def value(found):
        quote, name = found.groups()
        if name in fixed:
            return quote + fixed[name]
        if not quote:
            return for_pattern(chosen[name])
        (one,) = chosen[name]
        return quote + one

    def date(milliseconds):
        return f"'{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}'"

    text = text.replace(":dashboardTime:", date(start)).replace(":upperDashboardTime:", date(end))
    return re.sub(r"(['\"]?)\$(\w+)", value, text)


def question(title, panel):
    """The question of a panel whose variables say what is chosen, not `*`."""
    (dashboard,) = (one for one in dashboards() if one.title == title)
    return expand(dashboard, dashboard.panels[panel], {name: values for name, (values, _) in dashboard.variables.items()})


def by_grafana(peer, text, is_post):
    """As Grafana's setting "HTTP method" has it."""
    parameters = {"db": peers.DB, "epoch": "ms"}
    if is_post:
        path, body = "/query?" + urllib.parse.urlencode(parameters), urllib.parse.urlencode({"q": text})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, answer = peer.ask("POST", path, body, headers)
    else:
        status, _, answer = peer.ask("GET", "/query?" + urllib.parse.urlencode({**parameters, "q": text}))
    return {"status": status, **json.loads(answer)}


class Run:
    def __init__(self):
        self.oracle, self.ours = peers.Oracle(), peers.ours()
        self.checks = judged.Checks()
        self.asked = self.statements = self.rows = 0
        self.meant = {}

    def load(self):
        lines = list(panel_points.everything())
        for peer in (self.oracle, self.ours):
            for start in range(0, len(lines), 5000):
                peer.write("\n".join(lines[start : start + 5000]))
                # Some in files, some not.
                if start in (10_000, 30_000) and peer is self.ours:
                    peer.flush()

    def difference(self, text, ours, theirs):
        """Returns "" for answers that are the same, or differ where that is meant."""
        if [ours["status"], len(ours.get("results", []))] != [200, len(theirs["results"])]:
            return "status"
        for one, other in zip(ours["results"], theirs["results"]):
            if not one.get("series"):
                return "no rows"
            self.statements += 1
            self.rows += sum(len(series["values"]) for series in one["series"])
            pair = {"results": [one]}, {"results": [other]}
            found = compare.difference(*pair)
            why = found and compare.reason(text, found, *pair)
            if why:
                self.meant[why] = self.meant.get(why, 0) + 1
            elif found:
                return found
        return ""

    def ask(self, where, text):
        """Asks both, by turns with GET and POST; returns the results of 1.6.7."""
        self.asked += 1
        ours, theirs = (by_grafana(peer, text, self.asked % 2) for peer in (self.ours, self.oracle))
        assert theirs["status"] == 200, (where, text, theirs)
        found = self.difference(text, ours, theirs)
        self.checks.check(not found, where, found, text, f"ours:   {str(ours)[:900]}", f"theirs: {str(theirs)[:900]}")
        return theirs["results"]

    def look(self, dashboard):
        """Asks for what its variables offer, then for its panels."""
        chosen = {}
        for name, (values, text) in dashboard.variables.items():
            (result,) = self.ask((dashboard.title, f"${name}"), expand(dashboard, text, chosen))
            offered = sorted({row[1] for series in result["series"] for row in series["values"]})
            chosen[name] = offered if values == ["*"] else values
            assert set(chosen[name]) <= set(offered), (dashboard.title, name, offered)
        for panel, text in dashboard.panels.items():
            self.ask((dashboard.title, panel), expand(dashboard, text, chosen))


def main():
    run = Run()
    run.load()
    for dashboard in dashboards():
        run.look(dashboard)
    print(f"panels: {run.checks.passed} of {run.asked} requests of {len(dashboards())} dashboards the same, with {run.statements} statements and {run.rows} rows")
    print(f"meant differences: {run.meant}")
    if run.checks.failed:
        sys.exit("FAILED: panels")
    assert len(dashboards()) >= DASHBOARDS_MIN


if __name__ == "__main__":
    main()
