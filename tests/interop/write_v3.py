"""The v3 Python client: writes to the v3 endpoint, sees which line was rejected."""

import os

from influxdb_client_3 import (
    InfluxDBClient3, Point, WriteOptions, WriteType, write_client_options,
)

URL, TOKEN = os.environ["TIDEGATE_URL"], os.environ["TIDEGATE_TOKEN"]
DIRECT = WriteOptions(write_type=WriteType.synchronous, use_v2_api=False)


def client(token):
    return InfluxDBClient3(
        host=URL, database="python-v3", token=token,
        write_client_options=write_client_options(write_options=DIRECT),
    )


v3 = client(TOKEN)
for batch in range(10):
    points = [
        Point("m").tag("host", str(batch)).field("v", n * 0.5).field("text", 'say "hi"').time(n * 1_000_000_000)
        for n in range(100)
    ]
    v3.write(points)
for token, record, told in [
    (TOKEN, ["good v=1 1", 'm,host=0 v="text" 1'], 'field "v" of "m" is float, got string'),
    ("wrong", "m v=1 1", "unauthorized"),
]:
    try:
        client(token).write(record)
        raise SystemExit("it was not told: " + told)
    except Exception as error:
        assert told in str(error), error
