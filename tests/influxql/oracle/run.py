"""Compares the answers of SELECT statements, from the text to the JSON, with InfluxDB 1.6.7.

Usage: run.py PORT PROGRAM [COUNT [SEED]]   (or statements on standard input, with COUNT 0)

PROGRAM is the example `run`, which has a plain scan and aggregation of its own: what is compared is
the analysis, the plan, the finishing of rows and the writing of answers. The points have no two times
alike. Differences that are meant are counted apart (contract, section 14).
"""

import json
import math
import random
import re
import subprocess
import sys
import tempfile

import analysis

T = 1_700_000_000_000_000_000
S = 1_000_000_000


def points(seed):
    r = random.Random(seed)
    lines = []
    time = T
    for _ in range(160):
        time += r.randrange(1, 9) * S + r.randrange(1000) * 1_000_000
        m = r.choice(["m", "m", "m", "n"])
        tags = "".join(
            f",{key}={r.choice(values)}" for key, values in (("dc", "xy"), ("host", "abc")) if r.random() < 0.85
        )
        fields = []
        if r.random() < 0.8:
            fields.append(f"f={r.randrange(-400, 900) / 8}")
        if r.random() < 0.8:
            fields.append(f"i={r.randrange(-50, 90)}i")
        if r.random() < 0.4:
            fields.append('s="' + r.choice(["a", "b", "t", "x y"[:1], ""]) + '"')
        if r.random() < 0.4:
            fields.append(f"b={r.choice(['true', 'false'])}")
        if m == "n" and r.random() < 0.5:
            fields.append(f"g={r.randrange(100) / 4}")
        if not fields:
            fields.append("f=1.125")
        lines.append(f"{m}{tags} {','.join(fields)} {time}")
    return "\n".join(lines)


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, *choices):
        return self.r.choice(choices)

    def chance(self, share):
        return self.r.random() < share

    def numeric(self):
        return self.one("f", "f", "i", "i", "i", "g", "f::integer", "i::float")

    def any(self):
        return self.one("f", "i", "s", "b", "f", "i", "host", "nope")

    def call(self, windows):
        kind = self.r.random()
        if kind < 0.45:
            return f"{self.one('mean', 'sum', 'spread', 'stddev', 'median', 'min', 'max')}({self.numeric()})"
        if kind < 0.6:
            return f"{self.one('count', 'first', 'last', 'count')}({self.any()})"
        if kind < 0.66:
            return f"percentile({self.numeric()}, {self.one(5, 50, 90, 99.9, 100)})"
        if kind < 0.70:
            return f"count(distinct({self.any()}))"
        if kind < 0.73:
            return f"{self.one('mean', 'max', 'count', 'last')}({self.one('*', '/^[fi]$/')})"
        if windows:
            inner = f"{self.one('mean', 'max', 'count', 'sum', 'last')}({self.numeric()})"
        else:
            inner = self.numeric()
        name = self.one("derivative", "difference", "non_negative_derivative", "non_negative_difference",
                        "cumulative_sum", "elapsed", "moving_average")  # fmt: skip
        if name == "moving_average":
            return f"moving_average({inner}, {self.one(2, 3)})"
        if "derivative" in name and self.chance(0.5):
            return f"{name}({inner}, {self.one('1s', '1m', '10s')})"
        return f"{name}({inner})"

    def arithmetic(self, leaf):
        kind = self.r.random()
        if kind < 0.5:
            return f"{leaf()} {self.one('+', '-', '*', '/', '%')} {self.one('2', '1.5', '3', '-4')}"
        if kind < 0.8:
            return f"{leaf()} {self.one('+', '-', '*', '/')} {leaf()}"
        if kind < 0.9:
            return f"{self.one('abs', 'floor', 'round', 'sqrt', 'ceil')}({leaf()}::float)" if leaf == self.numeric else f"round({leaf()})"
        return f"({leaf()} + 1) * {leaf()}"

    def term(self):
        kind = self.r.random()
        if kind < 0.3:
            return f"host {self.one('=', '!=')} {self.one(chr(39) + 'a' + chr(39), chr(39) + chr(39), chr(39) + 'b' + chr(39))}"
        if kind < 0.45:
            return f"{self.one('host', 'dc', 'nope', 's')} {self.one('=~', '!~')} {self.one('/a|b/', '/^$/', '/x/', '/./')}"
        if kind < 0.7:
            return f"{self.one('f', 'i')} {self.one('>', '<', '>=', '<=', '=', '!=')} {self.one('0', '10', '-3.5', '20')}"
        if kind < 0.8:
            return f"{self.one('i / 2', 'i % 3', 'f + i', 'i * 2')} {self.one('>', '<=')} {self.one('1', '0', '5.5')}"
        if kind < 0.9:
            return self.one("b = true", "b != true", "s = 'a'", "s != 'a'", "host = dc", "host != dc")
        return self.one("g > 3", "dc = 'x'", "dc != 'y'", "(host = 'a' OR f > 50)")

    def where(self, bounded):
        terms = []
        if self.chance(0.4):
            terms.append(self.term())
            if self.chance(0.3):
                terms[0] = f"({terms[0]} {self.one('AND', 'OR')} {self.term()})"
        if bounded or self.chance(0.3):
            start = T // S + self.r.randrange(-40, 300)
            terms.append(f"time {self.one('>=', '>')} {start}s")
            terms.append(f"time {self.one('<', '<=')} {start + self.r.randrange(30, 500)}s")
        return " WHERE " + " AND ".join(terms) if terms else ""

    def source(self, depth):
        if depth and self.chance(0.35):
            return None
        return self.one("m", "m", "m", "m", "n", "/m|n/", "m, n")

    def select(self, depth=1):
        source = self.source(depth)
        descending = self.chance(0.15) and source is not None and depth == 1
        if source is None:
            return self.outer()
        return self.over(source, descending)

    def over(self, source, descending=False):
        kind = self.r.random()
        interval = None
        if kind < 0.2:
            fields = [self.one(self.any(), self.numeric(), "*", "/f|h/", self.arithmetic(self.numeric)) for _ in range(self.one(1, 2, 3))]
        elif kind < 0.3:
            fields = [self.one(f"{self.one('max', 'min', 'first', 'last')}({self.numeric()}), {self.any()}",
                               f"top({self.one('f', 'i')}, {self.one(1, 2, 4)})", f"bottom({self.one('f', 'i')}, host, {self.one(1, 2)})",
                               f"distinct({self.any()})", f"max({self.numeric()})", f"percentile({self.numeric()}, 50), host")]  # fmt: skip
            interval = self.one(None, None, "30s")
        else:
            interval = self.one(None, "10s", "30s", "1m", "20s", "7s")
            leaf = lambda: self.call(interval)
            fields = [self.arithmetic(leaf) if self.chance(0.2) else leaf() for _ in range(self.one(1, 1, 2, 3))]
        dimensions = self.one([], [], ["host"], ["dc"], ["host", "dc"], ["*"], ["/h/"], ["nope"])
        dimensions = list(dimensions)
        zone = ""
        if interval:
            offset = self.one("", "", ", 3s", ", -4s")
            dimensions.append(f"time({interval}{offset})")
            if not offset and self.chance(0.1):
                zone = " tz('Europe/Berlin')"
        text = f"SELECT {', '.join(fields)} FROM {source}{self.where(bool(interval))}"
        if dimensions:
            text += " GROUP BY " + ", ".join(dimensions)
        if interval and self.chance(0.6):
            text += f" fill({self.one('none', '0', 'previous', 'linear', 'null', '7')})"
        if descending:
            text += " ORDER BY time DESC"
        # OFFSET alone gives one row of raw queries in 1.6.7.
        if self.chance(0.15):
            text += f" LIMIT {self.one(1, 2, 5)}"
            if self.chance(0.3):
                text += f" OFFSET {self.one(1, 3)}"
        if self.chance(0.06):
            text += f" SLIMIT {self.one(1, 2)}"
        return text + zone

    def outer(self):
        field = self.one("f", "i")
        inner_call = f"{self.one('mean', 'max', 'min', 'sum', 'count', 'last')}({field})"
        tags = self.one("", " GROUP BY host", " GROUP BY dc, host")
        kind = self.r.random()
        if kind < 0.3:
            inner = f"SELECT {inner_call} AS x FROM m{self.where(False)}{tags}"
            inner_window = False
        elif kind < 0.6:
            group = tags + ", " if tags else " GROUP BY "
            inner = f"SELECT {inner_call} AS x FROM m{self.where(True)}{group}time({self.one('10s', '30s')})"
        else:
            inner = f"SELECT {self.one('f', 'i', 'f + i', 'f * 2')} AS x, host FROM m{self.where(False)}"
        call = f"{self.one('mean', 'max', 'min', 'sum', 'count', 'first', 'spread')}(x)"
        interval = self.one("", "", "20s", "1m")
        field = call if interval or self.chance(0.7) else self.one("x", "x, host", "x * 2", "*")
        dimensions = [self.one("host", "dc")] if self.chance(0.4) else []
        if interval:
            dimensions.append(f"time({interval})")
        start = T // S + self.r.randrange(-40, 200)
        where = [f"time >= {start}s", f"time < {start + 300}s"] if interval else []
        if self.chance(0.25):
            where.append(self.one("x > 3", "host = 'a'", "host != 'a'", "x < 40", "host =~ /a|b/"))
        text = f"SELECT {field} FROM ({inner})"
        if where:
            text += " WHERE " + " AND ".join(where)
        if dimensions:
            text += " GROUP BY " + ", ".join(dimensions)
        if interval and self.chance(0.4):
            text += f" fill({self.one('none', '0', 'previous')})"
        return text


