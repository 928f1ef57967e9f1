"""The points of the speed table, the same each time: 100 hosts with 10 tags and 10 whole numbers that
walk between 0 and 100, in the order of their times."""

import random

from questions import FIELDS

START_S = 1_704_067_200  # 2024-01-01T00:00:00Z
HOSTS = 100
REGIONS = {
    "us-east-1": "abce",
    "us-west-1": "ab",
    "eu-west-1": "abc",
    "eu-central-1": "ab",
    "ap-southeast-1": "ab",
}


def tags(dice, host):
    region = dice.choice(list(REGIONS))
    chosen = {
        "hostname": f"host_{host}",
        "region": region,
        "datacenter": region + dice.choice(REGIONS[region]),
        "rack": dice.randrange(100),
        "os": dice.choice(["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"]),
        "arch": dice.choice(["x64", "x86"]),
        "team": dice.choice(["SF", "NYC", "LON", "CHI"]),
        "service": dice.randrange(20),
        "service_version": dice.randrange(2),
        "service_environment": dice.choice(["production", "staging", "test"]),
    }
    return ",".join(f"{key}={value}" for key, value in sorted(chosen.items()))


def bodies(days, step_s, hosts=HOSTS, points=10_000):
    """Bodies of line protocol, in order, and for each the time of its last point in seconds."""
    dice = random.Random(20240102)
    heads = [f"cpu,{tags(dice, host)} " for host in range(hosts)]
    walks = [[dice.randrange(101) for _ in FIELDS] for _ in range(hosts)]
    steps = [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3]
    lines = []
    for time_s in range(START_S, START_S + days * 86_400, step_s):
        end = f" {time_s}000000000"
        for head, walk in zip(heads, walks):
            moves = dice.choices(steps, k=len(walk))
            # It turns back at both ends.
            walk[:] = [100 - abs(100 - abs(value + move)) for value, move in zip(walk, moves)]
            values = ",".join(f"{field}={value}i" for field, value in zip(FIELDS, walk))
            lines.append(head + values + end)
        if len(lines) >= points:
            yield time_s, "\n".join(lines).encode()
            lines = []
    if lines:
        yield time_s, "\n".join(lines).encode()
