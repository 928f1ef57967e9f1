"""Runs the README's blocks of Python that read tables as a newcomer would, beside a data folder with
its point. Those that ask a server are run by tests/scripts/readme.sh."""

import os
import re
import subprocess
import sys

from server import WORK, Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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
        ran = subprocess.run(
            [sys.executable, "-c", block], cwd=home, capture_output=True, text=True, timeout=360
        )
        assert ran.returncode == 0, f"{block}\n{ran.stderr}"
        assert "Kitchen" in ran.stdout, f"{block}\nprinted {ran.stdout}"
    print(f"PASSED: {len(blocks)} blocks of the README read its point")


main()
