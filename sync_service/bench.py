"""`framekeep-sync bench`: how many envelopes a second go the whole way, on this machine, durably.

Real envelopes of real keys go through the very parts `serve` is made of, over a fresh data folder with fsync on:
first each stage alone, then all stages at once as in the service, then posts over loopback HTTP to a service in a
process of its own, one connection a post as laptops do it. At the end the bench counts its own database.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agent.wire.envelope import parse_body
from agent.wire.seal import open_sealed
from sync_service.app import Store, open_store, wall_clock
from sync_service.bench_load import WINDOWS_EACH, Load, make_load
from sync_service.errors import ServiceError
from sync_service.ingest import Accepted, decide, post_envelope
from sync_service.keyset import CurrentKeyset
from sync_service.local.alerts import LogAlerts
from sync_service.local.database import PostgresDatabase
from sync_service.local.documents import PostgresDocuments
from sync_service.local.inbox import SqliteInbox
from sync_service.local.loops import GATHER_SECONDS, Loop
from sync_service.local.postgres import OWNER
from sync_service.local.registry import PostgresRegistry
from sync_service.opener import BATCH as OPENER_BATCH
from sync_service.opener import Opener
from sync_service.writer import BATCH as WRITER_BATCH
from sync_service.writer import Writer

POSTERS = 32
CLIENTS = 16
OPENERS = 2
_WAIT_SECONDS = 120


def bench(*, envelopes: int, as_json: bool, folder: Path | None = None) -> int:
    """Run the bench with `envelopes` for the pipeline, half of them for HTTP and a sixth for the stages, in a fresh
    folder below `folder` (which decides the disk). Prints the result; 1 when the count is not what was sent.
    """
    with tempfile.TemporaryDirectory(prefix="framekeep-bench-", dir=folder, ignore_cleanup_errors=True) as name:
        data = Path(name)
        data.chmod(0o711)
        result, counted = _measure(data, envelopes)
    _report(result, counted, as_json=as_json)
    return 0 if counted["windows"] == counted["expected_windows"] else 1


def _measure(data: Path, envelopes: int) -> tuple[dict[str, Any], dict[str, int]]:
    now = wall_clock()
    few, posts = envelopes // 6, envelopes // 2
    with open_store(data) as store:
        load = make_load(store, now=now)
        _say("sealing the load")
        alone, together = load.bodies(few, first=0, now=now), load.bodies(envelopes, first=few, now=now)
        over_http = load.bodies(posts, first=few + envelopes, now=now)
        pipeline = Pipeline(store)
        _say("each stage alone")
        stages = {"fsync_ms": _fsync_ms(data), **_stages(pipeline, load, alone)}
        _say("all stages at once")
        seconds = _together(pipeline, together)
        pipeline.inbox.close()
    _say("posts over loopback HTTP")
    http_seconds, opened_seconds = _http(data, over_http)
    with open_store(data) as store:
        counted = _count(store, (few + envelopes + posts) * WINDOWS_EACH)
    rate = envelopes / seconds
    result = {
        "envelopes_per_second": round(rate, 1),
        "http_envelopes_per_second": round(posts / http_seconds, 1),
        "http_to_rollup_envelopes_per_second": round(posts / opened_seconds, 1),
        "windows_per_second": round(rate * WINDOWS_EACH, 1),
        "stages": stages,
    }
    return result, counted


class Pipeline:
    """The service's parts over one data folder, as `serve` wires them, without HTTP."""

    def __init__(self, store: Store) -> None:
        lookups = store.database("ingest", size=8)
        self.registry = PostgresRegistry(lookups)
        self.keys = CurrentKeyset(PostgresDocuments(lookups))
        self.inbox = SqliteInbox(store.data / "inbox.sqlite")
        self.writer = Writer(self.inbox, store.database("writer"), LogAlerts())
        self.openers = [
            Opener(store.database("opener"), store.seal_keys, LogAlerts(), clock=wall_clock) for _ in range(OPENERS)
        ]

    def post(self, body: bytes) -> None:
        """What the HTTP handler does."""
        answer = post_envelope(body, registry=self.registry, keys=self.keys, inbox=self.inbox, clock=wall_clock)
        if answer.status != 202:
            raise ServiceError(f"the bench's envelope was refused with {answer.status}")


