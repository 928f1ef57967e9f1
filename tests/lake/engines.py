"""How engines read a table: each returns what it read as an Arrow table. They see the table as
their users do; nothing here knows how it was written."""

import functools
import glob
import logging
import os


def deltalake(folder):
    from deltalake import DeltaTable

    return DeltaTable(folder).to_pyarrow_table()


def polars(folder):
    import polars

    return polars.scan_delta(folder).collect().to_arrow()


def duckdb(folder):
    return in_duckdb("SELECT * FROM delta_scan(?)", [folder]).to_arrow_table()


def daft(folder):
    return daft_table(folder).to_arrow()


def spark(folder):
    import spark_session

    return spark_session.read(folder)


ALL = {"deltalake": deltalake, "polars": polars, "duckdb": duckdb, "daft": daft}


# How many rows have a value: engines leave out the files whose statistics say that they cannot
# have it.


def deltalake_count(folder, column, value):
    import pyarrow
    import pyarrow.dataset
    from deltalake import DeltaTable

    dataset = DeltaTable(folder).to_pyarrow_dataset()
    value = pyarrow.scalar(value, dataset.schema.field(column).type)
    return dataset.count_rows(filter=pyarrow.dataset.field(column) == value)


def polars_count(folder, column, value):
    import polars

    is_equal = polars.col(column) == polars.lit(value)
    return polars.scan_delta(folder).filter(is_equal).collect().height


def duckdb_count(folder, column, value):
    quoted = '"' + column.replace('"', '""') + '"'
    query = f"SELECT count(*) AS n FROM delta_scan(?) WHERE {quoted} = ?"
    return in_duckdb(query, [folder, value]).to_arrow_table()["n"][0].as_py()


def daft_count(folder, column, value):
    from daft import col, lit

    return daft_table(folder).where(col(column) == lit(value)).count_rows()


COUNTS = {
    "deltalake": deltalake_count,
    "polars": polars_count,
    "duckdb": duckdb_count,
    "daft": daft_count,
}


def daft_table(folder):
    import daft

    # It warns of every read without a filter on days.
    logging.getLogger("daft").setLevel(logging.ERROR)
    return daft.read_deltalake(folder)


@functools.cache
def duckdb_connection():
    import duckdb
    import duckdb_extension_delta

    package = os.path.dirname(duckdb_extension_delta.__file__)
    (extension,) = glob.glob(f"{package}/extensions/*/delta.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def in_duckdb(query, values):
    return duckdb_connection().execute(query, values)
