"""ADBC's driver for Flight SQL: statements, prepared ones, and all that tools ask of a server."""

import datetime
import os

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pyarrow

from points import (
    COLUMNS, FIRST, GRPC, LINES, READER, ROWS, TEXT, TOKEN, WRITER, fails, rows, same, write,
)

Database, Connection = adbc_driver_flightsql.DatabaseOptions, adbc_driver_flightsql.ConnectionOptions
HEADER = Database.RPC_CALL_HEADER_PREFIX.value
TLS = os.environ.get("TIDEGATE_TLS_URL")
ALL = "SELECT * FROM every ORDER BY time"


def connect(database="adbc", token=TOKEN, options=None, place=GRPC):
    options = options or {Database.AUTHORIZATION_HEADER.value: "Bearer " + token}
    if database:
        options = {HEADER + "database": database, **options}
    return flightsql.connect(place.replace("grpc://", "grpc+tcp://"), options, autocommit=True)


def ask(connection, text, values=None):
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetch_arrow_table()


write("adbc", LINES)
write("adbc", "other,t=x v=1 1")
write("readable", "m f=1 1")
with connect() as connection:
    same(ask(connection, ALL))
    # Python's own values, too.
    with connection.cursor() as cursor:
        cursor.execute("SELECT s, u, b, time FROM every ORDER BY time LIMIT 1")
        s, u, b, time = cursor.fetchone()
        assert (s, u, b) == (TEXT, 2**64 - 1, True), (s, u, b)
        assert cursor.fetchone() is None

    for marks in [("?", "?"), ("$1", "$2")]:
        text = "SELECT count(*) FROM every WHERE host = %s AND i = %s" % marks
        assert rows(ask(connection, text, ("a b", 2**63 - 1))) == [(1,)]
    # In the order of their numbers, and one of them twice.
    text = "SELECT concat($2, $1, $2) AS x"
    assert rows(ask(connection, text, ("a", "b"))) == [("bab",)]
    # A mark inside of a text or a name is none.
    assert rows(ask(connection, "SELECT '?' AS \"?\", ? AS x", (5,))) == [("?", 5)]
    for name, value in [("u", 0), ("f", 5e-324), ("b", True), ("s", TEXT), ("host", "a b"), ("i", -(2**63)),
                        ("time", datetime.datetime.fromtimestamp(FIRST / 1e9, datetime.timezone.utc))]:
        expected = {"host": 2, "time": 3}.get(name, 1)
        sign = ">=" if name == "time" else "="
        if name == "time":
            value = value.replace(microsecond=123456)
        found = rows(ask(connection, f"SELECT count(*) FROM every WHERE {name} {sign} ?", (value,)))
        assert found == [(expected,)], (name, found)
    found = rows(ask(connection, "SELECT count(*) FROM every WHERE host IS NOT DISTINCT FROM ?", (None,)))
    assert found == [(1,)], found
    # By the bound row itself, with nanoseconds and unsigned integers.
    row = pyarrow.record_batch({
        "0": pyarrow.array([FIRST + 1], pyarrow.timestamp("ns")),
        "1": pyarrow.array([0], pyarrow.uint64())})
    found = rows(ask(connection, "SELECT f FROM every WHERE time = ? AND u = ?", row))
    assert found == [(5e-324,)], found
    # A statement once prepared is asked again and again.
    with connection.cursor() as cursor:
        for value in [2**63 - 1, -(2**63)]:
            cursor.execute("SELECT i FROM every WHERE i = ?", (value,))
            assert cursor.fetchall() == [(value,)]
        # One row of values at a time; what updates is refused.
        two = pyarrow.record_batch({"0": pyarrow.array([1, 2])})
        fails("one row of values", lambda: cursor.execute("SELECT ?", two), "INVALID_ARGUMENT")
        error = fails("questions only read", lambda: cursor.executemany("SELECT ?", [(1,), (2,)]))
        assert isinstance(error, adbc_driver_manager.NotSupportedError), error
    with connection.cursor() as cursor:
        schema = cursor.adbc_prepare("SELECT i FROM every WHERE i = ? AND s = ?")
        assert [str(field.type) for field in schema] == ["int64", "string"], schema
        assert cursor.adbc_execute_schema(ALL).names == COLUMNS
    with connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions(ALL)
        assert len(partitions) == 1 and schema.names == COLUMNS
        cursor.adbc_read_partition(partitions[0])
        same(cursor.fetch_arrow_table())

    for text, code, told in [
        ("SELECT * FROM nothing", "INVALID_ARGUMENT", "nothing"),
        ("SELEC 1", "INVALID_ARGUMENT", "SELEC"),
        ("SELECT wrong FROM every", "INVALID_ARGUMENT", "wrong"),
        ("DROP TABLE every", "INVALID_ARGUMENT", "read"),
        ("INSERT INTO every (f, time) VALUES (1, now())", "INVALID_ARGUMENT", "read"),
    ]:
        fails(told, lambda: ask(connection, text), code)
    fails("parameters", lambda: ask(connection, "SELECT ? + ?", (1,)))
    fails("placeholder", lambda: ask(connection, "SELECT i FROM every WHERE i = ?"))

    info = connection.adbc_get_info()
    assert info["vendor_name"] == "Tidegate" and info["vendor_version"], info
    assert info["vendor_arrow_version"], info
    assert connection.adbc_get_table_types() == ["BASE TABLE", "VIEW"]
    objects = connection.adbc_get_objects(depth="all").read_all().to_pylist()
    assert [catalog["catalog_name"] for catalog in objects] == ["public"]
    schemas = {s["db_schema_name"]: s["db_schema_tables"] for s in objects[0]["catalog_db_schemas"]}
    assert list(schemas) == ["information_schema", "iox", "system"], list(schemas)
    tables = {table["table_name"]: table for table in schemas["iox"]}
    assert list(tables) == ["every", "other"], list(tables)
    assert tables["every"]["table_type"] == "BASE TABLE"
    columns = tables["every"]["table_columns"]
    assert [c["column_name"] for c in columns] == COLUMNS
    assert [c["ordinal_position"] for c in columns] == list(range(1, 9))
    kinds = {column["column_name"]: column["xdbc_data_type"] for column in columns}
    assert (kinds["time"], kinds["i"], kinds["host"]) == (93, -5, 12), kinds
    for depth in ["catalogs", "db_schemas", "tables", "columns"]:
        assert connection.adbc_get_objects(depth=depth).read_all().num_rows == 1
    found = connection.adbc_get_objects(
        depth="tables", catalog_filter="public", db_schema_filter="io_",
        table_name_filter="oth%", table_types_filter=["BASE TABLE", "unknown"]).read_all().to_pylist()
    found = found[0]["catalog_db_schemas"][0]["db_schema_tables"]
    assert [table["table_name"] for table in found] == ["other"], found
    assert connection.adbc_get_objects(depth="tables", catalog_filter="no").read_all().num_rows == 0
    assert connection.adbc_get_table_schema("every").names == COLUMNS
    assert connection.adbc_get_table_schema("every", db_schema_filter="iox").names == COLUMNS
    fails("NOT_FOUND", lambda: connection.adbc_get_table_schema("nothing"))

    # Options of the session.
    inner = connection.adbc_connection
    inner.set_options(**{"adbc.connection.catalog": "public"})
    assert inner.get_option("adbc.connection.catalog") == "public"
    inner.set_options(**{"adbc.connection.db_schema": "iox"})
    assert inner.get_option("adbc.connection.db_schema") == "iox"
    fails("'catalog' (invalid value)", lambda: inner.set_options(**{"adbc.connection.catalog": "other"}))
    fails("'speed' (invalid name)", lambda: inner.set_options(**{"adbc.flight.sql.session.option.speed": "high"}))

