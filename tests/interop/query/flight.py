"""pyarrow's own Flight client: what the others hide. Tickets, handshake, sessions, a large answer, a call
that is given up, its deadline, compressed and oversized requests, TLS."""

import json
import os
import time

import pyarrow
import pyarrow.flight as flight

from points import (
    COLUMNS, GRPC, LINES, READER, TOKEN, TYPES, await_true, basic, cpu_seconds, fails, fails_as, many, rows, same,
    write,
)

ALL = "SELECT * FROM every ORDER BY time"
# It computes for hours.
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
TLS = os.environ.get("TIDEGATE_TLS_URL")
client = flight.FlightClient(GRPC)


def options(authorization="Bearer " + TOKEN, timeout=None, **headers):
    headers = {"authorization": authorization, **headers}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]
    return flight.FlightCallOptions(headers=pairs, timeout=timeout)


def get(text, database="flight", by=None, call=client, **more):
    ticket = json.dumps({"database": database, "sql_query": text, "query_type": "sql", **more})
    return call.do_get(flight.Ticket(ticket.encode()), by or options())


def idle():
    """Whether the server computes nothing for a while."""
    before = cpu_seconds()
    time.sleep(0.5)
    return cpu_seconds() - before < 0.1


def busy():
    return not idle()


write("flight", LINES)
write("readable", "m f=1 1")

# Tickets.
same(get(ALL).read_all())
same(client.do_get(flight.Ticket(('\n {"bucket": "flight", "sql_query": "%s"}' % ALL).encode()), options()).read_all())
assert rows(get("SELECT $x AS x", params={"x": 5}).read_all()) == [(5,)]
assert [field.name for field in get("SELECT * FROM every LIMIT 0").schema] == COLUMNS
for nonsense in [b"", b"{}", b"nonsense", b"\x00\xff" * 9, b'{"database": "flight"}']:
    fails("Invalid ticket", lambda: client.do_get(flight.Ticket(nonsense), options()).read_all())
fails('parameter "x"', lambda: get("SELECT $x", params={"x": {"y": 1}}).read_all())
influxql = get('SELECT f FROM "every"', query_type="influxql").read_all()
assert influxql.column_names == ["iox::measurement", "time", "f"], influxql.column_names
assert influxql.num_rows == 3, influxql
fails("error parsing query", lambda: get("SELECT f FROM every", query_type="influxql").read_all())

# Each way to say who one is.
for authorization in ["Bearer " + TOKEN, "bearer " + TOKEN, "Token " + TOKEN, basic("any", TOKEN), basic("", TOKEN)]:
    assert rows(get("SELECT 1", by=options(authorization)).read_all()) == [(1,)]
for authorization in [None, "Bearer wrong", "Bearer", "nonsense", basic("any", "wrong")]:
    fails_as(flight.FlightUnauthenticatedError, lambda: get("SELECT 1", by=options(authorization)).read_all())
for database in ["flight", "missing"]:
    fails_as(flight.FlightUnauthorizedError, lambda: get("SELECT 1", database, options("Bearer " + READER)).read_all())
fails("database not found", lambda: get("SELECT 1", "missing").read_all())

# A handshake gives the header for all that follows; one without a token is refused.
for user in ["any", ""]:
    name, value = client.authenticate_basic_token(user, TOKEN)
    assert (name, value) == (b"authorization", b"Bearer " + TOKEN.encode()), (name, value)
fails_as(flight.FlightUnauthenticatedError, lambda: client.authenticate_basic_token("any", "wrong"))

# What a server offers.
assert {action.type for action in client.list_actions(options())} >= {
    "CreatePreparedStatement", "ClosePreparedStatement", "SetSessionOptions", "CloseSession"}
for work in [
    lambda: list(client.list_flights(b"", options())),
    lambda: client.get_flight_info(flight.FlightDescriptor.for_path("every"), options(database="flight")),
    lambda: client.do_exchange(flight.FlightDescriptor.for_command(b"x"), options())[1].read_chunk(),
    lambda: list(client.do_action(flight.Action("list_schemas", b""), options())),
]:
    error = fails("implemented", work)
    assert isinstance(error, NotImplementedError), error


def command(name, body=b""):
    """A command of Flight SQL with one member of text."""
    url = b"type.googleapis.com/arrow.flight.protocol.sql." + name.encode()
    value = b"\x0a" + bytes([len(body)]) + body if body else b""
    return flight.FlightDescriptor.for_command(
        b"\x0a" + bytes([len(url)]) + url + (b"\x12" + bytes([len(value)]) + value if value else b""))


# As Grafana does: an info, then its one endpoint, which has no place of its own.
for name in ["database", "bucket", "bucket-name", "iox-namespace-name"]:
    by = options(**{name: "flight"})
    info = client.get_flight_info(command("CommandStatementQuery", ALL.encode()), by)
    assert len(info.endpoints) == 1 and not info.endpoints[0].locations
    assert (info.total_records, info.total_bytes) == (-1, -1)
    assert {field.name: str(field.type) for field in info.schema} == TYPES
    same(client.do_get(info.endpoints[0].ticket, by).read_all())
    assert client.get_schema(command("CommandStatementQuery", ALL.encode()), by).schema == info.schema
one = command("CommandStatementQuery", b"SELECT 1")
fails("no 'database' header", lambda: client.get_flight_info(one, options()))
fails("more than one database", lambda: client.get_flight_info(one, options(database="a", bucket="b")))
fails("expected FROM", lambda: client.get_flight_info(
    one, options(database="flight", **{"x-influxdata-query-language": "influxql"})))

