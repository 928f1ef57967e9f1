"""Random InfluxQL: valid texts by grammar, and mutations of them; the same for the same seed."""
import random

NAMES = ["cpu", "m", "usage", "host", '"a b"', '"select"', '"quo\\"te"', '"naïve"', "_x", "T1", '"日本"', "time",
         '"a.b"', "value", "region", '""', '"it\'s"', '"n\\nl"']
REGEXES = ["/cpu.*/", "/^a\\/b$/", "/(?i)host/", "/./", "/a|b/", "/[0-9]+/", "/\\w+/"]
FUNCTIONS = ["mean", "count", "SUM", "max", "percentile", "top", "derivative", "Moving_Average", "holt_winters",
             "unknown_function", "now", "abs", "distinct", "first", "elapsed"]
DURATIONS = ["1h", "30s", "10m", "1h30m", "5ms", "7u", "3µ", "100ns", "2w", "1d12h", "0s"]
STRINGS = ["'a'", "''", "'it\\'s'", "'2020-01-01T00:00:00Z'", "'2020-01-01'", "'é ü'", "'\\n'", "'\\\\'", "'a\"b'"]
NUMBERS = ["0", "1", "42", "9223372036854775807", "9223372036854775808", "1.5", ".5", "3.", "007", "0.000001"]


