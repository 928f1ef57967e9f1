"""All rows of a table to a client over Flight, beside a bare server of pyarrow's that has the same
rows in memory. Prints rows per second; ends with an error if Tidegate gives other rows. Times are for
people, unless TIDEGATE_FLOORS=1."""

import json
import multiprocessing
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lake"))

import pyarrow
import pyarrow.flight

import peers
from server import Server

ROWS = int(os.environ.get("TIDEGATE_ROWS", "10000000"))
ROUNDS = int(os.environ.get("TIDEGATE_ROUNDS", "5"))
HOSTS = 100
# Rows per second, or a part of what the bare server reaches.
RATE_MIN, PART_MIN = 3_000_000, 0.5
START_NS = 1_704_067_200_000_000_000


def load(server):
    client = server.client()
    step = 100_000
    for first in range(0, ROWS, step):
        rows = range(first, min(first + step, ROWS))
        lines = (f"m,host=h{n % HOSTS} v={n}i,w={n % 1013}.5 {START_NS + n * 1_000_000}" for n in rows)
        status, answer = client.write(peers.BUCKET, "\n".join(lines).encode())
        assert status == 204, (status, answer[:300])
    for what in ("flush", "compact"):
        status, answer = client.ask("POST", f"/api/v1/lake/{what}")
        assert status == 200, (status, answer[:300])


def serve(table, ports):
    """A bare server, which has nothing to do but to send."""

    class Bare(pyarrow.flight.FlightServerBase):
        def do_get(self, context, ticket):
            return pyarrow.flight.RecordBatchStream(table)

    bare = Bare("grpc://127.0.0.1:0")
    ports.put(bare.port)
    bare.serve()


def rate(port, ticket):
    """Rows per second, the client included."""
    client = pyarrow.flight.connect(f"grpc://127.0.0.1:{port}")
    rates = []
    for turn in range(ROUNDS + 1):
        began = time.perf_counter()
        rows = 0
        for chunk in client.do_get(pyarrow.flight.Ticket(ticket)):
            rows += chunk.data.num_rows
        assert rows == ROWS, rows
        if turn:
            rates.append(rows / (time.perf_counter() - began))
    return statistics.median(rates)


def main():
    server = Server("rows", {"LAKE__FLUSH_AGE_MS": 86_400_000}).start()
    load(server)
    question = {"database": peers.BUCKET, "sql_query": "SELECT * FROM m", "query_type": "sql"}
    ticket = json.dumps(question).encode()
    client = pyarrow.flight.connect(f"grpc://127.0.0.1:{server.port}")
    table = client.do_get(pyarrow.flight.Ticket(ticket)).read_all()
    assert table.num_rows == ROWS, table.num_rows
    total = pyarrow.compute.sum(table["v"]).as_py()
    assert total == ROWS * (ROWS - 1) // 2, total

    # Forked, it would have the locks of threads that it does not have.
    fresh = multiprocessing.get_context("spawn")
    ports = fresh.Queue()
    bare = fresh.Process(target=serve, args=(table, ports), daemon=True)
    bare.start()
    bare_rate = rate(ports.get(timeout=300), b"")
    bare.terminate()
    ours = rate(server.port, ticket)
    server.stop()
    print(f"{ROWS} rows: tidegate {ours / 1e6:.2f} M rows/s, bare {bare_rate / 1e6:.2f}, part {ours / bare_rate:.2f}")
    if ours < RATE_MIN and ours < PART_MIN * bare_rate:
        print(f"floor missed: {RATE_MIN / 1e6:.0f} M rows/s, or {PART_MIN} of the bare server")
        if os.environ.get("TIDEGATE_FLOORS") == "1":
            sys.exit("FAILED: a floor is missed (TIDEGATE_FLOORS=1)")


if __name__ == "__main__":
    import pyarrow.compute

    main()
