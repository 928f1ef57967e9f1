"""Bodies of answers, byte for byte: those of the query contract, section 8.9, and those of InfluxDB
1.6.7 to questions in every format, with epochs, chunks and zones. What ours does in another way on
purpose (section 14) stands here as a text."""

import json
import sys

import data
import peers

BOILER = """boiler,room=a temp=20.5,n=1i 1700000000000000000
boiler,room=a temp=21,n=3i 1700000010000000000
boiler,room=b temp=30 1700000010000000000
boiler temp=5 1700000020000000000
mixed,t=a\\ b,u=é f=1e-7,i=-9223372036854775808i,s="<a>&\\"b\\"\\\\",b=true 1700000000123456789
mixed,t=a\\ b,u=é f=1e21,i=9223372036854775807i,s="line\\u2028",b=false 1700000000123456790
mixed,t=c f=123456789.125,i=0i,s="" 1700000060000000000
mixed f=-0.000001 1700000120000000000
mixed,t=c\\,d f=1e20,s="ü" 1700000180500000000"""

CSV, MSGPACK = "text/csv", "application/x-msgpack"
TIED = ['["2023-11-14T22:13:30Z",3,"a",21],["2023-11-14T22:13:30Z",null,"b",30]', '["2023-11-14T22:13:30Z",null,"b",30],["2023-11-14T22:13:30Z",3,"a",21]']


def one(series):
    return '{"results":[{"statement_id":0,"series":[' + series + "]}]}\n"


def windows(rows, column="mean"):
    return one(f'{{"name":"boiler","columns":["time","{column}"],"values":[{rows}]}}')


WINDOWS = "FROM boiler WHERE room = 'a' AND time >= 1699999995s AND time < 1700000025s GROUP BY time(10s)"
SYNTAX = "error parsing query: found FROM, expected identifier, string, number, bool at line 1, char 8"

