"""The real program as a process: start it, write to it, export from it, stop it, kill it."""

import atexit
import http.client
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse

PROGRAM = os.environ["TIDEGATE_BIN"]
WORK = os.environ["TIDEGATE_WORK"]
# Longer than anything takes on a machine that is merely slow.
PATIENCE_S = 300
running = set()


class Gone(Exception):
    """There was no whole answer: the request may have been carried out or not."""


class Ended(Exception):
    """The server ended by itself; its log is the text."""


class Server:
    """One data folder, and the process over it. Settings are environment variables without their
    prefix: `LAKE__FLUSH_AGE_MS`."""

    def __init__(self, name, settings=None, environment=None, folder=None):
        self.folder = folder or os.path.join(WORK, name)
        self.log_path = os.path.join(WORK, f"{name}.log")
        self.settings = dict(settings or {})
        self.environment = dict(environment or {})
        self.process = None
        self.port = None

    @property
    def lake(self):
        """The folder of the tables, if it lies in the data folder."""
        return os.path.join(self.folder, "lake")

    def start(self, until_ready=True):
        settings = {f"TIDEGATE_{key}": str(value) for key, value in self.settings.items()}
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--without-auth"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", self.folder],
                env={**os.environ, **settings, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        running.add(self.process)
        self.port = None
        for line in self.process.stdout:
            found = re.match(rb"listening on http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        if self.port is None:
            self.process.wait(PATIENCE_S)
            raise Ended(self.log())
        if until_ready:
            self.until(lambda: self.get("/ready")[0] == 200, PATIENCE_S, "ready")
        return self

    def until(self, is_so, seconds, what):
        """Asks again and again; the server must live."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Ended(self.log())
            try:
                if is_so():
                    return
            except Gone:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not {what} after {seconds} s; the log ends with\n{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-6000:]

    def client(self):
        return Client(self.port)

    def get(self, path):
        return self.client().ask("GET", path)

    def export(self, bucket, measurement=None):
        """The lines of a bucket."""
        query = {"bucket": bucket}
        if measurement is not None:
            query["measurement"] = measurement
        status, body = self.get("/api/v1/export?" + urllib.parse.urlencode(query))
        assert status == 200, (status, body[:300], self.log())
        return body.decode()

    def metric(self, name):
        """The sum of a metric over its labels; 0 if it is not there."""
        status, body = self.get("/metrics")
        assert status == 200, status
        values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", body.decode(), re.M)
        return sum(float(value) for value in values)

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.end(PATIENCE_S)

    def stop(self, seconds=PATIENCE_S):
        """SIGTERM; nothing else than exit code 0 will do."""
        self.process.terminate()
        code = self.end(seconds)
        assert code == 0, f"exit code {code}; the log ends with\n{self.log()}"

    def end(self, seconds):
        code = self.process.wait(seconds)
        self.process.stdout.close()
        running.discard(self.process)
        return code


class Client:
    """A connection that is kept."""

    def __init__(self, port, timeout=PATIENCE_S):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method, path, body=None):
        try:
            self.connection.request(method, path, body)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Gone(error) from error

    def write(self, bucket, lines):
        query = urllib.parse.urlencode({"bucket": bucket})
        body = lines if isinstance(lines, bytes) else lines.encode()
        return self.ask("POST", f"/api/v2/write?{query}", body)


def clean_up():
    for process in list(running):
        process.kill()
        process.wait(30)


def ended(*_):
    sys.exit("ended by a signal")


atexit.register(clean_up)
signal.signal(signal.SIGTERM, ended)
