"""Compares what SELECT statements are understood to be (the example `analyse`) with InfluxDB 1.6.7.

Usage: analysis.py PORT PROGRAM [COUNT [SEED]]   (or statements on standard input, with COUNT 0)

Names of columns, errors, tags of groups, and the number of rows of raw queries; differences are
printed, those that are intended (see `src/analysis/mod.rs`) are counted apart.
"""

import http.client
import json
import random
import re
import subprocess
import sys
import tempfile
import urllib.parse

T = 1_700_000_000_000_000_000
S = 1_000_000_000
POINTS = "\n".join(
    [
        f'm,host=a,dc=x f=1.5,i=3i,s="t",b=true {T}',
        f"m,host=a,dc=x f=2.5,i=5i,b=false {T + 10 * S}",
        f'm,host=b f=4,i=7i,s="u" {T + 10 * S}',
        f"m,host=b f=5 {T + 20 * S}",
        f"m,dc=b,host=b i=-4i,s=\"b\" {T + 25 * S}",
        f"m f=9,i=1i {T + 30 * S}",
        f'n,host=a,zone=e f=1i,g=2,host2="q" {T}',
        f"n,host=c,zone=e f=2i,g=3 {T + 10 * S}",
        f"both,x=tagx x=1,y=2 {T}",
        f'tagless v=1i,w=2i,s=true {T}',
        f"tagless v=3i {T + 5 * S}",
        f'host2,region=r z="s" {T}',
    ]
)


class Oracle:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.query("DROP DATABASE analysis")
        self.query("CREATE DATABASE analysis WITH DURATION INF SHARD DURATION 5200w")
        self.connection.request("POST", "/write?db=analysis", POINTS)
        answer = self.connection.getresponse()
        assert answer.status == 204, answer.read()
        answer.read()

    def query(self, text):
        form = urllib.parse.urlencode({"db": "analysis", "q": text, "epoch": "ns"})
        header = {"Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", "/query", form, header)
        return json.loads(self.connection.getresponse().read())

    def answer(self, text):
        answer = self.query(text)
        if "error" in answer:
            return "error: " + answer["error"], 0
        (result,) = answer["results"]
        if "error" in result:
            return "error: " + result["error"], 0
        series = result.get("series", [])
        if not series:
            return "empty", 0
        tags = ",".join(sorted(series[0].get("tags", {})))
        rows = sum(len(one["values"]) for one in series)
        return ",".join(series[0]["columns"]) + "|" + tags, rows


UNSUPPORTED = re.compile(r"^error: (\w+)\(\) is not supported( for \w+ fields)?$")
INTENDED = [
    # text of ours, text of theirs
    (UNSUPPORTED, re.compile(r"^error: unsupported .* iterator type: |^empty|nil pointer dereference")),
    (re.compile(r"^empty$"), re.compile(r"nil pointer dereference")),
    (re.compile(r"^error: \S+ is not supported for "), re.compile(r"^error: unsupported .* iterator")),
    (re.compile(r"^error: \w+\(\) is not supported$"), re.compile("")),
    (re.compile(r"^error: SELECT INTO is not supported$"), re.compile("^result|^time,written")),
]


