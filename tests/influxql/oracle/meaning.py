"""Compares what InfluxDB 1.x and the parser understand, not only what they accept.

meaning.py SEED COUNT

1. A continuous query is created by GET, which 1.x answers with the statement as it prints it. Both
   texts must parse to the same tree here.
2. The earliest time of a condition, by which 1.x stamps an aggregate.
3. Constants: the time that `time = EXPRESSION` asks for here must be the value of the expression there.
It writes the point that it needs into the database d.
"""
import collections, http.client, json, re, subprocess, sys, urllib.parse
from compare import CHECK
from generate import Grammar


class Meant(Grammar):
    """Statements with sources that 1.x leaves as they are, and without numbers that it cuts."""

    def measurement(self):
        return "d.autogen." + self.pick(self.name(), self.name(), "/cpu.*/", "/^a\\/b$/")

    def literal(self):
        return self.pick("'a'", "'it\\'s'", "'\\n'", "'\\\\'", "'a\"b'", "42", "007", "9223372036854775808", "1.5", ".5", "1h30m", "3µ", "2w", "100ns", "true", "FALSE")

    def count(self, keyword, chance=0.15):
        return self.words(keyword) + self.pick("0", "1", "10") + " " if self.r.random() < chance else ""

    def integers(self, depth=3):
        text = self.pick("1", "2", "3", "7", "10", "-4", "255") if depth == 0 or self.r.random() < 0.5 else "(" + self.integers(depth - 1) + ")"
        while self.r.random() < 0.6:
            text += " " + self.pick(*"+-*%&|^") + " " + (self.pick("1", "2", "3", "5", "10", "-6", "100") if depth == 0 or self.r.random() < 0.7 else "(" + self.integers(depth - 1) + ")")
        return text


def check(mode, lines):
    given = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return subprocess.run([CHECK, mode], input=given.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()


def signs(text):
    """1.x prints `-x` as `-1 * x`."""
    return re.sub(r"(?<![\w.])1 \* ", "+", text.replace("-1 * ", "-"))


def get(connection, query):
    connection.request("GET", "/query?epoch=ns&db=d&q=" + urllib.parse.quote(query))
    return json.loads(connection.getresponse().read().decode().split("\n")[0])


def ranges(connection, grammar, count, counts):
    """An aggregate is stamped with the earliest time of its condition."""
    def time():
        return grammar.pick("'2023-11-14'", "'2023-11-14 22:13:19'", "'2023-11-14 2:03:04.123456789'", "'2023-11-14T22:00:00Z'", "'2023-11-14T22:00:00.5+01:00'",
                            "'2020-02-29'", "'2000-01-01T00:00:00-11:30'", "'1969-12-31'", "'1700-03-01'", "1h", "5", "1.9", "-7", "1600000000s", "1600000000000ms",
                            "'2023-11-14' - 1d", "'2023-11-14' + 90m", "1d + '2023-01-01'", "'2020-01-01' - 30s + 5ms", "2 * 3", "1h * 2", "10m / 4", "5 + 1h", "-(1h)",
                            "'2020-01-01 00:00:00' + 3", "-'x'" if False else "100 - 1", "1.5 * 4", "3w", "(5)", "7u", "'2022-12-31 23:59:59.9999999999'")
    def compare():
        operator, value = grammar.pick(">", ">=", "="), time()
        if operator == "=":
            operator = ">="
        mirrored = {">": "<", ">=": "<="}[operator]
        return grammar.pick("time %s %s" % (operator, value), "TIME %s %s" % (operator, value), "%s %s time" % (value, mirrored))
    texts = []
    for _ in range(count):
        text = compare()
        while grammar.r.random() < 0.4:
            text += grammar.pick(" AND ", " OR ") + grammar.pick(compare(), "x > 0", "(%s)" % compare(), "(x > 0 AND %s)" % compare())
        texts.append("SELECT mean(x) FROM m WHERE " + text)
    for text, value in zip(texts, check("--constant", texts)):
        result = get(connection, text)["results"][0]
        if "series" not in result:
            counts["ranges without rows"] += 1
            continue
        same = str(result["series"][0]["values"][0][0]) == value
        counts["same range" if same else "other range"] += 1
        if not same:
            print(text, "ours", value, "theirs", result)


def main():
    connection = http.client.HTTPConnection("127.0.0.1", 28086, timeout=30)
    # The random statements of other scripts delete points.
    for path, body in (("/query?q=CREATE+DATABASE+d", b""), ("/write?db=d", b"m,host=a x=1,y=2 1700000000000000000")):
        connection.request("POST", path, body)
        connection.getresponse().read()
    grammar, counts = Meant(int(sys.argv[1])), collections.Counter()
    texts = []
    while len(texts) < int(sys.argv[2]):
        select = grammar.select(1)
        texts.append("CREATE CONTINUOUS QUERY c ON d BEGIN " + select.replace(" FROM", " INTO d.autogen.z FROM", 1).replace(" from", " INTO d.autogen.z FROM", 1) + " END")
    pairs = []
    for text in texts:
        result = get(connection, text).get("results", [{}])[0]
        get(connection, "DROP CONTINUOUS QUERY c ON d")
        if "messages" not in result:
            counts["refused"] += 1
            continue
        if re.search(r'DISTINCT\s+"', text, re.I) or "0.000001" in text:
            counts["printed wrongly by 1.x"] += 1
            continue
        printed = result["messages"][0]["text"].removeprefix("deprecated use of '").removesuffix("' in a read only context, please use a POST request instead")
        pairs.append((text, printed))
    ours, theirs = check("--tree", [p[0] for p in pairs]), check("--tree", [p[1] for p in pairs])
    for (text, printed), our, their in zip(pairs, ours, theirs):
        same = signs(our) == signs(their)
        counts["same tree" if same else "other tree"] += 1
        if not same:
            print(text, "\n   theirs", printed, "\n   tree of theirs", their, "\n   tree of ours  ", our)
    ranges(connection, grammar, int(sys.argv[2]), counts)
    expressions = [grammar.integers() for _ in range(int(sys.argv[2]))]
    for expression, value in zip(expressions, check("--constant", ["SELECT x FROM m WHERE time = " + e for e in expressions])):
        if value.startswith('"'):
            counts["constants refused here"] += 1
            continue
        rows = get(connection, "SELECT x FROM m WHERE " + expression + " = " + value)["results"][0]
        counts["same constant" if "series" in rows else "other constant"] += 1
        if "series" not in rows:
            print(expression, "ours", value, "theirs", rows)
    print(dict(counts), file=sys.stderr)


main()