GRAFANA = [
    ("select 1", [(1,)]),
    ("SELECT DISTINCT TABLE_SCHEMA from information_schema.TABLES where TABLE_TYPE != 'SYSTEM VIEW' "
     "ORDER BY TABLE_SCHEMA", None),
    ("SELECT table_name FROM information_schema.tables WHERE table_schema = 'iox' ORDER BY table_name",
     [("every",)]),
    ("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'iox' "
     "AND table_name = 'every' ORDER BY column_name",
     [("b", "Boolean"), ("f", "Float64"), ("host", "Dictionary(Int32, Utf8)"), ("i", "Int64"), ("s", "Utf8"),
      ("time", "Timestamp(Nanosecond, None)"), ("u", "UInt64"), ("zone", "Dictionary(Int32, Utf8)")]),
    ("SELECT avg(\"f\") FROM \"every\" WHERE \"time\" >= '2023-11-14T22:13:00Z' AND \"time\" <= "
     "'2023-11-14T22:14:00Z' GROUP BY \"host\" ORDER BY \"host\" LIMIT 50", [(-0.75,), (1.7976931348623157e308,)]),
    ("SELECT date_bin(interval '30 second', time, timestamp '1970-01-01T00:00:00Z') AS time, count(f) AS n, "
     "variance(i) > 0 AS v, stddev(i) > 0 AS s FROM every WHERE time >= cast('2023-11-14T22:13:00Z' as timestamp) "
     "GROUP BY 1", [(1_699_999_980_000_000_000, 3, True, True)]),
    ("SELECT datepart('minute', time) AS m FROM every LIMIT 1", [(13,)]),
]
for text, expected in GRAFANA:
    by = options(database="flight")
    body = text.encode()
    # Lengths past 127 take two bytes.
    def varint(n):
        return bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7])
    url = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    value = b"\x0a" + varint(len(body)) + body
    any_ = b"\x0a" + varint(len(url)) + url + b"\x12" + varint(len(value)) + value
    info = client.get_flight_info(flight.FlightDescriptor.for_command(any_), by)
    table = client.do_get(info.endpoints[0].ticket, by).read_all()
    assert table.schema.equals(info.schema), (text, table.schema, info.schema)
    assert {str(field.type) for field in table.schema} <= {*TYPES.values(), "int32"}, table.schema
    assert expected is None or rows(table) == expected, (text, rows(table))
fails("interval", lambda: get("SELECT date_bin(interval '0 second', time) FROM every").read_all())

# A large answer, in messages that every client takes.
write("large", many(100_000))
began = time.monotonic()
reader, found, total, largest = get("SELECT many.* FROM many, generate_series(1, 10)", "large"), 0, 0, 0
for chunk in reader:
    found += chunk.data.num_rows
    total += pyarrow.compute.sum(chunk.data.column("n")).as_py()
    largest = max(largest, chunk.data.nbytes)
assert (found, total) == (1_000_000, 10 * sum(range(100_000))), (found, total)
assert largest < 4 << 20, largest
print("1,000,000 rows in %.1f s" % (time.monotonic() - began))

# A call that its client gives up in the middle, and one whose time is over: the server computes no more.
reader = get("SELECT * FROM (SELECT 0 AS n UNION ALL %s)" % ENDLESS)
assert reader.read_chunk().data.num_rows > 0
await_true("the server computes", busy)
reader.cancel()
await_true("the server is idle after a cancellation", idle)
began = time.monotonic()
fails_as(flight.FlightTimedOutError, lambda: get(ENDLESS, by=options(timeout=0.5)).read_all())
assert time.monotonic() - began < 5
await_true("the server is idle after a deadline", idle)
leaving = flight.FlightClient(GRPC)
reader = get("SELECT * FROM (SELECT 0 AS n UNION ALL %s)" % ENDLESS, call=leaving)
reader.read_chunk()
await_true("the server computes", busy)
del reader
leaving.close()
await_true("the server is idle after its client went", idle)

# A compressed request; one that is too large; headers that are.
packed = flight.FlightClient(GRPC, generic_options=[("grpc.default_compression_algorithm", 2)])
assert rows(get("SELECT '%s' AS x" % ("x" * 100_000), call=packed).read_all()) == [("x" * 100_000,)]
long = "SELECT 1 -- " + "x" * (1 << 20)
assert rows(get(long).read_all()) == [(1,)]
fails("message length too large", lambda: get("SELECT 1 -- " + "x" * (17 << 20)).read_all())
same(get(ALL, by=options(padding="x" * 6000)).read_all())
fails_as((flight.FlightUnavailableError, flight.FlightServerError),
         lambda: get(ALL, by=options(padding="x" * 200_000)).read_all())
# The connections work on.
same(get(ALL).read_all())
error = fails("there is no table", lambda: get("SELECT * FROM " + "x" * 5000).read_all())
assert len(str(error)) < 5000

if TLS:
    with open(os.environ["TIDEGATE_TLS_CA"], "rb") as file:
        authority = file.read()
    place = TLS.replace("https://", "grpc+tls://")
    secure = flight.FlightClient(place, tls_root_certs=authority)
    assert rows(get("SELECT 1", "tls", call=secure).read_all()) == [(1,)]
    assert secure.authenticate_basic_token("any", TOKEN)[1] == b"Bearer " + TOKEN.encode()
    fails_as(flight.FlightUnavailableError, lambda: get("SELECT 1", "tls", call=flight.FlightClient(place)).read_all())
    plain = flight.FlightClient(TLS.replace("https://", "grpc://"))
    fails_as(flight.FlightError, lambda: get("SELECT 1", "tls", call=plain, by=options(timeout=5)).read_all())
print("pyarrow.flight: tickets, handshake, errors, large, cancel, deadline, sizes" + (", TLS" if TLS else ""))
