"""Writes random points to influxdb 1.6.7 and records its answers to random statements.

record.py PORT FOLDER COUNT SEED [--short] [--nested]: writes FOLDER/points.tsv and FOLDER/answers.tsv, which
src/query/influxql/finish/tests/oracle.rs compares with our answers.
"""
import http.client, json, random, re, sys, urllib.parse

SHORT = "--short" in sys.argv  # only answers of few rows
NESTED = "--nested" in sys.argv  # queries over queries
PORT, FOLDER, COUNT, SEED = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
DATABASE = f"finish{SEED}"
SECOND = 10**9
# Days on which clocks change, in Berlin and New York.
STARTS = [1679745600, 1698494400, 1678536000, 1699099200, 1600000000]  # noon of the day before
connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
dice = random.Random(SEED)


def ask(query, database=DATABASE):
    form = urllib.parse.urlencode({"q": query, "db": database, "epoch": "ns"})
    connection.request("POST", "/query", form, {"Content-Type": "application/x-www-form-urlencoded"})
    body = connection.getresponse().read()
    # An infinite number makes 1.6.7 fail in the middle of an answer.
    return json.loads(body)["results"][0] if body.startswith(b"{") else {"error": body.decode()}


def points():
    used = set()
    for start in STARTS:
        for _ in range(260):
            time = (start + dice.randrange(48 * 3600)) * SECOND
            if dice.random() < 0.3:
                time = time // (600 * SECOND) * 600 * SECOND
            if dice.random() < 0.1:
                time += dice.randrange(SECOND)
            if time in used:
                continue
            used.add(time)
            cells = [
                dice.choice(["", "a", "b"]),
                dice.choice(["x", "y"]),
                repr(round(dice.uniform(-50, 150), 3)) if dice.random() < 0.8 else "",
                str(dice.randrange(-5, 12)) if dice.random() < 0.7 else "",
                dice.choice(["true", "false"]) if dice.random() < 0.5 else "",
                dice.choice(["on", "off", "idle"]) if dice.random() < 0.5 else "",
            ]
            if any(cells[2:]):
                yield time, cells


def line(time, cells):
    tags = "".join(f",{key}={value}" for key, value in zip("tu", cells) if value)
    fields = []
    for key, value in zip("fibs", cells[2:]):
        if value:
            fields.append({"f": f"f={value}", "i": f"i={value}i", "b": f"b={value}", "s": f's="{value}"'}[key])
    return f"m{tags} {','.join(fields)} {time}"


NUMBER = ["f", "i"]
ANY = ["f", "i", "b", "s"]


def aggregate(small):
    name = dice.choice(["count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev", "median", "percentile", "count_distinct"] + (["mode"] if small else []))
    if name == "count_distinct":
        return f"count(distinct({dice.choice(ANY)}))"
    field = dice.choice(ANY if name in ("count", "first", "last", "mode") else NUMBER)
    if name == "percentile":
        # A window without that rank ends the whole call in 1.x.
        return f"percentile({field}, {dice.choice([50, 75, 90, 99.5, 100])})"
    return f"{name}({field})"


def numeric(small):
    while True:
        call = aggregate(small)
        if "(b)" not in call and "(s)" not in call or call.startswith("count"):
            return call


def transformation(inner):
    name = dice.choice(["derivative", "non_negative_derivative", "difference", "non_negative_difference", "moving_average", "cumulative_sum", "elapsed"])
    if name.endswith("derivative"):
        return f"{name}({inner}{dice.choice(['', ', 1s', ', 10m'])})"
    if name == "moving_average":
        return f"{name}({inner}, {dice.choice([2, 3, 5])})"
    if name == "elapsed":
        return f"{name}({inner}{dice.choice([', 1s', ', 1m', ''])})"
    return f"{name}({inner})"