def close(one, other):
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str) or isinstance(other, str):
        return one == other and type(one) is type(other)
    if one is None or other is None:
        return one is other
    return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def same_rows(ours, theirs):
    return len(ours) == len(theirs) and all(
        len(a) == len(b) and all(close(x, y) for x, y in zip(a, b)) for a, b in zip(ours, theirs)
    )


def compare(ours, theirs):
    """Returns "" if two answers are the same, or what differs."""
    if "error" in ours or "error" in theirs:
        a, b = ours.get("error"), theirs.get("error")
        if a == b:
            return ""
        if a and b and re.sub(r"(\.\d*?)0+\b", r"\1", b) == a:
            return ""
        if a and analysis.UNSUPPORTED.search("error: " + a):
            return "" if (b is None and "series" not in theirs) or (b and "iterator type" in b) else "error"
        return "error"
    a, b = ours["results"][0], theirs["results"][0]
    if "error" in a or "error" in b:
        return compare({"error": a.get("error"), **a}, {"error": b.get("error"), **b})
    a, b = a.get("series", []), b.get("series", [])
    key = lambda one: (one["name"], sorted(one.get("tags", {}).items()))
    if [key(one) for one in a] != [key(one) for one in b]:
        return "series"
    for one, other in zip(a, b):
        if one["columns"] != other["columns"]:
            return "columns"
        if not same_rows(one["values"], other["values"]):
            return "values"
    return ""


