"""A stop takes no longer than it may, whatever hangs. The store here is a folder whose syncs hang,
as one on another machine does that went away. TIDEGATE_GRACE_MS: how long a stop may take."""

import os
import socket
import threading
import time

from server import WORK, Gone, Server
from slow import Slow

GRACE_MS = int(os.environ.get("TIDEGATE_GRACE_MS", "2000"))
# For the process itself to go, on a machine that does other things; what hangs does so for longer.
BEYOND_S = 3
# Longer than anybody waits.
HANGING_MS = 600_000
POINTS = 1_000


class Trial:
    """A server with points in memory whose store can be made to hang."""

    def __init__(self, name, part):
        self.part = part
        self.slow = Slow(WORK, name, part)
        settings = {"SERVER__SHUTDOWN_GRACE_MS": GRACE_MS, "LAKE__FLUSH_AGE_MS": 3_600_000}
        self.server = Server(name, settings, self.slow.environment).start()
        self.acknowledged = 0
        self.write()

    def write(self):
        at = self.acknowledged
        for table in range(3):
            lines = (f"m{table},h={n} v={n}i {n}" for n in range(at + 1, at + POINTS + 1))
            status, answer = self.server.client().write("b", "\n".join(lines))
            assert status == 204, (status, answer)
        self.acknowledged += POINTS

    def hang(self):
        self.slow.by(HANGING_MS)

    def begin_request(self):
        """A body of which a little comes again and again, and never the end."""
        head = "POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
        hanging = socket.create_connection(("127.0.0.1", self.server.port), 10)
        hanging.sendall(head.encode() + b"never v=1 1\n")

        def drip():
            try:
                while True:
                    hanging.sendall(b"never v=1 1\n" * 100)
                    time.sleep(0.2)
            except OSError:
                hanging.close()

        threading.Thread(target=drip, daemon=True).start()

    def files(self):
        """How many files are in folders whose syncs hang."""
        return sum(len(files) for path, _, files in os.walk(self.server.lake) if self.part in path)

    def begin_flush(self):
        """Asks for a flush, and returns when it hangs in the store."""
        before = self.files()

        def ask():
            try:
                self.server.client().ask("POST", "/api/v1/lake/flush")
            except Gone:
                pass

        threading.Thread(target=ask, daemon=True).start()
        self.server.until(lambda: self.files() > before, 300, "flushing")

    def stop(self, what):
        """SIGTERM, in time and with exit code 0; then everything is there, once."""
        began = time.monotonic()
        self.server.stop(GRACE_MS / 1000 + 20)
        took = time.monotonic() - began
        limit = GRACE_MS / 1000 + BEYOND_S
        assert took < limit, f"{what}: the stop took {took:.1f} s, {limit} s are allowed"
        self.slow.by(0)
        self.server.start()
        lines = self.server.export("b").splitlines()
        expected = {f"m{t},h={n} v={n}i {n}" for t in range(3) for n in range(1, self.acknowledged + 1)}
        assert len(lines) == len(expected), f"{what}: {len(lines)} of {len(expected)} points"
        assert set(lines) == expected, f"{what}: points that nobody wrote"
        print(f"  {what}: {took:.2f} s, {len(lines)} points", flush=True)


def main():
    trial = Trial("stop", "/lake/_staging/")
    trial.hang()
    trial.stop("the store hangs from the stop's own flush on")
    trial.write()
    trial.hang()
    trial.begin_flush()
    trial.stop("a flush hangs in the store")
    trial.write()
    trial.hang()
    trial.begin_flush()
    trial.begin_request()
    trial.stop("a flush hangs in the store, and a request does")
    trial.server.stop()
    # The commit is named, and whether it counts is not known: the next start has to ask.
    trial = Trial("start", "/_delta_log")
    trial.hang()
    trial.begin_flush()
    trial.server.kill()
    trial.server.start(until_ready=False)
    time.sleep(0.5)
    assert trial.server.get("/ready")[0] == 503, "the start does not wait for the store"
    trial.stop("a start waits for the store")
    trial.server.stop()


if __name__ == "__main__":
    main()
