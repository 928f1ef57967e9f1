"""Questions that take long, of a client that asks by pings whether the connection is alive: silent until an
aggregate is there, or with a row at once and then nothing. Both are answered on the one connection that the
client has, pings are answered and no GOAWAY comes, and empty batches tell that the second is still made.

TIDEGATE_SECONDS is how long each takes at least (6; by hand 20 and more), TIDEGATE_PING_MS how often the client
pings (1000; gRPC's own clients are told 5 to 30 s)."""

import json
import os
import socket
import threading
import time

import pyarrow.flight as flight

from points import GRPC, TOKEN, URL, rows, write

SECONDS = float(os.environ.get("TIDEGATE_SECONDS", "6"))
PING_MS = int(os.environ.get("TIDEGATE_PING_MS", "1000"))
# After which an answer that has begun is not silent any more.
SILENCE_S = 5
PREFACE, HEAD = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 9
PING, GOAWAY, ACK = 6, 7, 1


class Wire:
    """What stands between client and server, and counts the frames of HTTP/2 that it passes on."""

    def __init__(self, to):
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = self.pings = self.answered = 0
        self.goaways = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection(self.to)
            self.connections += 1
            for source, target, passed in ((client, server, PREFACE), (server, client, 0)):
                threading.Thread(target=self.relay, args=(source, target, passed), daemon=True).start()

    def relay(self, source, target, passed):
        """Passes bytes on at once, and looks at them after the first `passed` ones."""
        is_client, seen = passed > 0, bytearray()
        while data := source.recv(1 << 16):
            target.sendall(data)
            seen += data
            while len(seen) >= passed + HEAD:
                end = passed + HEAD + int.from_bytes(seen[passed : passed + 3], "big")
                if len(seen) < end:
                    break
                kind, flags = seen[passed + 3], seen[passed + 4]
                if kind == PING and flags & ACK != ACK and is_client:
                    self.pings += 1
                elif kind == PING and flags & ACK and not is_client:
                    self.answered += 1
                elif kind == GOAWAY and not is_client:
                    self.goaways.append(bytes(seen[passed + HEAD : end]))
                del seen[:end]
                passed = 0
        target.shutdown(socket.SHUT_WR)


def get(client, text):
    ticket = json.dumps({"database": "keepalive", "sql_query": text, "query_type": "sql"})
    headers = [(b"authorization", b"Bearer " + TOKEN.encode())]
    return client.do_get(flight.Ticket(ticket.encode()), flight.FlightCallOptions(headers=headers))


def slow(count):
    return f"SELECT count(*) AS n FROM generate_series(1, {count}) a JOIN generate_series(1, {count}) b ON a.value < b.value"


def pairs(count):
    return count * (count - 1) // 2


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


host, port = URL.removeprefix("http://").split(":")
wire = Wire((host, int(port)))
client = flight.FlightClient(f"grpc://127.0.0.1:{wire.port}", generic_options=[
    ("grpc.keepalive_time_ms", PING_MS), ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0), ("grpc.keepalive_permit_without_calls", 1)])
write("keepalive", "m f=1 1")

# As many rows as take that long here.
count = 20_000
while (took := timed(lambda: get(client, slow(count)).read_all())) < 1:
    count *= 2
count = int(count * (1.05 * SECONDS / took) ** 0.5)

while True:
    before, began = wire.pings, time.monotonic()
    found = rows(get(client, slow(count)).read_all())
    took = time.monotonic() - began
    assert found == [(pairs(count),)], (found, count)
    if took >= SECONDS:
        break
    count = int(count * 1.5)
assert wire.pings - before >= took * 1000 / PING_MS / 2 - 1, f"{wire.pings - before} pings in {took:.1f} s"
print(f"silent for {took:.1f} s, with {wire.pings - before} pings")

while True:
    began, empty, found = time.monotonic(), 0, []
    for chunk in get(client, f"SELECT 0 AS n UNION ALL {slow(count)}"):
        empty += chunk.data.num_rows == 0
        found += chunk.data.column("n").to_pylist()
    took = time.monotonic() - began
    assert found == [0, pairs(count)], (found, count)
    if took >= SECONDS:
        break
    count = int(count * 1.5)
# A message may still be on its way.
assert empty >= int((took - 1) / SILENCE_S) >= 1 or took < SILENCE_S + 1, f"{empty} empty batches in {took:.1f} s"
print(f"a row, then nothing for {took:.1f} s, with {empty} empty batches")

# A connection that nothing is asked on for a while is not cut either.
time.sleep(3 * PING_MS / 1000)
assert rows(get(client, "SELECT 1").read_all()) == [(1,)]
assert wire.connections == 1 and not wire.goaways, (wire.connections, wire.goaways)
assert wire.answered >= wire.pings - 1, (wire.answered, wire.pings)
print(f"pyarrow.flight with keep-alive: {wire.pings} pings, all answered, in one connection")
