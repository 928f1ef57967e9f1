"""Seeded random statements, asked of Tidegate and of InfluxDB 1.6.7 over the same points.

TIDEGATE_QUERIES is their number, TIDEGATE_SEED the first seed; each 2,000 have points of their own,
half of them in files, some overwritten, some after a restart. Fails on any difference that is not
meant, and prints seed, statement and both answers.
"""

import json
import os
import sys

import compare
import data
import peers
from generate import Generator

QUERIES = int(os.environ.get("TIDEGATE_QUERIES", "2000"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
BATCH = 2000
SHOWN_MAX = int(os.environ.get("TIDEGATE_SHOWN", "40"))


def shape(answer):
    if compare.error_of(answer) is not None:
        return "errors"
    return "rows" if answer["results"][0].get("series") else "empty"


def short(answer):
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)[:900]


class Run:
    def __init__(self):
        self.same = 0
        self.meant = {}
        self.shapes = {}
        self.different = {}

    def difference(self, ours, theirs):
        return compare.difference(ours, theirs)

    def ask(self, oracle, ours, seed, statement):
        theirs = oracle.query(statement)
        try:
            our_answer = ours.query(statement)
        except OSError as error:
            our_answer = {"error": f"no answer: {error!r}"}
        kind = shape(theirs)
        self.shapes[kind] = self.shapes.get(kind, 0) + 1
        found = self.difference(our_answer, theirs)
        if not found:
            self.same += 1
            return
        why = compare.reason(statement, found, our_answer, theirs, oracle.query)
        counts = self.meant if why else self.different
        counts[why or found] = counts.get(why or found, 0) + 1
        if not why and sum(self.different.values()) <= SHOWN_MAX:
            print(f"DIFFERENT {found} (seed {seed}): {statement}\n    ours:   {short(our_answer)}\n    theirs: {short(theirs)}", flush=True)

    def tell(self, what):
        """Prints the counts; ends the program if there are differences."""
        print(f"{what}: {self.same} the same, of 1.6.7's answers {self.shapes}")
        print(f"meant differences: {self.meant}")
        if self.different:
            sys.exit(f"FAILED: differences: {self.different}")


def main():
    run = Run()
    left, seed = QUERIES, SEED
    while left > 0:
        oracle, ours = peers.Oracle(f"influxdb-{seed}"), peers.ours(name=f"data-{seed}")
        data.load(oracle, ours, seed)
        generator = Generator(seed)
        for _ in range(min(left, BATCH)):
            run.ask(oracle, ours, seed, generator.select())
        oracle.stop()
        ours.stop()
        left, seed = left - BATCH, seed + 1
    run.tell(f"random queries: seeds {SEED} to {seed - 1}, {QUERIES} statements")


if __name__ == "__main__":
    main()
