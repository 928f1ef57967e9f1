"""Debian's `influx` shell of 1.6.7: statements by -execute in each format, and a session on a terminal
in which the database is chosen by USE. TIDEGATE_SHELL names the program."""

import os
import pty
import select
import subprocess
import sys
import time
from urllib.parse import urlsplit

SHELL = os.environ["TIDEGATE_SHELL"]
URL, TOKEN = urlsplit(os.environ["TIDEGATE_URL"]), os.environ["TIDEGATE_TOKEN"]
DB = "influxql-shell"
COMMAND = [SHELL, "-host", URL.hostname, "-port", str(URL.port)] + (["-username", "anyone", "-password", TOKEN] if TOKEN else [])
# It keeps a history in the folder of its user.
ENVIRONMENT = {**os.environ, "HOME": os.environ["TIDEGATE_WORK"], "TERM": "dumb"}


def run(text, *flags):
    found = subprocess.run([*COMMAND, *flags, "-execute", text], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    return found.returncode, found.stdout


def trimmed(text):
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def shows(text, wanted, *flags, code=0):
    found = run(text, *flags)
    assert found[0] == code and trimmed(found[1]) == trimmed(wanted), f"{text} {flags}\n{found[0]}: {found[1]}\ninstead of\n{code}: {wanted}"


def session(*lines):
    """What is shown on a terminal for lines that are typed."""
    program, terminal = pty.fork()
    if program == 0:
        os.execve(SHELL, COMMAND, ENVIRONMENT)
    shown, end = b"", time.monotonic() + 60
    typed = [line.encode() + b"\r" for line in (*lines, "exit")]
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.3)
        if ready:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            shown += piece
        elif typed and shown.rstrip().endswith(b">"):
            os.write(terminal, typed.pop(0))
    os.waitpid(program, 0)
    return shown.decode().replace("\r", "")


def main():
    shows(f'CREATE DATABASE "{DB}"', "")
    shows('INSERT m,host=a f=1.5,s="say" 1700000000000000000', "", "-database", DB)
    shows('INSERT m,host=b f=20 1700000010000000000', "", "-database", DB)
    name = ("-database", DB)
    shows("SELECT * FROM m", """
name: m
time                f   host s
----                -   ---- -
1700000000000000000 1.5 a    say
1700000010000000000 20  b    """, *name)
    shows("SELECT mean(f), count(s) FROM m WHERE time >= 1700000000s AND time < 1700000020s GROUP BY host, time(10s)", """
name: m
tags: host=a
time                 mean count
----                 ---- -----
2023-11-14T22:13:20Z 1.5  1
2023-11-14T22:13:30Z      0

name: m
tags: host=b
time                 mean count
----                 ---- -----
2023-11-14T22:13:20Z
2023-11-14T22:13:30Z 20""", *name, "-precision", "rfc3339")
    shows("SELECT max(f) FROM m GROUP BY host", """
name,tags,time,max
m,host=a,1700000000000000000,1.5
name,tags,time,max
m,host=b,1700000010000000000,20""", *name, "-format", "csv")
    shows("SELECT max(f) FROM m", '{"results":[{"series":[{"name":"m","columns":["time","max"],"values":[[1700000010000000000,20]]}]}]}', *name, "-format", "json")
    shows("SHOW TAG KEYS; SHOW FIELD KEYS", """
name: m
tagKey
------
host

name: m
fieldKey fieldType
-------- ---------
f        float
s        string""", *name)
    shows("SELECT FROM", "ERR: error parsing query: found FROM, expected identifier, string, number, bool at line 1, char 8", *name, code=1)
    shows("SELECT f FROM nowhere..m", "ERR: database not found: nowhere", *name, code=1)
    shown = session(f'use "{DB}"', "precision s", "show measurements", "select f from m", 'show tag values with key = "host"', "settings")
    for part in (f"Using database {DB}", "name: measurements\nname\n----\nm\n", "time       f\n----       -\n1700000000 1.5\n1700000010 20\n",
                 "key  value\n---  -----\nhost a\nhost b\n"):  # fmt: skip
        assert part in shown, f"{part!r} is not in\n{shown}"
    print("influx, the shell: tables, CSV, JSON, errors, a session")


sys.exit(main())
