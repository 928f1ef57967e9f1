"""Compares what InfluxDB 1.x and the checks of statements say of random SELECTs that parse.

validate.py SEED COUNT | --file LINES [--save FILE]     database d of the oracle has measurements cpu and m
"""
import collections, http.client, json, random, re, subprocess, sys
from ask import ask
from compare import CHECK

# What only running a statement can find, and what depends on the types of fields.
RUNTIME = ("query-timeout", "unsupported", "incompatible", "cannot use", "type ", "timeout", "invalid operator", "panic",
           "encoding", "json:", "invalid time dimension offset", "undefined", "unable to", "max-select", "not supported for", "invalid argument type")


def reason(case, our, their):
    """Names a difference that is meant."""
    if "1.500" in their:
        return "floats with three decimals in 1.6"
    if "-1 * " in their and our == their.replace("-1 * ", "-"):
        return "signs as they are written"
    if our.startswith(("invalid number of arguments for", "invalid function call in condition")) and "(" in case:
        return "functions within parentheses of a condition"
    return ""


class Statements:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def field(self):
        return self.pick("x", "y", "usage", "n", "host", "x", "y", "nope", "time")

    def constant(self):
        return self.pick("1", "2", "0", "-1", "1.5", "'a'", "1s", "0s", "-1m", "true", "1 + 1", "10m / 2", "2 * 3", "(5)", "-(3)", "18446744073709551615")

    def first(self, depth):
        x = self.r.random()
        if x < 0.6:
            return self.field()
        if x < 0.75 and depth > 0:
            return self.call(depth - 1)
        return self.pick("*", "/x/", "1", "'a'", "DISTINCT x", "distinct(x)", "x + 1", "(x)", "*::field", "mean(x)", "count(x)", "-x")

    def call(self, depth=2):
        name = self.pick("mean", "sum", "count", "max", "min", "first", "last", "median", "mode", "spread", "stddev", "percentile", "top", "bottom", "sample",
                         "distinct", "derivative", "non_negative_derivative", "difference", "non_negative_difference", "cumulative_sum", "moving_average",
                         "elapsed", "integral", "holt_winters", "holt_winters_with_fit", "abs", "pow", "log", "round", "atan2", "foo", "now", "ceil")
        x = self.r.random()
        if x < 0.75:
            arity = {"percentile": 2, "top": 2, "bottom": 2, "sample": 2, "moving_average": 2, "holt_winters": 3, "holt_winters_with_fit": 3,
                     "pow": 2, "log": 2, "atan2": 2, "now": 0}.get(name, 1)
            if name in ("derivative", "elapsed", "integral", "non_negative_derivative", "top", "bottom") and self.r.random() < 0.4:
                arity += 1
        else:
            arity = self.r.randrange(0, 4)
        arguments = [self.first(depth) for _ in range(min(arity, 1))]
        for _ in range(arity - 1):
            arguments.append(self.field() if self.r.random() < 0.2 else self.constant())
        return name + "(" + ", ".join(arguments) + ")"

    def expression(self):
        x = self.r.random()
        if x < 0.3:
            return self.field()
        if x < 0.7:
            return self.call()
        if x < 0.75:
            return self.constant()
        if x < 0.8:
            return self.pick("*", "*::tag", "-*" if False else "*", "/x/", "DISTINCT x")
        return self.pick("(%s)", "-(%s)", "%s", "%s + 1", "1 * %s") % self.pick(self.field(), self.call(), self.constant()) + \
            (self.pick(" + ", " / ", " * ", " - ") + self.pick(self.field(), self.call(), self.constant(), "*") if self.r.random() < 0.5 else "")

    def dimension(self):
        return self.pick("host", "*", "/h/", "time(1m)", "time(1m)", "time(5m)", "time(1m, 10s)", "time(1m, -5s)", "time(1m, now())", "time()", "time(x)", "time(1)",
                         "time(1m, 5)", "time(1m, foo())", "time(1m, now(1))", "time(1m, 'x')", "time(1m + 1m)", "time", "foo(x)", "x + 1", "'a'", "(host)", "1", "host::tag",
                         "time(1m, 1s, 2s)", "time(1m, 1s + 2s)", "DISTINCT host", "TIME(1m)", "time(1m, '2020-01-01' + 1s)", "time(60s * 2)", "-host", "time(-(1m))")

    def value(self):
        return self.pick("'2023-11-14'", "'2023-11-14T22:00:00Z'", "'2023-11-14 22:00:00'", "'2023-11-14 22:00:00.123'", "'x'", '"x"', "x", "true", "1h", "5", "1.5",
                         "now()", "now() - 1h", "now() + 'a'", "now() - x", "'2023-11-14' + 1h", "1h + '2023-11-14'", "'3000-01-01'", "'1500-01-01'", "'2023-13-01'",
                         "'2023-02-29'", "'2024-02-29'", "'2023-11-14T22:00:00'", "'2023-11-14T22:00:00+01:00'", "foo()", "(5)", "-(5)", "now(1)", "5 + 5", "1h * 2", "/x/",
                         "'2023-11-14 2:00:00'", "'2023-11-14T22:00:00.5Z'", "'2023-11-14  22:00:00'", "'2023-11-14x'", "'2023-11-1'", "5 / 2", "18446744073709551615",
                         "'2023-11-14' - '2023-11-13'", "now() - '2023-11-13'", "5 - 1h", "*", "1 = 1", "'a' + 'b'", "'2023-11-14' > 5", "time", "-1h", "- x", "-'a'" if False else "-now()")

    def comparison(self, depth=1):
        x = self.r.random()
        if x < 0.5:
            operator = self.pick("=", ">", "<", ">=", "<=", ">", "<", "!=")
            value = self.value()
            if value == "/x/":
                operator = "=~"
                return "time =~ /x/"
            return self.pick("time %s %s", "TIME %s %s", "time %s %s") % (operator, value) if self.r.random() < 0.8 else "%s %s time" % (value, operator)
        if x < 0.6 and depth:
            return "(" + self.condition(depth - 1) + ")"
        return self.pick("x > 1", "x", "host = 'a'", "host =~ /a/", "x + 1", "mean(x) > 1", "abs(x) > 1", "abs(x, y) > 1", "pow(x, 2) > 1", "true", "false", "1", "'a'", "1 = 1", "*",
                         "x > now()", "x > now(1)", "x = DISTINCT x", "DISTINCT x", "-x", "foo(x) = 1", "x > -y", "x > (1 + 2)", "now() > 1", "1h")

    def condition(self, depth=1):
        text = self.comparison(depth)
        while self.r.random() < 0.3:
            text += self.pick(" AND ", " OR ") + self.comparison(depth)
        return text

    def select(self, depth=1, outer=True):
        text = "SELECT " + ", ".join(self.expression() for _ in range(self.pick(1, 1, 1, 2, 2, 3)))
        source = "(" + self.select(depth - 1, False) + ")" if depth and self.r.random() < 0.3 else self.pick("m", "m", "cpu")
        text += " FROM " + source
        bound = "time >= 1699999800s AND time < 1700000400s" if outer else ""
        extra = self.condition() if self.r.random() < 0.35 else ""
        where = " AND ".join(filter(None, [bound, extra]))
        text += " WHERE " + where if where else ""
        if self.r.random() < 0.5:
            text += " GROUP BY " + ", ".join(self.dimension() for _ in range(self.pick(1, 1, 2)))
        if self.r.random() < 0.3:
            text += " fill(" + self.pick("null", "none", "linear", "previous", "0") + ")"
        if self.r.random() < 0.15:
            text += " ORDER BY time " + self.pick("ASC", "DESC")
        if self.r.random() < 0.15:
            text += " LIMIT " + self.pick("1", "2", "0")
        return text