def arithmetic(operand):
    form = dice.randrange(8)
    a = operand()
    if form == 0:
        return f"{a} {dice.choice('+-*/%')} {dice.choice([2, 3, 0, 1.5, 10])}"
    if form == 1:
        # The rest of two means says more about their last digits than about them.
        return f"{a} {dice.choice('+-*/%' if a in NUMBER else '+-*/')} {operand()}"
    if form == 2:
        return f"{dice.choice(['abs', 'sin', 'cos', 'tan', 'atan', 'exp', 'ln', 'log2', 'log10', 'sqrt', 'floor', 'ceil', 'round'])}({a})"
    if form == 3:
        return f"{dice.choice(['pow', 'atan2', 'log'])}({a}, {dice.choice([2, 3, 0.5])})"
    if form == 4:
        return f"({a} + {operand()}) * {operand()}"
    if form == 5:
        return f"-{a}"
    if form == 6:
        return f"{dice.choice([1, 100, 2.5])} {dice.choice('+-*/')} {a}"
    return a


BOTH = ["mean(*)", "count(*)", "first(*)", "last(/[fis]/)", "max(f), *", "min(i), t, u, nothing", "mean(nothing), mean(f)", "sum(i::float)", "mean(f::integer)",
        "max(i) + nothing", "first(f), first(f) + 1", "count(t)", "spread(*)", "stddev(/f|i/), count(nothing)", "median(*)", "max(*)", "DISTINCT s", "count(DISTINCT i)"]
WHOLE = BOTH + ["*", "f, *", "/[fb]/", "f::integer, i::float, f::string", "nothing, f", "b & b, b | true, b ^ b", "*::field", "t, i", "derivative(*)", "difference(/i|f/), nothing",
         "-f, +f, -(f + i)", "i & 3, i | 8, i ^ 5, i % 4", "f - nothing, i", "percentile(f, 50), *", "cumulative_sum(f::integer)"]
GRID = BOTH + ["derivative(mean(*))", "moving_average(max(i), 2), difference(count(nothing))", "cumulative_sum(count(*))", "elapsed(first(s), 1s)", "difference(first(f)) + mean(nothing)"]


