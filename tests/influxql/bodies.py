"""Random bodies, byte for byte: names, tags and texts with everything that has to be escaped, numbers
of all sizes, every format, epochs, chunks, zones. TIDEGATE_BODIES is the number of questions."""

import os
import random
import struct
import sys
import urllib.parse

import judged
import peers

ROUNDS = int(os.environ.get("TIDEGATE_BODIES", "200"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
START = 1_700_000_000_000_000_000
ZONES = [None, "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
PIECES = ["a", "Z", "0", " ", ",", "=", '"', "'", "é", "😀", "\u2028", "<", "&", ">", "/", "host", "\u0085", "ü", "."]
dice = random.Random(SEED)


def word(extra=()):
    return "".join(dice.choice(PIECES + list(extra)) for _ in range(dice.randint(1, 4)))


def escaped(text, characters):
    return "".join("\\" + c if c in characters else c for c in text)


def a_float():
    kind = dice.randrange(6)
    if kind == 0:
        while True:
            value = struct.unpack(">d", dice.randbytes(8))[0]
            if value == value and 1e-300 < abs(value) < 1e300:
                return value
    if kind == 1:
        return dice.randrange(-10**6, 10**6) / 64
    if kind == 2:
        return float(f"{dice.randrange(10**5)}e-{dice.randrange(40)}")
    if kind == 3:
        return dice.randrange(2**50, 2**51) + dice.choice([0.25, 0.75])
    if kind == 4:
        return float(dice.randrange(2**53, 2**80))
    return float(dice.randrange(-100, 100))


def write_points(servers):
    """Writes the same to all; returns the tags and their values."""
    tags = {key: [word() for _ in range(3)] + [None] for key in ["t", "u", "t " + word(), "w" + word()]}
    strings = {"s", "s " + word()}
    lines, times = [], set()
    for measurement in ["m", "n", "o " + word()]:
        for _ in range(dice.randint(20, 200)):
            head = escaped(measurement, ", ")
            for key in sorted(tags):
                value = dice.choice(tags[key])
                if value:
                    head += "," + escaped(key, ",= ") + "=" + escaped(value, ",= ")
            fields = []
            if dice.random() < 0.8:
                fields.append(f"f={a_float()!r}")
            if dice.random() < 0.5:
                fields.append(f"g={a_float()!r}")
            if dice.random() < 0.5:
                fields.append(f"i={dice.randrange(-(2**63), 2**63) >> dice.randrange(64)}i")
            if dice.random() < 0.5:
                fields.append(f"b={dice.choice(['true', 'false'])}")
            for key in sorted(strings):
                if dice.random() < 0.4:
                    text = "".join(word(["\\", "\n", "\t", "\x01", "\u3000"]) for _ in range(dice.choice([0, 1, 1, 30])))
                    fields.append(escaped(key, ",= ") + '="' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
            step = dice.choice([1, 1000, 10**6, 10**9, 60 * 10**9, 86400 * 10**9])
            time = START + dice.randrange(-3000, 3000) * step + dice.choice([0, 0, dice.randrange(10**9)])
            if fields and time not in times:
                times.add(time)
                lines.append(f"{head} {','.join(fields)} {time}")
    for server in servers:
        server.write("\n".join(lines), "bodies")
    return tags


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def statement(tags):
    """Returns a text and whether its rows have times."""
    if dice.random() < 0.15:
        return dice.choice(["SHOW MEASUREMENTS", "SHOW TAG KEYS", "SHOW FIELD KEYS", "SHOW SERIES", 'SHOW TAG VALUES WITH KEY = "t"',
                            "SHOW TAG KEYS FROM nothing", "SHOW TAG VALUES WITH KEY =~ /./"]), False  # fmt: skip
    zone = dice.choice(ZONES)
    source = dice.choice(["m", "n", "/./", "m, n", "nothing"])
    groups = dice.sample(sorted(tags), dice.choice([0, 0, 1, 1, 2, 4]))
    group = [quoted(key) for key in groups] if dice.random() < 0.9 else ["*"]
    where = ""
    if dice.random() < 0.6:
        fields = dice.choice(["f", "*", "f, i, b, s", "i, g AS " + quoted(word()), "f AS a, g AS a", "s", "b, i AS time2", "f + g"])
        tail = dice.choice(["", "", " LIMIT 3", " ORDER BY time DESC"])
        if group == ["*"] and fields == "*":
            group = []
    else:
        # What does not depend on the order in which it is added up.
        fields = dice.choice(["max(f)", "count(i)", "max(f), min(g)", "first(s)", "last(b) AS " + quoted(word()), "sum(i)", "count(*)", "last(f)"])
        tail = ""
        if dice.random() < 0.6:
            width, span = dice.choice([("1h", 86400), ("1d", 86400 * 30), ("7m", 3600), ("1m", 600)])
            where = f" WHERE time >= {START // 10**9 - span}s AND time < {START // 10**9 + span}s"
            group = group + [f"time({width})"]
            fills = ["none", "null"] + ([] if "s)" in fields or "b)" in fields or "*" in fields else ["0", "previous", "linear"])
            tail = dice.choice([""] + [f" fill({fill})" for fill in fills])
    text = f"SELECT {fields} FROM {source}{where}" + (f" GROUP BY {', '.join(group)}" if group else "") + tail
    return text + (f" tz('{zone}')" if zone else ""), True


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    for server in (oracle, ours):
        server.create("bodies")
    tags = write_points((oracle, ours))
    checks = judged.Checks()
    octets = 0
    for _ in range(ROUNDS):
        asked = [statement(tags) for _ in range(dice.choice([1, 1, 1, 2, 3]))]
        text = "; ".join(text for text, _ in asked)
        for _ in range(4):
            accept = dice.choice(["application/json", "application/json", judged.CSV, judged.MSGPACK])
            parameters = {"db": "bodies"}
            epoch = dice.choice([None, None, "ns", "u", "ms", "s", "m", "h"])
            if epoch:
                parameters["epoch"] = epoch
            if dice.random() < 0.5 and all(timed for _, timed in asked):
                parameters.update(chunked="true", chunk_size=str(dice.choice([1, 2, 3, 7, 10_000])))
            elif accept == "application/json" and dice.random() < 0.3:
                parameters["pretty"] = "true"
            _, theirs = oracle.body(text, accept, **parameters)
            if b"unsupported value" in theirs:
                continue
            status, body = ours.body(text, accept, **parameters)
            octets += len(theirs)
            at = next((k for k, (a, b) in enumerate(zip(body, theirs)) if a != b), min(len(body), len(theirs)))
            checks.check(status == 200 and judged.same(body, theirs, accept), f"{text} {urllib.parse.urlencode(parameters)} {accept}",
                         f"ours:   {body[max(0, at - 100) : at + 200]!r}", f"theirs: {theirs[max(0, at - 100) : at + 200]!r}")  # fmt: skip
    print(f"random bodies, seed {SEED}: {checks.passed} of {octets} bytes the same, {len(checks.failed)} different")
    if checks.failed:
        sys.exit("FAILED: random bodies")


if __name__ == "__main__":
    main()
