"""One question in two languages: InfluxQL by `/query`, SQL by `/api/v3/query_sql`, of the same server
over the same points; the rows must be equal."""

import itertools
import json
import os
import re
import sys
import urllib.parse

import compare
import data
import judged
import peers

T = data.T
FUNCTIONS = [
    ("mean(usage_user)", "avg(usage_user)"),
    ("max(usage_system)", "max(usage_system)"),
    ("min(usage_user)", "min(usage_user)"),
    ("sum(usage_user)", "sum(usage_user)"),
    ("count(procs)", "count(procs)"),
    ("sum(procs)", "sum(procs)"),
    ("stddev(usage_user)", "stddev_samp(usage_user)"),
    ("spread(usage_system)", "max(usage_system) - min(usage_system)"),
    ("mean(usage_user), count(usage_system)", "avg(usage_user), count(usage_system)"),
    ("max(usage_user) - min(usage_user)", "max(usage_user) - min(usage_user)"),
    ("mean(procs)", "avg(procs)"),
    ("count(distinct(procs))", "count(distinct procs)"),
]
GROUPS = [("", []), ("host", ["host"]), ("region", ["region"]), ("region, host", ["region", "host"])]
WINDOWS = [None, ("1m", "1 minute"), ("7m", "7 minutes")]
CONDITIONS = [
    ("", ""),
    ("host = 'web1'", "host = 'web1'"),
    ("region =~ /^e/ AND usage_user > 20", "regexp_like(region, '^e') AND usage_user > 20"),
]
START, END = T + 95, T + 1500


def aggregates():
    """Returns pairs: names of the group's tags, InfluxQL, SQL."""
    for (function, sql), (tags, keys), window, (condition, sql_condition) in itertools.product(FUNCTIONS, GROUPS, WINDOWS, CONDITIONS):
        where = " AND ".join([f"time >= {START}s AND time < {END}s"] + ([condition] if condition else []))
        sql_where = " AND ".join([f"time >= to_timestamp({START}000000000) AND time < to_timestamp({END}000000000)"] + ([sql_condition] if condition else []))
        dimensions = ([tags] if tags else []) + ([f"time({window[0]})"] if window else [])
        text = f"SELECT {function} FROM cpu WHERE {where}"
        if dimensions:
            text += f" GROUP BY {', '.join(dimensions)}" + (" fill(none)" if window else "")
        heads = keys + ([f"date_bin(interval '{window[1]}', time)"] if window else [])
        group = ", ".join(str(number + 1) for number in range(len(heads)))
        other = f"SELECT {', '.join([*heads, sql])} FROM cpu WHERE {sql_where}"
        if heads:
            # What has no value has no row in InfluxQL.
            other += f" GROUP BY {group} HAVING count({re.search('usage_[a-z]+|procs', sql).group()}) > 0"
        yield keys, window, text, other


def rows_of_points():
    """Pairs of questions for points as they are."""
    times = f"time >= {T}s AND time < {T + 600}s", f"time >= to_timestamp({T}000000000) AND time < to_timestamp({T + 600}000000000)"
    for fields, condition in itertools.product(("f", "i, f", "s, b", "f, i, s, b"), ("", "host = 'a'", "f > 10", "i <= 20 AND dc = 'x'")):
        more = f" AND {condition}" if condition else ""
        present = " OR ".join(f"{name} IS NOT NULL" for name in fields.split(", "))
        yield ["dc", "host"], True, f"SELECT {fields} FROM m WHERE {times[0]}{more} GROUP BY dc, host", \
            f"SELECT coalesce(dc, ''), coalesce(host, ''), time, {fields} FROM m WHERE {times[1]}{more} AND ({present})"


def influxql_rows(answer, keys, timed):
    rows = []
    for series in answer["results"][0].get("series", []):
        head = [series["tags"][key] for key in keys]
        rows += [head + ([row[0]] if timed else []) + row[1:] for row in series["values"]]
    return rows


def sql_rows(server, text):
    query = urllib.parse.urlencode({"db": peers.DB, "q": text, "format": "jsonl"})
    status, _, body = server.ask("GET", f"/api/v3/query_sql?{query}")
    assert status == 200, (text, body[:500])
    return [json.loads(line) for line in body.splitlines()]


def nanoseconds(text):
    import datetime

    whole, _, rest = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int((rest or "0").ljust(9, "0"))


def ordered(rows):
    return sorted(rows, key=lambda row: [(value is None, str(type(value)), value if isinstance(value, (int, str)) else round(value or 0, 6)) for value in row])


def sql_answer(server, text, keys, timed):
    aliased = alias(text)
    names = [f"c{number}" for number in range(aliased.count(" AS c"))]
    rows = [[row.get(name) for name in names] for row in sql_rows(server, aliased)]
    at = len(keys)
    for row in rows:
        if timed:
            row[at] = nanoseconds(row[at])
    return rows


def alias(text):
    """Names each column of a SELECT: c0, c1, …"""
    head, rest = text[len("SELECT ") :].split(" FROM ", 1)
    parts, depth, part = [], 0, ""
    for character in head + ",":
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return "SELECT " + ", ".join(f"{part} AS c{number}" for number, part in enumerate(parts)) + " FROM " + rest


def main():
    ours = peers.ours()
    if os.environ.get("TIDEGATE_ORACLE_TWICE") == "1":
        sys.exit("SQL is ours alone")
    first, second, third = data.waves(11)
    for wave, after in ((first, ours.flush), (second, ours.restart), (third, None)):
        ours.write("\n".join(wave))
        if after:
            after()
    checks, held = judged.Checks(), 0
    for keys, timed, text, sql in [*aggregates(), *rows_of_points()]:
        answer = ours.query(text)
        told = compare.error_of(answer)
        if told is not None:
            checks.check(False, text, told)
            continue
        one, other = ordered(influxql_rows(answer, keys, timed)), ordered(sql_answer(ours, sql, keys, timed))
        held += len(other)
        checks.check(len(one) == len(other) and all(map(compare.same_row, one, other)), text, sql, f"influxql: {str(one)[:600]}", f"sql:      {str(other)[:600]}")
    assert held > 1000, held
    print(f"pairs: {checks.passed} equal, {len(checks.failed)} different; {held} rows")
    if checks.failed:
        sys.exit("FAILED: pairs")


if __name__ == "__main__":
    main()
