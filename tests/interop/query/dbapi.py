"""flightsql-dbapi: its cursor, and SQLAlchemy's dialect with what Superset's inspector calls."""

from urllib.parse import quote, urlsplit

import flightsql
import flightsql.sqlalchemy
import sqlalchemy
from flightsql import FlightSQLClient
from flightsql.client import TableRef

from points import COLUMNS, LINES, ROWS, TEXT, TOKEN, URL, WRITER, fails, fails_as, write

address = urlsplit(URL)
HOST, PORT = address.hostname, address.port


def connect(database="dbapi", **who):
    client = FlightSQLClient(host=HOST, port=PORT, insecure=True, metadata={"database": database},
                             **(who or {"token": TOKEN}))
    return flightsql.connect(client)


write("dbapi", LINES)
write("dbapi", "other,t=x v=1 1")
for who in [{"token": TOKEN}, {"user": "any", "password": TOKEN}]:
    with connect(**who) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT s, i, b, f FROM every ORDER BY time")
        assert [column[0] for column in cursor.description] == ["s", "i", "b", "f"]
        assert cursor.fetchone() == [TEXT, -(2**63), True, -1.5]
        assert len(cursor.fetchall()) == 2
        assert connection.flightsql_get_schema_names() == ["information_schema", "iox", "system"]
        assert connection.flightsql_get_table_names("iox") == ["every", "other"]
        columns = connection.flightsql_get_columns("every", "iox")
        assert [column["name"] for column in columns] == COLUMNS
        assert connection.flightsql_get_primary_keys("every", "iox") == []
        assert connection.flightsql_get_foreign_keys("every", "iox") == []
        client = connection.client

        def table(info):
            return client.do_get(info.endpoints[0].ticket).read_all()

        infos = [client.get_catalogs(), client.get_table_types(), client.get_xdbc_type_info(None),
                 client.get_exported_keys(TableRef(table="every")), client.get_sql_info([]),
                 client.get_cross_reference(TableRef(table="every"), TableRef(table="other"))]
        for info in infos:
            assert table(info).schema == info.schema, info.schema
        assert table(infos[0]).to_pylist() == [{"catalog_name": "public"}]
        types = table(infos[2]).to_pylist()
        assert {"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"} <= {t["type_name"] for t in types}
        one = table(client.get_xdbc_type_info(types[0]["data_type"])).to_pylist()
        assert one and one[0] in types and len(one) < len(types), one
        fails("implemented", lambda: client.execute_update("DROP TABLE every"))
        # This client throws away the handle that its values were bound to: no server without a memory
        # of statements can know them. It binds a list, too, and may see the refusal of that first.
        error = fails_as(Exception, lambda: connection.execute("SELECT i FROM every WHERE i = ?", (1,)))
        assert "$1" in str(error) or "param_0" in str(error), error
fails("database not found", lambda: connect("missing").execute("SELECT 1"))
fails("nauthenticated", lambda: connect(token="wrong").execute("SELECT 1"))
fails("nauthenticated", lambda: connect(user="any", password="wrong"))
fails("ermission", lambda: connect(token=WRITER).execute("SELECT 1"))

for who in [f"{HOST}:{PORT}/?token={quote(TOKEN)}&", f"any:{quote(TOKEN)}@{HOST}:{PORT}/?"]:
    engine = sqlalchemy.create_engine(f"datafusion+flightsql://{who}database=dbapi&insecure=true")
    inspector = sqlalchemy.inspect(engine)
    assert inspector.get_schema_names() == ["information_schema", "iox", "system"]
    assert inspector.get_table_names("iox") == ["every", "other"]
    assert inspector.get_view_names("iox") == [] and inspector.default_schema_name is None
    columns = inspector.get_columns("every", "iox")
    assert [column["name"] for column in columns] == COLUMNS
    assert isinstance(columns[5]["type"], sqlalchemy.types.DateTime), columns[5]
    assert inspector.get_indexes("every", "iox") == []
    assert inspector.get_foreign_keys("every", "iox") == []
    assert engine.dialect.has_table(engine.connect(), "every", schema="iox")
    # A chart of Superset: its columns by name, a bound in time, a limit.
    every = sqlalchemy.Table("every", sqlalchemy.MetaData(), autoload_with=engine, schema="iox")
    chart = sqlalchemy.select(
        every.c.host, sqlalchemy.func.count().label("points"), sqlalchemy.func.max(every.c.i).label("top"),
    ).where(every.c.time >= sqlalchemy.text("TIMESTAMP '2023-11-14 22:13:20'")).where(
        every.c.host == "a b").group_by(every.c.host).limit(10)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(chart)] == [("a b", 2, 2**63 - 1)]
        # The label that Superset gives: with capitals, in quotes.
        named = sqlalchemy.text('SELECT date_trunc(\'day\', time) AS "Day", avg(f) AS "AVG(f)" FROM iox.every '
                                "WHERE b GROUP BY 1 ORDER BY 1")
        result = connection.execute(named)
        assert list(result.keys()) == ["Day", "AVG(f)"] and result.fetchall()[0][1] == -1.5
assert len(ROWS) == 3
print("flightsql-dbapi: cursor, metadata, SQLAlchemy, errors")
