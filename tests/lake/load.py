"""Clients that write until the server is gone or they are told to stop, and remember what they
were told. Every point is sent once and has a time of its own: whatever comes twice out of the
tables was written twice by the server."""

import random
import threading
import time

from server import PATIENCE_S, Gone

BUCKET = "load"
TABLES = ["cpu", "mem", "net io"]
DAY = 86_400_000_000_000
START = 1_763_000_000_000_000_000
CLIENTS = 4


def line(client, number):
    """A point. Its values tell which one it is; neighbours lie in three days and three tables."""
    table = TABLES[number // 3 % 3].replace(" ", "\\ ")
    ns = START + number % 3 * DAY + (number * CLIENTS + client) * 1000 + number % 1000
    return f"{table},client={client},part={number % 5} n={number}i,text=\"{number:x}\" {ns}"


class Record:
    """What one client has sent, and what of it was acknowledged."""

    def __init__(self, client):
        self.client = client
        self.sent = 0
        self.acknowledged = set()
        self.refused = 0

    def next(self, chance, most):
        start = self.sent
        self.sent += chance.randint(1, most)
        return range(start, self.sent)


class Load:
    """Clients on threads, one a record; they share the servers out."""

    def __init__(self, servers, records, pause=0.01, most=80, seed=0):
        self.stopping = threading.Event()
        self.wrong = []
        self.threads = []
        for record in records:
            server = servers[record.client % len(servers)]
            chance = random.Random(f"{seed} {record.client} {record.sent}")
            arguments = (server, record, chance, pause, most)
            self.threads.append(threading.Thread(target=self.run, args=arguments, daemon=True))
        for thread in self.threads:
            thread.start()

    def run(self, server, record, chance, pause, most):
        client = server.client()
        try:
            while not self.stopping.is_set():
                numbers = record.next(chance, most)
                body = "\n".join(line(record.client, number) for number in numbers)
                status, answer = client.write(BUCKET, body)
                if status == 204:
                    record.acknowledged.update(numbers)
                elif status == 503:
                    record.refused += 1
                    time.sleep(0.05)
                else:
                    self.wrong.append((status, answer[:500]))
                    return
                time.sleep(chance.uniform(0, pause))
        except Gone:
            pass

    def join(self):
        """Waits for the clients to end because the server is gone."""
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a client hangs"
        assert not self.wrong, f"answers that nobody expects: {self.wrong}"

    def stop(self):
        self.stopping.set()
        self.join()


def check(records, recovered, where):
    """Acknowledged <= recovered <= sent, and nothing twice. `recovered` holds pairs of client and
    number."""
    found = {}
    for client, number in recovered:
        numbers = found.setdefault(client, set())
        assert number not in numbers, f"{where}: point {number} of client {client} is there twice"
        numbers.add(number)
    surplus = 0
    for record in records:
        numbers = found.pop(record.client, set())
        lost = record.acknowledged - numbers
        assert not lost, (
            f"{where}: {len(lost)} acknowledged points of client {record.client} are lost, "
            f"such as {sorted(lost)[:5]}"
        )
        unsent = [number for number in numbers if number >= record.sent]
        assert not unsent, f"{where}: never sent by client {record.client}: {unsent[:5]}"
        surplus += len(numbers) - len(record.acknowledged)
    assert not found, f"{where}: unknown clients: {list(found)}"
    return surplus


def exported(text):
    """The points in exported line protocol; each must be whole."""
    for text_line in text.splitlines():
        head, fields, ns = text_line.rsplit(" ", 2)
        client = int(head.split(",client=")[1].split(",")[0])
        number = int(fields.split("n=")[1].split("i")[0])
        sent = line(client, number)
        assert text_line == sent, f"exported as {text_line}, sent as {sent}"
        yield client, number


def stored(arrows):
    """The points in Arrow tables, by measurement; each must be whole."""
    for table, arrow in arrows.items():
        names = ["client", "part", "n", "text", "time_ns"]
        for client, part, number, text, ns in zip(*(arrow[name].to_pylist() for name in names)):
            escaped = table.replace(" ", "\\ ")
            read = f"{escaped},client={client},part={part} n={number}i,text=\"{text}\" {ns}"
            sent = line(int(client), number)
            assert read == sent, f"stored as {read}, sent as {sent}"
            yield int(client), number
