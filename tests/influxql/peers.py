"""Both who are asked: Debian's influxdb 1.6.7, which is the judge, and Tidegate."""

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lake"))

INFLUXD = os.environ.get("TIDEGATE_INFLUXD", "")
WORK = os.environ["TIDEGATE_WORK"]
DB = "judge"
# Longer than any of these questions takes on a machine that is merely slow.
PATIENCE_S = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Peer:
    """One server that answers `/query`."""

    name = ""

    def __init__(self, port):
        self.port = port
        self.connect()

    def connect(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ask(self, method, path, body=None, headers=None):
        """Returns status, headers and body."""
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.connect()
            raise

    def body(self, text, accept=None, **parameters):
        """Returns status and body of a question."""
        form = urllib.parse.urlencode({"db": DB, "q": text, **parameters})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if accept:
            headers["Accept"] = accept
        # 1.x reads `pretty` from the address only.
        path = "/query" + ("?pretty=true" if parameters.get("pretty") else "")
        status, _, body = self.ask("POST", path, form, headers)
        return status, body

    def query(self, text, **parameters):
        """Returns the answer's JSON, times in nanoseconds unless said otherwise."""
        status, body = self.body(text, **{"epoch": "ns", **parameters})
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {"error": f"no JSON: {body[:300]!r}"}
        answer["status"] = status
        return answer

    def write(self, lines, db=DB):
        status, _, body = self.ask("POST", "/write?" + urllib.parse.urlencode({"db": db}), lines.encode())
        assert status == 204, (self.name, status, body[:500])

    def create(self, db=DB):
        answer = self.query(f'CREATE DATABASE "{db}"' + self.forever)
        assert "error" not in answer["results"][0], (self.name, answer)


class Oracle(Peer):
    """influxd, with one shard for all times and no limits."""

    name = "influxdb 1.6.7"
    forever = " WITH DURATION INF SHARD DURATION 5200w"

    def __init__(self, name="influxdb"):
        folder = os.path.join(WORK, name)
        os.makedirs(folder, exist_ok=True)
        bind, port = free_port(), free_port()
        config = os.path.join(folder, "influxdb.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f"""reporting-disabled = true
bind-address = "127.0.0.1:{bind}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[coordinator]
query-timeout = "20s"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
"""
            )
        with open(os.path.join(folder, "influxdb.log"), "wb") as log:
            self.process = subprocess.Popen([INFLUXD, "-config", config], stdout=log, stderr=log)
        atexit.register(self.process.kill)
        super().__init__(port)
        for _ in range(600):
            try:
                self.create()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("influxd does not answer")

    def stop(self):
        self.process.kill()
        self.process.wait(60)


class Ours(Peer):
    """Tidegate, over a folder that outlives its process."""

    name = "tidegate"
    forever = ""

    def __init__(self, name="data", settings=None):
        from server import Server

        # Only what is asked for is flushed.
        calm = {"LAKE__FLUSH_AGE_MS": 86_400_000, "LAKE__FLUSH_BYTES": 1 << 34}
        self.server = Server(name, {**calm, **(settings or {})}).start()
        super().__init__(self.server.port)
        self.create()

    def flush(self):
        status, _, body = self.ask("POST", "/api/v1/lake/flush")
        assert status in (200, 204), (status, body[:300])

    def restart(self):
        self.server.stop()
        self.server.start()
        self.port = self.server.port
        self.connect()

    def stop(self):
        self.server.stop()


class OracleTwice(Oracle):
    """The judge in our place, for work on these programs: TIDEGATE_ORACLE_TWICE=1."""

    def __init__(self, name="again", settings=None):
        super().__init__(name)

    def flush(self):
        pass

    def restart(self):
        pass


def ours(**arguments):
    twice = os.environ.get("TIDEGATE_ORACLE_TWICE") == "1"
    return OracleTwice(**arguments) if twice else Ours(**arguments)
