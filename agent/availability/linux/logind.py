"""Locked, asleep, lid: logind, on the system bus.

The interface is documented in org.freedesktop.login1(5). The session asked is the user's graphical one, not that of
this process: an agent started by the user's service manager belongs to none.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dbus_fast.errors import DBusError

from agent.availability.settle import Signal
from agent.desktop_link import BUS_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbus_fast import Message

    from agent.availability.board import Board
    from agent.desktop_link import Link

SOURCE = "logind"
NAME = "org.freedesktop.login1"
ROOT = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"
SESSION = "org.freedesktop.login1.Session"
USER = "org.freedesktop.login1.User"
PROPERTIES = "org.freedesktop.DBus.Properties"
UPOWER = "org.freedesktop.UPower"
"""Tells of a lid that moves, where it runs; logind itself does not everywhere."""
LID_SECONDS = 2.5
"""How often the lid is asked after all the same, where there is one: 0.6 ms each time."""
NO_SESSION = "/"
NO_ANSWER = "it does not answer"
NO_LID = "this machine has no lid that it knows of"
RETRY_SECONDS = 20.0
"""How long until a logind that answered with an error is asked again without having said anything."""

log = logging.getLogger(__name__)


class Logind:
    """A guest on the system bus that keeps the board up to date; follows logind through restarts."""

    def __init__(self, board: Board, *, lid: bool, beside: Callable[[], bool]) -> None:
        """`lid`: whether this machine has one. `beside`: whether the camera in use is not built into it, asked whenever
        the lid would be.
        """
        self._board, self._lid, self._beside = board, lid, beside
        self._session = NO_SESSION
        self._present = self._failed = False
        self._changes = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None
        self._forget(NO_ANSWER)

    async def attach(self, link: Link) -> None:
        """Implements `Guest`: listen first, then ask, so that no change falls between."""
        await link.listen(
            self._slept, sender=NAME, interface=MANAGER, member="PrepareForSleep", path=ROOT, signature="b"
        )
        for member in ("SessionNew", "SessionRemoved"):
            await link.listen(self._moved, sender=NAME, interface=MANAGER, member=member, path=ROOT, signature="so")
        for first, heard in ((SESSION, self._changed), (MANAGER, self._changed), (USER, self._moved)):
            await link.listen(
                heard,
                sender=NAME,
                interface=PROPERTIES,
                member="PropertiesChanged",
                signature="sa{sv}as",
                first=first,
            )
        if self._lid:
            await link.listen(
                self._moved_lid,
                sender=UPOWER,
                interface=PROPERTIES,
                member="PropertiesChanged",
                signature="sa{sv}as",
                first=UPOWER,
            )
        await link.watch_name(NAME, self._owned)
        self._stop()
        self._follower = asyncio.ensure_future(self._follow(link))

    def detach(self) -> None:
        """Implements `Guest`."""
        self._stop()
        self._forget("there is no system bus")

    def _stop(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            self._follower = None

    def _owned(self, owner: str) -> None:
        self._present = bool(owner)
        self._again(anew=True)

    def _moved(self, _: Message) -> None:
        self._again(anew=True)

    def _moved_lid(self, _: Message) -> None:
        self._again()

    def _changed(self, message: Message) -> None:
        """Of a session or the manager. What is new is asked after, in one place, not taken from the message."""
        if message.body[0] != SESSION or message.path == self._session:
            self._again()

    def _slept(self, message: Message) -> None:
        self._board.put(Signal.ASLEEP, SOURCE, bool(message.body[0]))

    def _again(self, *, anew: bool = False) -> None:
        """Have everything asked after; `anew`: another session may be the user's now."""
        if anew:
            self._session = NO_SESSION
        self._changes.set()

    async def _follow(self, link: Link) -> None:
        """Ask now and after every change; after the lid also in between."""
        self._changes.set()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience()):
                    await self._changes.wait()
            everything = self._failed or self._changes.is_set()
            self._changes.clear()
            self._failed = False
            try:
                if everything:
                    self._present = bool(await link.owner(NAME))
                    if self._present:  # asking it anything would start it, which is not ours to do
                        await self._ask(link)
                    else:
                        self._forget(NO_ANSWER)
                if self._present and self._lid:
                    await self._ask_lid(link)
            except BUS_ERRORS as error:
                self._fail()
                log.info("logind does not answer (%s)", type(error).__name__)
            except Exception:  # or this would end, and what was said last would hold for ever
                self._fail()
                log.exception("logind's answer is not understood.")

    def _patience(self) -> float | None:
        if self._failed:
            return RETRY_SECONDS
        return LID_SECONDS if self._lid and self._present else None

    def _fail(self) -> None:
        self._failed, self._present = True, False
        self._forget(NO_ANSWER)

    async def _ask_lid(self, link: Link) -> None:
        if self._beside():
            self._board.put(Signal.LID_CLOSED, SOURCE, None, "the camera is not built into the lid")
        else:
            closed = await link.get(NAME, ROOT, MANAGER, "LidClosed", "b")
            self._board.put(Signal.LID_CLOSED, SOURCE, bool(closed))

    async def _ask(self, link: Link) -> None:
        self._board.put(Signal.ASLEEP, SOURCE, bool(await link.get(NAME, ROOT, MANAGER, "PreparingForSleep", "b")))
        if self._session == NO_SESSION:
            self._session = await find_session(link)
        if self._session == NO_SESSION:
            self._board.put(Signal.LOCKED, SOURCE, None, "it knows of no screen of this user")
            return
        (values,) = await link.call(NAME, self._session, PROPERTIES, "GetAll", "s", SESSION, answer="a{sv}")
        self._board.put(Signal.LOCKED, SOURCE, is_locked({name: each.value for name, each in values.items()}))

    def _forget(self, why: str) -> None:
        self._session = NO_SESSION
        self._board.put(Signal.LOCKED, SOURCE, None, why)
        self._board.put(Signal.ASLEEP, SOURCE, None, why)
        self._board.put(Signal.LID_CLOSED, SOURCE, None, why if self._lid else NO_LID)


async def find_session(link: Link) -> str:
    """The object path of the user's graphical session; failing that, of the one this process was started from;
    NO_SESSION when there is neither. Raises one of BUS_ERRORS.
    """
    with suppress(DBusError):  # no such user: nobody of that name is logged in
        (user,) = await link.call(NAME, ROOT, MANAGER, "GetUser", "u", os.getuid(), answer="o")
        _, path = await link.get(NAME, user, USER, "Display", "(so)")
        if path != NO_SESSION:
            return str(path)
    if session := os.environ.get("XDG_SESSION_ID"):
        with suppress(DBusError):
            (path,) = await link.call(NAME, ROOT, MANAGER, "GetSession", "s", session, answer="o")
            return str(path)
    with suppress(DBusError):
        (path,) = await link.call(NAME, ROOT, MANAGER, "GetSessionByPID", "u", os.getpid(), answer="o")
        return str(path)
    return NO_SESSION


def is_locked(session: dict[str, Any]) -> bool:
    """From a session's properties: locked by hint, or not the one in front (another user's is)."""
    return bool(session.get("LockedHint", False)) or not session.get("Active", True)
