"""Random SELECTs over measurements that differ in names and types of fields, most of them odd: what
their names, types, wildcards and conditions mean. TIDEGATE_MEANING is their number."""

import os
import random

import compare
import peers
import random_queries
from errors import POINTS, T

COUNT = int(os.environ.get("TIDEGATE_MEANING", "2000"))
SEED = int(os.environ.get("TIDEGATE_SEED", "2"))
S = 1_000_000_000
# No two points of a measurement at the same time.
LINES = POINTS.replace(f's="u" {T + 10 * S}', f's="u" {T + 12 * S}')


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
            return f"{self.one('top', 'bottom')}({self.name()}, {self.one('host, ', 'dc, host, ', '')}2)"
        if kind < 0.14:
            return f"distinct({argument})"
        if kind < 0.17:
            return f"count(distinct({self.name()}))"
        if kind < 0.20:
            return f"{self.one('derivative', 'difference', 'elapsed')}({self.one('mean', 'max', 'count')}({argument}))"
        if kind < 0.22:
            return f"percentile({argument}, 100)"
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
        return self.one("1", "2.5", "3", "-1", "'a'", "'b'", "''", "'x'", "'t'", "'q'", "'tagx'")

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
        return f"{self.name()} {operator} {self.literal()}"

    def condition(self, depth=2):
        if depth == 0 or self.chance(0.5):
            return self.comparison()
        if self.chance(0.2):
            return f"({self.condition(depth - 1)})"
        return f"{self.condition(depth - 1)} {self.one('AND', 'OR')} {self.condition(depth - 1)}"

    def sources(self, depth):
        """No measurement twice, and none beside a query."""
        if depth > 0 and self.chance(0.3):
            return f"({self.select(depth - 1)})"
        return self.one("m", "m", "m", "n", "both", "tagless", "/m|n/", "/./", "nope", "host2", "m, n", "both, m", "tagless, nope")

    def select(self, depth=2):
        raw = self.chance(0.5)
        fields = [self.field(raw) for _ in range(self.one(1, 1, 2, 3))]
        if not raw and self.chance(0.2):
            fields.append(self.field(True))
        if self.chance(0.05):
            fields.append(self.one("time", "time AS t"))
        text = "SELECT " + ", ".join(fields) + " FROM "
        text += self.sources(depth)
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


def rows_of(answer):
    series = answer["results"][0].get("series", [])
    if not series:
        return "empty", [], 0
    return series[0]["columns"], sorted(series[0].get("tags", {})), sum(len(one["values"]) for one in series)


class Run(random_queries.Run):
    """Holds names, tags, errors and the number of rows of answers against each other. Values are for
    the other programs: here, rows of several measurements stand in no order."""

    def difference(self, ours, theirs):
        if compare.error_of(ours) is not None or compare.error_of(theirs) is not None:
            return compare.difference(ours, theirs)
        return "" if rows_of(ours) == rows_of(theirs) else "rows"


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    for peer in (oracle, ours):
        peer.write(LINES)
    ours.flush()
    generator, run = Generator(SEED), Run()
    for _ in range(COUNT):
        run.ask(oracle, ours, SEED, generator.select())
    run.tell(f"meaning, seed {SEED}: {COUNT} statements")


if __name__ == "__main__":
    main()
