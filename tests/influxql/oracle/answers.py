"""Compares the bodies of answers with those of 1.6.7, byte for byte.

Random points are written to the oracle. Random statements are asked once in MessagePack, which has
types, and then in every format, with epochs and chunks; the example `answer` writes the same from
the rows. Usage: answers.py PORT EXAMPLE SEED ROUNDS
"""
import http.client, json, random, struct, subprocess, sys, urllib.parse

port, example, seed, rounds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
dice = random.Random(seed)
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
DB = f"answers{seed}"
START = 1_700_000_000_000_000_000
ZONES = [None, "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]


def request(path, parameters, body=b"", accept=None):
    headers = {"Accept": accept} if accept else {}
    connection.request("POST", path + "?" + urllib.parse.urlencode(parameters), body, headers)
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status in (200, 204), (answer.status, data, parameters)
    return data


def unpack(data, at=0):
    """Returns a value and where it ends; a time as nanoseconds."""
    header = data[at]
    at += 1
    def text(length, at): return data[at:at + length].decode(), at + length
    def listed(length, at):
        values = []
        for _ in range(length):
            value, at = unpack(data, at)
            values.append(value)
        return values, at
    def mapped(length, at):
        members = {}
        for _ in range(length):
            key, at = unpack(data, at)
            members[key], at = unpack(data, at)
        return members, at
    def number(form):
        size = struct.calcsize(form)
        return struct.unpack(form, data[at:at + size])[0], at + size
    if header < 0x80: return header, at
    if header < 0x90: return mapped(header & 15, at)
    if header < 0xA0: return listed(header & 15, at)
    if header < 0xC0: return text(header & 31, at)
    if header >= 0xE0: return header - 256, at
    if header == 0xC0: return None, at
    if header in (0xC2, 0xC3): return header == 0xC3, at
    if header == 0xC7:
        assert data[at:at + 2] == b"\x0c\x05"
        second, nanosecond = struct.unpack(">qi", data[at + 2:at + 14])
        return second * 10**9 + nanosecond, at + 14
    forms = {0xCB: ">d", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q", 0xD9: ">B", 0xDA: ">H", 0xDC: ">H", 0xDD: ">I"}
    value, at = number(forms[header])
    if header in (0xD9, 0xDA): return text(value, at)
    if header in (0xDC, 0xDD): return listed(value, at)
    return value, at


def unpack_all(data):
    values, at = [], 0
    while at < len(data):
        value, at = unpack(data, at)
        values.append(value)
    return values


PIECES = ["a", "Z", "0", " ", ",", "=", '"', "'", "é", "😀", "\u2028", "<", "&", ">", "/", "host", "\u0085", "ü", "."]


def word(extra=()):
    return "".join(dice.choice(PIECES + list(extra)) for _ in range(dice.randint(1, 4)))


def escaped(text, characters):
    return "".join("\\" + c if c in characters else c for c in text)


def a_float():
    kind = dice.randrange(6)
    if kind == 0:
        while True:
            value = struct.unpack(">d", dice.randbytes(8))[0]
            if value == value and abs(value) != float("inf"): return value
    if kind == 1: return dice.randrange(-10**6, 10**6) / 64
    if kind == 2: return float(f"{dice.randrange(10**5)}e-{dice.randrange(40)}")
    if kind == 3: return dice.randrange(2**50, 2**51) + dice.choice([0.25, 0.75])
    if kind == 4: return float(dice.randrange(2**53, 2**80))
    return float(dice.randrange(-100, 100))


def write_points():
    request("/query", {"q": f'DROP DATABASE "{DB}"'})
    request("/query", {"q": f'CREATE DATABASE "{DB}" WITH DURATION INF SHARD DURATION 2000w'})
    tags = {key: [word() for _ in range(3)] + [None] for key in ["t", "u", "t " + word(), "w" + word()]}
    strings = {"s", "s " + word()}
    lines = []
    for measurement in ["m", "n", "o " + word()]:
        for _ in range(dice.randint(20, 200)):
            head = escaped(measurement, ", ")
            for key in sorted(tags):
                value = dice.choice(tags[key])
                if value: head += "," + escaped(key, ",= ") + "=" + escaped(value, ",= ")
            fields = []
            if dice.random() < 0.8: fields.append(f"f={a_float()!r}")
            if dice.random() < 0.5: fields.append(f"g={a_float()!r}")
            if dice.random() < 0.5: fields.append(f"i={dice.randrange(-2**63, 2**63) >> dice.randrange(64)}i")
            if dice.random() < 0.5: fields.append(f"b={dice.choice(['true', 'false'])}")
            for key in strings:
                if dice.random() < 0.4:
                    text = "".join(word(["\\", "\n", "\t", "\r", "\x01", "\u3000"]) for _ in range(dice.choice([0, 1, 1, 30])))
                    fields.append(escaped(key, ",= ") + '="' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
            if not fields: continue
            step = dice.choice([1, 1000, 10**6, 10**9, 60 * 10**9, 86400 * 10**9])
            time = START + dice.randrange(-3000, 3000) * step + dice.choice([0, 0, dice.randrange(10**9)])
            lines.append(f"{head} {','.join(fields)} {time}")
    request("/write", {"db": DB}, "\n".join(lines).encode())
    return tags


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def statement(tags):
    """Returns a text, its zone and whether its rows have times."""
    if dice.random() < 0.15:
        return dice.choice(["SHOW MEASUREMENTS", "SHOW TAG KEYS", "SHOW FIELD KEYS", "SHOW SERIES", 'SHOW TAG VALUES WITH KEY = "t"',
                            "SHOW TAG KEYS FROM nothing", "SHOW DATABASES", "SHOW TAG VALUES WITH KEY =~ /./"]), None, False
    zone = dice.choice(ZONES)
    source = dice.choice(["m", "n", "/./", "m, n", "nothing"])
    groups = dice.sample(sorted(tags), dice.choice([0, 0, 1, 1, 2, 4]))
    group = [quoted(key) for key in groups] if dice.random() < 0.9 else ["*"]
    where = ""
    if dice.random() < 0.6:
        fields = dice.choice(["f", "*", "f, i, b, s", "i, g AS " + quoted(word()), "f AS a, g AS a", "s", "b, i AS time2", "f + g"])
        tail = dice.choice(["", "", " LIMIT 3", " ORDER BY time DESC"])
        if group == ["*"] and fields == "*": group = []
    else:
        fields = dice.choice(["mean(f)", "count(i)", "max(f), min(g)", "first(s)", "last(b) AS " + quoted(word()), "sum(f)", "count(*)", "stddev(f)"])
        tail = ""
        if dice.random() < 0.6:
            width, span = dice.choice([("1h", 86400), ("1d", 86400 * 30), ("7m", 3600), ("1m", 600)])
            where = f" WHERE time >= {START // 10**9 - span}s AND time < {START // 10**9 + span}s"
            group = group + [f"time({width})"]
            tail = dice.choice([""] + [f" fill({fill})" for fill in ["none", "0", "previous", "linear", "null"]])
    text = f"SELECT {fields} FROM {source}{where}" + (f" GROUP BY {', '.join(group)}" if group else "") + tail
    return text + (f" tz('{zone}')" if zone else ""), zone, True


def typed(series):
    kinds = []
    for column in range(len(series["columns"])):
        seen = {type(row[column]) for row in series["values"]} - {type(None)}
        assert len(seen) <= 1, seen
        kinds.append({float: "float", int: "integer", bool: "boolean", str: "string"}[seen.pop()] if seen else "null")
    return {**series, "types": kinds}


def finite(results):
    """Returns false for what 1.6.7 cannot write as JSON."""
    values = (value for result in results for series in result["series"] for row in series["values"] for value in row)
    return all(abs(value) < float("inf") for value in values if isinstance(value, float))


def same(ours, theirs, accept):
    if ours == theirs: return True
    if accept != "application/x-msgpack" or len(ours) != len(theirs): return False
    # 1.x writes tags in any order.
    return unpack_all(ours) == unpack_all(theirs)


program = subprocess.Popen([example], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
compared = different = skipped = octets = 0
tags = write_points()
for round_number in range(rounds):
    asked = [statement(tags) for _ in range(dice.choice([1, 1, 1, 2, 3]))]
    text = "; ".join(text for text, _, _ in asked)
    (document,) = unpack_all(request("/query", {"db": DB, "q": text, "epoch": "ns"}, accept="application/x-msgpack"))
    results = document["results"]
    if any("error" in result for result in results) or not finite(results):
        skipped += 1
        continue
    statements = [
        {"timed": timed, "zone": zone, "series": [typed(series) for series in result["series"]]}
        for (_, zone, timed), result in zip(asked, results)
    ]
    for _ in range(6):
        accept = dice.choice(["application/json", "application/json", "text/csv", "application/x-msgpack"])
        epoch = dice.choice([None, None, "ns", "u", "ms", "s", "m", "h"])
        chunk = dice.choice([None, 1, 2, 3, 7, 10_000]) if all(timed for _, _, timed in asked) else None
        pretty = accept == "application/json" and dice.random() < 0.3
        parameters = {"db": DB, "q": text, **({"epoch": epoch} if epoch else {}), **({"pretty": "true"} if pretty else {}),
                      **({"chunked": "true", "chunk_size": chunk} if chunk else {})}
        theirs = request("/query", parameters, accept=accept)
        line = {"accept": accept, "epoch": epoch, "pretty": pretty, "chunk_rows": chunk, "part_rows": dice.choice([1, 2, 5, 10_000]), "statements": statements}
        program.stdin.write(json.dumps(line) + "\n")
        program.stdin.flush()
        ours = bytes.fromhex(program.stdout.readline())
        compared += 1
        octets += len(theirs)
        if not same(ours, theirs, accept):
            different += 1
            if different <= 10:
                at = next((k for k, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
                print("DIFFERENT", parameters, accept, "\n  ours  ", ours[max(0, at - 80):at + 60], "\n  theirs", theirs[max(0, at - 80):at + 60])
print(f"seed {seed}: {compared} bodies of {octets} bytes compared, {different} different, {skipped} of {rounds} statements skipped")
request("/query", {"q": f'DROP DATABASE "{DB}"'})
