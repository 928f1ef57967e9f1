"""The questions of dashboards, as Grafana's InfluxQL mode sends them: of people who look after hosts,
containers, a house and a factory. Asked of Tidegate and of 1.6.7, whose answers must be alike."""

import math
import random
import sys
import urllib.parse

import compare
import judged
import peers

START_S = 1_718_000_000
END_S = START_S + 6 * 3600
STEP_S = 30
TIME = f"time >= {START_S}000ms and time <= {END_S}000ms"
HOUR = f"time >= {START_S + 3600}000ms and time <= {START_S + 7200}000ms"


def quantity(r, level, swing, step):
    return level + swing * math.sin(step / 60) + r.random()


def points():
    """Lines of six hours; no two series of a measurement have the same value at the same time."""
    r = random.Random(50)
    counters = {}

    def counter(key, most):
        counters[key] = counters.get(key, r.randrange(10**6)) + r.randrange(most)
        return counters[key]

    for step in range((END_S - START_S) // STEP_S):
        time = (START_S + step * STEP_S) * 10**9
        for number, host in enumerate(("db-1", "web-1", "web-2")):
            tags = f"host={host},dc={'fra' if number < 2 else 'ams'}"
            idle = quantity(r, 60 + 9 * number, 20, step)
            yield f"cpu,cpu=cpu-total,{tags} usage_idle={idle!r},usage_user={(100 - idle) * 0.7!r},usage_iowait={r.random()!r} {time}"
            for core in range(2):
                yield f"cpu,cpu=cpu{core},{tags} usage_idle={quantity(r, 50 + core, 20, step)!r} {time}"
            used = 4 * 10**9 + number * 10**8 + r.randrange(10**7)
            yield f"mem,{tags} used={used}i,total=16000000000i,used_percent={used / 16e7!r} {time}"
            yield f"net,interface=eth0,{tags} bytes_recv={counter(host + 'r', 90_000)}i,bytes_sent={counter(host + 's', 40_000)}i {time}"
            yield f"system,{tags} load1={quantity(r, 1 + number, 0.5, step)!r},uptime={step * STEP_S + 1000 * number}i {time}"
            if step % 10 == 0:
                for mount in ("/", "/var"):
                    yield f"disk,path={mount},fstype=ext4,{tags} used_percent={40 + 5 * number + step / 100 + len(mount) + r.random()!r},free={10**11 - step * 1000 - number}i {time}"
        for number, name in enumerate(("api", "db", "cache", "worker")):
            tags = f"container_name={name},com.docker.compose.project=shop,engine_host=web-{1 + number % 2}"
            yield f"docker_container_cpu,{tags} usage_percent={quantity(r, 10 * number + 5, 4, step)!r},throttling_periods={counter(name + 't', 5)}i {time}"
            yield f"docker_container_mem,{tags} usage={(number + 1) * 10**8 + r.randrange(10**7)}i,limit=2000000000i {time}"
            if step == 300:
                yield f'docker_container_status,{tags} uptime_ns={step * 10**9 + number}i,oom_killed=false,started="2024-06-10T0{number}:00:00Z" {time}'
        if step % 2 == 0:
            for number, room in enumerate(("kitchen", "bath", "living room", "attic")):
                place = room.replace(" ", "\\ ")
                humid = "" if room == "attic" else f",humidity={quantity(r, 45 + number, 8, step)!r}"
                yield f"climate,room={place},floor={number // 2} temperature={quantity(r, 20 + number, 2, step)!r}{humid} {time}"
            watts = quantity(r, 400, 150, step)
            yield f"power,phase=L1 watts={watts!r},kwh={1000 + step / 120!r} {time}"
            yield f"power,phase=L2 watts={watts / 3!r},kwh={500 + step / 500!r} {time}"
        if step % 97 == 5:
            yield f'door,name=front open={"true" if step % 2 else "false"},by="{r.choice(["anna", "ben"])}" {time}'
        if step % 60 == 1:
            yield f"°C,place=garden value={quantity(r, 12, 6, step)!r} {time}"
        for number, machine in enumerate(("press-1", "press-2", "oven")):
            tags = f"line=A,machine={machine}" if number < 2 else f"machine={machine}"
            state = "running" if (step // 50 + number) % 4 else "stopped"
            yield f'machine,{tags} state="{state}",speed={quantity(r, 100 + 10 * number, 20, step)!r},parts={counter(machine, 3)}i,rejected={r.randrange(2)}i {time}'
            if step % 40 == 3:
                yield f'alarm,{tags},level={r.choice(["warn", "crit"])} text="{r.choice(["too hot", "door <open>", "no oil"])}",code={100 + step % 7 + number}i {time}'


PANELS = f"""
SELECT mean("usage_user") FROM "cpu" WHERE ("cpu"::tag = 'cpu-total') AND {TIME} GROUP BY time(1m), "host"::tag fill(null)
SELECT 100 - mean("usage_idle") FROM "autogen"."cpu" WHERE ("host"::tag =~ /^(web-1|web-2)$/ AND "cpu"::tag = 'cpu-total') AND {TIME} GROUP BY time(30s), "host"::tag fill(none)
SELECT mean("usage_iowait") AS "io wait" FROM "cpu" WHERE "cpu" = 'cpu-total' AND {TIME} GROUP BY time(5m), "dc" fill(previous)
SELECT max("usage_user") FROM "cpu" WHERE "cpu" =~ /cpu-total/ AND {TIME} GROUP BY "host"
SELECT last("load1") FROM "system" WHERE {TIME} GROUP BY "host"
SELECT mean("load1") FROM "system" WHERE {TIME} GROUP BY time(10m), "host" fill(linear) ORDER BY time ASC
SELECT mean("used_percent") FROM "mem" WHERE ("host"::tag =~ /^.*$/) AND {HOUR} GROUP BY time(1m), "host"::tag fill(null) ORDER BY time DESC
SELECT last("used") / last("total") * 100 FROM "mem" WHERE {TIME} GROUP BY "host"
SELECT non_negative_derivative(mean("bytes_recv"), 1s) * 8 AS "in", non_negative_derivative(mean("bytes_sent"), 1s) * -8 AS "out" FROM "net" WHERE ("host" = 'web-1' AND "interface" = 'eth0') AND {TIME} GROUP BY time(2m) fill(null)
SELECT derivative(last("bytes_recv"), 1s) FROM "net" WHERE {HOUR} GROUP BY time(1m), "host", "interface" fill(none)
SELECT max("used_percent") FROM "disk" WHERE {TIME} GROUP BY "host", "path"
SELECT top("used_percent", "host", "path", 3) FROM "disk" WHERE {TIME}
SELECT min("free") FROM "disk" WHERE "path" = '/var' AND {TIME} GROUP BY time(1h), "host" fill(none) tz('Europe/Berlin')
SELECT count("usage_user") FROM "cpu" WHERE "usage_user" > 30 AND {TIME} GROUP BY time(30m), "host" fill(0)
SELECT percentile("usage_user", 95) FROM "cpu" WHERE "cpu" = 'cpu-total' AND {TIME} GROUP BY "host"
SELECT stddev("usage_idle"), spread("usage_idle") FROM "cpu" WHERE "cpu" != 'cpu-total' AND {TIME} GROUP BY "cpu", "host"
SELECT last("uptime") AS "uptime" FROM "system" WHERE "host" =~ /^web-1$/ AND {TIME}
SELECT mean(*) FROM "mem" WHERE {HOUR} GROUP BY time(15m), "dc"
SELECT mean("usage_percent") FROM "docker_container_cpu" WHERE ("com.docker.compose.project" = 'shop') AND {TIME} GROUP BY time(1m), "container_name" fill(null)
SELECT mean("usage") FROM "docker_container_mem" WHERE {TIME} GROUP BY time(2m), "container_name" fill(null) LIMIT 20
SELECT max("usage") / 1048576 AS "MiB" FROM "docker_container_mem" WHERE {TIME} GROUP BY "container_name"
SELECT sum("m") FROM (SELECT mean("usage") AS "m" FROM "docker_container_mem" WHERE {TIME} GROUP BY time(5m), "container_name") WHERE {TIME} GROUP BY time(5m) fill(none)
SELECT difference(last("throttling_periods")) FROM "docker_container_cpu" WHERE {TIME} GROUP BY time(10m), "container_name" fill(none)
SELECT last("uptime_ns"), "started" FROM "docker_container_status" WHERE {TIME} GROUP BY "container_name"
SELECT "oom_killed", "started", "container_name" FROM "docker_container_status" WHERE "container_name" = 'api' AND {TIME}
SELECT mean("usage_percent") FROM "docker_container_cpu" WHERE {TIME} GROUP BY time(5m), "engine_host", "container_name" fill(none) SLIMIT 2
SELECT cumulative_sum(count("usage_percent")) FROM "docker_container_cpu" WHERE "usage_percent" > 20 AND {TIME} GROUP BY time(1h) fill(none)
SELECT moving_average(mean("usage_percent"), 5) FROM "docker_container_cpu" WHERE "container_name" =~ /api|db/ AND {TIME} GROUP BY time(1m), "container_name" fill(none)
SELECT mean("temperature") FROM "climate" WHERE {TIME} GROUP BY time(10m), "room" fill(linear)
SELECT mean("temperature"), mean("humidity") FROM "climate" WHERE "room" = 'living room' AND {TIME} GROUP BY time(15m) fill(null)
SELECT mean("humidity") FROM "climate" WHERE {TIME} GROUP BY time(30m), "room", "floor" fill(none)
SELECT min("temperature"), max("temperature"), mean("temperature") FROM "climate" WHERE "floor" = '0' AND {TIME} GROUP BY time(1d), "room" fill(none) tz('Europe/Berlin')
SELECT last("temperature") FROM "climate" WHERE {TIME} GROUP BY "room"
SELECT first("temperature"), last("temperature") FROM "climate" WHERE {HOUR} GROUP BY "room"
SELECT mean("temperature") * 1.8 + 32 AS "F" FROM "climate" WHERE "room" =~ /^(kitchen|bath)$/ AND {HOUR} GROUP BY time(5m), "room" fill(previous)
SELECT sum("w") AS "house" FROM (SELECT mean("watts") AS "w" FROM "power" WHERE {TIME} GROUP BY time(5m), "phase") WHERE {TIME} GROUP BY time(5m) fill(none)
SELECT integral("watts", 1h) / 1000 FROM "power" WHERE "phase" = 'L1'
SELECT difference(max("kwh")) FROM "power" WHERE {TIME} GROUP BY time(1h), "phase" fill(none)
SELECT spread("kwh") FROM "power" WHERE {TIME} GROUP BY "phase"
SELECT "open", "by" FROM "door" WHERE "name" = 'front' AND {TIME}
SELECT count("open") FROM "door" WHERE "open" = true AND {TIME} GROUP BY time(2h) fill(0)
SELECT mean("value") FROM "°C" WHERE {TIME} GROUP BY time(30m), "place" fill(none)
SELECT elapsed("value", 1m) FROM "°C" WHERE {TIME}
SELECT last("state") FROM "machine" WHERE {TIME} GROUP BY "machine"
SELECT mode("state") FROM "machine" WHERE "machine" = 'oven' AND {TIME} GROUP BY "machine"
SELECT count("state") FROM "machine" WHERE "state" = 'stopped' AND {TIME} GROUP BY time(1h), "machine" fill(0)
SELECT mean("speed") FROM "machine" WHERE "line" = 'A' AND {TIME} GROUP BY time(1m), "machine" fill(null) LIMIT 100 OFFSET 10
SELECT mean("speed") FROM "machine" WHERE "line" = '' AND {TIME} GROUP BY time(20m), "line" fill(none)
SELECT non_negative_difference(last("parts")) FROM "machine" WHERE {TIME} GROUP BY time(30m), "machine" fill(none)
SELECT sum("rejected") / count("rejected") * 100 AS "%" FROM "machine" WHERE {TIME} GROUP BY time(1h), "machine" fill(none)
SELECT round(mean("speed")), ceil(max("speed")), floor(min("speed")) FROM "machine" WHERE {TIME} GROUP BY time(1h), "machine" fill(none)
SELECT "text", "code", "machine" FROM "alarm" WHERE "level" = 'crit' AND {TIME} GROUP BY "level", "machine" ORDER BY time DESC LIMIT 10
SELECT "text" FROM "alarm" WHERE "text" =~ /(?i)DOOR/ AND {TIME} GROUP BY "machine"
SELECT count(distinct("code")) FROM "alarm" WHERE {TIME} GROUP BY "machine"
SELECT distinct("text") FROM "alarm" WHERE {TIME} GROUP BY "machine"
SELECT bottom("speed", 4), "state" FROM "machine" WHERE "machine" = 'press-1' AND {TIME}
SELECT max("speed") FROM /mach.*|system/ WHERE {TIME} GROUP BY time(2h)
SHOW measurements
SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)DOCKER/ LIMIT 100
SHOW TAG VALUES WITH KEY = "host"
SHOW TAG VALUES FROM "cpu" WITH KEY = "cpu" WHERE "host" = 'web-1'
SHOW TAG VALUES FROM "autogen"."disk" WITH KEY = "path"
SHOW TAG KEYS FROM "machine"
SHOW TAG KEYS FROM "autogen"."machine" WHERE "machine" = 'oven'
SHOW FIELD KEYS FROM "climate"
SHOW FIELD KEYS FROM /docker/
SHOW RETENTION POLICIES on "judge"
SHOW TAG VALUES FROM "docker_container_cpu" WITH KEY = "container_name" WHERE "com.docker.compose.project" =~ /^shop$/
SHOW SERIES FROM "power"
""".strip().split("\n")


def by_grafana(peer, text, is_post):
    """As Grafana's setting "HTTP method" has it."""
    import json

    parameters = {"db": peers.DB, "epoch": "ms"}
    if is_post:
        path, body = "/query?" + urllib.parse.urlencode(parameters), urllib.parse.urlencode({"q": text})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, answer = peer.ask("POST", path, body, headers)
    else:
        status, _, answer = peer.ask("GET", "/query?" + urllib.parse.urlencode({**parameters, "q": text}))
    return {"status": status, **json.loads(answer)}


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    lines = list(points())
    for peer in (oracle, ours):
        for start in range(0, len(lines), 5000):
            peer.write("\n".join(lines[start : start + 5000]))
            if start == 10_000 and peer is ours:
                ours.flush()
    checks, rows = judged.Checks(), 0
    for number, text in enumerate(PANELS):
        theirs = by_grafana(oracle, text, number % 2)
        assert theirs["status"] == 200 and "series" in theirs["results"][0], (text, theirs)
        rows += sum(len(series["values"]) for series in theirs["results"][0]["series"])
        found = by_grafana(ours, text, number % 2)
        what = "status" if found["status"] != 200 else compare.difference(found, theirs)
        checks.check(not what, what, text, f"ours:   {str(found)[:900]}", f"theirs: {str(theirs)[:900]}")
    print(f"panels: {checks.passed} of {len(PANELS)} the same, with {rows} rows")
    if checks.failed:
        sys.exit("FAILED: panels")


if __name__ == "__main__":
    main()
