"""Writes src/tests/corpus.tsv: texts and what InfluxDB 1.x says of them, a varied choice of short ones.

corpus.py FILE…        each FILE holds texts, one per line, as JSON strings or plain
"""
import http.client, json, re, sys
from compare import reason, verdict
from generate import Grammar

OUT = "/work/wt/iql/src/tests/corpus.tsv"


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def main():
    given = []
    for file in sys.argv[1:]:
        for line in open(file, encoding="utf-8"):
            line = line.rstrip("\n")
            given.append(json.loads(line) if line.startswith('"') and line.endswith('"') else line)
    fixed = len(given)
    grammar = Grammar(2026)
    given += [grammar.cut() for _ in range(20000)]
    connection = http.client.HTTPConnection("127.0.0.1", 28086, timeout=30)
    seen, lines = {}, []
    for index, text in enumerate(given):
        text = text.strip()
        if not text or len(text) > 160 or "\0" in text:
            continue
        words = " ".join(re.findall(r"[A-Za-z]+", text)[:1]).upper()
        their = verdict(connection, text)
        shape = (words, re.sub(r"found .*, expected", "expected", re.sub(r" at line.*", "", their), flags=re.S))
        seen[shape] = seen.get(shape, 0) + 1
        if index >= fixed and seen[shape] > (40 if their == "ok" else 8):
            continue
        if reason(text, "", their) or "time zone" in their:
            continue
        lines.append(escaped(text) + "\t" + escaped(their) + "\n")
    open(OUT, "w", encoding="utf-8").write("".join(dict.fromkeys(lines)))


main()