# Question, parameters, Accept, bodies of which one must be ours, and whether 1.6.7 says so, too.
CONTRACT = [
    ("SELECT * FROM boiler", {}, None, [
        one('{"name":"boiler","columns":["time","n","room","temp"],"values":[["2023-11-14T22:13:20Z",1,"a",20.5],' + tied + ',["2023-11-14T22:13:40Z",null,null,5]]}')
        for tied in TIED], True),
    ("SELECT mean(temp), count(n) FROM boiler GROUP BY room", {}, None, [one(
        '{"name":"boiler","tags":{"room":""},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",5,null]]},'
        '{"name":"boiler","tags":{"room":"a"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",20.75,2]]},'
        '{"name":"boiler","tags":{"room":"b"},"columns":["time","mean","count"],"values":[["1970-01-01T00:00:00Z",30,null]]}')], True),
    ("SELECT mean(temp), count(n) FROM boiler GROUP BY room", {}, CSV, [
        "name,tags,time,mean,count\nboiler,,0,5,\nboiler,room=a,0,20.75,2\nboiler,room=b,0,30,\n"], True),
    (f"SELECT mean(temp) {WINDOWS}", {"epoch": "s"}, None, [
        windows("[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,null]")], True),
    (f"SELECT mean(temp) {WINDOWS} fill(none)", {"epoch": "s"}, None, [windows("[1700000000,20.5],[1700000010,21]")], True),
    (f"SELECT mean(temp) {WINDOWS} fill(previous)", {"epoch": "s"}, None, [
        windows("[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,21]")], True),
    (f"SELECT mean(temp) {WINDOWS} fill(linear)", {"epoch": "s"}, None, [
        windows("[1699999990,null],[1700000000,20.5],[1700000010,21],[1700000020,null]")], True),
    (f"SELECT mean(temp) {WINDOWS} fill(0)", {"epoch": "s"}, None, [
        windows("[1699999990,0],[1700000000,20.5],[1700000010,21],[1700000020,0]")], True),
    (f"SELECT count(temp) {WINDOWS}", {"epoch": "s"}, None, [
        windows("[1699999990,0],[1700000000,1],[1700000010,1],[1700000020,0]", "count")], True),
    ("SELECT max(temp) FROM boiler WHERE room = 'a'", {}, None, [windows('["2023-11-14T22:13:30Z",21]', "max")], True),
    ("SELECT max(temp), min(temp) FROM boiler WHERE time >= 1699999995s AND room = 'a'", {}, None, [
        one('{"name":"boiler","columns":["time","max","min"],"values":[["2023-11-14T22:13:15Z",21,20.5]]}')], True),
    ("SELECT max(temp) FROM boiler;SELECT max(temp) FROM nodb..x;SHOW DATABASES", {}, None, [
        '{"results":[{"statement_id":0,"series":[{"name":"boiler","columns":["time","max"],"values":[["2023-11-14T22:13:30Z",30]]}]},'
        '{"statement_id":1,"error":"database not found: nodb"},{"statement_id":2,"error":"not executed"}]}\n'], False),
    ("SELECT temp FROM boiler WHERE room != 'b'", {"chunked": "true", "chunk_size": "2"}, None, [
        '{"results":[{"statement_id":0,"series":[{"name":"boiler","columns":["time","temp"],"values":[["2023-11-14T22:13:20Z",20.5],["2023-11-14T22:13:30Z",21]],"partial":true}],"partial":true}]}\n'
        '{"results":[{"statement_id":0,"series":[{"name":"boiler","columns":["time","temp"],"values":[["2023-11-14T22:13:40Z",5]]}]}]}\n'], True),
    ("SHOW TAG VALUES FROM boiler WITH KEY = room", {}, None, [
        one('{"name":"boiler","columns":["key","value"],"values":[["room","a"],["room","b"]]}')], True),
    ("SHOW MEASUREMENTS WITH MEASUREMENT = boiler", {}, None, [
        one('{"name":"measurements","columns":["name"],"values":[["boiler"]]}')], True),
    ("CREATE DATABASE x", {}, None, ['{"results":[{"statement_id":0}]}\n'], True),
    ("SELECT temp FROM nothing", {}, None, ['{"results":[{"statement_id":0}]}\n'], True),
    ("SELECT temp FROM nothing", {"pretty": "true"}, None, [
        '{\n    "results": [\n        {\n            "statement_id": 0\n        }\n    ]\n}\n'], True),
    # Where the contract goes another way than 1.6.7.
    ("SELECT temp FROM nodb..x; SHOW DATABASES", {}, CSV, ["error\ndatabase not found: nodb\n\nerror\nnot executed\n"], False),
    (";; SELECT temp FROM nothing ;", {}, None, ['{"results":[{"statement_id":0}]}\n'], True),
    ("SELECT f FROM mixed WHERE t = 'zzz'; SELECT count(f) FROM mixed; SELECT temp FROM nodb.autogen.x; SELECT temp FROM boiler", {"epoch": "s"}, None, [
        '{"results":[{"statement_id":0},{"statement_id":1,"series":[{"name":"mixed","columns":["time","count"],"values":[[0,5]]}]},'
        '{"statement_id":2,"error":"database not found: nodb"},{"statement_id":3,"error":"not executed"}]}\n'], False),
]
# Requests that are refused as a whole: status 400 and three keys.
REFUSED = [
    ("SELECT FROM boiler", {}, SYNTAX),
    ("SELECT temp FROM boiler; SELECT FROM boiler", {}, SYNTAX.replace("char 8", "char 33")),
    ("", {}, 'missing required parameter "q"'),
    ("SELECT temp FROM boiler WHERE room = $room", {"params": "{}"}, "error parsing query: missing parameter: room"),
    ("SELECT temp FROM boiler", {"params": "{"}, "error parsing query parameters: …"),
]

