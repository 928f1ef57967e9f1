"""The v2 Python client: batches with gzip, then a batch with a bad line, then bad credentials."""

import json
import os

from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

URL, TOKEN = os.environ["TIDEGATE_URL"], os.environ["TIDEGATE_TOKEN"]

with InfluxDBClient(url=URL, token=TOKEN, org="any", enable_gzip=True) as client:
    assert client.ping(), "ping"
    write = client.write_api(write_options=SYNCHRONOUS)
    for batch in range(10):
        points = [
            Point("m").tag("host", str(batch)).field("v", n * 0.5).field("text", 'say "hi"').time(n, WritePrecision.S)
            for n in range(100)
        ]
        write.write(bucket="python", record=points, write_precision=WritePrecision.S)
    try:
        write.write(bucket="python", record=["good v=1 1", "m,host=0 v=\"text\" 1"])
        raise SystemExit("a bad line was not told")
    except ApiException as error:
        body = json.loads(error.body)
        assert error.status == 400 and body["line"] == 2 and body["accepted"] == 1, body
        assert 'field "v" of "m" is float, got string' in body["message"], body

with InfluxDBClient(url=URL, token="wrong", org="any") as client:
    try:
        client.write_api(write_options=SYNCHRONOUS).write(bucket="python", record="m v=1")
        raise SystemExit("a wrong token was accepted")
    except ApiException as error:
        assert error.status == 401, error
