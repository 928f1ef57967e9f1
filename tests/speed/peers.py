"""Those who are asked: Tidegate in SQL over HTTP and over Flight and in InfluxQL, DuckDB on Tidegate's
tables, influxdb.

Each has `ask(question)`, which returns when the whole answer is here, and `rows(question)`, its rows
as tuples of numbers and texts, times as nanoseconds, for the comparison."""

import atexit
import datetime
import glob
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
BUCKET = "speed"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def plain(value):
    """A value as all of them have it: times as nanoseconds, numbers as they are."""
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        passed = value - EPOCH
        return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + passed.microseconds * 1000
    return value


def rows_of_arrow(table, columns):
    import pyarrow as pa

    chosen = table.select(columns) if columns else table
    lists = []
    for column in chosen.columns:
        kind = column.type
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64())
        lists.append(column.to_pylist())
    return list(zip(*lists))


class Http:
    name = "tidegate, http"

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)

    def body(self, sql, form):
        query = urllib.parse.urlencode({"db": BUCKET, "q": sql, "format": form})
        self.connection.request("GET", f"/api/v3/query_sql?{query}")
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body[:500])
        return body

    def ask(self, question):
        return self.body(question.sql, "csv")

    def rows(self, question):
        import io

        import pyarrow.parquet

        table = pyarrow.parquet.read_table(io.BytesIO(self.body(question.sql, "parquet")))
        return rows_of_arrow(table, question.columns)


class Flight:
    name = "tidegate, flight"

    def __init__(self, server):
        import pyarrow.flight

        self.flight = pyarrow.flight
        self.client = pyarrow.flight.connect(f"grpc://127.0.0.1:{server.port}")

    def table(self, sql):
        ticket = {"database": BUCKET, "sql_query": sql, "query_type": "sql"}
        ticket = self.flight.Ticket(json.dumps(ticket).encode())
        return self.client.do_get(ticket).read_all()

    def ask(self, question):
        return self.table(question.sql)

    def rows(self, question):
        return rows_of_arrow(self.table(question.sql), question.columns)


class DuckDb:
    """Two threads, on what Tidegate compacted: through its Delta extension, or on the bare files."""

    def __init__(self, folder, with_delta):
        import deltalake
        import duckdb
        import duckdb_extension_delta

        self.name = "duckdb, delta" if with_delta else "duckdb, files"
        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.execute("SET TimeZone = 'UTC'")
        if with_delta:
            package = os.path.dirname(duckdb_extension_delta.__file__)
            (extension,) = glob.glob(f"{package}/extensions/*/delta.duckdb_extension")
            self.connection.load_extension(extension)
            source = f"delta_scan('{folder}')"
        else:
            files = deltalake.DeltaTable(folder).file_uris()
            source = f"read_parquet({files!r}, hive_partitioning = true)"
        self.connection.execute(f"CREATE VIEW cpu AS SELECT * FROM {source}")

    def ask(self, question):
        return self.connection.execute(question.duckdb).to_arrow_table()

    def rows(self, question):
        return rows_of_arrow(self.ask(question), question.columns)


class V1:
    """Who answers InfluxQL under `/query`, over `self.connection`."""

    def request(self, method, path, body=None):
        self.connection.request(method, path, body)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status in (200, 204), (answer.status, body[:300])
        return body

    def ask(self, question):
        query = {"db": BUCKET, "q": question.influxql, "epoch": "ns"}
        return self.request("GET", "/query?" + urllib.parse.urlencode(query))

    def rows(self, question):
        rows = []
        (result,) = json.loads(self.ask(question))["results"]
        for series in result.get("series", []):
            host = series.get("tags", {}).get("hostname")
            for values in series["values"]:
                if all(value is None for value in values[1:]):
                    continue  # a window without points
                rows.append(self.row(question, series["columns"], values, host))
        return rows

    @staticmethod
    def row(question, columns, values, host):
        if question.columns:
            named = dict(zip(columns, values))
            return tuple(named[column] for column in question.columns)
        if question.name == "lastpoint":
            return (host, *values)
        if question.name == "full-avg":
            return tuple(values[1:])
        return (values[0], *([host] if host else []), *values[1:])


class Influxql(V1):
    """Tidegate by InfluxQL over HTTP."""

    name = "tidegate, influxql"

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)


class Influx(V1):
    """Debian's influxdb 1.6, by InfluxQL over HTTP."""

    name = "influxdb 1.6"

    def __init__(self, program, folder):
        ports = {"bind-address": free_port(), "http": free_port()}
        os.makedirs(folder)
        config = os.path.join(folder, "influxdb.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f"""reporting-disabled = true
bind-address = "127.0.0.1:{ports['bind-address']}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{ports['http']}"
log-enabled = false
[monitor]
store-enabled = false
"""
            )
        log = open(os.path.join(folder, "influxdb.log"), "wb")
        self.process = subprocess.Popen([program, "-config", config], stdout=log, stderr=log)
        atexit.register(self.process.kill)
        self.connection = http.client.HTTPConnection("127.0.0.1", ports["http"], timeout=300)
        for _ in range(300):
            try:
                self.request("POST", "/query?" + urllib.parse.urlencode({"q": f"CREATE DATABASE {BUCKET}"}))
                return
            except OSError:
                self.connection.close()
                time.sleep(0.1)
        raise AssertionError("influxd does not answer")

    def write(self, body):
        self.request("POST", f"/write?db={BUCKET}", body)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