MEANT = [
    ("a number in a column that has no numbers", r"fill\(\d"),
    ("points of a window in the order of the query", r"(top|bottom|distinct)\(.*DESC"),
    ("LIMIT before top in 1.6.7", r"(top|bottom)\(.*LIMIT"),
    ("no fill between the range and a window before it in 1.6.7", r"FROM \(SELECT .*time\(.*time\("),
    ("ties of percentile", r"percentile\("),
    ("series that a field excludes count in SLIMIT", r"WHERE .*\b[bfgis]\b.*SLIMIT"),
]


def text_columns_only(ours, theirs):
    """Whether all values that differ are null here and a number there."""
    a, b = (one["results"][0].get("series", []) for one in (ours, theirs))
    for one, other in zip(a, b):
        for row, their_row in zip(one["values"], other["values"]):
            if any(x is not None and not close(x, y) for x, y in zip(row, their_row)):
                return False
    return True


def reason(found, statement, ours, theirs):
    """Names a difference that is meant; "" if there is none."""
    for name, pattern in MEANT:
        if not re.search(pattern, statement):
            continue
        if "number" in name and not (found == "values" and text_columns_only(ours, theirs)):
            continue
        if "SLIMIT" in name and found != "series":
            continue
        return name
    return ""


def main():
    port, program = int(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    generator = Generator(seed)
    statements = [generator.select() for _ in range(count)]
    if not count:
        statements = [line.strip() for line in sys.stdin if line.strip()]
    data = points(7)
    with tempfile.NamedTemporaryFile("w", suffix=".lp") as file:
        file.write(data)
        file.flush()
        text = "\n".join(statements) + "\n"
        ours = subprocess.run([program, file.name], input=text, capture_output=True, text=True)
        if ours.returncode:
            print(ours.stderr[-600:])
    analysis.POINTS = data
    oracle = analysis.Oracle(port)
    kinds = {}
    filled = 0
    for statement, line in zip(statements, ours.stdout.split("\n")):
        theirs = oracle.query(statement)
        found = compare(json.loads(line), theirs)
        filled += "series" in json.dumps(theirs)
        why = found and reason(found, statement, json.loads(line), theirs)
        if why:
            kinds[why] = kinds.get(why, 0) + 1
            continue
        kinds[found or "same"] = kinds.get(found or "same", 0) + 1
        if found:
            print(f"{found}: {statement}\n    ours:   {line[:700]}\n    theirs: {json.dumps(theirs, separators=(',', ':'))[:700]}")
    print(kinds, "with rows:", filled)


if __name__ == "__main__":
    main()
