"""The v3 Python client: what it writes it gets back, in every mode that it has."""

import os

import polars
from influxdb_client_3 import (
    InfluxDBClient3, Point, WriteOptions, WriteType, write_client_options,
)

from points import COLUMNS, FIRST, READER, ROWS, TEXT, TOKEN, URL, WRITER, fails, rows, same

DIRECT = WriteOptions(write_type=WriteType.synchronous, use_v2_api=False)


def client(database="python", token=TOKEN):
    return InfluxDBClient3(
        host=URL, database=database, token=token,
        write_client_options=write_client_options(write_options=DIRECT),
    )


v3 = client()
v3.write([
    Point("every").tag("host", "a b").tag("zone", "é,=").field("b", True).field("f", -1.5)
    .field("i", -(2**63)).field("s", TEXT).time(FIRST),
    Point("every").tag("host", "a b").field("b", False).field("f", 5e-324)
    .field("i", 2**63 - 1).field("s", "").time(FIRST + 1),
    Point("every").field("f", 1.7976931348623157e308).time(FIRST + 2),
])
# Its points have no unsigned integers.
v3.write([f"every,host=a\\ b,zone=é\\,\\= u={2**64 - 1}u {FIRST}", f"every,host=a\\ b u=0u {FIRST + 1}"])
ALL = "SELECT * FROM every ORDER BY time"

same(v3.query(ALL))
same(v3.query(ALL, mode="all"))
same(v3.query(ALL, mode="reader").read_all())
chunks = v3.query(ALL, mode="chunk")
found = []
while True:
    try:
        found += rows(chunks.read_chunk().data)
    except StopIteration:
        break
assert found == ROWS, found
schema = v3.query(ALL, mode="schema")
assert schema.names == COLUMNS
assert schema.field("u").metadata == {b"iox::column::type": b"iox::column_type::field::uinteger"}
assert schema.field("host").metadata == {b"iox::column::type": b"iox::column_type::tag"}
assert not schema.field("time").nullable and schema.field("host").nullable

frame = v3.query(ALL, mode="pandas")
assert str(frame["time"].dtype) == "datetime64[ns]", frame.dtypes
assert [value.value for value in frame["time"]] == [row[5] for row in ROWS]
assert frame["host"].isna().tolist() == [False, False, True] and frame["s"][0] == TEXT
assert frame["f"].tolist() == [row[1] for row in ROWS]
table = v3.query(ALL, mode="polars")
assert table["u"].dtype == polars.UInt64 and table["u"].to_list() == [2**64 - 1, 0, None]
assert table["time"].dtype == polars.Datetime("ns")
assert table["time"].to_physical().to_list() == [row[5] for row in ROWS]

# An answer without rows has its columns.
none = v3.query("SELECT * FROM every WHERE f = 7")
assert none.num_rows == 0 and none.column_names == COLUMNS
assert v3.query("SELECT * FROM every WHERE f = 7", mode="pandas").empty

for name, value in [("i", -(2**63)), ("u", 2**64 - 1), ("f", 5e-324), ("b", False), ("s", TEXT),
                    ("host", "a b"), ("time", "2023-11-14T22:13:20.123456790Z")]:
    count = v3.query(f"SELECT count(*) AS n FROM every WHERE {name} = $value",
                     query_parameters={"value": value})
    expected = 2 if name == "host" else 1
    assert rows(count) == [(expected,)], (name, rows(count))
count = v3.query("SELECT count(*) AS n FROM every WHERE host IS NOT DISTINCT FROM $value",
                 query_parameters={"value": None})
assert rows(count) == [(1,)], rows(count)
fails("value", lambda: v3.query("SELECT $value", query_parameters={"value": [1]}))
fails("placeholder", lambda: v3.query("SELECT * FROM every WHERE i = $i"))

fails("nothing", lambda: v3.query("SELECT * FROM nothing"))
fails("SELEC", lambda: v3.query("SELEC 1"))
fails("\"V\"", lambda: (v3.write("cased V=1 1"), v3.query("SELECT v FROM cased")))
assert v3.query('SELECT f FROM "every"', language="influxql").num_rows == 3
fails("error parsing query", lambda: v3.query("SELECT f FROM every", language="influxql"))
fails("database not found", lambda: client("missing").query("SELECT 1"))
fails("nauthenticated", lambda: client(token="wrong-token-of-thirty-two-characters").query(ALL))
fails("nauthenticated", lambda: client(token="").query(ALL))
fails("ermission", lambda: client(token=WRITER).query(ALL))
for unseen in ["python", "missing"]:
    fails("insufficient permissions", lambda: client(unseen, READER).query("SELECT 1"))
assert rows(client("readable", READER).query("SELECT 1 AS one")) == [(1,)]

if "TIDEGATE_TLS_URL" in os.environ:
    authority = os.environ["TIDEGATE_TLS_CA"]
    with InfluxDBClient3(host=os.environ["TIDEGATE_TLS_URL"], database="tls", token=TOKEN,
                         ssl_ca_cert=authority, verify_ssl=True) as secure:
        secure.write("written f=2 1")
        assert rows(secure.query("SELECT f FROM written")) == [(2.0,)]
print("influxdb3-python: rows, modes, parameters, errors")
