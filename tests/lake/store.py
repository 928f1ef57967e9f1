"""Tables in an S3-compatible store: several servers at once, a store that cannot keep them apart,
a store that goes away. TIDEGATE_COMMITS: of each server, TIDEGATE_OUTAGE_S: seconds."""

import os
import time
from collections import Counter

import load
import s3
import tables
from deltalake import DeltaTable
from server import PATIENCE_S, Ended, Server

COMMITS = int(os.environ.get("TIDEGATE_COMMITS", "15"))
OUTAGE_S = float(os.environ.get("TIDEGATE_OUTAGE_S", "8"))
NODES = 4
SETTINGS = {
    "LAKE__FLUSH_AGE_MS": 100,
    "LAKE__UPKEEP_EVERY_MS": 0,
    "LAKE__STOP_MS_MAX": 120_000,
}


def node(name, port, bucket, shared, settings=None):
    own = {"LAKE__URL": f"s3://{bucket}/lake", "LAKE__SHARED": str(shared).lower(), "QUERY__REFRESH_MS": 0}
    return Server(name, {**SETTINGS, **own, **(settings or {})}, s3.environment(port))


class Lake:
    """What is in a bucket of the store, as others see it."""

    def __init__(self, port, bucket):
        self.client = s3.client(port)
        self.client.create_bucket(Bucket=bucket)
        self.bucket = bucket
        self.options = {**s3.environment(port), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def folders(self):
        return sorted({key.split("/_delta_log/")[0] for key in self.keys() if "_delta_log" in key})

    def open(self):
        opened = {}
        for folder in self.folders():
            table = DeltaTable(f"s3://{self.bucket}/{folder}", storage_options=self.options)
            opened[table.metadata().configuration["tidegate.measurement"]] = table
        return opened

    def points(self):
        arrows = {name: table.to_pyarrow_table() for name, table in self.open().items()}
        return list(load.stored(arrows))

    def logs(self):
        """Commits of every table; every version must be there."""
        keys = self.keys()
        logs = {}
        for folder in self.folders():
            own = (key for key in keys if key.startswith(f"{folder}/_delta_log/"))
            commits = [
                (int(key[-25:-5]), self.text(key)) for key in sorted(own) if key[-25:-5].isdigit()
            ]
            logs[folder] = tables.parsed(commits, folder)
        return logs

    def text(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()


def several_nodes(store):
    """Each commits to the same tables, as many times as was asked for on average of them."""
    lake = Lake(store.port, "several")
    nodes = [node(f"node{n}", store.port, "several", True).start() for n in range(NODES)]
    records = [load.Record(client) for client in range(NODES)]
    started = time.monotonic()
    clients = load.Load(nodes, records, pause=0.05, most=20)
    wanted = COMMITS * len(load.TABLES)
    for each in nodes:
        is_done = lambda: each.metric("tidegate_flushes_total") >= wanted
        each.until(is_done, PATIENCE_S + 12 * COMMITS, f"at {wanted} flushes")
    clients.stop()
    for each in nodes:
        each.stop()
    took = time.monotonic() - started
    points = lake.points()
    surplus = load.check(records, points, "the tables of several nodes")
    flushed, of_nodes = 0, Counter()
    for folder, log in lake.logs().items():
        flushed += tables.rows_flushed(log)
        own = {app: len(versions) for app, versions in tables.transactions(log).items()}
        assert len(own) == NODES, (folder, own)
        of_nodes.update(own)
        print(f"  {folder}: {len(log)} commits, {sorted(own.values())} of each node", flush=True)
    assert flushed == len(points), f"{flushed} rows flushed, {len(points)} points are there"
    assert min(of_nodes.values()) >= wanted, of_nodes
    assert surplus == 0, "everything was answered"
    print(f"  {len(points)} points, none lost, none doubled, {took:.0f} s")


def not_conditional():
    """rclone overwrites what exists: refused for several nodes, good enough for one."""
    folder = os.path.join(os.environ["TIDEGATE_WORK"], "rclone")
    os.makedirs(os.path.join(folder, "one"))
    store = s3.rclone(folder)
    try:
        node("refused", store.port, "one", True).start()
        raise AssertionError("a store without conditional PUT was accepted for several nodes")
    except Ended as refused:
        text = str(refused)
        for part in ["s3://one/lake", "no conditional PUT", "lake.shared = false"]:
            assert part in text, text
        print("  refused: " + text.strip().splitlines()[-1])
    alone = node("alone", store.port, "one", False).start()
    records = [load.Record(0)]
    clients = load.Load([alone], records)
    alone.until(lambda: alone.metric("tidegate_flushes_total") > 3, PATIENCE_S, "flushing")
    clients.stop()
    alone.stop()
    found = tables.folders(os.path.join(folder, "one", "lake"))
    opened = {name: DeltaTable(path).to_pyarrow_table() for (_, name), path in found.items()}
    points = list(load.stored(opened))
    assert load.check(records, points, "the tables in rclone") == 0 and points
    print(f"  with shared=false: {len(points)} points, none lost, none doubled")
    store.stop()


def outage(store, bucket, settings, is_refused):
    """The store goes away under load and comes back."""
    lake = Lake(store.port, bucket)
    proxy = s3.Proxy(store.port)
    server = node(bucket, proxy.port, bucket, True, settings).start()
    records = [load.Record(client) for client in range(load.CLIENTS)]
    count = lambda: sum(len(record.acknowledged) for record in records)
    # Larger ones if the memory is to become short.
    clients = load.Load([server], records, most=400 if is_refused else 80)
    server.until(lambda: server.metric("tidegate_flushes_total") > 3, PATIENCE_S, "flushing")
    proxy.down()
    time.sleep(OUTAGE_S)
    refusals = lambda: sum(record.refused for record in records)
    if is_refused:
        server.until(lambda: refusals() > 0, PATIENCE_S, "short of memory: nothing was shown")
    while_down = refusals()
    failures = server.metric("tidegate_flush_failures_total")
    before = count()
    proxy.up()
    server.until(lambda: count() > before + 1000, PATIENCE_S, "taking writes again")
    clients.stop()
    back = time.monotonic()
    is_flushed = lambda: server.metric("tidegate_flush_backlog_rows") == 0
    server.until(is_flushed, PATIENCE_S, "flushed by itself")
    took = time.monotonic() - back
    points = lake.points()
    surplus = load.check(records, points, "the tables after an outage")
    flushed = sum(tables.rows_flushed(log) for log in lake.logs().values())
    assert flushed == len(points), f"{flushed} rows flushed, {len(points)} points are there"
    print(
        f"  down for {OUTAGE_S:.0f} s: {while_down} requests were answered with 503, {failures:.0f} "
        f"flushes failed; {count()} acknowledged, {len(points)} in the tables, {surplus} refused "
        f"ones among them, {took:.1f} s after the load ended",
        flush=True,
    )
    server.stop()


def restart_without_store(store):
    """A server that was killed while the store was away. It waits for the store only if a commit
    was begun whose end it does not know; otherwise it is ready without it."""
    lake = Lake(store.port, "restart")
    proxy = s3.Proxy(store.port)
    server = node("restart", proxy.port, "restart", False).start()
    records = [load.Record(client) for client in range(load.CLIENTS)]
    clients = load.Load([server], records)
    server.until(lambda: server.metric("tidegate_flushes_total") > 3, PATIENCE_S, "flushing")
    proxy.down()
    time.sleep(1)
    server.kill()
    clients.join()
    server.start(until_ready=False)
    waits = lambda: "the start waits for the store" in server.log()
    is_ready = lambda: server.get("/ready")[0] == 200
    server.until(lambda: is_ready() or waits(), PATIENCE_S, "ready, or waiting for the store")
    in_doubt = not is_ready()
    proxy.up()
    started = time.monotonic()
    server.until(is_ready, PATIENCE_S, "ready")
    took = time.monotonic() - started
    server.stop()
    points = lake.points()
    surplus = load.check(records, points, "the tables after a restart without store")
    flushed = sum(tables.rows_flushed(log) for log in lake.logs().values())
    assert flushed == len(points), f"{flushed} rows flushed, {len(points)} points are there"
    ready = f"ready {took:.1f} s after the store" if in_doubt else "ready without the store"
    print(f"  {ready}; {len(points)} points, {surplus} of them unanswered")


def main():
    store = s3.moto()
    print(f"{NODES} nodes, {COMMITS} commits each to every table:", flush=True)
    several_nodes(store)
    print("a store without conditional PUT:", flush=True)
    not_conditional()
    print("the store is away, memory enough:", flush=True)
    outage(store, "away", {}, False)
    print("the store is away, little memory:", flush=True)
    little = {"MEMORY__BUDGET_BYTES": 4 << 20, "MEMORY__BUCKET_PERCENT": 100}
    outage(store, "little", little, True)
    print("killed and started while the store is away:", flush=True)
    restart_without_store(store)
    store.stop()


if __name__ == "__main__":
    main()
