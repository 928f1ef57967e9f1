"""How engines read a table: each returns what it read as an Arrow table. They see the table as
their users do; nothing here knows how it was written."""

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
    import duckdb
    import duckdb_extension_delta

    package = os.path.dirname(duckdb_extension_delta.__file__)
    (extension,) = glob.glob(f"{package}/extensions/*/delta.duckdb_extension")
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension}'")
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute("SELECT * FROM delta_scan(?)", [folder])
        return found.to_arrow_table()


def daft(folder):
    import daft

    # It warns of every read without a filter.
    logging.getLogger("daft").setLevel(logging.ERROR)
    return daft.read_deltalake(folder).to_arrow()


def spark(folder):
    import spark_session

    return spark_session.read(folder)


ALL = {"deltalake": deltalake, "polars": polars, "duckdb": duckdb, "daft": daft}
