"""Every error text, by `/query`: of the grammar, of the checks before a statement runs, and of its
meaning. The texts are those that InfluxDB 1.6.7 gave (`src/query/influxql`)."""

import os
import re
import sys

import judged
import peers

SOURCES = os.path.join(os.path.dirname(__file__), "..", "..", "src", "query", "influxql")
T, S = 1_700_000_000_000_000_000, 1_000_000_000
# What `analysis/tests/confirmed.txt` was answered from, but for the tag of `both`, whose name was that of
# a field: such a point is not accepted.
POINTS = f"""m,host=a,dc=x f=1.5,i=3i,s="t",b=true {T}
m,host=a,dc=x f=2.5,i=5i,b=false {T + 10 * S}
m,host=b f=4,i=7i,s="u" {T + 10 * S}
m,host=b f=5 {T + 20 * S}
m,dc=b,host=b i=-4i,s="b" {T + 25 * S}
m f=9,i=1i {T + 30 * S}
n,host=a,zone=e f=1i,g=2,host2="q" {T}
n,host=c,zone=e f=2i,g=3 {T + 10 * S}
both,w=tagx x=1,y=2 {T}
tagless v=1i,w=2i,s=true {T}
tagless v=3i {T + 5 * S}
host2,region=r z="s" {T}"""
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
# Of the request, not of its grammar: section 8.
REQUESTS = [
    ({"params": "[]"}, "SELECT f FROM m", 400, "error parsing query parameters: "),
    ({"params": "{}"}, "SELECT f FROM m WHERE f > $x", 400, "error parsing query: missing parameter: x"),
    ({"params": '{"x":{"a":1,"b":2}}'}, "SELECT f FROM m WHERE f > $x", 400, "bound object parameter value must have exactly one entry"),
    ({"params": '{"x":{"a":1}}'}, "SELECT f FROM m WHERE f > $x", 400, "unknown bind object type: a"),
    ({"params": '{"x":null}'}, "SELECT f FROM m WHERE f > $x", 400, "unable to bind parameter with type"),
    ({"params": "{}"}, "SELECT f FROM m WHERE f > $", 400, "empty bound parameter"),
    ({"db": ""}, "SELECT f FROM m", 200, "database name required"),
    ({"db": ""}, "SHOW MEASUREMENTS", 200, "database name required"),
    ({"db": ""}, "SHOW TAG KEYS", 200, "database name required"),
    ({"db": ""}, 'SHOW TAG VALUES WITH KEY = "x"', 200, "database name required"),
    ({"db": "nothing"}, "SELECT f FROM m", 200, "database not found: nothing"),
    ({}, "SELECT f FROM nothing..m", 200, "database not found: nothing"),
    ({}, "SELECT f FROM judge.nothing.m", 200, "retention policy not found: nothing"),
    ({"rp": "nothing"}, "SELECT f FROM m", 200, "retention policy not found: nothing"),
    ({}, "SHOW RETENTION POLICIES ON nothing", 200, "database not found: nothing"),
]  # fmt: skip
# Ours alone, where 1.x would do what we do not: section 9.
REFUSED = ["SELECT f INTO n FROM m", "CREATE USER x WITH PASSWORD 'y'", "DROP USER x", "GRANT ALL TO x", "REVOKE ALL FROM x",
           "SET PASSWORD FOR x = 'y'", "CREATE CONTINUOUS QUERY c ON judge BEGIN SELECT mean(f) INTO y FROM m GROUP BY time(1m) END",
           "DROP CONTINUOUS QUERY c ON judge", "CREATE SUBSCRIPTION s ON judge.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'",
           "DROP SUBSCRIPTION s ON judge.autogen", "DROP SHARD 1", "SHOW SHARDS", "SHOW SHARD GROUPS", "SHOW STATS", "SHOW DIAGNOSTICS",
           "DROP SERIES FROM m", "DELETE FROM m", "DROP MEASUREMENT m"]  # fmt: skip


def lines(*path):
    with open(os.path.join(SOURCES, *path), encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line:
                text, told = line.split("\t", 1)
                yield text, told


def plain(text):
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found.group(1), found.group(1)), text)


def is_meant(text, theirs):
    """More is accepted on purpose."""
    later = "WITH KEY" in text and "found WITH, expected ;" in theirs or " ON " in text and ("found *, expected identifier" in theirs or "found ., expected ;" in theirs)
    return later or "--" in text and "found /, expected identifier" in theirs or "NULL" in text and "expected number argument in fill()" in theirs or "'b\rc'" in text


def grammar(checks, ours):
    for text, theirs in lines("tests", "corpus.tsv"):
        text, theirs = plain(text), plain(theirs)
        if theirs == "ok" or not text.strip() or is_meant(text, theirs):
            continue
        answer = ours.query(text)
        checks.check((answer["status"], answer.get("error"), answer.get("message", theirs)) == (400, theirs, theirs), text, f"ours:   {answer}", f"theirs: {theirs}")


def statements(checks, ours):
    """Errors of one statement, in an answer whose status is 200."""
    for path, prefix in ((("validate", "corpus.tsv"), ""), (("analysis", "tests", "confirmed.txt"), "error: ")):
        for text, theirs in lines(*path):
            if theirs == "ok" or not theirs.startswith(prefix) or "unsupported " in theirs:
                continue
            answer = ours.query(text)
            found = answer["error"] if "error" in answer else answer["results"][0].get("error")
            checks.check(found == theirs[len(prefix) :], text, f"ours:   {answer}", f"theirs: {theirs}")


def requests(checks, oracle, ours):
    for parameters, text, status, part in REQUESTS:
        theirs, answer = oracle.query(text, **parameters), ours.query(text, **parameters)
        told = [one.get("error") or (one.get("results") or [{}])[0].get("error") for one in (theirs, answer)]
        checks.check(theirs["status"] == status and part in (told[0] or ""), "1.6.7 says otherwise", parameters, text, theirs)
        checks.check(answer["status"] == status and part in (told[1] or ""), parameters, text, f"ours:   {answer}", f"theirs: {theirs}")


def refused(checks, ours):
    for text in REFUSED:
        answer = ours.query(text)
        found = (answer.get("results") or [{}])[0].get("error") or ""
        checks.check(answer["status"] == 200 and "is not supported" in found, text, f"ours:   {answer}")


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    for peer in (oracle, ours):
        peer.write(POINTS)
    checks = judged.Checks()
    for check in (grammar, statements):
        check(checks, ours)
        print(f"errors, {check.__name__}: {checks.passed} passed, {len(checks.failed)} failed so far", flush=True)
    requests(checks, oracle, ours)
    if os.environ.get("TIDEGATE_ORACLE_TWICE") != "1":
        refused(checks, ours)
    print(f"errors: {checks.passed} passed, {len(checks.failed)} failed")
    if checks.failed:
        sys.exit("FAILED: errors")


if __name__ == "__main__":
    main()
