"""What the README says of Grafana and Chronograf, asked as these ask: the file of data sources that stands there is
read, and each of its settings becomes what Grafana makes of it: address, method, headers, the question of "Save &
test", a panel, a variable. Neither program is here. Who asks may only read the bucket."""

import base64
import copy
import json
import os
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

import pyarrow.flight as flight
import yaml

from points import READER, URL, fails_as, rows, write

BUCKET = "readable"
README = (pathlib.Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
TLS, AUTHORITY = os.environ.get("TIDEGATE_TLS_URL"), os.environ.get("TIDEGATE_TLS_CA")
TOKEN = os.environ["TIDEGATE_TOKEN"]
FIRST_S = 1_721_548_800


def of_readme(pattern):
    """What one place of the README says."""
    (found,) = re.findall(pattern, README, re.DOTALL)
    return found


def http(method, url, headers, body=None):
    """Returns status, headers and JSON of an answer."""
    request = urllib.request.Request(url, body and body.encode(), headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class InfluxQL:
    """A data source of Grafana whose language is InfluxQL, the default."""

    def __init__(self, source):
        self.url, self.settings = source["url"], source.get("jsonData", {})
        secret = source.get("secureJsonData", {})
        self.headers = basic(source["user"], secret["password"]) if source.get("user") else {}
        if name := self.settings.get("httpHeaderName1"):
            self.headers[name] = secret["httpHeaderValue1"]

    def ask(self, text):
        address = {"db": self.settings["dbName"], "epoch": "ms"}
        if self.settings.get("httpMode", "GET") == "POST":
            headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
            status, _, answer = http("POST", f"{self.url}/query?{urllib.parse.urlencode(address)}", headers, urllib.parse.urlencode({"q": text}))
        else:
            status, _, answer = http("GET", f"{self.url}/query?{urllib.parse.urlencode({**address, 'q': text})}", self.headers)
        return status, answer

    def values(self, text):
        status, answer = self.ask(text)
        assert status == 200 and "error" not in answer["results"][0], (text, status, answer)
        return [row for series in answer["results"][0]["series"] for row in series["values"]]

    def health(self):
        """What "Save & test" says."""
        status, answer = self.ask("SHOW measurements")
        if status // 100 != 2:
            return answer["error"]
        return f"datasource is working. {len(answer['results'][0]['series'][0]['values'])} measurements found"


class SQL:
    """A data source of Grafana whose language is SQL."""

    def __init__(self, source):
        place, settings = urllib.parse.urlsplit(source["url"]).netloc, source["jsonData"]
        is_secure = not settings.get("insecureGrpc", False)
        roots = {"tls_root_certs": pathlib.Path(AUTHORITY).read_bytes()} if is_secure and AUTHORITY else {}
        self.client = flight.FlightClient(("grpc+tls://" if is_secure else "grpc://") + place, **roots)
        headers = [("database", settings["dbName"]), ("authorization", f"Bearer {source['secureJsonData']['token']}")]
        self.options = flight.FlightCallOptions(headers=[(name.encode(), value.encode()) for name, value in headers], timeout=60)

    def values(self, text):
        def member(key, value):
            length = len(value)
            return bytes([key]) + (bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])) + value

        url = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
        command = member(0x0A, url) + member(0x12, member(0x0A, text.encode()))
        info = self.client.get_flight_info(flight.FlightDescriptor.for_command(command), self.options)
        (endpoint,) = info.endpoints
        return rows(self.client.do_get(endpoint.ticket, self.options).read_all())

    def health(self):
        return "OK" if self.values("select 1") else "nothing"


def macros(text, seconds, start, end):
    """Grafana's macros of SQL, as it replaces them."""
    text = re.sub(r"\$__dateBin\((\w+)\)", rf"date_bin(interval '{seconds} second', \1, timestamp '1970-01-01T00:00:00Z')", text)
    return re.sub(r"\$__timeRange\((\w+)\)", rf"\1 >= cast('{start}' as timestamp) and \1 <= cast('{end}' as timestamp)", text)


def changed(source, **changes):
    """The data source with other settings; None takes one away."""
    made = copy.deepcopy(source)
    for path, value in changes.items():
        *folders, name = path.split("__")
        place = made
        for folder in folders:
            place = place[folder]
        place.pop(name, None) if value is None else place.update({name: value})
    return made


write(BUCKET, "\n".join(f"home,host=h{n % 2} temp={20 + n} {FIRST_S + 600 * n}000000000" for n in range(6)) + "\nm f=1 1")
text = of_readme(r"```yaml\n(.*?datasources:.*?)```")
for placeholder, value in (("http://HOST:8086", URL), ("TOKEN", READER), ("BUCKET", BUCKET)):
    assert placeholder in text, placeholder
    text = text.replace(placeholder, value)
