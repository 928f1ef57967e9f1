"""The rows of a table as Tidegate means them: by tags and nanoseconds, values exact."""

import glob
import json
import os
import struct
import urllib.parse
from collections import Counter

import pyarrow as pa
from deltalake import DeltaTable


def folders(lake):
    """The tables below a folder, by bucket and measurement as their metadata has them."""
    found = {}
    for log in glob.glob(f"{glob.escape(lake)}/*/*/_delta_log"):
        folder = os.path.dirname(log)
        configuration = DeltaTable(folder).metadata().configuration
        key = configuration["tidegate.bucket"], configuration["tidegate.measurement"]
        assert key not in found, f"{key} is in {found[key]} and in {folder}"
        found[key] = folder
    return found


def columns(table):
    """Name in line protocol and kind of each column of ours."""
    named = {}
    for field in json.loads(table.schema().to_json())["fields"]:
        metadata = field["metadata"]
        if "tidegate.kind" in metadata:
            named[field["name"]] = metadata["tidegate.name"], metadata["tidegate.kind"]
    return named


def exact(kind, value):
    """A value to compare: floats by their bits, so that -0.0 is not 0.0."""
    if kind == "float":
        return kind, struct.pack(">d", value)
    if kind in ("integer", "unsigned"):
        assert value == int(value), value
        return kind, int(value)
    return kind, value


def frozen(fields):
    return frozenset((name, exact(*pair)) for name, pair in fields.items())


# What a column of each kind is for whoever reads it.
TYPES = {
    "tag": lambda t: is_text(t),
    "string": lambda t: is_text(t),
    "float": lambda t: pa.types.is_float64(t),
    "integer": lambda t: pa.types.is_int64(t),
    "unsigned": lambda t: pa.types.is_decimal(t) and (t.precision, t.scale) == (20, 0),
    "boolean": lambda t: pa.types.is_boolean(t),
}


def is_text(t):
    return pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t)


def rows(arrow, named):
    """Keys and fields of every row of an Arrow table; `time` and `day` must say what `time_ns`
    says."""
    expected = {"time", "time_ns", "day", *named}
    assert set(arrow.column_names) == expected, expected ^ set(arrow.column_names)
    for name, (_, kind) in named.items():
        assert TYPES[kind](arrow.schema.field(name).type), (name, kind, arrow.schema.field(name))
    time = arrow.schema.field("time").type
    assert time.unit == "us" and time.tz in ("UTC", "+00:00", "Etc/UTC"), time
    micros = arrow["time"].cast(pa.int64()).to_pylist()
    numbers = arrow["day"].cast(pa.date32()).cast(pa.int32()).to_pylist()
    cells = {name: arrow[name].to_pylist() for name in named}
    for row, ns in enumerate(arrow["time_ns"].to_pylist()):
        assert micros[row] == ns // 1000, (ns, micros[row])
        assert numbers[row] == ns // 86_400_000_000_000, (ns, numbers[row])
        tags, fields = {}, {}
        for name, (ours, kind) in named.items():
            value = cells[name][row]
            if value is None:
                continue
            if kind == "tag":
                tags[ours] = value
            else:
                fields[ours] = kind, value
        yield (frozenset(tags.items()), ns), fields


def counted(arrow, named):
    """How often each row is there."""
    return Counter((key, frozen(fields)) for key, fields in rows(arrow, named))


def merged(folder):
    """The table's points: of equal ones, the value in the file that comes last by name wins."""
    table = DeltaTable(folder)
    named = columns(table)
    dataset = table.to_pyarrow_dataset()
    by_name = lambda fragment: os.path.basename(fragment.path)
    points = {}
    for fragment in sorted(dataset.get_fragments(), key=by_name):
        arrow = fragment.to_table(schema=dataset.schema)
        for key, fields in rows(arrow, named):
            points.setdefault(key, {}).update(fields)
    return {key: frozen(fields) for key, fields in points.items()}


def orphans(folder):
    """Files in a table's folder that do not belong to it."""
    uris = DeltaTable(folder).file_uris()
    own = {os.path.basename(urllib.parse.unquote(uri)) for uri in uris}
    found = glob.glob(f"{glob.escape(folder)}/day=*/*")
    return sorted(path for path in found if os.path.basename(path) not in own)


def commits(folder):
    """The log of a table on a disk, from version 0 on: none may be missing."""
    paths = sorted(glob.glob(f"{glob.escape(folder)}/_delta_log/{'[0-9]' * 20}.json"))
    contents = []
    for path in paths:
        with open(path, encoding="utf-8") as commit:
            contents.append((int(os.path.basename(path)[:20]), commit.read()))
    return parsed(contents, folder)


def parsed(contents, where):
    """Commits as lists of actions, by version. `contents` holds pairs of version and text."""
    versions = [version for version, _ in contents]
    assert versions == list(range(len(versions))), f"{where}: gaps in the log: {versions}"
    return [[json.loads(line) for line in text.splitlines()] for _, text in contents]


def rows_flushed(log):
    """Rows that flushes have ever added: what was flushed twice shows here even after a
    compaction has made one point of it."""
    added = 0
    for actions in log:
        (info,) = (action["commitInfo"] for action in actions if "commitInfo" in action)
        if info["operation"] == "WRITE":
            adds = (action["add"] for action in actions if "add" in action)
            added += sum(json.loads(add["stats"])["numRecords"] for add in adds)
    return added


def transactions(log):
    """The transactions of each application, in order; each must be higher than the one before."""
    found = {}
    for actions in log:
        for action in actions:
            if "txn" in action:
                found.setdefault(action["txn"]["appId"], []).append(action["txn"]["version"])
    for app, versions in found.items():
        assert versions == sorted(set(versions)), f"{app}: {versions}"
    return found
