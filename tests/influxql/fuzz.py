"""Random texts, valid by the grammar and mutated, by `/query`: none may end in a status of 500 or
more, break the connection, or take longer than the server's own limit. TIDEGATE_FUZZ is their number; on a
machine that is busy, TIDEGATE_FUZZ_SLACK are the seconds past the limit that count as the machine's."""

import collections
import http.client
import json
import os
import sys
import time
import urllib.parse

import peers
from grammar import texts

COUNT = int(os.environ.get("TIDEGATE_FUZZ", "20000"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
# The most that is read of an answer: windows of nanoseconds have no end.
READ_MAX = 1 << 20
TIMEOUT_S = 5
SLACK_S = float(os.environ.get("TIDEGATE_FUZZ_SLACK", "2"))
# What the grammar's names mean, if anything.
POINTS = [
    f"{measurement},host=h{number % 2},region=r usage={number}.5,value={number}i,_x={str(number % 2 == 0).lower()},T1=\"t{number}\" {time_s}000000000"
    for measurement in ("cpu", "m", "a\\ b", "select", "naïve", "日本", "a.b", "value")
    for number, time_s in enumerate((0, 1, 1577836800, 1700000000, 1700000007))
]


def ask(connection, text, number):
    """Returns the status; the connection is closed if the answer is longer than can be read."""
    form = {"db": peers.DB, "q": text}
    if number % 3 == 1:
        form["chunked"] = "true"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if number % 5 == 2:
        headers["Accept"] = ("text/csv", "application/x-msgpack")[number % 2]
    connection.request("POST", "/query", urllib.parse.urlencode(form), headers)
    answer = connection.getresponse()
    body = answer.read(READ_MAX)
    if len(body) == READ_MAX:
        connection.close()
    elif answer.status == 200 and "Accept" not in headers:
        for line in body.splitlines():
            json.loads(line)
    return answer.status


def main():
    ours = peers.ours(settings={"QUERY__TIMEOUT_MS": TIMEOUT_S * 1000})
    ours.write("\n".join(POINTS))
    connection = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=TIMEOUT_S * 2 + SLACK_S)
    statuses, slow, failed = collections.Counter(), [], 0
    for number, text in enumerate(texts(SEED, COUNT)):
        began = time.monotonic()
        try:
            status = ask(connection, text, number)
        except (OSError, ValueError, http.client.HTTPException) as error:
            connection.close()
            status = f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        statuses[status] += 1
        slow.append((round(took, 3), text))
        slow = sorted(slow, reverse=True)[:5]
        if status not in (200, 400) or took > TIMEOUT_S + SLACK_S:
            failed += 1
            print(f"DIFFERENT (seed {SEED}, number {number}): {status} after {took:.1f} s: {text!r}", flush=True)
            if failed >= 20:
                break
    # The server has closed what was idle for so long.
    ours.connect()
    status, _, _ = ours.ask("GET", "/ping")
    print(f"fuzz: {sum(statuses.values())} statements, statuses {dict(statuses)}; slowest {slow[0][0]} s: {slow[0][1]!r}")
    if failed or status != 204:
        sys.exit("FAILED: fuzz")


if __name__ == "__main__":
    main()