class Grammar:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def maybe(self, text, chance=0.3):
        return text if self.r.random() < chance else ""

    def space(self):
        x = self.r.random()
        if x < 0.9:
            return " "
        return self.pick("  ", "\t", "\n", " /* c */ ", " -- c\n", "\r\n", " \n ")

    def word(self, keyword):
        x = self.r.random()
        if x < 0.7:
            return keyword
        return keyword.lower() if x < 0.9 else keyword.capitalize()

    def words(self, text):
        return "".join(self.word(w) + self.space() for w in text.split(" ")).rstrip(" ") + " "

    def name(self):
        return self.r.choice(NAMES)

    def reference(self):
        n = self.name()
        x = self.r.random()
        if x < 0.05:
            n += "." + self.name()
        elif x < 0.08:
            n += "." + self.name() + "." + self.name()
        elif x < 0.2:
            n += "::" + self.pick("float", "INTEGER", "unsigned", "string", "boolean", "field", "tag", "Tag", "foo", "time")
        return n

    def literal(self):
        return self.pick(self.r.choice(STRINGS), self.r.choice(NUMBERS), self.r.choice(DURATIONS), "true", "FALSE",
                         self.r.choice(NUMBERS), self.r.choice(DURATIONS))

    def call(self, depth):
        arguments = [self.argument(depth - 1) for _ in range(self.r.randrange(0, 4))]
        return self.r.choice(FUNCTIONS) + "(" + self.maybe(" ", 0.1) + self.pick(", ", ",", " , ").join(arguments) + self.maybe(" ", 0.1) + ")"

    def argument(self, depth):
        x = self.r.random()
        if x < 0.1:
            return self.r.choice(REGEXES)
        if x < 0.2:
            return self.pick("*", "*::field", "*::tag", "DISTINCT " + self.name())
        return self.arithmetic(depth)

    def operand(self, depth):
        x = self.r.random()
        if depth <= 0 or x < 0.35:
            return self.reference()
        if x < 0.6:
            return self.literal()
        if x < 0.75:
            return self.call(depth)
        if x < 0.85:
            return "(" + self.arithmetic(depth - 1) + ")"
        if x < 0.95:
            return self.pick("-", "+", "- ") + self.pick(self.reference(), self.r.choice(NUMBERS), self.r.choice(DURATIONS),
                                                        "(" + self.arithmetic(depth - 1) + ")", self.call(depth - 1))
        return "now()"

    def arithmetic(self, depth=2):
        text = self.operand(depth)
        while self.r.random() < 0.3:
            text += self.maybe(" ", 0.8) + self.pick(*"+-*/%&|^") + self.maybe(" ", 0.8) + self.operand(depth - 1)
        return text

    def comparison(self, depth):
        x = self.r.random()
        if x < 0.2:
            return self.reference() + self.pick(" =~ ", " !~ ", "=~") + self.r.choice(REGEXES)
        if x < 0.35:
            return "time " + self.pick("=", "<", "<=", ">", ">=", "!=") + " " + self.pick(
                "now() - 1h", "now()", "'2020-01-01T00:00:00Z'", "1700000000000ms", "0", "now() - 1h + 5m", "1700000000s")
        if x < 0.5 and depth > 0:
            return "(" + self.condition(depth - 1) + ")"
        return self.arithmetic(1) + self.maybe(" ", 0.8) + self.pick("=", "!=", "<>", "<", "<=", ">", ">=") + self.maybe(" ", 0.8) + self.arithmetic(1)

    def condition(self, depth=2):
        text = self.comparison(depth)
        while self.r.random() < 0.4:
            text += self.space() + self.word(self.pick("AND", "OR")) + self.space() + self.comparison(depth)
        return text

    def where(self, chance=0.4):
        return self.words("WHERE") + self.condition() + " " if self.r.random() < chance else ""

    def measurement(self):
        x = self.r.random()
        if x < 0.55:
            return self.name()
        if x < 0.65:
            return self.name() + "." + self.name()
        if x < 0.75:
            return self.name() + "." + self.name() + "." + self.name()
        if x < 0.82:
            return self.name() + ".." + self.name()
        regex = self.r.choice(REGEXES)
        return self.pick(regex, regex, self.name() + "." + regex, self.name() + ".." + regex,
                         self.name() + "." + self.name() + "." + regex)

    def source(self, depth):
        if depth > 0 and self.r.random() < 0.2:
            return "(" + self.select(depth - 1).strip() + ")"
        return self.measurement()

    def field(self):
        x = self.r.random()
        if x < 0.1:
            f = self.r.choice(REGEXES)
        elif x < 0.25:
            f = self.pick("*", "*::field", "*::tag", "DISTINCT " + self.name(), "distinct(" + self.name() + ")")
        elif x < 0.28:
            f = self.condition(1)
        else:
            f = self.arithmetic()
        return f + self.maybe(" AS " + self.name(), 0.2)

    def dimension(self):
        return self.pick("time(10s)", "time(1h, 5m)", "time(1d, now())", "host", '"a b"', "*", self.r.choice(REGEXES),
                         "host::tag", self.arithmetic(1))

    def count(self, keyword, chance=0.15):
        return self.words(keyword) + self.pick("0", "1", "10", "99999999999999999999") + " " if self.r.random() < chance else ""

    def order(self, chance=0.15):
        if self.r.random() >= chance:
            return ""
        return self.words("ORDER BY") + self.pick("time", "time ASC", "time DESC", "DESC", "asc", '"time" desc', "host", "time, host", "TIME") + " "

    def select(self, depth=2):
        text = self.words("SELECT") + self.pick(", ", ",", " , ").join(self.field() for _ in range(self.pick(1, 1, 1, 2, 3)))
        text += self.space()
        if self.r.random() < 0.08:
            text += self.words("INTO") + self.pick(self.measurement(), "a.b.:MEASUREMENT", "a.:measurement", "a..:MEASUREMENT") + " "
        text += self.words("FROM") + self.pick(", ", ",", " , ").join(self.source(depth) for _ in range(self.pick(1, 1, 1, 2))) + " "
        text += self.where()
        if self.r.random() < 0.4:
            text += self.words("GROUP BY") + self.pick(", ", ",").join(self.dimension() for _ in range(self.pick(1, 1, 2, 3))) + " "
        if self.r.random() < 0.25:
            text += self.pick("fill", "FILL") + "(" + self.pick("null", "none", "previous", "linear", "0", "-1", "1.5", "foo", "1s", "", "1, 2", "'none'") + ") "
        text += self.order() + self.count("LIMIT") + self.count("OFFSET") + self.count("SLIMIT") + self.count("SOFFSET")
        return text + self.maybe(self.pick("tz('Europe/Berlin')", "TZ('UTC')", "tz(x)", "tz()", "tz('UTC', 1)"), 0.1)

    def on(self, chance=0.3):
        return self.words("ON") + self.name() + " " if self.r.random() < chance else ""

    def origin(self, chance=0.3):
        if self.r.random() >= chance:
            return ""
        return self.words("FROM") + ", ".join(self.measurement() for _ in range(self.pick(1, 1, 2))) + " "

    def key(self, chance=1.0):
        if self.r.random() >= chance:
            return ""
        return self.words("WITH KEY") + self.pick(
            "= " + self.name(), "!= " + self.name(), "=~ " + self.r.choice(REGEXES), "!~ " + self.r.choice(REGEXES),
            "IN (" + ", ".join(self.name() for _ in range(self.pick(1, 2, 3))) + ")", "< a") + " "

    def page(self):
        return self.order() + self.count("LIMIT") + self.count("OFFSET")

    def grouped(self):
        return (self.words("GROUP BY") + self.dimension() + " " if self.r.random() < 0.2 else "") + self.count("LIMIT") + self.count("OFFSET")

    def show(self):
        exact = self.maybe("EXACT ", 0.5)
        return self.pick(
            lambda: self.words("SHOW " + self.pick("DATABASES", "QUERIES", "USERS", "SHARDS", "SHARD GROUPS", "SUBSCRIPTIONS", "CONTINUOUS QUERIES")),
            lambda: self.words("SHOW " + self.pick("STATS", "DIAGNOSTICS")) + self.maybe("FOR 'runtime'"),
            lambda: self.words("SHOW GRANTS FOR") + self.name(),
            lambda: self.words("SHOW RETENTION POLICIES") + self.on(),
            lambda: self.words("SHOW MEASUREMENTS") + self.on() + self.maybe(
                self.words("WITH MEASUREMENT") + self.pick("= ", "=~ ", "!= ") + self.measurement() + " ") + self.where() + self.page(),
            lambda: self.words("SHOW FIELD KEYS") + self.on() + self.origin() + self.page(),
            lambda: self.words("SHOW TAG KEYS") + self.on() + self.origin() + self.where() + self.page() + self.count("SLIMIT") + self.count("SOFFSET"),
            lambda: self.words("SHOW TAG VALUES") + self.on() + self.origin() + self.key(0.95) + self.where() + self.page(),
            lambda: self.words("SHOW SERIES") + self.on() + self.origin() + self.where() + self.page(),
            lambda: self.words("SHOW " + self.pick("SERIES ", "MEASUREMENT ", "TAG KEY ", "FIELD KEY ") + exact + "CARDINALITY")
            + self.on() + self.origin() + self.where() + self.grouped(),
            lambda: self.words("SHOW TAG VALUES " + exact + "CARDINALITY") + self.on() + self.origin() + self.key() + self.where() + self.grouped(),
        )()

    def duration(self):
        return self.pick(*DURATIONS, "INF", "inf", "1x", "5")

    def policy(self):
        return self.words("DURATION") + self.duration() + self.space() + self.words("REPLICATION") + self.pick("1", "2", "0", "99999999999", "x") + " " + \
            self.maybe("SHARD DURATION " + self.duration() + " ") + self.maybe("DEFAULT ")

    def manage(self):
        return self.pick(
            lambda: self.words("CREATE DATABASE") + self.name() + " " + self.maybe("WITH " + self.maybe("DURATION " + self.duration() + " ", 0.6)
                + self.maybe("REPLICATION 1 ") + self.maybe("SHARD DURATION " + self.duration() + " ") + self.maybe("NAME " + self.name()), 0.6),
            lambda: self.words("DROP DATABASE") + self.name(),
            lambda: self.words("CREATE RETENTION POLICY") + self.name() + " " + self.words("ON") + self.name() + " " + self.policy(),
            lambda: self.words("ALTER RETENTION POLICY") + self.pick(self.name(), "DEFAULT") + " " + self.words("ON") + self.name() + " " + " ".join(
                self.pick("DURATION " + self.duration(), "REPLICATION 1", "SHARD DURATION " + self.duration(), "DEFAULT") for _ in range(self.pick(0, 1, 2, 3))),
            lambda: self.words("DROP RETENTION POLICY") + self.name() + " " + self.words("ON") + self.name(),
            lambda: self.words("DROP MEASUREMENT") + self.name(),
            lambda: self.words(self.pick("DROP SERIES", "DELETE")) + self.origin(0.7) + self.where(0.6),
            lambda: self.words("DROP SHARD") + self.pick("1", "x", "-1", "99999999999999999999"),
            lambda: self.words("KILL QUERY") + self.pick("999999", "x", "1.5", "99999999999999999999") + self.maybe(" ON " + self.name()),
            lambda: self.words("CREATE USER") + self.name() + " " + self.words("WITH PASSWORD") + self.r.choice(STRINGS) + self.maybe(" WITH ALL PRIVILEGES"),
            lambda: self.words("DROP USER") + self.name(),
            lambda: self.words("SET PASSWORD FOR") + self.name() + " = " + self.r.choice(STRINGS),
            lambda: self.words("GRANT") + self.pick("READ", "WRITE", "ALL", "ALL PRIVILEGES") + self.maybe(" ON " + self.name(), 0.7) + " TO " + self.name(),
            lambda: self.words("REVOKE") + self.pick("READ", "WRITE", "ALL", "ALL PRIVILEGES") + self.maybe(" ON " + self.name(), 0.7) + " FROM " + self.name(),
            lambda: self.words("CREATE SUBSCRIPTION") + self.name() + " ON " + self.name() + "." + self.name() + " DESTINATIONS " + self.pick("ALL", "ANY", "x")
            + " 'udp://127.0.0.1:9999'" + self.maybe(", 'http://127.0.0.1:1'"),
            lambda: self.words("DROP SUBSCRIPTION") + self.name() + " ON " + self.name() + "." + self.name(),
            lambda: self.words("CREATE CONTINUOUS QUERY") + self.name() + " ON " + self.name() + " " + self.maybe(
                "RESAMPLE " + self.maybe("EVERY " + self.r.choice(DURATIONS) + " ", 0.6) + self.maybe("FOR " + self.r.choice(DURATIONS) + " ", 0.6)) + "BEGIN "
            + self.pick(self.select(1), "SELECT mean(x) INTO y FROM m GROUP BY " + self.pick("time(10s)", "time(1h), host", "host", "time()", "time(x)")) + " END",
            lambda: self.words("DROP CONTINUOUS QUERY") + self.name() + " ON " + self.name(),
        )()

    def statement(self):
        x = self.r.random()
        if x < 0.55:
            return self.select()
        if x < 0.6:
            return self.words("EXPLAIN") + self.maybe("ANALYZE ") + self.select()
        if x < 0.8:
            return self.show()
        return self.manage()

    def text(self):
        return self.pick("", "", "", " ", "\n") + self.pick("; ", ";", ";;").join(self.statement() for _ in range(self.pick(1, 1, 1, 1, 1, 2))) + self.pick("", "", ";", " ")

    def mutate(self, text):
        junk = list("'\"/\\.,:;()*=!~<>+-%&|^$#@?é\n\t 0aµ") + [" FROM ", " WHERE ", " x", "::", "--", "/*", "*/", " 1h", " 'x'", " SELECT ", ".."]
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            at = self.r.randrange(len(text) + 1)
            x = self.r.random()
            if x < 0.3:
                text = text[:at] + self.r.choice(junk) + text[at:]
            elif x < 0.5:
                text = text[:at] + text[at + self.r.randrange(1, 4):]
            elif x < 0.7:
                parts = text.split(" ")
                i = self.r.randrange(len(parts))
                y = self.r.random()
                if y < 0.4:
                    del parts[i]
                elif y < 0.7:
                    parts.insert(i, self.r.choice(parts))
                else:
                    j = self.r.randrange(len(parts))
                    parts[i], parts[j] = parts[j], parts[i]
                text = " ".join(parts)
            elif x < 0.85:
                text = text[:at]
            else:
                text = text[:at] + self.r.choice(junk) + text[at + 1:]
        return text


    def cut(self):
        """A short statement up to some token, and tokens that may not fit after it."""
        text = self.pick(self.show, self.manage, lambda: self.select(0))()
        at = self.r.randrange(len(text) + 1)
        while 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum():
            at += 1
        tail = ["x", '"y"', "'s'", "1", "1.5", "1h", "/r/", "*", "=", "=~", "(", ")", ",", ".", "::", ":", ";", "-", "$p", "SELECT", "FROM", "WHERE",
                "ON", "WITH", "KEY", "BY", "GROUP", "ORDER", "LIMIT", "DURATION", "INF", "DEFAULT", "EXACT", "CARDINALITY", "DISTINCT", "IN", "AS",
                "INTO", "TO", "FOR", "END", "true", "fill(0)", "tz('UTC')", "now()", "--", "/*", "'", '"', "\\"]
        return text[:at] + "".join(self.pick("", " ", " ") + self.r.choice(tail) for _ in range(self.pick(0, 1, 1, 1, 2)))


def with_parameters(seed, n):
    """Short texts in which parameters of all kinds stand where they may and may not."""
    g = Grammar(seed)
    for _ in range(n):
        text = g.pick(g.show, g.manage, lambda: g.select(0), lambda: g.select(1))() if g.r.random() < 0.6 else g.cut()
        words = text.split(" ")
        for _ in range(g.pick(1, 1, 2, 3)):
            i = g.r.randrange(len(words))
            p = "$" + g.pick("i", "q", "s", "r", "n", "neg", "f", "d", "dn", "b", "bad", "none", "i", "r")
            words[i] = g.pick(p, p, p, words[i] + p, "-" + p, p + "." + words[i], words[i] + "(" + p + ")", p + "(x)", "(" + p + ")", p + ",", "=~" + p)
        yield " ".join(words)


def texts(seed, n):
    g = Grammar(seed)
    for _ in range(n):
        if g.r.random() < 0.5:
            yield g.cut()
            continue
        t = g.text()
        yield t if g.r.random() < 0.35 else g.mutate(t)