DST = "FROM days WHERE time >= '%s' AND time < '%s' GROUP BY time(%s) %s tz('%s')"
JUDGED = [
    "SELECT * FROM mixed",
    "SELECT f, i, s, b FROM mixed WHERE t = 'a b'",
    "SELECT * FROM mixed GROUP BY *",
    "SELECT f FROM mixed GROUP BY t, u",
    "SELECT f, time AS t2 FROM mixed",
    "SELECT max(f), min(f) FROM mixed WHERE time >= 1700000000s AND time < 1700000300s GROUP BY time(1m)",
    "SELECT count(f) FROM mixed, boiler GROUP BY t",
    "SELECT f, f FROM mixed WHERE u = 'é'",
    "SELECT f AS x, i AS x FROM mixed",
    "SELECT f FROM mixed tz('America/St_Johns')",
    "SELECT f FROM mixed ORDER BY time DESC LIMIT 2",
    "SELECT first(f) FROM mixed; SELECT last(i) FROM mixed; SELECT s FROM mixed",
    "SELECT f FROM nothing; SELECT s FROM mixed",
    "SHOW TAG KEYS FROM mixed",
    "SHOW FIELD KEYS FROM mixed",
    "SHOW TAG VALUES FROM mixed WITH KEY = t",
    "SHOW SERIES FROM mixed",
    "SHOW DATABASES",
    "SHOW RETENTION POLICIES ON nothere",
    "SELECT usage_user FROM cpu WHERE host = 'web1' LIMIT 25",
    "SELECT usage_user, usage_system FROM cpu WHERE time < 1700000100s GROUP BY host",
] + [
    f"SELECT count(temp), max(temp), first(temp) {DST % (*days, interval, fill, zone)}"
    for zone, days in (
        ("Europe/Berlin", ("2023-10-28", "2023-10-31")),
        ("America/New_York", ("2023-11-04", "2023-11-07")),
        ("Australia/Lord_Howe", ("2023-09-30", "2023-10-03")),
    )
    for interval, fill in (("1d", ""), ("1h", "fill(none)"), ("6h", "fill(previous)"), ("12h", "fill(0)"))
    # Where the change is no multiple of the interval, 1.6.7 fills beside the windows.
    if zone != "Australia/Lord_Howe" or fill == "fill(none)"
]  # fmt: skip
FORMATS = [
    (None, {}), (None, {"epoch": "ns"}), (None, {"epoch": "ms"}), (None, {"epoch": "h"}), (None, {"pretty": "true"}),
    (None, {"chunked": "true", "chunk_size": "1"}), (None, {"chunked": "true", "chunk_size": "2", "epoch": "u"}),
    (None, {"chunked": "true"}), (CSV, {}), (CSV, {"epoch": "s"}), (MSGPACK, {}), (MSGPACK, {"epoch": "ms"}),
    ("application/json", {"chunked": "yes", "chunk_size": "2"}), (None, {"chunked": "true", "chunk_size": "-3"}),
]  # fmt: skip
# 1.6.7 sends these whole.
WHOLE = ("SHOW",)


def same(ours, theirs, accept):
    if ours == theirs:
        return True
    # 1.x writes the tags of a map in any order.
    return accept == MSGPACK and len(ours) == len(theirs) and sorted(ours) == sorted(theirs)


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = []

    def check(self, is_right, *told):
        if is_right:
            self.passed += 1
            return
        self.failed.append(told)
        print("DIFFERENT", *told, sep="\n    ", flush=True)


def contract(checks, oracle, ours):
    for text, parameters, accept, bodies, is_judged in CONTRACT:
        status, body = ours.body(text, accept, **parameters)
        wanted = [one.encode() for one in bodies]
        checks.check(status == 200 and body in wanted, text, parameters, f"ours:   {body!r}", f"wanted: {wanted[0]!r}")
        if is_judged:
            status, body = oracle.body(text, accept, **parameters)
            checks.check(status == 200 and body in wanted, "1.6.7 says otherwise than the contract", text, body, wanted[0])
    for text, parameters, message in REFUSED:
        status, body = oracle.body(text, **parameters)
        told, start = json.loads(body)["error"], message.rstrip("…")
        checks.check((status, told[: len(start)]) == (400, start), "1.6.7 says otherwise than the contract", text, body, message)
        status, body = ours.body(text, **parameters)
        # The parser of JSON has words of its own.
        told = json.loads(body).get("error", "")
        message = told if message != start and told.startswith(start) else told and message
        wanted = json.dumps({"code": "invalid", "message": message, "error": message}, separators=(",", ":"), ensure_ascii=False)
        checks.check((status, body.decode().strip()) == (400, wanted), text, parameters, f"ours:   {status} {body!r}", f"wanted: {wanted}")


def judged(checks, oracle, ours):
    for text in JUDGED:
        for accept, parameters in FORMATS:
            if parameters.get("chunked") == "true" and text.startswith(WHOLE):
                continue
            # Ours names the failure in CSV, and the statement in MessagePack.
            if accept in (CSV, MSGPACK) and text.startswith("SHOW RETENTION"):
                continue
            _, theirs = oracle.body(text, accept, **parameters)
            status, body = ours.body(text, accept, **parameters)
            checks.check(status == 200 and same(body, theirs, accept), f"{text} {parameters} {accept}", f"ours:   {body[:900]!r}", f"theirs: {theirs[:900]!r}")


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    data.load(oracle, ours, 3)
    for peer in (oracle, ours):
        peer.write(BOILER.replace("\\u2028", "\u2028"))
    checks = Checks()
    contract(checks, oracle, ours)
    judged(checks, oracle, ours)
    print(f"bodies: {checks.passed} the same, {len(checks.failed)} different")
    if checks.failed:
        sys.exit("FAILED: bodies")


if __name__ == "__main__":
    main()