def statement():
    start = dice.choice(STARTS)
    lower = (start + dice.randrange(0, 30 * 3600)) * SECOND
    length = dice.choice([600, 3600, 6 * 3600, 24 * 3600, 48 * 3600])
    upper = lower + length * SECOND
    condition = f"time {dice.choice(['>', '>='])} {lower} AND time {dice.choice(['<', '<='])} {upper}"
    descending = dice.random() < 0.25
    zone = dice.choice(["", "", "", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
    grid, offset = "", ""
    kind = dice.choice(["windows", "windows", "windows", "windows", "nested", "nested", "raw", "transformed", "whole", "many", "integral", "wide", "wide"])
    interval = dice.choice([i for i in ["1m", "7m", "10m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "1w"] if seconds(i) * 400 > length])
    if zone and interval in ("7m", "2h", "3h"):
        interval = "6h"  # 1.6.7 fills beside the windows where the clocks change
    small = False
    if kind in ("windows", "nested", "integral") or kind in ("many", "wide") and dice.random() < 0.7:
        if not zone and dice.random() < 0.3:
            offset = dice.choice([", 3m", ", -5m", ", 90m"])
        grid = f"time({interval}{offset})"
        small = seconds(interval) <= 3600 and not descending  # where modes are even, the order counts
        if dice.random() < 0.1 and not offset and not descending:
            condition = f"time < {upper} AND time >= {start * SECOND}"
    elif kind == "whole":
        small = length <= 3600 and not descending
    if dice.random() < 0.15:
        condition += dice.choice([" AND t = 'a'", " AND u = 'y'", " AND f > 20", " AND t = ''"])
    fills = ["", "", "fill(none)", "fill(previous)", "fill(linear)", "fill(0)", "fill(7.5)", "fill(null)"]
    fill = dice.choice(fills) if grid else ""
    count = dice.choice([1, 1, 2, 3])
    if kind in ("windows", "whole"):
        fields = [aggregate(small) if dice.random() < 0.6 else arithmetic(lambda: numeric(small)) for _ in range(count)]
        if dice.random() < 0.15:
            selector = dice.choice(["first", "last", "min", "max"])
            field = dice.choice(NUMBER)
            fields = [f"{selector}(f)"] + dice.sample(["i", "b", "s", "t", "f"], dice.choice([1, 2]))
            if fill.startswith("fill(0") or fill.startswith("fill(7"):
                fields = [x for x in fields if x not in ("b", "s", "t")]
    elif kind == "nested":
        fields = [transformation(numeric(small)) if dice.random() < 0.7 else numeric(small) for _ in range(count)]
        if dice.random() < 0.2:
            fields = [transformation(transformation(numeric(small)))]
        if dice.random() < 0.2:
            fields = [arithmetic(lambda: transformation(numeric(small)))]
    elif kind == "transformed":
        fields = [transformation(dice.choice(NUMBER)) for _ in range(count)]
        if dice.random() < 0.2:
            fields = [f"elapsed({dice.choice(['b', 's'])}, 1s)"]
        if dice.random() < 0.3:
            fields = [arithmetic(lambda: transformation(dice.choice(NUMBER)))]
        fill = dice.choice(["", "", "fill(previous)", "fill(3)", "fill(none)"])
    elif kind == "raw":
        fields = dice.sample(["f", "i", "b", "s", "t", "u"], dice.choice([1, 2, 3]))
        if dice.random() < 0.5:
            fields = [arithmetic(lambda: dice.choice(NUMBER)) for _ in range(count)]
        fill = dice.choice(["", "", "fill(previous)"] + (["fill(3)"] if not set("bstu") & set(fields) else []))
        if not any(x in ("f", "i", "b", "s") or len(x) > 1 for x in fields):
            fields.append("f")
    elif kind == "wide":
        fields = [dice.choice(GRID if grid else WHOLE)]
        if fill.startswith(("fill(0", "fill(7")) and set("*/") & set(fields[0]):
            fill = "fill(none)"  # a number in a text
        if fill.startswith(("fill(0", "fill(7")) and re.search(r"\b[tsb]\b|[^(]nothing|^nothing", fields[0]):
            fill = "fill(none)"  # a number in what is no column
        descending = descending and "DISTINCT s" not in fields
    elif kind == "integral":
        fields = [f"integral(f{dice.choice(['', ', 1m', ', 1h'])})"]
        descending = False
    else:
        fields = [dice.choice([f"distinct({dice.choice(ANY)})", f"top({dice.choice(NUMBER)}, {dice.choice([1, 3, 20])})", f"bottom(f, {dice.choice([1, 3])})", f"top(f, t, {dice.choice([1, 2, 5])})", f"bottom(f, u, t, {dice.choice([1, 3])})"])]
        if fields[0].startswith("top(f,") and dice.random() < 0.3:
            fields += dice.sample(["i", "b", "s", "u"], 1)
        fill = "" if not grid else dice.choice(["", "fill(none)"])
    if not grid and "percentile(i" in fields[0]:
        fields[0] = fields[0].replace("percentile(i", "percentile(f")  # ties have any time
    groups = [grid] if grid else []
    if dice.random() < 0.4 and kind != "integral":  # the series of 1.x come in any order
        groups += dice.choice([["t"], ["u"], ["t", "u"]])
    text = f"SELECT {', '.join(fields)} FROM m WHERE {condition}"
    if groups:
        text += f" GROUP BY {', '.join(groups)}"
    text += f" {fill}" if fill else ""
    text += " ORDER BY time DESC" if descending else ""
    limit = dice.choice([1, 2, 5, 20]) if dice.random() < 0.25 else 0
    several = re.search(r"top\(|bottom\(|DESC.*DISTINCT|distinct\(.*DESC", text)
    if limit and not several:
        text += f" LIMIT {limit}"
    # Without a limit 1.x takes the offset of raw rows for one, in each series of the storage.
    if dice.random() < 0.1 and (grid or "LIMIT" in text) and not several:
        text += f" OFFSET {dice.choice([1, 3])}"
    if re.search(r"\b(first|last|mode)\([bs]\)", text):
        text = re.sub(r"fill\([0-9.]+\)", "fill(none)", text)  # a number in a text
    # The absolute value of an integer is itself in 1.6.7.
    text = re.sub(r"abs\((?!f\)|mean|median|stddev)", "floor(", text)
    return text + (f" tz('{zone}')" if zone else "")


def nested_statement():
    """A query over a query; rows of one time only within one series, since their order is open."""
    start = dice.choice(STARTS)
    # A function of all rows is empty in 1.6.7 if a window starts before the range.
    lower = (start // 3600 + dice.randrange(0, 30)) * 3600 * SECOND
    upper = lower + dice.choice([3600, 6 * 3600, 24 * 3600]) * SECOND
    range_ = f"time >= {lower} AND time < {upper}"
    inner_grid = dice.choice(["10m", "30m", "1h"])
    outer_grid = dice.choice(["1h", "2h", "6h"])
    tags = dice.choice(["", "t", "t, u"])
    inner = dice.choice(["mean(f) AS x", "max(i) AS x", "count(i) AS x", "f AS x", "f + i AS x", "derivative(mean(f)) AS x", "median(f) AS x, sum(i) AS y",
                         "cumulative_sum(sum(i)) AS x", "first(f) AS x, last(i) AS y", "top(f, 2) AS x", "difference(f) AS x", "i AS x, f AS y", "percentile(f, 50) AS x"])
    raw = inner in ("f AS x", "f + i AS x", "difference(f) AS x", "i AS x, f AS y")
    windows = not raw and dice.random() < 0.8 or "derivative" in inner or "cumulative" in inner
    groups = ([f"time({inner_grid})"] if windows else []) + ([tags] if tags else [])
    fill = dice.choice(["", "fill(none)", "fill(0)", "fill(previous)", "fill(linear)"]) if windows and "top" not in inner else ""
    text = f"SELECT {inner} FROM m WHERE {range_}" + (f" GROUP BY {', '.join(groups)}" if groups else "") + f" {fill}"
    outer_tags = tags  # 1.6.7 begins a window anew in every series that it reads
    functions = ["sum(x)", "mean(x)", "count(x)", "max(x) - min(x)", "median(x)", "spread(x) * 2", "percentile(x, 90)", "stddev(x)", "count(DISTINCT x)"]
    if outer_tags or not tags:
        functions += ["first(x)", "last(x) + 1", "x", "x * 2", "difference(x)", "moving_average(x, 2)", "elapsed(x, 1m)", "cumulative_sum(x)", "x, nothing"]
        if " y" in inner:
            functions += ["y", "x + y", "mean(y), max(x)", "max(x), y"]
    outer = dice.choice(functions)
    if "linear" in text and "DISTINCT" in outer:
        outer = "max(x) - min(x)"  # values on one line differ in their last digits
    plain = not re.search(r"(sum|mean|count|max|median|spread|percentile|stddev|first|last)\(", outer) or "cumul" in outer
    condition = dice.choice([range_, range_, f"{range_} AND x > 5"])
    outer_groups = ([f"time({outer_grid})"] if not plain and "integral" not in outer and dice.random() < 0.6 else []) + ([outer_tags] if outer_tags else [])
    if "percentile" in outer and not (outer_groups and "time" in outer_groups[0]):
        outer = "percentile(x, 90), max(x)"
    query = f"SELECT {outer} FROM ({text}) WHERE {condition}" + (f" GROUP BY {', '.join(outer_groups)}" if outer_groups else "")
    if outer_groups and "time" in outer_groups[0]:
        query += dice.choice(["", " fill(none)", " fill(0)", " fill(previous)"])
    return query + dice.choice(["", "", " LIMIT 3"])


def seconds(duration):
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[duration[-1]]


def record(file, query, answer):
    print("Q", query, sep="\t", file=file)
    for series in answer.get("series", []):
        tags = ",".join(f"{key}={value}" for key, value in sorted(series.get("tags", {}).items()))
        print("S", tags, sep="\t", file=file)
        for row in series["values"]:
            print("R", *(json.dumps(value) for value in row), sep="\t", file=file)


ask(f"CREATE DATABASE {DATABASE} WITH SHARD DURATION 5200w", "")
written = sorted(points())
with open(f"{FOLDER}/points.tsv", "w") as file:
    for time, cells in written:
        print(time, *cells, sep="\t", file=file)
connection.request("POST", f"/write?db={DATABASE}", "\n".join(line(*point) for point in written))
answer = connection.getresponse()
assert answer.status == 204, answer.read()
answer.read()
errors = {}
with open(f"{FOLDER}/answers.tsv", "w") as file:
    done = 0
    while done < COUNT:
        query = nested_statement() if NESTED else statement()
        answer = ask(query)
        if "error" in answer:
            errors.setdefault(answer["error"], query)
            continue
        if "series" not in answer and dice.random() < 0.8:
            continue
        if SHORT and sum(len(series["values"]) for series in answer.get("series", [])) > 16:
            continue
        record(file, query, answer)
        done += 1
for error, query in errors.items():
    print(error, "|", query)
