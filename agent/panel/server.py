"""The panel's web server: uvicorn in a thread of its own, on a random port of 127.0.0.1, gone when nobody asks.

A server has one port, one random path and one set of secrets, and is never started twice: the next one is another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from agent.clock import Clock
from agent.errors import FramekeepError
from agent.panel.connection import Connection, Doorkeeper
from agent.panel.doors import Doors
from agent.panel.guard import ENTER, Guard
from agent.panel.peer import Peer, peer_uids
from agent.panel.socket_diag import diagnose

IDLE_SECONDS = 10 * 60.0
"""How long the server waits for a request before it stops."""
START_SECONDS = 5.0
TICK_SECONDS = 1.0
STOP_SECONDS = 2
"""How long a stopping server waits for what it is answering."""
MOST_CONNECTIONS = 64
AT_ONCE = 16
"""Connections accepted before what came on the others is looked at."""
MOST_PENDING = 4096
"""Connections the system keeps for us until they are accepted; what comes while it is full waits a second or more."""
MAX_HEAD = 16 * 1024
"""Bytes of a request's line and headers."""

log = logging.getLogger(__name__)


class PanelError(FramekeepError):
    """The panel cannot be opened."""


def nothing(*_: object) -> None:
    """Where nobody wants to be told."""


class PanelServer:
    """One run of the server. `make_app` makes the pages for a base path; `tick` is called every second, `entered` with
    every code that was used up; `peer(port, server_port)` says who is at the other end, and where that
    cannot tell (None), `peers(ports, server_port)` of several at once.
    """

    def __init__(
        self,
        make_app: Callable[[str], ASGIApp],
        *,
        clock: Clock,
        idle_seconds: float = IDLE_SECONDS,
        tick: Callable[[], None] = nothing,
        entered: Callable[[str], None] = nothing,
        peer: Callable[[int, int], int | Peer | None] = diagnose,
        peers: Callable[[Collection[int], int], Mapping[int, int | Peer]] = peer_uids,
    ) -> None:
        self._make_app, self._clock, self._idle, self._tick = make_app, clock, idle_seconds, tick
        self._entered, self._peer, self._peers = entered, peer, peers
        self._doors = Doors(clock.monotonic)
        self._lock = threading.Lock()
        self._used = clock.monotonic()
        self._retired = False
        self._began, self._ended = threading.Event(), threading.Event()
        self._wake: Callable[[], object] = nothing
        self.base = f"/{secrets.token_urlsafe(16)}/"
        self.port = 0

    def start(self) -> None:
        """Listen and answer. Raises PanelError."""
        try:
            listener = _listen()
        except OSError as error:
            raise PanelError(
                f"No local port can be opened ({error.strerror}): close some programs, or start the computer again."
            ) from error
        self.port = listener.getsockname()[1]
        threading.Thread(target=self._run, args=(listener,), name="panel", daemon=True).start()
        if not self._began.wait(START_SECONDS) or self._ended.is_set():
            self.stop()
            raise PanelError("The panel did not start, and that is our fault: framekeep doctor checks this machine.")

    def link(self) -> str | None:
        """A fresh one-time link; None when the server has stopped or is about to."""
        with self._lock:
            if self._retired or self._ended.is_set():
                return None
            self._used = self._clock.monotonic()
        return f"http://127.0.0.1:{self.port}{self.base}{ENTER}?code={self._doors.issue()}"

    def stop(self) -> None:
        """Stop answering; every cookie ends. Returns once the port is closed. Safe to call twice."""
        with self._lock:
            self._retired = True
        with suppress(RuntimeError):  # it has stopped by itself
            self._wake()
        self._ended.wait(STOP_SECONDS + 2 * TICK_SECONDS)

    @property
    def ended(self) -> threading.Event:
        """Set once the server has stopped."""
        return self._ended

    def _touch(self) -> None:
        with self._lock:
            self._used = self._clock.monotonic()

    def _is_retired(self) -> bool:
        """Whether it is time to stop. Decided under the lock `link` takes, so no link leads to a stopping server."""
        with self._lock:
            self._retired = self._retired or self._clock.monotonic() - self._used >= self._idle
            return self._retired

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._serve(listener))
        except Exception:  # a thread's end of its own: said in the log, and whoever waits is let go
            log.exception("The panel's server ended.")
        finally:
            listener.close()
            self._ended.set()
            self._began.set()

    async def _serve(self, listener: socket.socket) -> None:
        # What asyncio itself would say of a broken connection may quote a request.
        asyncio.get_running_loop().set_exception_handler(nothing)
        guard = Guard(
            self._make_app(self.base),
            self._doors,
            port=self.port,
            base=self.base,
            touched=self._touch,
            entered=self._entered,
        )
        doorkeeper = Doorkeeper(self._is_ours, self._are_ours)
        server = uvicorn.Server(_settings(guard, partial(Connection, doorkeeper=doorkeeper)))
        watch = asyncio.create_task(self._watch(server, listener))
        watch.add_done_callback(lambda _: doorkeeper.close())
        await server.serve(sockets=[listener])
        await watch

    async def _watch(self, server: uvicorn.Server, listener: socket.socket) -> None:
        woken = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, woken.set)
        while not server.started:
            await asyncio.sleep(0.002)
        listener.listen(MOST_PENDING)  # again: asyncio makes the queue as short as what it accepts at once
        self._began.set()
        try:
            while not self._is_retired():
                self._tick()
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), TICK_SECONDS)
        finally:
            server.should_exit = True

    def _is_ours(self, port: int) -> bool | None:
        uid = self._peer(port, self.port)
        return None if uid is None else _ours(uid)

    def _are_ours(self, ports: Collection[int]) -> Mapping[int, bool]:
        """Which connections this user's own programs made; all where the system does not tell."""
        return {port: _ours(uid) for port, uid in self._peers(ports, self.port).items()}


def _ours(uid: int | Peer) -> bool:
    return uid is Peer.UNKNOWN or (sys.platform != "win32" and uid == os.geteuid())


def _listen() -> socket.socket:
    # Named as TCP, or asyncio would not take it for such and leave answers waiting for acknowledgements (40 ms each).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":  # there another program could otherwise listen on the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(MOST_PENDING)
    except OSError:
        listener.close()
        raise
    return listener


def _settings(app: ASGIApp, connection: Callable[..., asyncio.Protocol]) -> uvicorn.Config:
    """Uvicorn without anything that writes, believes a header or names itself."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        quiet = logging.getLogger(name)
        quiet.handlers, quiet.propagate, quiet.disabled = [logging.NullHandler()], False, True
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=connection,  # type: ignore[arg-type]  # anything that makes a protocol
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=AT_ONCE,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
