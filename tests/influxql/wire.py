"""Requests of clients to the byte, as the query contract lists them (8.8): sent over a bare socket to
both, status, headers that clients look at and bodies compared."""

import json
import re
import socket
import sys

import compare
import data
import judged
import peers

AGENT = "User-Agent: Grafana/12.0.2\r\nAccept-Encoding: gzip\r\n"
GRAFANA = "GET /query?db=judge&epoch=ms&q={q} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + AGENT + "Authorization: Basic YW55b25lOnNlY3JldA==\r\n\r\n"
GRAFANA_TOKEN = "GET /query?db=judge&epoch=ms&q={q} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Token abc\r\n\r\n"
GRAFANA_POST = ("POST /query?db=judge&epoch=ms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                "Content-Length: {length}\r\n\r\nq={q}")  # fmt: skip
CHRONOGRAF = ("POST /query?db=judge&epoch=ms&q={q}&rp= HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\n"
              "Content-Length: 0\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n")  # fmt: skip
SHELL = ("POST /query?chunked=true&db={db}&q={q} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: InfluxDBShell/1.6.7\r\n"
         "Content-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n")  # fmt: skip
GO = ("POST /query?db=judge&epoch=ns&params=null&q={q}&rp= HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: InfluxDBClient\r\n"
      "Content-Length: 0\r\nContent-Type: \r\nAccept-Encoding: gzip\r\n\r\n")  # fmt: skip
PYTHON = ("GET /query?q={q}&db=judge HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\n"
          "Accept: application/x-msgpack\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n\r\n")  # fmt: skip
PYTHON_CHUNKED = ("GET /query?q={q}&db=judge&chunked=true&chunk_size=3 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
                  "Content-Type: application/json\r\n\r\n")  # fmt: skip
NODE = "GET /query?q={q}&db=judge&epoch=&rp=&params=%7B%7D HTTP/1.1\r\nContent-Type: \r\nContent-Length: 0\r\nHost: 127.0.0.1\r\n\r\n"
CURL = ("POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nAuthorization: Token abc\r\n"
        "Content-Length: {length}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ndb=judge&q={q}")  # fmt: skip
MULTIPART = ("POST /query?db=judge&epoch=s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
             "Content-Type: multipart/form-data; boundary=xx\r\n\r\n--xx\r\nContent-Disposition: form-data; name=\"q\"; filename=\"q.txt\"\r\n"
             "Content-Type: text/plain\r\n\r\n{plain}\r\n--xx--\r\n")  # fmt: skip
PLAIN = "GET /query?db=judge&epoch=ms&u=anyone&p=secret&q={q} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PARAMETERS = "GET /query?db=judge&params={params}&q={q} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

PANEL = ("SELECT mean(\"usage_user\") FROM \"autogen\".\"cpu\" WHERE (\"host\"::tag =~ /^(web1|web2)$/) AND time >= 1700000000000ms and time <= 1700000600000ms "
         "GROUP BY time(10s), \"host\"::tag fill(null) ORDER BY time ASC LIMIT 10 SLIMIT 5 tz('Europe/Berlin')")  # fmt: skip
ASKED = [
    (GRAFANA, ["SHOW measurements", PANEL, 'SHOW TAG VALUES WITH KEY = "host"', 'SHOW TAG KEYS FROM "autogen"."cpu" WHERE "host" = \'web1\'',
               'SHOW FIELD KEYS FROM "cpu"', "SHOW FIELD KEYS FROM /c.u/", "SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)CP/ LIMIT 100",
               'SHOW RETENTION POLICIES on "judge"']),
    (GRAFANA_TOKEN, ["SHOW measurements", PANEL]),
    (GRAFANA_POST, [PANEL, "SHOW measurements"]),
    (CHRONOGRAF, ["SHOW DATABASES", 'SHOW RETENTION POLICIES ON "judge"', 'SHOW MEASUREMENTS ON "judge"', 'SHOW TAG VALUES WITH KEY="host" WHERE TIME > 1699990000s;',
                  "show series from /cpu|m/ where time > 1699990000s", "SHOW SERIES EXACT CARDINALITY ON judge", "SHOW MEASUREMENT EXACT CARDINALITY ON judge", "SHOW USERS"]),
    (SHELL, ["SHOW DATABASES", 'SHOW RETENTION POLICIES ON "judge"', "SELECT usage_user FROM cpu WHERE host = 'web1' LIMIT 3"]),
    (GO, ["SHOW DATABASES", "SELECT max(usage_user) FROM cpu GROUP BY host", "SELECT FROM"]),
    (PYTHON, ["SELECT max(usage_user) FROM cpu GROUP BY host", "SHOW DATABASES", "SELECT FROM"]),
    (PYTHON_CHUNKED, ["SELECT usage_user FROM cpu WHERE host = 'web1' LIMIT 10"]),
    (NODE, ["SELECT max(usage_user) FROM cpu GROUP BY host", "SHOW MEASUREMENTS", "SELECT FROM"]),
    (CURL, ["SELECT count(usage_user) FROM cpu", "SHOW TAG KEYS FROM cpu; SHOW FIELD KEYS FROM cpu"]),
    (MULTIPART, ["SELECT count(usage_user) FROM cpu", "  SELECT max(usage_user)\n FROM cpu;\n"]),
    (PLAIN, ["SELECT count(usage_user) FROM cpu", "CREATE DATABASE made"]),
    (PARAMETERS, ["SELECT max(usage_user) FROM cpu WHERE host = $host AND usage_user < $most"]),
]  # fmt: skip


def percent(text):
    from urllib.parse import quote_plus

    return quote_plus(text)


def request(form, text):
    db = "" if text.startswith("SHOW DATABASES") else "judge"
    params = percent(json.dumps({"host": "web1", "most": 50.5}))
    made = form.replace("{plain}", text).replace("{q}", percent(text)).replace("{db}", db).replace("{params}", params)
    if "{length}" in made:
        made = made.replace("{length}", str(len(made.split("\r\n\r\n", 1)[1].encode())))
    return made.encode()


def answer(port, sent):
    """Returns status, headers in lower case, and body."""
    import gzip
    import http.client

    with socket.create_connection(("127.0.0.1", port), timeout=peers.PATIENCE_S) as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return response.status, {key.lower(): value for key, value in response.headers.items()}, body


def shown(text):
    return re.sub(r"\s+", " ", text)[:100]


def documents(body):
    return [json.loads(line) for line in body.decode().splitlines()]


def alike(ours, theirs, headers):
    """Whether two bodies say the same."""
    if headers["content-type"] == "application/x-msgpack":
        return sorted(ours) == sorted(theirs) or b"error parsing query" in ours and b"error parsing query" in theirs
    one, other = documents(ours), documents(theirs)
    return len(one) == len(other) and all(
        len(a.get("results", [])) == len(b.get("results", [])) and not compare.difference(a, b)
        and all(not compare.difference({"results": [x]}, {"results": [y]}) and x.get("messages") == y.get("messages")
                for x, y in zip(a.get("results", []), b.get("results", [])))
        for a, b in zip(one, other)
    )  # fmt: skip


def main():
    oracle, ours = peers.Oracle(), peers.ours()
    data.load(oracle, ours, 5)
    checks = judged.Checks()
    for form, texts in ASKED:
        for text in texts:
            sent = request(form, text)
            status, headers, body = answer(oracle.port, sent)
            our_status, our_headers, our_body = answer(ours.port, sent)
            told = (shown(sent.decode()), f"ours:   {our_status} {our_headers} {our_body[:600]!r}", f"theirs: {status} {headers} {body[:600]!r}")
            checks.check(our_status == status, "status", *told)
            for name in ("content-type", "x-influxdb-error"):
                checks.check(our_headers.get(name) == headers.get(name), f"header {name}", *told)
            for name in ("x-influxdb-version", "x-influxdb-build"):
                checks.check(name in our_headers, f"header {name}", *told)
            try:
                is_alike = alike(our_body, body, headers)
            except (ValueError, KeyError) as error:
                is_alike = False
                told += (repr(error),)
            checks.check(is_alike, "body", *told)
    for port in (oracle.port, ours.port):
        status, headers, body = answer(port, b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        checks.check(status == 204 and "x-influxdb-version" in headers and not body, "ping", status, headers)
    print(f"requests of clients: {checks.passed} checks passed, {len(checks.failed)} failed")
    if checks.failed:
        sys.exit("FAILED: requests of clients")


if __name__ == "__main__":
    main()