def _stages(pipeline: Pipeline, load: Load, bodies: Sequence[bytes]) -> dict[str, float]:
    """Microseconds an envelope, each stage by itself on otherwise idle cores."""
    now = wall_clock()

    def verify() -> None:
        for body in bodies:
            if not isinstance(decide(body, registry=pipeline.registry, keys=pipeline.keys, now=now), Accepted):
                raise ServiceError("the bench's envelope was refused")

    def store() -> None:
        with ThreadPoolExecutor(POSTERS) as pool:
            list(pool.map(lambda body: pipeline.inbox.put(load.org, body, received=now), bodies))

    def write() -> None:
        while pipeline.writer.step().stored:
            pass

    def open_() -> None:
        for body in bodies:
            open_sealed(parse_body(body), org=load.org, key=load.seal_key)

    verify()  # once before, so that the devices are known as they are in a running service
    each = {
        "verify_us": verify,
        "durable_store_us": store,
        "write_rows_us": write,
        "open_us": open_,
        "open_and_ledger_us": pipeline.openers[0].drain,
    }
    return {name: round(_seconds(work) / len(bodies) * 1e6, 1) for name, work in each.items()}


def _together(pipeline: Pipeline, bodies: Sequence[bytes]) -> float:
    """Seconds from the first post to the last rollup, all stages running at once."""
    opened = [0] * OPENERS

    def opening(number: int) -> Callable[[], bool]:
        def step() -> bool:
            rows = pipeline.openers[number].step().rows
            opened[number] += rows
            return rows >= OPENER_BATCH

        return step

    loops = [Loop("writer", lambda: pipeline.writer.step().stored >= WRITER_BATCH, idle_seconds=GATHER_SECONDS)]
    loops += [Loop(f"opener {number}", opening(number), idle_seconds=GATHER_SECONDS) for number in range(OPENERS)]
    begun = time.perf_counter()
    for loop in loops:
        loop.start()
    with ThreadPoolExecutor(POSTERS) as pool:
        list(pool.map(pipeline.post, bodies))
    _wait(lambda: sum(opened) >= len(bodies))
    seconds = time.perf_counter() - begun
    for loop in loops:
        loop.stop()
    return seconds


def _http(data: Path, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Seconds until every post was acknowledged by a service process, and until every one was opened."""
    command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", str(data), "--port", "0"]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        port = int(service.stdout.readline().split()[2].rsplit(":", 1)[1])
        from sync_service.app import join_store

        with join_store(data) as store:
            maintenance = store.database("maintenance")
            before = _settled(maintenance)
            begun = time.perf_counter()
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda body: _post(port, body), bodies))
            acknowledged = time.perf_counter() - begun
            _wait(lambda: _settled(maintenance) - before >= len(bodies))
            return acknowledged, time.perf_counter() - begun
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(60)


def _post(port: int, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/envelopes", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise ServiceError(f"the bench's post was refused with {answer.status}")
    finally:
        connection.close()


def _settled(database: PostgresDatabase) -> int:
    return int(database.run("select count(*) as n from envelope where settled_at is not null")[0]["n"])


def _count(store: Store, expected: int) -> dict[str, int]:
    """What is really in the database, counted by another connection than those that wrote it."""
    assert store.server is not None
    owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
    try:
        row = owner.run(
            """select (select count(*) from envelope) as envelopes,
                      (select count(*) from ledger where counted) as ledger_windows,
                      (select coalesce(sum(windows), 0) from person_rollup)::bigint as windows,
                      (select count(*) from quarantine) as quarantined"""
        )[0]
    finally:
        owner.close()
    return {**row, "expected_windows": expected}


def _fsync_ms(folder: Path) -> float:
    """Milliseconds one fsync takes here: what every durable number rests on."""
    path, rounds = folder / "fsync", 50
    with path.open("wb") as file:

        def sync() -> None:
            for _ in range(rounds):
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())

        seconds = _seconds(sync)
    path.unlink()
    return round(seconds / rounds * 1e3, 3)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise ServiceError(f"not every envelope was opened within {_WAIT_SECONDS} s")
        time.sleep(0.02)


def _report(result: dict[str, Any], counted: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({**result, "counted": counted}) + "\n")
        return
    for name, value in {**result, **result["stages"]}.items():
        if name != "stages":
            sys.stdout.write(f"{name:40} {value:>12,}\n")
    sys.stdout.write(f"counted afterwards: {counted}\n")


def _say(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"bench: {what} ...\n")
