"""Compares regular expressions with Go's: the errors, and which of many values match.

regexes.py SEED COUNT          the oracle gets a database re of its own
"""
import collections, http.client, json, random, subprocess, sys, urllib.parse
from ask import ask

MATCHES = "/work/wt/iql/target/debug/examples/matches"
VALUES = ["a", "b", "ab", "abc", "aab", "ABC", "a1", "12", "0", "a_b", "a-b", "a.b", "a b", "é", "É", "naïve", "日本", "ſ", "K", "k", "s", "S", "K8", "٣", "a[b", "a]b",
          "[", "]", "^", "$", "{", "}", "a{,2}", "a{2", "{}", "(", ")", "(a)", "|", "a|b", "a\\\\b", "a/b", "<", ">", "<a>", "&&", "a&&b", "~", "--", "-", "+", "*", "?",
          "#", "#a b", "a\u00a0b", "\u0085", "x\u2028y", "host01", "host02", "HOST03", "server-1.example.com", "aaaa", "aaaaaaaaaaaa", "ß", "ẞ", "µ", "μ", "Ω", "Ω"]


class Regexes:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def inside(self):
        return self.pick("a", "b", "-", "a-z", "0-9", "A-Z", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[:alpha:]", "[:^digit:]", "[:word:]", "[:foo:]", "[", "[a", "&&", "--", "~~",
                         "\\]", "\\[", "\\\\", "^", "\\-", ".", "\\.", "*", "é", "á-é", "z-a", "\\x41", "\\x{e9}", "\\pL", "\\p{Lu}", "\\P{Lu}", "\\p{^Lu}", "\\p{Greek}", "\\p{foo}", "\\101",
                         "\\n", "\\t", "\\q", "\\b", "\\x4", "\\x{}", "#", " ", "]", "|", "a-", "-a", "+--", "\\_", "\\Q", "\\pé"[:3])

    def atom(self, depth):
        x = self.r.random()
        if depth and x < 0.2:
            return self.pick("(%s)", "(?:%s)", "(?i)%s", "(?i:%s)", "(?P<n>%s)", "(?P<m>%s)", "(?s-i:%s)", "(?U)%s", "(?-i)%s", "(?)%s", "(?m)%s", "(?:)%s", "(?P<>%s)", "(?=%s)", "(?<n>%s)",
                             "(?x)%s", "(?P=n)%s", "(?i-)%s", "(?-)%s", "(?--i)%s", "(%s", "%s)", "(?P<1>%s)", "(?", "(?P<a%s", "(?i", "(?P", "(?#%s)") .replace("%s", self.expression(depth - 1))
        if x < 0.4:
            return "[" + self.pick("", "", "^", "]", "^]") + "".join(self.inside() for _ in range(self.pick(1, 1, 2, 3))) + self.pick("]", "]", "]", "")
        if x < 0.6:
            return self.pick("\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\.", "\\[", "\\q", "\\_", "\\<", "\\>", "\\Qa.b\\E", "\\Q[", "\\E", "\\C", "\\pL",
                             "\\p{Lu}", "\\P{Greek}", "\\p", "\\p{", "\\pZ", "\\x41", "\\x{65e5}", "\\x{110000}", "\\x4", "\\xzz", "\\0", "\\1", "\\101", "\\8", "\\n", "\\t", "\\a", "\\v", "\\", "\\#", "\\ ", "\\-",
                             "\\u00e9", "\\é", "\\k", "\\/", "\\x{d800}", "\\07", "\\18")
        return self.pick("a", "b", "ab", "host", ".", "^", "$", "é", "日", "-", "[", "]", "{", "}", "<", "&", "~", "#", " ", "0", "1", "K", "s", "|", "", "é", "\\\\", "µ", "ω")

    def expression(self, depth=2):
        text = ""
        for _ in range(self.pick(1, 1, 2, 3)):
            text += self.atom(depth)
            if self.r.random() < 0.35:
                text += self.pick("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0}", "{2,}", "{,2}", "{2", "{2,1}", "{01}", "{1001}", "{1000}", "{0,0}", "**", "*+", "{2}{3}", "{ 2}", "{2,}?", "{99999999999999}", "???", "{1,0}", "{1000,}")
        return text


def main():
    connection = http.client.HTTPConnection("127.0.0.1", 28086, timeout=30)
    connection.request("POST", "/query?q=DROP+DATABASE+re%3BCREATE+DATABASE+re")
    connection.getresponse().read()
    escaped = lambda v: v.replace("\\", "\\\\") if False else v.replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")
    lines = "".join("m,host=%s x=1 1700000000000000000\n" % escaped(v) for v in dict.fromkeys(VALUES))
    connection.request("POST", "/write?db=re", lines.encode())
    answer = connection.getresponse().read()
    assert answer == b"", answer
    connection.request("GET", "/query?db=re&q=" + urllib.parse.quote("SHOW TAG VALUES WITH KEY = host"))
    values = [v[1] for v in json.loads(connection.getresponse().read())["results"][0]["series"][0]["values"]]
    open("/tmp/iql-oracle/values", "w").write("".join(v + "\n" for v in values))
    make = Regexes(int(sys.argv[1]))
    cases = [c for c in (make.expression() for _ in range(int(sys.argv[2]))) if "/" not in c and not c.endswith("\\") and not c.startswith("*") and c]
    ours = subprocess.run([MATCHES, "/tmp/iql-oracle/values"], input="".join(c + "\n" for c in cases).encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    counts = collections.Counter()
    for case, our in zip(cases, ours):
        _, body = ask(connection, "SHOW TAG VALUES WITH KEY = host WHERE host =~ /" + case + "/", database="re")
        answer = json.loads(body)
        if "error" in answer:
            their = answer["error"].removeprefix("error parsing query: ").rsplit(" at line", 1)[0]
        else:
            series = answer["results"][0].get("series", [{"values": []}])[0]["values"]
            their = " ".join(str(values.index(v[1])) for v in series)
        if our == their:
            counts["same error" if our.startswith("error") else "same matches"] += 1
            continue
        counts["not Rust" if our.startswith("not Rust") else "different"] += 1
        name = lambda text: " ".join(values[int(n)] for n in text.split()) if text and text[0].isdigit() else text
        print(case, "\n   theirs", name(their)[:150], "\n   ours  ", name(our)[:300])
    print(dict(counts), file=sys.stderr)


main()
