"""The v1 Python client: makes its database, writes with Basic credentials, sees a bad line."""

import os
from urllib.parse import urlsplit

from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError

URL, TOKEN = urlsplit(os.environ["TIDEGATE_URL"]), os.environ["TIDEGATE_TOKEN"]


def client(password):
    return InfluxDBClient(URL.hostname, URL.port, "anyone", password, "python-v1", gzip=True)


v1 = client(TOKEN)
v1.ping()
v1.create_database("python-v1")
assert {"name": "python-v1"} in v1.get_list_database(), v1.get_list_database()
for batch in range(10):
    points = [
        {"measurement": "m", "tags": {"host": str(batch)}, "time": n, "fields": {"v": n * 0.5, "text": 'say "hi"'}}
        for n in range(100)
    ]
    assert v1.write_points(points, time_precision="s")
try:
    v1.write_points(["good v=1 1", 'm,host=0 v="text" 1'], protocol="line")
    raise SystemExit("a bad line was not told")
except InfluxDBClientError as error:
    assert error.code == 400 and "is float, got string" in str(error), error
try:
    client("wrong").write_points(["m v=1"], protocol="line")
    raise SystemExit("a wrong token was accepted")
except InfluxDBClientError as error:
    assert error.code == 401, error
