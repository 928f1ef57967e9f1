"""A store that is as slow as a test wants: slow.c between the program and the system's library."""

import os

LIBRARY = os.environ["TIDEGATE_SLOW"]


class Slow:
    """Delays of a server's syncs in paths that hold `part`."""

    def __init__(self, work, name, part):
        self.file = os.path.join(work, f"{name}.slow")
        self.environment = {
            "LD_PRELOAD": LIBRARY,
            "TIDEGATE_SLOW_PATH": part,
            "TIDEGATE_SLOW_FILE": self.file,
        }

    def by(self, milliseconds):
        """From now on each sync takes so much longer."""
        with open(f"{self.file}.new", "w", encoding="ascii") as file:
            file.write(str(milliseconds))
        os.replace(f"{self.file}.new", self.file)