def verdict(connection, text):
    _, body = ask(connection, text)
    answer = json.loads(body.split("\n")[0])
    if "error" in answer:
        return "parse: " + answer["error"]
    return next((result["error"] for result in answer.get("results", []) if "error" in result), "ok")


def main():
    if sys.argv[1] == "--file":
        cases = [line.rstrip("\n") for line in open(sys.argv[2], encoding="utf-8")]
    else:
        make = Statements(int(sys.argv[1]))
        cases = [make.select() for _ in range(int(sys.argv[2]))]
    given = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    ours = subprocess.run([CHECK, "--validate"], input=given.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    connection = http.client.HTTPConnection("127.0.0.1", 28086, timeout=30)
    counts, saved = collections.Counter(), []
    for case, our in zip(cases, ours):
        our = json.loads(our) if our.startswith('"') else our
        try:
            their = verdict(connection, case)
        except ValueError as error:
            counts["unreadable"] += 1
            continue
        if their.startswith("parse: ") or our.startswith("error parsing query"):
            counts["refused by the grammar"] += 1
            continue
        if our == their:
            counts["same, accepted" if our == "ok" else "same, refused"] += 1
            saved.append((case, their))
        elif our == "ok" and (their.startswith(RUNTIME) or "[panic:" in their):
            counts["found when run"] += 1
        elif reason(case, our, their):
            counts["known: " + reason(case, our, their)] += 1
        else:
            counts["different"] += 1
            print(case, "\n   theirs", their, "\n   ours  ", our)
    print(dict(counts), file=sys.stderr)
    if "--save" in sys.argv:
        with open(sys.argv[sys.argv.index("--save") + 1], "w", encoding="utf-8") as out:
            seen = collections.Counter()
            for case, their in saved:
                shape = re.sub(r"-?[0-9][0-9.smu]*|found .*|condition: .*", "#", their)
                seen[shape] += 1
                if seen[shape] <= (150 if their == "ok" else 4):
                    out.write(case + "\t" + their + "\n")


if __name__ == "__main__":
    main()
