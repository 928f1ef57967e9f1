"""Points of every kind and with every edge, in rounds: between two rounds everything is flushed."""

import random

DAY = 86_400_000_000_000
I64 = (-(2**63), 2**63 - 1)
U64 = (0, 2**63 - 1, 2**63, 2**64 - 1)
# Of the least and the largest time that is accepted, and around the epoch.
TIMES = [-(2**63) + 2, 2**63 - 2, -1, 0, 1, -999, -1000, -1001, -DAY, -DAY - 1, DAY - 1, DAY]
NOW = 1_763_900_000_123_456_789
FLOATS = [-0.0, 0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308]
FLOATS += [1.7976931348623157e308, -1.7976931348623157e308, 0.1, 1 / 3, 1e22, 123456789.125]
TEXTS = ["", " ", '"', "\\", '\\"', "a,b=c d", "two\nlines", "tab\t", "naïve 温度 🌊", "NULL", "x" * 40_000]


class Point:
    """Fields are pairs of kind and value."""

    def __init__(self, table, tags, fields, ns):
        self.table, self.tags, self.fields, self.ns = table, tags, fields, ns

    def key(self):
        return frozenset(self.tags.items()), self.ns

    def line(self):
        tags = "".join(f",{escape(k)}={escape(v)}" for k, v in sorted(self.tags.items()))
        fields = ",".join(f"{escape(k)}={literal(*v)}" for k, v in self.fields.items())
        return f"{escape(self.table, ', ')}{tags} {fields} {self.ns}"


def escape(name, special=",= "):
    return "".join("\\" + letter if letter in special else letter for letter in name)


def literal(kind, value):
    if kind == "float":
        return repr(value)
    if kind == "integer":
        return f"{value}i"
    if kind == "unsigned":
        return f"{value}u"
    if kind == "boolean":
        return "true" if value else "false"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def types(tag):
    """Every type with its extremes, at times around the epoch and at the ends of 64 bits."""
    made = []
    for number in range(max(len(TIMES), len(FLOATS), len(TEXTS))):
        pick = lambda values: values[number % len(values)]
        fields = {
            "f": ("float", pick(FLOATS)),
            "i": ("integer", pick(I64 + (0, -1, 2**53 + 1))),
            "u": ("unsigned", pick(U64)),
            "b": ("boolean", number % 2 == 0),
            "s": ("string", pick(TEXTS)),
        }
        # Not every point has every field.
        if number % 3 == 2:
            del fields[pick(list(fields))]
        made.append(Point("types", {"host": tag}, fields, pick(TIMES)))
    return made


def names():
    """Names that engines do not take, or take for one another."""
    odd = ["Temp", "temp", "TEMP", "day", "Day", "DAY", "time_ns", "Time", "TIME", "_time", "day_3"]
    odd += ["two words", "a,b", "a=b", "a;b", "{a}", "(a)", "it's", 'say "hi"', "a.b", "a`b", "a\\b"]
    odd += ["température", "温度", "🌊", "ÄÖ", "äö", "Straße", "STRASSE", "1st", "select", "x" * 300]
    made = []
    for number, name in enumerate(odd):
        fields = {"value": ("integer", number), name: ("float", number + 0.5)}
        made.append(Point("names", {"host": name}, fields, NOW + number))
        tags = {f"{name}": name, "host": "tags"}
        made.append(Point("tag names", tags, {"v": ("string", name)}, NOW + number))
    for table in ["time", "day", "Table", "table", "a/b", "..", ".x", "a b,c=d", "温度", "y" * 300]:
        made.append(Point(table, {"t": "1"}, {"v": ("integer", len(made))}, NOW))
    return made


def wide(rows):
    """1,000 columns: more are refused."""
    kinds = ["float", "integer", "unsigned", "boolean", "string"]
    made = []
    chance = random.Random(7)
    for row in range(rows):
        fields = {}
        for number in range(999):
            if row > 0 and chance.random() < 0.5:
                continue
            kind = kinds[number % 5]
            value = {
                "float": chance.uniform(-1e9, 1e9),
                "integer": chance.randint(*I64),
                "unsigned": chance.randint(0, 2**64 - 1),
                "boolean": chance.random() < 0.5,
                "string": chance.choice(TEXTS[:-1]),
            }[kind]
            fields[f"c{number}"] = (kind, value)
        made.append(Point("wide", {"row": str(row % 3)}, fields, NOW + row * DAY // 2))
    return made


def days(start, count, value):
    """A series over a week, one point an hour."""
    made = []
    for number in range(start, start + count):
        fields = {"v": ("float", value + number), "n": ("integer", number)}
        made.append(Point("days", {"host": f"h{number % 4}"}, fields, NOW + number * DAY // 24))
    return made


def grown():
    """A tag and fields that come later, and points that overwrite some of a point's fields."""
    made = [Point("types", {"host": "a", "rack": "r1"}, {"later": ("string", "")}, 0)]
    made.append(Point("types", {}, {"f": ("float", 1.5), "later_u": ("unsigned", 2**64 - 1)}, 0))
    for number, ns in enumerate(TIMES):
        fields = {"i": ("integer", number)}
        if number % 2:
            fields["s"] = ("string", "")
        made.append(Point("types", {"host": "a"}, fields, ns))
    return made


ROUNDS = [
    types("a") + names() + wide(7) + days(0, 168, 0.0),
    # The same points within a round: the last one wins.
    grown() + days(0, 48, 1000.0) + days(24, 48, -0.5) + types("b"),
    days(160, 48, 7.0) + [Point("days", {"host": "h0", "new": "tag"}, {"n": ("integer", 1)}, NOW)],
    [Point("types", {"host": "a"}, {"s": ("string", "last"), "f": ("float", -0.0)}, 0)],
]


def merged(points):
    """What is stored of points, by table and key: of each field the last value."""
    tables = {}
    for point in points:
        table = tables.setdefault(point.table, {})
        table.setdefault(point.key(), {}).update(point.fields)
    return tables