def equal(ours, theirs, rows):
    """Whether two answers are the same; None if they differ as intended."""
    if ours == theirs:
        return True
    for one, other in INTENDED:
        if one.search(ours) and other.search(theirs):
            return None
    if ours.startswith("error: type error") and re.sub(r"(\.\d*?)0+\b", r"\1", theirs) == re.sub(
        r"(\.\d*?)0+\b", r"\1", ours
    ):
        return True
    if "|" in ours:
        head, count = ours.rsplit("|", 1)
        if theirs == "empty":
            # Nothing fits the condition.
            return count in ("0", "?")
        return head == theirs and count in ("?", str(rows))
    return False


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def name(self):
        name = self.one("f", "f", "i", "i", "s", "b", "host", "dc", "g", "x", "y", "v", "nope", "zone", "host2", "w")
        if self.chance(0.15):
            name += "::" + self.one("float", "integer", "string", "boolean", "tag", "field")
        return name

    def number(self):
        return self.one("1", "2", "0.5", "3", "-1", "4.25")

    def arithmetic(self, leaf, depth=2):
        if depth == 0 or self.chance(0.4):
            return leaf() if self.chance(0.7) else self.number()
        kind = self.random.random()
        if kind < 0.15:
            return f"abs({self.arithmetic(leaf, depth - 1)})" if self.chance(0.5) else f"pow({leaf()}, 2)"
        if kind < 0.3:
            return f"({self.arithmetic(leaf, depth - 1)})"
        if kind < 0.36:
            return f"-{leaf()}"
        operator = self.one("+", "-", "*", "/", "%", "&", "|", "^") if self.chance(0.3) else self.one("+", "-", "*", "/")
        return f"{self.arithmetic(leaf, depth - 1)} {operator} {self.arithmetic(leaf, depth - 1)}"

    def call(self, wildcards=True):
        argument = self.name()
        if wildcards and self.chance(0.15):
            argument = self.one("*", "/f|i/", "/^[is]$/", "*::field", "*::tag")
        name = self.one(
            "count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev", "median", "mode",
            "derivative", "difference", "cumulative_sum", "elapsed", "non_negative_difference",
        )  # fmt: skip
        kind = self.random.random()
        if kind < 0.05:
            return f"percentile({argument}, 50)"
        if kind < 0.08:
            return f"moving_average({argument}, 2)"
        if kind < 0.11:
            return f"{self.one('top', 'bottom')}({self.name()}, {self.one('host, ', 'dc, host, ', '', 'nope, ')}2)"
        if kind < 0.14:
            return f"distinct({argument})"
        if kind < 0.17:
            return f"count(distinct({self.name()}))"
        if kind < 0.20:
            return f"{self.one('derivative', 'difference', 'elapsed')}({self.one('mean', 'max', 'count')}({argument}))"
        if kind < 0.22:
            return f"{self.one('sample', 'percentile')}({argument}, 1)"
        return f"{name}({argument})"

    def field(self, raw):
        leaf = self.name if raw else lambda: self.call(False)
        if raw and self.chance(0.2):
            field = self.one("*", "/f|h/", "*::tag", "*::field", "/^[ih]/")
        elif self.chance(0.3):
            field = self.arithmetic(leaf)
        else:
            field = self.name() if raw else self.call()
        if self.chance(0.2):
            field += " AS " + self.one("p", "f", "mean", "f_1", '"a b"', "host")
        return field

    def literal(self):
        return self.one("1", "2.5", "3", "-1", "'a'", "'b'", "''", "'x'", "'t'", "true", "false", "10s", "'q'", "'tagx'")

    def comparison(self):
        kind = self.random.random()
        if kind < 0.2:
            return f"{self.name()} {self.one('=~', '!~')} {self.one('/a/', '/^$/', '/./', '/.*/', '/^(a|b)$/', '/t|q/')}"
        operator = self.one("=", "!=", "<", "<=", ">", ">=", "=", "!=")
        if kind < 0.3:
            return f"{self.name()} {operator} {self.name()}"
        if kind < 0.4:
            return f"{self.arithmetic(self.name)} {operator} {self.literal()}"
        if kind < 0.45:
            return f"{self.literal()} {operator} {self.name()}"
        if kind < 0.5:
            return f"time {self.one('>', '>=', '<', '<=')} {T // S + self.random.randrange(-5, 35)}s"
        if kind < 0.53:
            return f"({self.name()} {operator} {self.literal()}) {self.one('=', '!=')} {self.one('true', 'false')}"
        return f"{self.name()} {operator} {self.literal()}"

    def condition(self, depth=2):
        if depth == 0 or self.chance(0.5):
            return self.comparison()
        if self.chance(0.2):
            return f"({self.condition(depth - 1)})"
        return f"{self.condition(depth - 1)} {self.one('AND', 'OR')} {self.condition(depth - 1)}"

    def source(self, depth):
        if depth > 0 and self.chance(0.3):
            return f"({self.select(depth - 1)})"
        return self.one("m", "m", "m", "n", "both", "tagless", "/m|n/", "/./", "nope", "host2")

    def select(self, depth=2):
        raw = self.chance(0.5)
        fields = [self.field(raw) for _ in range(self.one(1, 1, 2, 3))]
        if not raw and self.chance(0.2):
            fields.append(self.field(True))
        if self.chance(0.05):
            fields.append(self.one("time", "time AS t"))
        text = "SELECT " + ", ".join(fields) + " FROM "
        text += ", ".join(self.source(depth) for _ in range(self.one(1, 1, 1, 2)))
        conditions = [self.condition()] if self.chance(0.4) else []
        dimensions = [self.one("host", "dc", "*", "/h/", "nope", "f", "zone") for _ in range(self.one(0, 0, 1, 2))]
        if not raw and self.chance(0.3):
            dimensions.append(self.one("time(10s)", "time(20s, 5s)"))
            bounds = f"time >= {T // S}s AND time < {T // S + 40}s"
            conditions = [f"({one})" for one in conditions] + [bounds]
        if conditions:
            text += " WHERE " + " AND ".join(conditions)
        if dimensions:
            text += " GROUP BY " + ", ".join(dimensions)
        if self.chance(0.1):
            text += self.one(" fill(none)", " fill(0)", " fill(previous)", " fill(linear)")
        if self.chance(0.1):
            text += self.one(" LIMIT 1", " LIMIT 3", " ORDER BY time DESC", " SLIMIT 1")
        return text


def main():
    port, program = int(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    generator = Generator(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    statements = [generator.select() for _ in range(count)]
    if not count:
        statements = [line.strip() for line in sys.stdin if line.strip()]
    with tempfile.NamedTemporaryFile("w", suffix=".lp") as file:
        file.write(POINTS)
        file.flush()
        text = "\n".join(statements) + "\n"
        ours = subprocess.run([program, file.name], input=text, capture_output=True, text=True, check=True)
    oracle = Oracle(port)
    counts = {True: 0, None: 0, False: 0}
    kinds = {"error": 0, "empty": 0, "rows": 0}
    for statement, answer in zip(statements, ours.stdout.split("\n")):
        theirs, rows = oracle.answer(statement)
        same = equal(answer, theirs, rows)
        counts[same] += 1
        kinds["error" if theirs.startswith("error") else "empty" if theirs == "empty" else "rows"] += 1
        if same is False:
            print(f"{statement}\n    ours:   {answer}\n    theirs: {theirs} {rows}")
    print(f"same {counts[True]}, intended {counts[None]}, different {counts[False]}; theirs: {kinds}")


if __name__ == "__main__":
    main()
