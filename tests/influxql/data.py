"""The points that both servers hold, the same for the same seed.

- `m`, `n`: sparse: any tag and any field may be missing; no two times alike;
- `cpu`: dense: four hosts in two regions, all at the same times, no two values alike;
- `days`: one point an hour from September to November 2023, while clocks change.

No field changes its type, and all times lie in one shard of the judge.
"""

import random

T = 1_700_000_000
S = 1_000_000_000
# 2023-09-25T00:00:00Z
DAYS = 1_695_600_000
CPU_STEPS = 180


class Point:
    def __init__(self, series, time, fields):
        self.series = series
        self.time = time
        self.fields = fields

    def line(self, names=None):
        fields = ",".join(f"{name}={value}" for name, value in self.fields.items() if names is None or name in names)
        return f"{self.series} {fields} {self.time}"


def sparse(r):
    time = T * S
    floats = r.sample(range(-4000, 9000), 900)
    for _ in range(320):
        time += r.randrange(1, 9) * S + r.randrange(1000) * 1_000_000
        measurement = r.choice(["m", "m", "m", "n"])
        tags = "".join(
            f",{key}={r.choice(values)}" for key, values in (("dc", "xy"), ("host", "abc")) if r.random() < 0.85
        )
        fields = {}
        if r.random() < 0.8:
            fields["f"] = repr(floats.pop() / 8)
        if r.random() < 0.8:
            fields["i"] = f"{r.randrange(-50, 90)}i"
        if r.random() < 0.4:
            fields["s"] = '"' + r.choice(["a", "b", "t", "x", ""]) + '"'
        if r.random() < 0.4:
            fields["b"] = r.choice(["true", "false"])
        if measurement == "n" and r.random() < 0.5:
            fields["g"] = repr(floats.pop() / 4)
        if not fields:
            fields["f"] = repr(floats.pop() / 8)
        yield Point(measurement + tags, time, fields)


def dense(r):
    values = r.sample(range(1, 10_000_000), CPU_STEPS * 8 + 800)
    for step in range(CPU_STEPS):
        for host in range(4):
            series = f"cpu,host=web{host},region={'eu' if host < 2 else 'us'}"
            fields = {"usage_user": repr(values.pop() / 100_000), "usage_system": repr(values.pop() / 100_000)}
            if step % 3 == 0:
                fields["procs"] = f"{values.pop()}i"
            yield Point(series, (T + 10 * step) * S, fields)


def hourly(r):
    values = r.sample(range(1, 100_000), 1500)
    for hour in range(24 * 55):
        yield Point("days,room=hall", (DAYS + 3600 * hour) * S, {"temp": repr(values.pop() / 1000)})


def waves(seed):
    """Three lists of lines, to be written one after the other; later ones repeat points of earlier
    ones with other values, whole or in part."""
    r = random.Random(seed)
    points = [*sparse(r), *dense(r), *hourly(r)]
    lists = [[], [], []]
    fresh = r.sample(range(20_000, 80_000), 2000)
    for point in points:
        wave = r.choice([0, 0, 1, 2])
        if wave < 2 and r.random() < 0.1:
            stale = dict(point.fields)
            for name in stale:
                if name in ("f", "g", "usage_user", "usage_system", "temp"):
                    stale[name] = repr(fresh.pop() + 0.5)
                elif name == "i":
                    stale[name] = "77i"
            lists[wave].append(Point(point.series, point.time, stale).line())
            names = list(point.fields)
            later = r.choice(range(wave + 1, 3))
            kept = [] if len(names) == 1 or r.random() < 0.5 else [names[0]]
            for name in kept:
                point.fields[name] = stale[name]
            lists[later].append(point.line([name for name in names if name not in kept]))
        else:
            lists[wave].append(point.line())
    for lines in lists:
        r.shuffle(lines)
    return lists


def load(oracle, ours, seed):
    """Writes the points to both; with us, half of them to files, and a restart in between."""
    first, second, third = waves(seed)
    for wave, after in ((first, ours.flush), (second, ours.restart), (third, None)):
        for peer in (oracle, ours):
            peer.write("\n".join(wave))
        if after:
            after()
