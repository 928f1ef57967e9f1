"""Whether two answers are the same, and where not, whether that is meant.

Each meant difference is a rule with a name, narrow in the statements and in the answers to which it
applies, and is counted. The reasons are told in `src/query/influxql`, "What differs from 1.6.7".
"""

import functools
import json
import math
import re


def close(one, other):
    if isinstance(one, (bool, str)) or isinstance(other, (bool, str)):
        return one == other and type(one) is type(other)
    if one is None or other is None:
        return one is other
    # Sums of floats are made in another order.
    return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def same_row(one, other):
    return len(one) == len(other) and all(close(x, y) for x, y in zip(one, other))


def in_order(rows):
    """Rows of the same time stand in no order."""
    def key(row):
        return [(value is None, isinstance(value, str), str(value) if isinstance(value, (str, bool)) else round(value, 6) if value is not None else 0) for value in row[1:]]

    ordered, start = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][0] != rows[start][0]:
            ordered += sorted(rows[start:end], key=key)
            start = end
    return ordered


def same_rows(ours, theirs):
    if len(ours) != len(theirs):
        return False
    if all(same_row(a, b) for a, b in zip(ours, theirs)):
        return True
    return all(same_row(a, b) for a, b in zip(in_order(ours), in_order(theirs)))


def identity(series):
    return series.get("name", ""), sorted(series.get("tags", {}).items())


def plain(text):
    """An error with three digits of each float: 1.6.7 says no more."""
    return re.sub(r"\d+\.\d+", lambda found: f"{float(found.group()):.3f}", text)


def error_of(answer):
    if "error" in answer:
        return answer["error"]
    results = answer.get("results") or [{}]
    return results[0].get("error")


def shown(answer):
    """The series of an answer. The duration of shards is left out: there are none here."""
    series = answer["results"][0].get("series", [])
    if series and "shardGroupDuration" in series[0]["columns"]:
        series = [{**one, "values": [[row[0], row[1], *row[3:]] for row in one["values"]]} for one in series]
    return series


def difference(ours, theirs):
    """Returns "" for equal answers, or what differs first."""
    one, other = error_of(ours), error_of(theirs)
    if one is not None or other is not None:
        if one is not None and other is not None and plain(one) == plain(other):
            return ""
        return "error"
    one, other = (shown(answer) for answer in (ours, theirs))
    if [identity(series) for series in one] != [identity(series) for series in other]:
        return "series"
    for a, b in zip(one, other):
        if a["columns"] != b["columns"]:
            return "columns"
        if not same_rows(a.get("values", []), b.get("values", [])):
            return "values"
    return ""


# A function on a type that it does not know: refused by name and type, where 1.6.7 shows names of
# its own code, and only if there are points.
UNSUPPORTED = re.compile(r"^\w+\(\) is not supported( for \w+ fields)?$")


def refused_type(statement, found, ours, theirs):
    if found != "error":
        return False
    one, other = error_of(ours), error_of(theirs)
    if one is None:
        return "iterator type" in other and not ours["results"][0].get("series")
    if not UNSUPPORTED.search(one):
        return False
    if other is None:
        return not theirs["results"][0].get("series")
    return "iterator type" in other or "nil pointer" in other


def panicked(statement, found, ours, theirs):
    return found == "error" and "nil pointer" in (error_of(theirs) or "")


def only_null_here(ours, theirs):
    """Whether all values that differ are null here and a number there."""
    one, other = (answer["results"][0].get("series", []) for answer in (ours, theirs))
    for a, b in zip(one, other):
        for row, their_row in zip(a["values"], b["values"]):
            if any(x is not None and not close(x, y) for x, y in zip(row, their_row)):
                return False
    return True


def number_in_text(statement, found, ours, theirs):
    return found == "values" and re.search(r"fill\(-?\d", statement) is not None and only_null_here(ours, theirs)


def descending_points(statement, found, ours, theirs):
    """Points of a window in the order of the query; ascending in 1.6.7."""
    if found != "values" or not re.search(r"(top|bottom|distinct)\(.*DESC", statement):
        return False
    one, other = (
        [sorted(map(json.dumps, series["values"])) for series in answer["results"][0]["series"]] for answer in (ours, theirs)
    )
    return one == other


def nested_fill(statement, found, ours, theirs):
    """In 1.6.7 windows before the range, which an inner query reads, are not filled."""
    return found == "values" and re.search(r"FROM \(SELECT .*time\(.*time\(", statement) is not None


def without_subqueries(statement):
    """The statement without what stands in the parentheses after FROM."""
    start = statement.find("FROM (")
    if start < 0:
        return statement
    depth = 0
    for end in range(start, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[end], 0)
        if depth == 0 and statement[end] == ")":
            return statement[:start] + statement[end + 1 :]
    return statement[:start]


