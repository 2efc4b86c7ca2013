"""One thread with one asyncio loop for everything the agent says and hears over D-Bus, on the user's and the system's bus.

A bus may be missing, die and come back at any time: a `Guest` is told when there is a connection and when there is none
any more, and nothing of it ever raises into the agent. Linux only; the other systems have no bus.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from dbus_fast.aio import MessageBus
from dbus_fast.errors import InvalidAddressError

from agent.desktop_link import BUS_ERRORS, CALL_SECONDS, Bus, Connection, Link, bus_address

CONNECT_SECONDS = 5.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0)
"""Waits before a lost or missing bus, or a guest that could not attach, is tried again; the last one repeats."""

log = logging.getLogger(__name__)


def _not_the_end(record: logging.LogRecord) -> bool:
    """Whether a record is anything but the library's traceback of an answer that found the connection gone. That it is
    gone is `Desktop`'s to say, once.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], BUS_ERRORS))


for _name in ("aio.message_bus", "aio.message_reader", "message_bus", "send_reply"):
    logging.getLogger(f"dbus_fast.{_name}").addFilter(_not_the_end)


class Guest(Protocol):
    """Whoever uses a bus. Both methods run in the loop's thread."""

    async def attach(self, link: Link) -> None:
        """There is a connection, the first or a new one. If this raises one of BUS_ERRORS, `detach` is called and it is
        tried again after a while with a fresh link.
        """
        ...

    def detach(self) -> None:
        """The connection is gone: forget the link. May come more than once."""
        ...


class Desktop:
    """The thread, its loop, and a connection to each bus that has guests."""

    def __init__(self, addresses: Mapping[Bus, str] | None = None) -> None:
        """`addresses` takes the place of the environment's; tests hand it in."""
        self._addresses = addresses
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_unhandled)
        self._thread = threading.Thread(target=self._run, name="desktop", daemon=True)
        # From here on touched by the loop's thread only.
        self._guests: dict[Bus, list[Guest]] = {}
        self._connections: dict[Bus, Connection] = {}
        self._stays: dict[Bus, list[asyncio.Task[None]]] = {}
        self._keepers: dict[Bus, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the thread, once. Guests may join before or after."""
        self._thread.start()

    def join(self, bus: Bus, guest: Guest) -> None:
        """Let `guest` use `bus` from now on. Any thread."""
        self.soon(partial(self._admit, bus, guest))

    def soon(self, work: Callable[[], object]) -> None:
        """Have `work` done in the loop's thread. Any thread; dropped after `close`."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(work)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine on its own; one of BUS_ERRORS ends it quietly. In the loop's thread only."""
        task = self._loop.create_task(_tolerant(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def ask(self, work: Callable[[], Coroutine[Any, Any, bool]], *, seconds: float = CALL_SECONDS) -> bool:
        """The answer of a coroutine; False when there is none in time, or no bus. Any thread but the loop's."""
        if not self._thread.is_alive():
            return False
        coroutine = work()
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)
        except (*BUS_ERRORS, concurrent.futures.CancelledError):
            return False
        except RuntimeError:  # the loop was closed meanwhile
            coroutine.close()
            return False

    def close(self) -> None:
        """End the connections and the thread. Any thread but the loop's; safe to call twice."""
        self.soon(self._loop.stop)
        if self._thread.is_alive():
            self._thread.join(CALL_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            for connection in self._connections.values():
                connection.bus.disconnect()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0.01))  # lets what was cancelled end
            self._loop.close()

    def _admit(self, bus: Bus, guest: Guest) -> None:
        self._guests.setdefault(bus, []).append(guest)
        if connection := self._connections.get(bus):
            self._stays[bus].append(self.spawn(self._host(connection, guest)))
        if bus not in self._keepers:
            self._keepers[bus] = self.spawn(self._keep_connected(bus))

    async def _keep_connected(self, bus: Bus) -> None:
        """Connect, let the guests in, wait for the end, see them out; and again, for ever."""
        failures = 0
        while True:
            try:
                connection = await self._connect(bus)
            except BUS_ERRORS as error:
                if not failures:
                    log.info("no %s bus (%s)", bus.value, type(error).__name__)
            else:
                failures = 0
                await self._serve(bus, connection)
                log.info("the %s bus is gone", bus.value)
            await _wait(failures)
            failures += 1

    async def _connect(self, bus: Bus) -> Connection:
        address = self._addresses.get(bus) if self._addresses is not None else bus_address(bus, os.environ)
        if not address:
            raise InvalidAddressError("no address")
        async with asyncio.timeout(CONNECT_SECONDS):
            return Connection(await MessageBus(bus_address=address).connect())

    async def _serve(self, bus: Bus, connection: Connection) -> None:
        self._connections[bus] = connection
        self._stays[bus] = [self.spawn(self._host(connection, guest)) for guest in self._guests[bus]]
        ended: Callable[[], Awaitable[None]] = connection.bus.wait_for_disconnect
        try:
            await ended()
        except Exception as error:  # noqa: BLE001  whatever ended the connection, it has ended
            log.debug("the %s bus ended (%s)", bus.value, type(error).__name__)
        finally:
            del self._connections[bus]
            for stay in self._stays.pop(bus):
                stay.cancel()
            for guest in self._guests[bus]:
                guest.detach()

    async def _host(self, connection: Connection, guest: Guest) -> None:
        """Let one guest in; if the other side is not ready, again and again as long as the connection lasts."""
        failures = 0
        while True:
            link = Link(connection)
            try:
                return await guest.attach(link)
            except BUS_ERRORS as error:
                if not failures:
                    log.info("%s waits for the other side (%s)", type(guest).__name__, type(error).__name__)
                link.deafen()
                guest.detach()
            await _wait(failures)
            failures += 1


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A signal that could not be sent any more is nobody's to catch; everything else is a mistake and is logged as one."""
    if isinstance(error := context.get("exception"), BUS_ERRORS):
        log.debug("the bus ended meanwhile (%s)", type(error).__name__)
    else:
        loop.default_exception_handler(context)


async def _wait(failures: int) -> None:
    await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])


async def _tolerant(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except BUS_ERRORS as error:
        log.info("the other side of the bus did not do its part (%s)", type(error).__name__)
