"""Runs the README's blocks of Python that read tables as a newcomer would, beside a data folder with
its point. Those that ask a server are run by tests/scripts/readme.sh."""

import os
import re
import signal
import subprocess
import sys

from server import WORK, Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


# A fault of pyarrow's: at its end, Python may find a thread of its still running.
ABORTED_AT_EXIT = "terminate called without an active exception"


def run(block, home):
    """Runs a block; again, and loudly so, if Python was aborted by a fault at its exit."""
    for _ in range(3):
        ran = subprocess.run([sys.executable, "-c", block], cwd=home, capture_output=True, text=True, timeout=360)
        if not (ran.returncode == -signal.SIGABRT and ran.stderr.strip() == ABORTED_AT_EXIT):
            break
        print(f"Python was aborted at its exit by its own libraries; once more:\n{block}")
    return ran


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        blocks = [block for block in BLOCK.findall(readme.read()) if "tidegate-data" in block]
    assert len(blocks) >= 4, "the README shows four tools"
    home = os.path.join(WORK, "readme")
    os.makedirs(home)
    server = Server("readme-server", folder=os.path.join(home, "tidegate-data"))
    server.start()
    line = "home,room=Kitchen temp=21.5,hum=35.9 1721548800000000000"
    status, text = server.client().write("get-started", line)
    assert status == 204, text
    server.stop()
    for block in blocks:
        ran = run(block, home)
        assert ran.returncode == 0, f"{block}\n{ran.stderr}"
        assert "Kitchen" in ran.stdout, f"{block}\nprinted {ran.stdout}"
    print(f"PASSED: {len(blocks)} blocks of the README read its point")


main()