file = yaml.safe_load(text)
assert file["apiVersion"] == 1 and all(source["type"] == "influxdb" and source["access"] == "proxy" for source in file["datasources"])
in_influxql, in_sql = file["datasources"]
assert in_influxql["jsonData"].get("version", "InfluxQL") == "InfluxQL" and in_sql["jsonData"]["version"] == "SQL"

# "Save & test", and what it says of a wrong token.
variable = of_readme(r"variable asks `(SHOW TAG VALUES[^`]*)`")
PANEL = (f'SELECT mean("temp") FROM "home" WHERE ("host"::tag =~ /^(h0|h1)$/) AND time >= {FIRST_S}000ms and time <= {FIRST_S + 3599}000ms '
         'GROUP BY time(30m), "host"::tag fill(null)')  # fmt: skip
header = {"user": None, "jsonData__httpHeaderName1": "Authorization", "secureJsonData__httpHeaderValue1": "Token " + READER, "secureJsonData__password": None}
tried = 0
for mode in ("GET", "POST"):
    for way in ({}, header):
        source = InfluxQL(changed(in_influxql, jsonData__httpMode=mode, **way))
        assert source.health() == "datasource is working. 2 measurements found", source.health()
        assert source.values(variable) == [["host", "h0"], ["host", "h1"]], source.values(variable)
        assert source.values(PANEL) == [[FIRST_S * 1000, 21], [(FIRST_S + 1800) * 1000, 24], [FIRST_S * 1000, 21], [(FIRST_S + 1800) * 1000, 24]], source.values(PANEL)
        tried += 1
wrong = InfluxQL(changed(in_influxql, secureJsonData__password="wrong"))
assert wrong.health() == "unauthorized access" and wrong.ask("SHOW measurements")[0] == 401, wrong.health()
elsewhere = InfluxQL(changed(in_influxql, jsonData__dbName="elsewhere"))
assert elsewhere.ask(PANEL)[1]["results"][0]["error"], elsewhere.ask(PANEL)

question = macros(of_readme(r"In a panel of SQL write, for example,\s*`(.*?)`"), 1800, "2024-07-21T08:00:00Z", "2024-07-21T08:59:59Z")
sql = SQL(in_sql)
assert sql.health() == "OK"
assert sql.values(question) == [(FIRST_S * 10**9, 21.0), ((FIRST_S + 1800) * 10**9, 24.0)], sql.values(question)
fails_as(flight.FlightUnauthenticatedError, SQL(changed(in_sql, secureJsonData__token="wrong")).health)
if TLS:
    secure = changed(in_sql, url=TLS, jsonData__insecureGrpc=None, jsonData__dbName="tls", secureJsonData__token=TOKEN)
    assert SQL(secure).health() == "OK"

# Chronograf: what its page "Connection" asks first, and what its explorer does.
assert re.search(r"Chronograf: \*Connection URL\* `http://HOST:8086`, \*Username\* any word,\s+\*Password\* the token", README)
status, headers, _ = http("GET", URL + "/ping", basic("any", READER))
kind = headers["X-Influxdb-Version"]
assert status == 204 and kind and "-c" not in kind and "relay" not in kind and headers["X-Influxdb-Build"] not in ("", "ENT"), dict(headers)


def chronograf(text, db=""):
    address = urllib.parse.urlencode({"q": text, "db": db, "rp": "", "epoch": "ms"})
    status, _, answer = http("POST", f"{URL}/query?{address}", {**basic("any", READER), "Content-Type": "application/json"})
    assert status == 200, (text, status, answer)
    return [row for series in answer["results"][0].get("series", []) for row in series["values"]]


assert chronograf("SHOW DATABASES") == [[BUCKET]], chronograf("SHOW DATABASES")
assert [row[0] for row in chronograf(f'SHOW RETENTION POLICIES ON "{BUCKET}"')] == ["autogen"]
assert chronograf(f'SHOW MEASUREMENTS ON "{BUCKET}"') == [["home"], ["m"]]
assert chronograf('SHOW TAG KEYS FROM "home"', BUCKET) == [["host"]]
explored = chronograf(f'SELECT max("temp") AS "max_temp" FROM "{BUCKET}"."autogen"."home" WHERE time > \'2024-07-21T00:00:00Z\' AND time < \'2024-07-22T00:00:00Z\' GROUP BY time(1d) FILL(null)', BUCKET)
assert explored == [[1_721_520_000_000, 25]], explored
print(f"Grafana's ways in InfluxQL ({tried}) and SQL ({1 + bool(TLS)}), Chronograf's, as the README has them")
