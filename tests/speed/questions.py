"""The questions of the speed table: TSBS devops (cpu only) in shape. Each in SQL, in the SQL of
DuckDB and in InfluxQL, with the milliseconds that it may take."""

from dataclasses import dataclass

FIELDS = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
]
HOUR = ("2024-01-01T23:06:40Z", "2024-01-02T00:06:40Z")
HALF_DAY = ("2024-01-01T12:06:40Z", "2024-01-02T00:06:40Z")
EIGHT_HOURS = ("2024-01-01T08:00:00Z", "2024-01-01T16:00:00Z")
EVENING = "2024-01-01T12:06:40Z"


@dataclass
class Question:
    name: str
    sql: str
    # The same where DuckDB's dialect differs.
    duckdb: str
    influxql: str
    # Milliseconds, client included.
    goal_ms: float
    # The columns that are compared, for rows with names; all of them in order if it is absent.
    columns: list | None = None


def hosts(count):
    return [f"host_{(number * 13 + 7) % 100}" for number in range(count)]


def where(start, end, of_hosts):
    times = f"time >= TIMESTAMP '{start}' AND time < TIMESTAMP '{end}'"
    names = ",".join(f"'{host}'" for host in of_hosts)
    return times + (f" AND hostname IN ({names})" if of_hosts else "")


def where_influxql(start, end, of_hosts):
    times = f"time >= '{start}' AND time < '{end}'"
    names = " OR ".join(f"hostname = '{host}'" for host in of_hosts)
    return times + (f" AND ({names})" if of_hosts else "")


def duckdb(sql):
    return (
        sql.replace("date_bin(", "time_bucket(")
        .replace("TIMESTAMP '", "TIMESTAMPTZ '")
        .replace("last_value(usage_user ORDER BY time)", "arg_max(usage_user, time)")
    )


def by_time(name, interval, short, function, fields, times, of_hosts, goal_ms):
    values = ", ".join(f"{function}({field})" for field in FIELDS[:fields])
    sql = (
        f"SELECT date_bin(INTERVAL '{interval}', time) AS t, {values} FROM cpu"
        f" WHERE {where(*times, of_hosts)} GROUP BY 1 ORDER BY 1"
    )
    influxql = f"SELECT {values} FROM cpu WHERE {where_influxql(*times, of_hosts)} GROUP BY time({short})"
    return Question(name, sql, duckdb(sql), influxql, goal_ms)


def by_time_and_host(name, fields, goal_ms):
    values = ", ".join(f"avg({field})" for field in FIELDS[:fields])
    sql = (
        f"SELECT date_bin(INTERVAL '1 hour', time) AS t, hostname, {values} FROM cpu"
        f" WHERE {where(*HALF_DAY, [])} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    means = values.replace("avg(", "mean(")
    influxql = f"SELECT {means} FROM cpu WHERE {where_influxql(*HALF_DAY, [])} GROUP BY time(1h), hostname"
    return Question(name, sql, duckdb(sql), influxql, goal_ms)


def high_cpu(name, of_hosts, goal_ms):
    sql = f"SELECT * FROM cpu WHERE usage_user > 90.0 AND {where(*HALF_DAY, of_hosts)}"
    influxql = f"SELECT * FROM cpu WHERE usage_user > 90.0 AND {where_influxql(*HALF_DAY, of_hosts)}"
    columns = ["time", "hostname", *FIELDS]
    return Question(name, sql, duckdb(sql), influxql, goal_ms, columns)


def plain(name, sql, influxql, goal_ms):
    return Question(name, sql, duckdb(sql), influxql, goal_ms)


def single(name, fields, of_hosts, times, goal_ms):
    return by_time(name, "1 minute", "1m", "max", fields, times, hosts(of_hosts), goal_ms)


ALL = [
    single("single-groupby-1-1-1", 1, 1, HOUR, 3),
    single("single-groupby-1-1-12", 1, 1, HALF_DAY, 4),
    single("single-groupby-1-8-1", 1, 8, HOUR, 5),
    single("single-groupby-5-1-1", 5, 1, HOUR, 3),
    single("single-groupby-5-8-1", 5, 8, HOUR, 7),
    by_time("cpu-max-all-1", "1 hour", "1h", "max", 10, EIGHT_HOURS, hosts(1), 5),
    by_time("cpu-max-all-8", "1 hour", "1h", "max", 10, EIGHT_HOURS, hosts(8), 15),
    by_time_and_host("double-groupby-1", 1, 25),
    by_time_and_host("double-groupby-5", 5, 40),
    by_time_and_host("double-groupby-all", 10, 60),
    plain(
        "groupby-orderby-limit",
        "SELECT date_bin(INTERVAL '1 minute', time) AS t, max(usage_user) FROM cpu"
        f" WHERE time < TIMESTAMP '{EVENING}' GROUP BY 1 ORDER BY 1 DESC LIMIT 5",
        "SELECT max(usage_user) FROM cpu WHERE time >= '2024-01-01T00:00:00Z'"
        f" AND time < '{EVENING}' GROUP BY time(1m) ORDER BY time DESC LIMIT 5",
        20,
    ),
    high_cpu("high-cpu-1", hosts(1), 5),
    high_cpu("high-cpu-all", [], 60),
    plain(
        "lastpoint",
        "SELECT hostname, max(time), last_value(usage_user ORDER BY time) FROM cpu GROUP BY hostname",
        "SELECT last(usage_user) FROM cpu GROUP BY hostname",
        5,
    ),
    plain(
        "full-avg",
        "SELECT avg(usage_user), max(usage_idle), count(*) FROM cpu",
        "SELECT mean(usage_user), max(usage_idle), count(usage_user) FROM cpu",
        12,
    ),
]

# Further forms of the last point, for Tidegate alone.
LAST_POINTS = {
    "lastpoint, distinct on": "SELECT DISTINCT ON (hostname) hostname, time, usage_user FROM cpu"
    " ORDER BY hostname, time DESC",
    "lastpoint, selector": "SELECT hostname, selector_last(usage_user, time)['value'] FROM cpu"
    " GROUP BY hostname",
    "lastpoint, one host": "SELECT * FROM cpu WHERE hostname = 'host_7' ORDER BY time DESC LIMIT 1",
}
