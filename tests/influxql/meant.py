"""Differences to 1.6.7 that are meant, an example of each: both answer as is said here, and the rule of
`compare.py` for it names it. A rule whose difference is gone, or that is too narrow for its example, fails.
The first three are what 102,000 random statements had found."""

import sys

import compare
import judged
import peers

START = 1_700_000_000
# Nine points of one host and twenty of another: the first has no value of the rank 5 %.
UNEVEN = [f"uneven,host=a v={n} {START + n}" for n in range(9)] + [f"uneven,host=b v={n}.5 {START + n}" for n in range(20)]
# Seven of each, in an order from which 1.6.7 makes another one before it counts. Of ours, "off" comes first by its
# name, and "on" wins, whose first point is older than the last of "off".
EVEN = [f'even state="{state}" {START + n}' for n, state in enumerate("off on off on on on on off off on on off off off".split())]
# Eight and six.
CLEAR = [f'clear state="{state}" {START + n}' for n, state in enumerate("off on off on on on on off off on on off off on".split())]
WALK = [f'walk,room=x v={n * n % 17},s="{n % 3}" {START + 7 * n}' for n in range(40)]
ODD = [f'odd s="x",v=1 {START}', f"odd v=2 {START + 10}", f'odd s="y" {START + 30}']
RANGE = f"time >= {START + 35}s AND time < {START + 270}s"

A_TYPE, ENDED, TIED = "a type that a function does not know", "a percentile that ends the answer", compare.TIED_MODE
# The rule, the question, and the values that are ours; None if they are not told here.
EXAMPLES = [
    (ENDED, "SELECT percentile(v, 5) FROM uneven GROUP BY host", [[START, 0.5]]),
    (TIED, "SELECT mode(state) FROM even", [[0, "on"]]),
    (TIED, f"SELECT mode(state) FROM even WHERE time >= {START}s AND time < {START + 14}s GROUP BY time(1h)", [[START // 3600 * 3600, "on"]]),
    (A_TYPE, "SELECT mean(s) FROM walk", None),
    ("points of a window in the order of the query", f"SELECT top(v, 2) FROM walk WHERE {RANGE} GROUP BY time(1m) ORDER BY time DESC", None),
    ("windows of an inner query before the range",
     f"SELECT difference(sum(x)) FROM (SELECT mean(v) AS x FROM walk GROUP BY time(3s) fill(1)) WHERE {RANGE} GROUP BY time(30s)", None),
    ("a window of a subquery before the range", f"SELECT max(x) FROM (SELECT mean(v) AS x FROM walk WHERE {RANGE} GROUP BY time(1h)) WHERE {RANGE}",
     [[START // 3600 * 3600, 8]]),
    ("the time of an integral", f"SELECT integral(v) FROM walk WHERE {RANGE}", None),
    ("a number of fill in a column without numbers", "SELECT s, v FROM odd fill(3)", [[START, "x", 1], [START + 10, None, 2], [START + 30, "y", 3]]),
    ("what has no value in a subquery", f"SELECT count(x) FROM (SELECT stddev(v) AS x FROM walk WHERE {RANGE} GROUP BY time(7s)) WHERE {RANGE} GROUP BY time(1m)", None),
    ("what has no value in a subquery", f"SELECT sum(x) FROM (SELECT sqrt(v - 99) AS x FROM walk WHERE {RANGE}) WHERE {RANGE} GROUP BY time(1m) fill(none)", None),
    ("a regular expression that is too large", r"SELECT v FROM walk WHERE room =~ /\pL{1000}/", None),
]  # fmt: skip
# Where the rules must find nothing: the answers are the same.
ALIKE = [
    "SELECT percentile(v, 5) FROM uneven WHERE host = 'b' GROUP BY host",
    "SELECT percentile(v, 50) FROM uneven GROUP BY host",
    "SELECT mode(state) FROM clear",
    f"SELECT integral(v) FROM walk WHERE {RANGE} GROUP BY time(1m)",
]
# Random statements met it; no short example is known.
WITHOUT = {"a panic of 1.6.7"}


def wrong_mode(checks, ours, oracle):
    """A mode that is not the most frequent value is no tie."""
    text = "SELECT mode(state) FROM clear"
    right = ours.query(text)
    wrong = {"results": [{"series": [{**right["results"][0]["series"][0], "values": [[0, "off"]]}]}]}
    found = compare.difference(wrong, right)
    checks.check(found == "values" and not compare.reason(text, found, wrong, right, oracle.query), "a wrong mode passes for a tie")


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    lines = "\n".join(line + "000000000" for line in UNEVEN + EVEN + CLEAR + WALK + ODD)
    for peer in (oracle, ours):
        peer.write(lines)
    checks = judged.Checks()
    for rule, text, values in EXAMPLES:
        answers = [peer.query(text, epoch="s") for peer in (ours, oracle)]
        found = compare.difference(*answers)
        named = found and compare.reason(text, found, *answers, lambda question: oracle.query(question, epoch="s"))
        checks.check(named == rule, "the rule", rule, f"{found}: {named}", text, *answers)
        if values:
            series = compare.shown(answers[0])
            checks.check(series and series[-1]["values"] == values, "our values", text, series)
    for text in ALIKE:
        found = compare.difference(ours.query(text), oracle.query(text))
        checks.check(not found, "they should be alike", found, text)
    wrong_mode(checks, ours, oracle)
    shown = {rule for rule, _, _ in EXAMPLES} | WITHOUT
    rules = {name for name, _ in compare.RULES} | {compare.TIED_MODE}
    checks.check(shown == rules, "rules without an example, or examples without a rule", shown ^ rules)
    print(f"meant differences: {len(EXAMPLES)} examples, {checks.passed} checks passed, {len(checks.failed)} failed")
    if checks.failed:
        sys.exit("FAILED: meant differences")


if __name__ == "__main__":
    main()
