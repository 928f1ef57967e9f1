"""Random regular expressions in conditions: the errors, and which of many values match, as with Go.
TIDEGATE_REGEXES is their number."""

import os
import random

import peers
import random_queries

COUNT = int(os.environ.get("TIDEGATE_REGEXES", "2000"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
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


def escaped(value):
    return value.replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    lines = "\n".join(f"m,host={escaped(value)} x=1 1700000000000000000" for value in dict.fromkeys(VALUES))
    for peer in (oracle, ours):
        peer.write(lines)
    make, run = Regexes(SEED), random_queries.Run()
    for number in range(COUNT):
        text = make.expression()
        if not text or "/" in text or text.endswith("\\") or text.startswith("*"):
            continue
        statement = f"SHOW TAG VALUES WITH KEY = host WHERE host =~ /{text}/"
        if number % 2:
            statement = f"SELECT host, x FROM m WHERE host =~ /{text}/"
        run.ask(oracle, ours, SEED, statement)
    run.tell(f"regular expressions, seed {SEED}")


if __name__ == "__main__":
    main()
