"""What every client here writes and must get back, and the small tools of these programs."""

import base64
import math
import os
import time
import urllib.parse
import urllib.request

URL, TOKEN = os.environ["TIDEGATE_URL"], os.environ["TIDEGATE_TOKEN"]
# May read `readable` alone; and may only write.
READER, WRITER = os.environ["TIDEGATE_READER"], os.environ["TIDEGATE_WRITER"]
GRPC = URL.replace("http://", "grpc://")
TEXT = 'say "hi", Ünï 🌊\nnext; it\'s \\ here'
FIRST = 1_700_000_000_123_456_789

# One row a point, in the order of time; a tag or field that a point has not is None.
COLUMNS = ["b", "f", "host", "i", "s", "time", "u", "zone"]
ROWS = [
    (True, -1.5, "a b", -(2**63), TEXT, FIRST, 2**64 - 1, "é,="),
    (False, 5e-324, "a b", 2**63 - 1, "", FIRST + 1, 0, None),
    (None, 1.7976931348623157e308, None, None, None, FIRST + 2, None, None),
]
TYPES = {"b": "bool", "f": "double", "host": "string", "i": "int64", "s": "string",
         "time": "timestamp[ns]", "u": "uint64", "zone": "string"}
LINES = "\n".join([
    'every,host=a\\ b,zone=é\\,\\= b=t,f=-1.5,i=-9223372036854775808i,u=18446744073709551615u,s="%s" %d'
    % (TEXT.replace("\\", "\\\\").replace('"', '\\"'), FIRST),
    'every,host=a\\ b b=f,f=5e-324,i=9223372036854775807i,u=0u,s="" %d' % (FIRST + 1),
    "every f=1.7976931348623157e308 %d" % (FIRST + 2),
])


def write(bucket, lines):
    """Writes as the v2 API has it, for clients that only ask."""
    request = urllib.request.Request(
        URL + "/api/v2/write?bucket=" + urllib.parse.quote(bucket), lines.encode(),
        {"Authorization": "Token " + TOKEN})
    assert urllib.request.urlopen(request, timeout=60).status == 204


def rows(table):
    """The rows of an Arrow table as tuples, times in nanoseconds."""
    columns = []
    for column in table.columns:
        if str(column.type).startswith("timestamp"):
            column = column.cast("int64")
        columns.append(column.to_pylist())
    return list(zip(*columns))


def same(table, columns=COLUMNS, expected=ROWS):
    """Holds names, types and values of a table against what was written."""
    assert table.column_names == columns, table.column_names
    for field in table.schema:
        if field.name in TYPES and len(table.column_names) == len(COLUMNS):
            assert str(field.type) == TYPES[field.name], field
    found = rows(table)
    assert found == expected, found


def fails(text, work, *others):
    """Runs what must fail with this text in its error."""
    assert all((text, *others)), "an empty text is in every error"
    try:
        work()
    except Exception as error:
        for part in (text, *others):
            assert part in str(error), f"{part!r} is not in {error!r}"
        return error
    raise AssertionError("it did not fail: " + text)


def fails_as(kind, work):
    """Runs what must fail with an error of this class."""
    try:
        work()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"it failed as {error!r}") from error
    raise AssertionError("it did not fail")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def cpu_seconds():
    """What the server has computed so far."""
    with open("/proc/%s/stat" % os.environ["TIDEGATE_PID"]) as file:
        ticks = file.read().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def await_true(what, work, seconds=10):
    end = time.monotonic() + seconds
    while not work():
        assert time.monotonic() < end, "not within %d s: %s" % (seconds, what)
        time.sleep(0.02)


def many(count, hosts=100):
    """Lines of `count` points of `many`."""
    return "\n".join("many,host=h%d v=%d.5,n=%di %d" % (n % hosts, n, n, n) for n in range(count))
