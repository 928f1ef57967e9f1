"""The v1 Python client asks: MessagePack, which is its default, with and without epoch; chunks, bound
parameters, lists, errors as its users see them."""

import os
from urllib.parse import urlsplit

from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError

URL, TOKEN = urlsplit(os.environ["TIDEGATE_URL"]), os.environ["TIDEGATE_TOKEN"]
DB = "influxql-python"


def client(password, accept="application/x-msgpack"):
    headers = {"Content-Type": "application/json", "Accept": accept}
    return InfluxDBClient(URL.hostname, URL.port, "anyone", password, DB, headers=headers)


v1 = client(TOKEN)
assert v1.ping()
v1.create_database(DB)
lines = [f'm,host=h{n % 2},zone=é\\ x f={n}.5,i={n}i,b={"true" if n % 2 else "false"},s="say \\"{n}\\"" {1_700_000_000_123_456_789 + n * 10**9}' for n in range(10)]
assert v1.write_points(lines, protocol="line")
v1.write_points(["m,host=only f=3 1700000100000000000"], protocol="line")

# MessagePack: times are texts again.
points = list(v1.query("SELECT f, i, b, s FROM m WHERE host = 'h1'").get_points())
assert len(points) == 5, points
# The client rounds them to microseconds.
assert points[0] == {"time": "2023-11-14T22:13:21.123457Z", "f": 1.5, "i": 1, "b": True, "s": 'say "1"'}, points[0]
by_host = v1.query("SELECT mean(f), count(i) FROM m GROUP BY host", epoch="s")
assert list(by_host.get_points(tags={"host": "only"})) == [{"time": 0, "mean": 3, "count": None}]
assert list(by_host.get_points(tags={"host": "h0"})) == [{"time": 0, "mean": 4.5, "count": 5}]
assert sorted(tags["host"] for _, tags in by_host.keys()) == ["h0", "h1", "only"]
exact = list(v1.query("SELECT f FROM m", epoch="ns").get_points())
assert [point["time"] for point in exact][:2] == [1_700_000_000_123_456_789, 1_700_000_001_123_456_789], exact

# Chunks are lines of JSON: of MessagePack, the client reads no more than one.
chunks = list(client(TOKEN, "application/json").query("SELECT f FROM m", chunked=True, chunk_size=3, epoch="ns"))
rows = [point["f"] for chunk in chunks for point in chunk.get_points()]
assert rows == [n + 0.5 for n in range(10)] + [3], rows

bound = v1.query("SELECT f FROM m WHERE host = $host AND f > $least", bind_params={"host": "h0", "least": 4.0}, epoch="s")
assert [point["f"] for point in bound.get_points()] == [4.5, 6.5, 8.5]
assert v1.get_list_measurements() == [{"name": "m"}]
assert {"name": DB} in v1.get_list_database()
assert [policy["name"] for policy in v1.get_list_retention_policies(DB)] == ["autogen"]
assert sorted(v1.get_list_series()) == ["m,host=h0,zone=é\\ x", "m,host=h1,zone=é\\ x", "m,host=only"], v1.get_list_series()
several = v1.query("SELECT count(f) FROM m; SHOW TAG KEYS; SHOW FIELD KEYS")
assert [len(list(one.get_points())) for one in several] == [1, 2, 4]
assert list(v1.query("SELECT f FROM nothing").get_points()) == []
v1.create_retention_policy("week", "7d", "1", DB)
assert sorted(policy["name"] for policy in v1.get_list_retention_policies(DB)) == ["autogen", "week"]

for text, part in (("SELECT FROM m", "found FROM, expected identifier"), ("SELECT mean(f), f FROM m", "mixing aggregate and non-aggregate"),
                   ("SELECT f FROM nowhere..m", "database not found: nowhere")):  # fmt: skip
    try:
        v1.query(text)
        raise SystemExit(f"no error: {text}")
    except InfluxDBClientError as error:
        assert part in str(error), error
if TOKEN:
    try:
        client("wrong").query("SHOW DATABASES")
        raise SystemExit("a wrong token was accepted")
    except InfluxDBClientError as error:
        assert error.code == 401, error
print("influxdb-python: MessagePack, epochs, chunks, parameters, lists, errors")