# A name that needs quotes.
with connect("adbc names") as connection:
    write("adbc names", 'a\\ "b"\\,c,t\\ 1=x V=1,v=2i 1')
    assert connection.adbc_get_table_schema('a "b",c').names == ["V", "t 1", "time", "v"]
    assert rows(ask(connection, 'SELECT "V", v FROM "a ""b"",c"')) == [(1.0, 2)]

# A user and a token as the password: a handshake, then its header.
for user in ["any", ""]:
    with connect(options={"username": user, "password": TOKEN}) as connection:
        same(ask(connection, ALL))
with connect("readable", options={"username": "any", "password": READER}) as connection:
    assert rows(ask(connection, "SELECT f FROM m")) == [(1.0,)]


def told(text, **how):
    def work():
        with connect(**how) as connection:
            ask(connection, "SELECT 1")
    return fails(text, work)


told("UNAUTHENTICATED", options={"username": "any", "password": "wrong"})
told("UNAUTHENTICATED", token="wrong-token-of-thirty-two-characters")
told("UNAUTHENTICATED", options={HEADER + "x-any": "header"})
told("database not found", database="missing")
told("no 'database' header", database=None)
told("PermissionDenied", token=WRITER)
told("PermissionDenied", token=READER)
told("PermissionDenied", token=READER, database="missing")

if TLS:
    with open(os.environ["TIDEGATE_TLS_CA"]) as file:
        trust = {Database.TLS_ROOT_CERTS.value: file.read()}
    place = TLS.replace("https://", "grpc+tls://")
    with connect("tls", options={**trust, "username": "any", "password": TOKEN}, place=place) as connection:
        assert rows(ask(connection, "SELECT f FROM m")) == [(1.0,)]
    told("certificate", database="tls", place=place)
# In InfluxQL, by a header: all that this driver asks is prepared.
influxql = {Database.AUTHORIZATION_HEADER.value: "Bearer " + TOKEN,
            HEADER + "x-influxdata-query-language": "influxql"}
with connect(options=influxql) as connection:
    found = ask(connection, "SELECT i, host FROM \"every\" GROUP BY zone")
    assert found.column_names == ["iox::measurement", "time", "zone", "i", "host"], found.column_names
    kinds = [(field.metadata or {}).get(b"iox::column::type", b"") for field in found.schema]
    kinds = [kind.decode().removeprefix("iox::column_type::") for kind in kinds]
    assert kinds == ["", "timestamp", "tag", "field::integer", "tag"], kinds
    text = "SELECT i FROM \"every\" WHERE time >= $from AND host = $host"
    row = pyarrow.record_batch({
        "host": pyarrow.array(["a b"]), "from": pyarrow.array([FIRST + 1], pyarrow.timestamp("ns"))})
    assert rows(ask(connection, text, row)) == [("every", FIRST + 1, 2**63 - 1)]
    assert rows(ask(connection, text, (FIRST, "a b"))) == [
        ("every", FIRST, -(2**63)), ("every", FIRST + 1, 2**63 - 1)]
    assert rows(ask(connection, "SHOW TAG KEYS FROM \"every\"")) == [("every", "host"), ("every", "zone")]
    fails("missing parameter: from", lambda: ask(connection, text), "INVALID_ARGUMENT")
    fails("found SELEC", lambda: ask(connection, "SELEC"), "INVALID_ARGUMENT")

print("adbc: rows, parameters, errors, metadata, session, handshake")
