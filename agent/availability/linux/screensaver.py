"""Locked, as the desktop's screen saver tells it on the user's bus: for desktops that do not tell logind, and where
there is no logind.

`GetActive` and `ActiveChanged` of org.freedesktop.ScreenSaver (KDE, Cinnamon and others; the freedesktop.org idle
inhibition draft) and org.gnome.ScreenSaver (GNOME, MATE, Xfce's). A screen that is merely blanked counts too: nobody
works at it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from agent.availability.settle import Signal
from agent.desktop_link import BUS_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from dbus_fast import Message

    from agent.availability.board import Board
    from agent.desktop_link import Link

SOURCE = "screen saver"
PLACES = {
    "org.freedesktop.ScreenSaver": ("/org/freedesktop/ScreenSaver", "/ScreenSaver"),
    "org.gnome.ScreenSaver": ("/org/gnome/ScreenSaver",),
}
"""Names and, for each, the object paths in use."""
NOBODY = "none on this desktop"

log = logging.getLogger(__name__)


class ScreenSaver:
    """A guest on the user's bus that keeps the board up to date."""

    def __init__(self, board: Board, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        """`spawn` runs a coroutine on its own in the loop's thread."""
        self._board, self._spawn = board, spawn
        self._active: dict[str, bool] = {}
        self._say()

    async def attach(self, link: Link) -> None:
        """Implements `Guest`."""
        for name in PLACES:
            await link.listen(
                partial(self._heard, name), sender=name, interface=name, member="ActiveChanged", signature="b"
            )
            owner = await link.watch_name(name, partial(self._owned, link, name))
            self._owned(link, name, owner)

    def detach(self) -> None:
        """Implements `Guest`."""
        self._active.clear()
        self._say()

    def _owned(self, link: Link, name: str, owner: str) -> None:
        self._active.pop(name, None)
        self._say()
        if owner:
            self._spawn(self._ask(link, name))

    def _heard(self, name: str, message: Message) -> None:
        self._changed(name, bool(message.body[0]))

    def _changed(self, name: str, active: bool) -> None:
        self._active[name] = active
        self._say()

    async def _ask(self, link: Link, name: str) -> None:
        for path in PLACES[name]:
            with suppress(*BUS_ERRORS):  # not at this path, or a name that only takes inhibitions (GNOME's session)
                (active,) = await link.call(name, path, name, "GetActive", answer="b")
                self._changed(name, bool(active))
                return
        log.info("%s does not say whether it is active", name)

    def _say(self) -> None:
        value = any(self._active.values()) if self._active else None
        self._board.put(Signal.LOCKED, SOURCE, value, "" if self._active else NOBODY)
