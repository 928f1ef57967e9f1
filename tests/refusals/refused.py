"""httpx, over HTTP/1.1 and HTTP/2, against refusals; see tests/scripts/refusals.sh.

The body comes in pieces, as from a file. A single `bytes` of 60 MB takes httpx half a minute and more
over HTTP/2, with any server: it copies what is left of it for every frame.
"""

import os
import ssl
import sys
import time

import httpx

URL, TRIES = os.environ["TIDEGATE_URL"], int(os.environ["TIDEGATE_TRIES"])
SECONDS_MAX = int(os.environ["TIDEGATE_SECONDS_MAX"])
TRUST = ssl.create_default_context(cafile=os.environ["TIDEGATE_CA"])
PIECE_BYTES = 65536
with open(os.environ["TIDEGATE_BODY"], "rb") as file:
    DATA = file.read()


def once(client, version, status, token, length, path, announced):
    """Returns the seconds from the last byte sent to the answer."""
    taken = time.monotonic()

    def body():
        nonlocal taken
        for start in range(0, length, PIECE_BYTES):
            yield DATA[start : min(start + PIECE_BYTES, length)]
            # The piece before this one is on its way.
            taken = time.monotonic()

    headers = {"Authorization": f"Token {token}"}
    if announced:
        headers["Content-Length"] = str(length)
    answer = client.post(URL + path, headers=headers, content=body())
    late = time.monotonic() - taken
    told = answer.json()
    assert answer.status_code == status and answer.http_version == version and told["message"], (
        f"{answer.http_version} {answer.status_code} {answer.text}"
    )
    return late


def meet(http2, status, token, length, path):
    """Prints a line: the protocol, the status, the length, how many answers were read, and the
    longest time from the last byte sent, in milliseconds; then the first error."""
    read, latest, first = 0, 0, ""
    with httpx.Client(verify=TRUST, http2=http2, timeout=SECONDS_MAX) as client:
        for trial in range(TRIES):
            try:
                version = "HTTP/2" if http2 else "HTTP/1.1"
                late = once(client, version, status, token, length, path, trial % 2 == 0)
                read, latest = read + 1, max(latest, late)
            except Exception as error:
                first = first or repr(error).replace("\n", " ")
    print("h2" if http2 else "h1", status, length, read, int(latest * 1000), first, flush=True)


for line in sys.stdin:
    status, token, length, path = line.split()
    for http2 in (False, True):
        meet(http2, int(status), token, int(length), path)
