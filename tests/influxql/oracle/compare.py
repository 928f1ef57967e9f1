"""Sends random texts to InfluxDB 1.x and to the parser and prints where they differ.

compare.py SEED COUNT [--save FILE]     the oracle listens on 127.0.0.1:28086
compare.py --file LINES                 JSON strings or plain lines instead of random texts
"""
import collections, http.client, json, subprocess, sys
from ask import ask
from generate import texts, with_parameters

CHECK = "/work/wt/iql/target/debug/examples/check"


PARAMETERS = {"i": {"identifier": "host"}, "q": {"ident": "a b"}, "s": "text", "r": {"regex": "a.b"}, "n": 5, "neg": -7, "f": 1.5,
              "d": {"duration": "1h"}, "dn": {"duration": 90000000000}, "b": True, "bad": {"identifier": 1}}


def verdict(connection, text, parameters=None):
    status, body = ask(connection, text, parameters)
    try:
        answer = json.loads(body)
    except ValueError:
        return "unreadable: " + body[:200]
    return answer["error"] if "error" in answer else "ok"


def reason(case, our, their):
    """Names a difference that is meant; README.md gives the reasons."""
    if "/*" in case and their.startswith(("error parsing query: error parsing regexp: missing argument", "error parsing query: bad regex")):
        return "comment where 1.x looks for a regular expression"
    if "--" in case and "found /, expected identifier" in their:
        return "comment where 1.x looks for a regular expression"
    if "unable to find time zone" in their:
        return "time zone that only its table refuses"
    if "found ,, expected regex" in their and our != their:
        return "regular expression directly after the comma of a list of sources"
    if "$r" in case and "found a.b, expected identifier, string, number, bool" in our:
        return "regular expression by a parameter where an operand stands"
    if "SHOW TAG KEYS" in case.upper() and "found WITH, expected ;" in their:
        return "SHOW TAG KEYS WITH KEY of later versions"
    if "SHOW MEASUREMENTS" in case.upper() and ("found *, expected identifier" in their or "found ., expected ;" in their):
        return "SHOW MEASUREMENTS ON db.rp of later versions"
    if "overflowed duration" in our:
        return "duration that wraps in 1.x"
    return ""


def main():
    parameters = PARAMETERS if "--parameters" in sys.argv else None
    if sys.argv[1] == "--file":
        lines = [l.rstrip("\n") for l in open(sys.argv[2], encoding="utf-8")]
        cases = [json.loads(l) if l.startswith('"') and l.endswith('"') else l for l in lines]
    else:
        cases = list((with_parameters if parameters else texts)(int(sys.argv[1]), int(sys.argv[2])))
    # The server trims the text before it parses it.
    cases = [c.strip() for c in cases if c.strip()]
    given = "\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n"
    ours = subprocess.run([CHECK] + ["--parameters"] * bool(parameters), input=given.encode("utf-8", "surrogatepass"), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    assert len(ours) == len(cases), (len(ours), len(cases))
    connection = http.client.HTTPConnection("127.0.0.1", 28086, timeout=30)
    counts = collections.Counter()
    saved = []
    for case, our in zip(cases, ours):
        our = json.loads(our) if our.startswith('"') else our
        their = verdict(connection, case, parameters)
        saved.append((case, their))
        if our == their:
            counts["same, accepted" if our == "ok" else "same, refused"] += 1
            continue
        known = reason(case, our, their)
        if known.startswith("comment"):
            # With spaces in place of the comments 1.x must say the same.
            spaces = case.replace("/* c */", " " * 7).replace("-- c\n", " " * 4 + "\n").strip()
            their = verdict(connection, spaces, parameters)
            known += ": same with spaces" if their == our else ": other with spaces"
            if their != our and "/*" not in spaces and "--" not in spaces:
                print("comments", json.dumps(case, ensure_ascii=False), "\n   theirs", their, "\n   ours  ", our)
        if known:
            counts["known: " + known] += 1
            continue
        kind = ("both refuse" if "ok" not in (our, their) else "only ours accepts" if our == "ok" else "only theirs accepts")
        counts[kind] += 1
        print(json.dumps(case, ensure_ascii=False), "\n   theirs", their, "\n   ours  ", our)
    print(dict(counts), file=sys.stderr)
    if "--save" in sys.argv:
        with open(sys.argv[sys.argv.index("--save") + 1], "w", encoding="utf-8") as out:
            for case, their in saved:
                out.write(json.dumps([case, their], ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