def window_before_the_range(statement, found, ours, theirs):
    """A function without windows over those of a subquery: 1.6.7 has no answer if one of these starts
    before the range."""
    has_windows = "time(" in statement and "time(" not in without_subqueries(statement)
    return found == "series" and has_windows and "FROM (" in statement and not shown(theirs)


def integral_at_the_epoch(statement, found, ours, theirs):
    """`integral()` without windows has the time of other aggregates, and the epoch in 1.6.7."""
    if found != "values" or "integral(" not in statement or "time(" in statement:
        return False
    pairs = list(zip(shown(ours), shown(theirs)))
    return all(len(a["values"]) == len(b["values"]) == 1 and b["values"][0][0] == 0 for a, b in pairs) and all(
        same_row(a["values"][0][1:], b["values"][0][1:]) for a, b in pairs
    )


def ended_percentile(statement, found, ours, theirs):
    """Where the first points have no value of that rank, 1.6.7 ends the answer."""
    if found not in ("series", "values") or "percentile(" not in statement:
        return False
    one, other = ([(identity(series), row) for series in shown(answer) for row in series["values"]] for answer in (ours, theirs))
    return len(other) < len(one) and all(a == b and same_row(x, y) for (a, x), (b, y) in zip(one, other))


def counted(statement, field, value, ask):
    """How often a field has a value in each row of a statement without subqueries: series and time > count."""
    clauses = re.fullmatch(r"SELECT .+? FROM (.+?)(?: WHERE (.+?))?((?: GROUP BY | ORDER BY | LIMIT ).*)?", statement)
    literal = f"'{value}'" if isinstance(value, str) else json.dumps(value)
    condition = f"({clauses[2]}) AND {field} = {literal}" if clauses[2] else f"{field} = {literal}"
    answer = ask(f"SELECT count({field}) FROM {clauses[1]} WHERE {condition}{clauses[3] or ''}")
    return {(str(identity(series)), row[0]): row[1] for series in shown(answer) for row in series["values"]}


def tied_mode(statement, found, ours, theirs, ask):
    """Values that are as frequent: 1.6.7 sorts them in an order of its own. Whether they are is asked."""
    fields = re.findall(r"mode\((\w+)\)", statement)
    if found != "values" or len(fields) != 1 or "FROM (" in statement:
        return False
    counts = functools.cache(lambda value: counted(statement, fields[0], value, ask))
    for one, other in zip(shown(ours), shown(theirs)):
        if len(one["values"]) != len(other["values"]):
            return False
        for row, their_row in zip(one["values"], other["values"]):
            place = str(identity(one)), row[0]
            for x, y in zip(row, their_row):
                if not close(x, y) and (None in (x, y) or row[0] != their_row[0] or not counts(x).get(place) or counts(x)[place] != counts(y).get(place)):
                    return False
    return True


def null_of_a_subquery(statement, found, ours, theirs):
    """A function over a subquery passes over what has no value, as the deviation of one point or a root of
    a negative number; 1.6.7 takes it for a point, counts it, and has a row for it."""
    inner = statement[statement.find("FROM (") :]
    if found not in ("series", "values") or not re.search(r"FROM \(.*\b(stddev|sqrt|ln|log|log2|log10|asin|acos|pow)\(", inner):
        return False
    one, other = ([(str(identity(series)), row) for series in shown(answer) for row in series["values"]] for answer in (ours, theirs))
    missing = [row for place, row in other if not any(place == a and same_row(row, x) for a, x in one)]
    is_known = all(any(place == b and same_row(row, y) for b, y in other) for place, row in one)
    return is_known and all(value is None or isinstance(value, int) for row in missing for value in row[1:])


def large_pattern(statement, found, ours, theirs):
    """A regular expression that needs more memory than one may have."""
    return found == "error" and "it needs more than" in (error_of(ours) or "")


RULES = [
    ("a type that a function does not know", refused_type),
    ("a panic of 1.6.7", panicked),
    ("a number of fill in a column without numbers", number_in_text),
    ("points of a window in the order of the query", descending_points),
    ("windows of an inner query before the range", nested_fill),
    ("a window of a subquery before the range", window_before_the_range),
    ("the time of an integral", integral_at_the_epoch),
    ("a percentile that ends the answer", ended_percentile),
    ("what has no value in a subquery", null_of_a_subquery),
    ("a regular expression that is too large", large_pattern),
]


TIED_MODE = "a tie of mode"


def reason(statement, found, ours, theirs, ask=None):
    """Names the rule for a meant difference; "" if there is none. `ask` answers what a rule asks further."""
    for name, applies in RULES:
        if applies(statement, found, ours, theirs):
            return name
    return TIED_MODE if ask and tied_mode(statement, found, ours, theirs, ask) else ""
