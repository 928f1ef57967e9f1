"""Plays a person at a terminal of 80 columns: terminal.py STEPS COMMAND...

STEPS is a JSON list of [text to wait for, text to type]; a NUL and the name of a signal, in the place
of the latter, is sent to the command, and the terminal's mode is told at the end. Everything that the terminal showed goes to
standard output; the exit status is the command's.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

SECONDS = 60

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(command[0], command)

shown, seen, tells_mode, until = b"", 0, False, time.monotonic() + SECONDS


def read():
    """Reads what is shown next; False at the end."""
    global shown
    left = until - time.monotonic()
    if left <= 0 or not select.select([terminal], [], [], left)[0]:
        sys.stdout.buffer.write(shown)
        sys.exit(f"not shown within {SECONDS} s: {steps}")
    try:
        more = os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return False
    shown += more
    return bool(more)


for text, typed in steps:
    text = text.encode()
    while (found := shown.find(text, seen)) < 0:
        if not read():
            sys.stdout.buffer.write(shown)
            sys.exit(f"it ended before it showed {text!r}")
    seen = found + len(text)
    if typed.startswith("\0"):
        os.kill(child, signal.Signals[typed[1:]])
        tells_mode = True
    else:
        os.write(terminal, typed.encode())
while read():
    pass
if tells_mode:
    is_canonical = termios.tcgetattr(terminal)[3] & termios.ICANON
    shown += b"[canonical]" if is_canonical else b"[raw]"
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
