"""Random statements over the points of `data.py`, the same for the same seed.

What 1.6.7 does in a way that is not meant to be followed is not asked for (query contract, section
14): no offset together with `tz()`; `percentile` only of fields without ties, and in windows not below
the middle, as a window without the rank ends the call; windows only with a lower bound of time;
`integral` of one series at a time; no LIMIT beside `top` and `bottom`; no SLIMIT beside a condition on
fields; OFFSET only with LIMIT; numbers of `fill` only for columns of numbers; no `abs()` of integers.
"""

import random

from data import CPU_STEPS, DAYS, T

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, *choices):
        return self.r.choice(choices)

    def chance(self, share):
        return self.r.random() < share

    def numeric(self):
        return self.one("f", "f", "i", "i", "i", "g", "f::integer", "i::float", '"f"::field')

    def any(self):
        return self.one("f", "i", "s", "b", "f", "i", "host", "nope")

    def transformation(self, inner):
        name = self.one("derivative", "difference", "non_negative_derivative", "non_negative_difference",
                        "cumulative_sum", "elapsed", "moving_average")  # fmt: skip
        if name == "moving_average":
            return f"moving_average({inner}, {self.one(2, 3)})"
        if "derivative" in name and self.chance(0.5):
            return f"{name}({inner}, {self.one('1s', '1m', '10s')})"
        return f"{name}({inner})"

    def number(self, numeric, numbers=False):
        """A function whose value is a number."""
        kind = self.r.random()
        if kind < 0.6:
            return f"{self.one('mean', 'sum', 'spread', 'stddev', 'median', 'min', 'max')}({numeric()})"
        if kind < 0.8:
            return f"{self.one('count', 'first', 'last')}({numeric()})"
        if kind < 0.86:
            return f"percentile({self.one('f', 'f::float')}, {self.one(50, 90, 99.9, 100)})"
        if kind < 0.93:
            return f"count(distinct({numeric()}))"
        return f"{self.one('mean', 'max', 'count')}({self.one('/^[fi]$/')})"

    def call(self, windows, numbers):
        kind = self.r.random()
        if kind < 0.6:
            return self.number(self.numeric)
        if kind < 0.7 and not numbers:
            return f"{self.one('count', 'first', 'last', 'mode', 'count')}({self.one('s', 'b', 'host', 'nope', 's')})"
        if kind < 0.74 and not numbers:
            return f"{self.one('mean', 'max', 'count', 'last')}(*)"
        if windows:
            return self.transformation(f"{self.one('mean', 'max', 'count', 'sum', 'last')}({self.numeric()})")
        return self.transformation(self.numeric())

    def arithmetic(self, leaf, is_raw=False):
        kind = self.r.random()
        if kind < 0.5:
            return f"{leaf()} {self.one('+', '-', '*', '/', '%')} {self.one('2', '1.5', '3', '-4')}"
        if kind < 0.8:
            return f"{leaf()} {self.one('+', '-', '*', '/')} {leaf()}"
        if kind < 0.9:
            # abs() of an integer is 1.6.7's own.
            return f"{self.one('abs', 'floor', 'round', 'sqrt', 'ceil')}({'f' if is_raw else leaf()}{' * 1.0' if not is_raw else ''})"
        return f"({leaf()} + 1) * {leaf()}"

    def tag_term(self):
        kind = self.r.random()
        if kind < 0.5:
            value = self.one("'a'", "''", "'b'", "'z'")
            tag = self.one("host", "host", '"host"::tag', "dc")
            return f"{tag} {self.one('=', '!=')} {value}"
        if kind < 0.85:
            return f"{self.one('host', 'dc', 'nope')} {self.one('=~', '!~')} {self.one('/a|b/', '/^$/', '/x/', '/./', '/^(a|c)$/', '/(?i)A/', '/.*/')}"
        return self.one("host = dc", "host != dc", "dc = 'x' OR host = 'c'", "(host = 'a' OR dc = 'y') AND host != 'b'")

    def term(self):
        kind = self.r.random()
        if kind < 0.45:
            return self.tag_term()
        if kind < 0.7:
            return f"{self.one('f', 'i')} {self.one('>', '<', '>=', '<=', '=', '!=')} {self.one('0', '10', '-3.5', '20', '300')}"
        if kind < 0.8:
            return f"{self.one('i / 2', 'i % 3', 'f + i', 'i * 2')} {self.one('>', '<=')} {self.one('1', '0', '5.5')}"
        if kind < 0.9:
            return self.one("b = true", "b != true", "s = 'a'", "s != 'a'", "s =~ /a|t/", "s !~ /^$/")
        return self.one("g > 3", "(host = 'a' OR f > 50)", "nope = 'a'", "nope = ''")

    def times(self, bounded, low=-40, high=900):
        if not bounded and not self.chance(0.3):
            return []
        start = T + self.r.randrange(low, high)
        end = start + self.r.randrange(30, 700)
        texts = {"s": lambda s: f"{s}s", "ms": lambda s: f"{s}000ms", "ns": lambda s: f"{s}000000000"}
        write = texts[self.one("s", "s", "ms", "ns")]
        return [f"time {self.one('>=', '>')} {write(start)}", f"time {self.one('<', '<=')} {write(end)}"]

    def where(self, bounded, term=None, share=0.45):
        terms = []
        if self.chance(share):
            term = term or self.term
            terms.append(term())
            if self.chance(0.35):
                terms[0] = f"({terms[0]} {self.one('AND', 'OR')} {term()})"
            elif " OR " in terms[0]:
                terms[0] = f"({terms[0]})"
        terms += self.times(bounded)
        return " WHERE " + " AND ".join(terms) if terms else ""

    def limits(self, where, slimit=True):
        text = ""
        if self.chance(0.15):
            text += f" LIMIT {self.one(1, 2, 5)}"
            if self.chance(0.3):
                text += f" OFFSET {self.one(1, 3)}"
        is_on_fields = any(f"{field} " in where for field in "bfgis")
        if slimit and not is_on_fields and self.chance(0.08):
            text += f" SLIMIT {self.one(1, 2)}"
            if self.chance(0.3):
                text += " SOFFSET 1"
        return text

    def fill(self, numbers, share=0.6):
        if not self.chance(share):
            return ""
        choices = ["none", "previous", "linear", "null"] + (["0", "7", "-1.5"] if numbers else [])
        return f" fill({self.one(*choices)})"

    def select(self):
        kind = self.r.random()
        if kind < 0.14:
            return self.raw()
        if kind < 0.24:
            return self.chosen()
        if kind < 0.55:
            return self.functions()
        if kind < 0.68:
            return self.dense()
        if kind < 0.76:
            return self.over_days()
        if kind < 0.90:
            return self.nested()
        if kind < 0.92:
            return self.wrong()
        return self.show()

    def source(self):
        return self.one("m", "m", "m", "m", "n", "/m|n/", "m, n", "autogen.m", '"judge"."autogen"."m"', "judge..n", "nothing")

    def dimensions(self):
        return list(self.one([], [], ["host"], ["dc"], ["host", "dc"], ["*"], ["/h/"], ["nope"], ["host", "nope"], ['"dc"::tag']))

    def grouped(self, dimensions):
        return " GROUP BY " + ", ".join(dimensions) if dimensions else ""

    def raw(self):
        fields = [
            self.one(self.any(), self.numeric(), "*", "/f|h/", "*::field", "f AS x", self.arithmetic(self.numeric, True), "-i")
            for _ in range(self.one(1, 2, 3))
        ]
        where = self.where(False)
        order = self.one("", "", "", "", " ORDER BY time", " ORDER BY time DESC")
        return f"SELECT {', '.join(fields)} FROM {self.source()}{where}{self.grouped(self.dimensions())}{order}{self.limits(where)}"

    def chosen(self):
        """Selectors, which have the time of a point."""
        kind = self.r.random()
        interval = self.one(None, None, "30s", "2m")
        limits = True
        if kind < 0.4:
            fields = f"{self.one('max', 'min', 'first', 'last')}({self.numeric()})"
            if self.chance(0.5):
                fields += f", {self.any()}"
        elif kind < 0.6:
            fields, limits = f"{self.one('top', 'bottom')}({self.one('f', 'f', 'g')}, {self.one('', '', 'host, ', 'dc, host, ')}{self.one(1, 2, 4)})", False
            if self.chance(0.3):
                fields += f", {self.one('i', 's')}"
        elif kind < 0.75:
            fields = f"distinct({self.one('f', 'i', 's', 'b')})"
        elif kind < 0.85:
            fields = f"percentile(f, {self.one(50, 75, 95)}), {self.one('host', 'i', 's')}"
        elif kind < 0.92:
            fields = f"{self.one('max', 'min')}(f) * {self.one('2', '1.5')}"
        else:
            fields = f"{self.one('max(f), min(f)', 'first(f), last(f)', 'first(i), count(s)')}"
        where = self.where(bool(interval))
        dimensions = self.dimensions()
        if interval:
            dimensions.append(f"time({interval}{self.one('', '', ', 7s')})")
        text = f"SELECT {fields} FROM {self.source()}{where}{self.grouped(dimensions)}"
        if interval:
            text += self.fill(False, 0.3)
        return text + (self.limits(where) if limits else "")

    def functions(self):
        interval = self.one(None, "10s", "30s", "1m", "20s", "7s")
        numbers = self.chance(0.7)
        leaf = lambda: self.call(interval, numbers)
        fields = [self.arithmetic(leaf) if self.chance(0.2) else leaf() for _ in range(self.one(1, 1, 2, 3))]
        if self.chance(0.15):
            fields[0] += " AS " + self.one("x", "mean", '"a b"')
        dimensions = self.dimensions()
        where = self.where(bool(interval))
        text = f"SELECT {', '.join(fields)} FROM {self.source()}{where}"
        if interval:
            offset = self.one("", "", ", 3s", ", -4s", ", 45s")
            dimensions.append(f"time({interval}{offset})")
        text += self.grouped(dimensions)
        if interval:
            text += self.fill(numbers)
        if self.chance(0.15):
            text += self.one(" ORDER BY time DESC", " ORDER BY time ASC")
        return text + self.limits(where)

    def dense(self):
        """What hosts are asked for: all points have the same times."""
        fields = [
            f"{self.one('mean', 'max', 'min', 'sum', 'count', 'stddev', 'median', 'spread', 'first', 'last')}({self.one('usage_user', 'usage_system', 'procs')})"
            for _ in range(self.one(1, 1, 2, 3))
        ]
        times = self.times(True, -60, 10 * CPU_STEPS)
        host = self.one("", "", "host = 'web1'", "host =~ /web[12]/", "region = 'eu'", "usage_user > 50", "host != 'web0' AND region = 'us'",
                        "procs > 50000000", "(host = 'web1' OR host = 'web3')")  # fmt: skip
        dimensions = list(self.one(["host"], ["region"], ["*"], ["host", "region"], []))
        kind = self.r.random()
        if kind < 0.2:
            fields = [self.one("usage_user", "*", "usage_user, usage_system", "usage_user - usage_system", "usage_user, host, procs")]
            # Without a group, rows of one time stand in no order.
            order = self.one("", " ORDER BY time DESC") + (self.one("", " LIMIT 7") if dimensions in (["*"], ["host"], ["host", "region"]) else "")
            times = self.times(False, -60, 10 * CPU_STEPS)
            where = " AND ".join(([host] if host else []) + times)
            return f"SELECT {', '.join(fields)} FROM cpu{' WHERE ' + where if where else ''}{self.grouped(dimensions)}{order}"
        if kind < 0.3:
            fields = [f"{self.one('top', 'bottom')}(usage_user, {self.one('', 'host, ')}{self.one(1, 3)})"]
        if kind <= 0.5 and any("st(" in field for field in fields) and dimensions in ([], ["region"]):
            # Of several series with points at the first time 1.6.7 takes any.
            dimensions = ["host"]
        where = " AND ".join(([host] if host else []) + times)
        if kind > 0.5:
            dimensions.append(f"time({self.one('1m', '5m', '15s', '1h')})")
        text = f"SELECT {', '.join(fields)} FROM cpu WHERE {where}{self.grouped(dimensions)}"
        if kind > 0.5:
            text += self.fill(True)
            if self.chance(0.2):
                text += " ORDER BY time DESC"
        elif kind > 0.42:
            return self.area()
        elif kind > 0.38:
            fields = [f"percentile(usage_user, {self.one(5, 20, 50, 99)}){self.one('', ', host', ', procs')}"]
            text = f"SELECT {fields[0]} FROM cpu WHERE {where}{self.grouped(dimensions)}"
        return text

    def area(self):
        host, unit = self.one("web0", "web1", "web2", "web3"), self.one("", ", 1s", ", 1m")
        field = self.one("usage_user", "usage_system")
        if self.chance(0.4):
            return f"SELECT integral({field}{unit}) FROM cpu WHERE host = '{host}'"
        times = " AND ".join(self.times(True, -60, 10 * CPU_STEPS))
        window = self.one("1m", "35s", "10s", "4s")
        return f"SELECT integral({field}{unit}) FROM cpu WHERE host = '{host}' AND {times} GROUP BY host, time({window})"

    def over_days(self):
        zone = self.one(*ZONES)
        interval = self.one("1d", "1h", "12h", "6h", "1d")
        changes = [1_696_089_600, 1_698_541_200, 1_699_164_000]
        day = 86_400
        start = self.one(*changes) - day * self.r.randrange(1, 4) if self.chance(0.7) else DAYS + day * self.r.randrange(50)
        end = start + day * self.r.randrange(1, 8)
        times = f"time >= {start}s AND time < {end}s"
        if self.chance(0.3):
            date = self.one("2023-10-29", "2023-10-01", "2023-11-05", "2023-10-15")
            times = f"time >= '{date}' AND time < '{date} 23:30:00'"
        fields = self.one("mean(temp)", "count(temp)", "max(temp), min(temp)", "sum(temp)", "last(temp)", "derivative(mean(temp), 1h)")
        return f"SELECT {fields} FROM days WHERE {times} GROUP BY time({interval}){self.fill(True, 0.4)} tz('{zone}')"

    def nested(self):
        field = self.one("f", "i")
        inner_call = f"{self.one('mean', 'max', 'min', 'sum', 'count', 'last')}({field})"
        tags = self.one("", " GROUP BY host", " GROUP BY dc, host")
        kind = self.r.random()
        if kind < 0.3:
            inner = f"SELECT {inner_call} AS x FROM m{self.where(False)}{tags}"
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
        start = T + self.r.randrange(-40, 600)
        where = [f"time >= {start}s", f"time < {start + 300}s"] if interval else []
        if self.chance(0.25):
            where.append(self.one("x > 3", "host = 'a'", "host != 'a'", "x < 40", "host =~ /a|b/"))
        text = f"SELECT {field} FROM ({inner})"
        if where:
            text += " WHERE " + " AND ".join(where)
        text += self.grouped(dimensions)
        if interval and self.chance(0.4):
            text += f" fill({self.one('none', '0', 'previous')})"
        return text

    def wrong(self):
        """What 1.6.7 refuses, when it runs it or before."""
        return self.one(
            f"SELECT mean(f), {self.one('f', 'host', '*')} FROM m",
            f"SELECT {self.one('f + s', 's * 2', 'f + host', 'b + 1', 'i & b')} FROM m",
            f"SELECT {self.one('top', 'bottom')}(f, {self.one('0', '-1', 'host', '2.5')}) FROM m",
            f"SELECT derivative(mean(f)) FROM m",
            f"SELECT moving_average(f, {self.one('1', '0', '-3')}) FROM m",
            f"SELECT f FROM m GROUP BY time(1m)",
            f"SELECT mean(f) FROM m GROUP BY {self.one('time()', 'time(1m), time(2m)', 'mean(f)', 'time(host)', 'time(1m, 2)')}",
            f"SELECT percentile(f) FROM m",
            f"SELECT percentile(f, host) FROM m",
            f"SELECT nothing(f) FROM m",
            f"SELECT f FROM m fill({self.one('none', 'linear')})",
            f"SELECT distinct(f), mean(f) FROM m",
            f"SELECT {self.one('top(f, 2), bottom(f, 2)', 'top(f, 2), mean(f)')} FROM m",
            f"SELECT max(f), min(f), host FROM m",
            f"SELECT {self.one('time', '1', 'mean(1)', 'sum(/x/) + 1', 'mean(*) + 1', 'mean(f, 2)')} FROM m",
            f"SELECT f FROM m WHERE {self.one('host', 'time != 5', 'time > ' + chr(39) + 'x' + chr(39), 'mean(f) > 1', 'time > host', 'f')}",
            f"SELECT f FROM m tz('{self.one('Nowhere/No', 'Europe/Berlin')}')",
            f"SELECT top(f, 5) FROM m LIMIT 2",
            f"SELECT mean(x) FROM (SELECT f AS x FROM m ORDER BY time DESC)",
            f"SELECT f FROM {self.one('nothing..m', 'judge.nothing.m')}",
            f"SHOW TAG KEYS ON nothing",
        )

    def show(self):
        origin = self.one("", "", " FROM m", " FROM n", " FROM /m|cpu/", " FROM cpu", " FROM nothing", " FROM m, cpu")
        tag = self.tag_term()
        while "host = dc" in tag or "host != dc" in tag:
            tag = self.tag_term()  # 1.6.7 compares no two tags here
        tags = "" if self.chance(0.6) else " WHERE " + tag
        page = f" LIMIT {self.one(1, 2, 5)}" + (f" OFFSET {self.one(1, 2)}" if self.chance(0.4) else "") if self.chance(0.25) else ""
        key = self.one("= host", "= dc", "!= host", "=~ /h|d/", "!~ /h/", "IN (host, region)", '= "nope"', "IN (host)")
        database = self.one("", "", " ON judge")
        of_host = self.one("", " WHERE host = 'a'")
        exact = self.one("SERIES", "MEASUREMENT", "TAG KEY", "FIELD KEY")
        return self.one(
            f"SHOW MEASUREMENTS{database}{self.one('', ' WITH MEASUREMENT =~ /m|c/', ' WITH MEASUREMENT = cpu')}{of_host}{page}",
            f"SHOW TAG KEYS{database}{origin}{tags}{page}",
            f"SHOW TAG VALUES{database}{origin} WITH KEY {key}{tags}{page}",
            f"SHOW TAG VALUES{database}{origin} WITH KEY {key}{page}",
            f"SHOW FIELD KEYS{database}{origin}{page}",
            f"SHOW SERIES{database}{origin}{tags}{page}",
            f"SHOW {exact} EXACT CARDINALITY{database}{origin}",
            f"SHOW TAG VALUES EXACT CARDINALITY{database}{origin} WITH KEY {key}",
            "SHOW DATABASES",
            f"SHOW RETENTION POLICIES{self.one(' ON judge', ' ON judge', '', ' ON nothing')}",
        )
