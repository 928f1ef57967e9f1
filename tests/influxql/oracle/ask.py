"""Sends statements (one JSON string or raw line per line on stdin) to the oracle and prints its answers."""
import http.client, json, sys, urllib.parse

def ask(connection, query, parameters=None, database="d"):
    form = {"q": query, "db": database}
    if parameters is not None:
        form["params"] = json.dumps(parameters)
    body = urllib.parse.urlencode(form, errors="surrogatepass")
    connection.request("POST", "/query", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, text.decode("utf-8", "replace")

if __name__ == "__main__":
    c = http.client.HTTPConnection("127.0.0.1", 28086, timeout=20)
    for line in sys.stdin:
        line = line.rstrip("\n")
        print(line, "=>", ask(c, json.loads(line) if line.startswith('"') else line)[1].strip()[:300])
