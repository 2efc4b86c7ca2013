"""The whole service in one process: HTTP, writer, opener, publisher and housekeeping over one data folder."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from sync_service.app import Store, build_endpoints, open_store, wall_clock
from sync_service.erasure import Eraser
from sync_service.errors import SettingsError
from sync_service.local.alerts import LogAlerts, alert_loops
from sync_service.local.asgi import Application
from sync_service.local.inbox import SqliteInbox
from sync_service.local.loops import Loop
from sync_service.local.pages import App, Pages
from sync_service.local.registry import PostgresRegistry
from sync_service.local.sign_in_origins import SignInOrigins
from sync_service.local.tombstones import TombstoneFile
from sync_service.maintenance import DAY, clock_is_right, destroy_expired_keys, keep_house, note_done
from sync_service.opener import BATCH as OPENER_BATCH
from sync_service.opener import Opener
from sync_service.providers import Fetcher
from sync_service.publisher import Publisher
from sync_service.writer import BATCH as WRITER_BATCH
from sync_service.writer import Writer

OPENERS = 2
MAX_CONNECTIONS = 1000
BACKLOG = 1024
GRACE_SECONDS = 10

log = logging.getLogger(__name__)


def serve(data: Path, *, host: str = "127.0.0.1", port: int = 0, trust_proxy: Sequence[str] = ()) -> int:
    """Run until SIGTERM or SIGINT; prints `framekeep-sync: serving http://HOST:PORT` once it answers. Returns the exit
    code: 0 after an orderly stop, 1 when the database ended by itself.

    `trust_proxy`: addresses or networks of proxies whose X-Forwarded-For says who calls; everybody else is who connects.
    """
    proxies = trusted_proxies(trust_proxy)
    with _listen(host, port) as listener:
        url = _url(listener)
        with open_store(data) as store:
            # Signals from here on end the service in order; before, they end the process and the database with it.
            return _run(store, listener, proxies, lambda: _say(f"framekeep-sync: serving {url} from {data}"))


def trusted_proxies(given: Sequence[str]) -> list[str]:
    """These addresses and networks as uvicorn compares them. Raises SettingsError for what is none."""
    try:
        networks = [ipaddress.ip_network(one) for one in given]
    except ValueError as error:
        raise SettingsError(f"--trust-proxy names an address or a network such as 10.0.0.0/8: {error}") from None
    return [str(one.network_address if one.num_addresses == 1 else one) for one in networks]


def server_config(application: App, proxies: Sequence[str]) -> uvicorn.Config:
    """How uvicorn serves: callers are counted by their address, so a header tells another one from `proxies` only."""
    return uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # an access log would be a record of when people work
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=MAX_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _run(store: Store, listener: socket.socket, proxies: Sequence[str], started: Callable[[], None]) -> int:
    alerts = LogAlerts()
    loops: list[Loop] = []
    inbox = SqliteInbox(store.data / "inbox.sqlite", arrived=lambda: loops[0].wake(), alerts=alerts)
    loops += _loops(store, inbox, alerts)
    pages = Pages(
        Application(build_endpoints(store, inbox), started=started),
        connect=SignInOrigins(store.database("api"), Fetcher()),
    )
    server = uvicorn.Server(server_config(pages, proxies))
    failed: list[str] = []

    def watch() -> bool:
        if store.server is not None and store.server.stopped() and not server.should_exit:
            failed.append("the database server ended by itself; see postgres.log in the data folder")
            server.should_exit = True
        return False

    loops.append(Loop("database watch", watch, idle_seconds=0.5))
    for loop in loops:
        loop.start()
    try:
        _serve(server, listener)
    finally:
        # The opener may be in the middle of a batch: that is fine, an interrupted transaction never happened.
        for loop in loops:
            loop.stop()
        inbox.close()
    for reason in failed:
        log.error("%s", reason)
    return 1 if failed else 0


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    """Uvicorn raises the signal again once it has stopped; here stopping in order is all there is to do."""
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _loops(store: Store, inbox: SqliteInbox, alerts: LogAlerts) -> list[Loop]:
    """The writer first, since the inbox wakes it."""
    keys = store.seal_keys
    opener_database, house = store.database("opener"), store.database("maintenance")
    writer = Writer(inbox, store.database("writer"), alerts)
    openers = [Opener(opener_database, keys, alerts, clock=wall_clock) for _ in range(OPENERS)]
    publisher = Publisher(store.database("publisher"), alerts, unwritten_before=lambda at: (inbox.oldest() or at) < at)
    tombstones = TombstoneFile(store.data / "tombstones.jsonl")
    eraser = _eraser(store, inbox, alerts, tombstones)
    if buried := tombstones.read():
        eraser.sweep(buried)  # before anybody is answered: the database may be a restored backup

    def write() -> bool:
        stored = writer.step().stored
        if stored:
            for loop in opener_loops:
                loop.wake()
        return stored >= WRITER_BATCH

    def opening(opener: Opener) -> Callable[[], bool]:
        return lambda: opener.step().rows >= OPENER_BATCH

    def publish() -> bool:
        publisher.run(wall_clock())
        return False

    def erase() -> bool:
        eraser.run(wall_clock())
        return False

    confirmation = store.data / "clock-is-right"

    def housekeeping() -> bool:
        now = wall_clock()
        eraser.sweep()
        if clock_is_right(house, alerts, now=now, confirmed=confirmation.exists()):
            keep_house(house, now=now)
            oldest = inbox.oldest()
            destroy_expired_keys(opener_database, keys, alerts, now=now, inbox_oldest=oldest)
            inbox.drop_aside(now - 14 * DAY)
            note_done(house, now=now)
            confirmation.unlink(missing_ok=True)
        return False

    opener_loops = [Loop(f"opener {n}", opening(one), idle_seconds=1.0) for n, one in enumerate(openers, start=1)]
    return [
        Loop("writer", write, idle_seconds=1.0),
        *opener_loops,
        Loop("publisher", publish, idle_seconds=60.0),
        *alert_loops(store.database("alerts"), alerts, clock=wall_clock),
        Loop("eraser", erase, idle_seconds=60.0),
        Loop("housekeeping", housekeeping, idle_seconds=3600.0),
    ]


def _eraser(store: Store, inbox: SqliteInbox, alerts: LogAlerts, tombstones: TombstoneFile) -> Eraser:
    registry = PostgresRegistry(store.database("ingest"), store.database("admin"))
    checker = store.database("maintenance")
    return Eraser(
        store.database("eraser"),
        checker,
        registry,
        alerts,
        remember=tombstones.remember,
        forget=inbox.forget_aside,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name != "nt":  # there the option would let a second program take the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port"
        ) from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
