"""A connection to the panel: whose it is is found out before a byte of it is read, and a request's head has to come soon.

Another user of the computer may connect as often as he likes. Where the system answers for one connection
(socket_diag.py), it is let in or dropped at once. Elsewhere one reading of the system's table answers for all who wait; it
is made in a thread, and between readings passes a multiple of the time one took, so that a flood of connections costs a
bounded share of a core. Only who was let in counts towards the connections the server answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_WAITING = 256
"""Connections not looked up yet; further ones are refused at once. Far below the files a process may have open (1024)."""
MOST_OPEN = 128
"""Connections of this user's own; beyond MOST_CONNECTIONS (server.py) they are answered 503, beyond this not at all."""
HEAD_SECONDS = 5.0
"""How long a request's first bytes, and then the rest of its head, may take."""
REST = 4.0
"""Times as long as a reading took passes before the next one: a fifth of a core, while a reading takes 12 ms at most."""
LONGEST_REST = 0.05

log = logging.getLogger(__name__)


class Doorkeeper:
    """Lets in what is this user's. `ask` says at once whether a client's port is (None: it cannot be told so), `find` reads
    the table for several; it may take its time. Used by one event loop.
    """

    def __init__(
        self, ask: Callable[[int], bool | None], find: Callable[[Collection[int]], Mapping[int, bool]]
    ) -> None:
        self._ask, self._find = ask, find
        self._waiting: list[Connection] = []
        self._reading: asyncio.Task[None] | None = None
        self._closed = False

    def ask(self, connection: Connection) -> None:
        """Decide on `connection` soon; at once where too many wait."""
        known = None if self._closed else self._ask(connection.port)
        if known is not None:
            connection.settle(known)
            return
        if self._closed or len(self._waiting) >= MOST_WAITING:
            connection.settle(False)
            return
        self._waiting.append(connection)
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.settle(False)

    async def _read(self) -> None:
        try:
            while self._waiting:
                # A table read after a connection was accepted speaks of that one: nobody else can have its port meanwhile.
                asked, self._waiting = self._waiting, []
                began = time.perf_counter()
                try:
                    found = await asyncio.to_thread(self._find, [one.port for one in asked])
                except Exception:  # whatever is wrong with the table: nobody is let in unseen
                    log.exception("Whose a connection is could not be found out.")
                    found = {}
                took = time.perf_counter() - began
                for one in asked:
                    one.settle(found.get(one.port, False) and not self._closed)
                await asyncio.sleep(min(REST * took, LONGEST_REST))
        finally:
            self._reading = None


class Connection(H11Protocol):
    """One connection; uvicorn's own from the moment it is let in."""

    def __init__(self, *arguments: object, doorkeeper: Doorkeeper, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # handed on as uvicorn gave them
        self._doorkeeper = doorkeeper
        self._outside: asyncio.Transport | None = None
        self._late: asyncio.TimerHandle | None = None
        self.port = 0
        """The client's."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Wait, unread, until it is known whose it is."""
        peer = transport.get_extra_info("peername")
        if not peer:
            transport.abort()
            return
        transport.pause_reading()
        self._outside, self.port = transport, peer[1]
        self._doorkeeper.ask(self)

    def settle(self, ours: bool) -> None:
        """Let it in, or drop it."""
        transport, self._outside = self._outside, None
        if transport is None or transport.is_closing():
            return
        if not ours or len(self.connections) >= MOST_OPEN:
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()
        transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of one who was let in."""
        super().data_received(data)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, let in or not."""
        self._outside = None
        self._stop_waiting()
        if self.flow is not None:
            super().connection_lost(exc)

    def _await_head(self) -> None:
        """Give a head under way its time; more bytes of it do not prolong that."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
