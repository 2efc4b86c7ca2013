"""The tray on Linux: a StatusNotifierItem with a menu, registered anew whenever a host appears.

We speak to the host ourselves: no graphics toolkit in the process, and we know when the host goes. Everything over the
bus happens in the desktop's thread; clicks are handed to the main thread by a queue.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from dbus_fast import Message

from agent.desktop_bus import Desktop
from agent.desktop_link import BUS_ERRORS, Bus, Link
from agent.tray.base import Notice
from agent.tray.dbusmenu import MENU_PATH, DBusMenu
from agent.tray.notifications import Notifier
from agent.tray.sni import ITEM_PATH, StatusNotifierItem
from agent.tray.view import Action, TrayView

CHECK_SECONDS = 5.0
"""How often the host is asked whether it still shows us, beside what it says by itself: a hung one says nothing."""
HIDDEN_SECONDS = 1.0
"""The same while it does not: capture waits for it."""
STOP_SECONDS = 0.5
HOST_SECONDS = 2.0
"""How long a host may take to be found."""
_WATCHER = "org.kde.StatusNotifierWatcher"
_WATCHER_PATH = "/StatusNotifierWatcher"


class LinuxTray:
    """A `Tray`. `on_visible` is called in the desktop's thread, and must be quick, when the icon is shown and when it is
    not any more.
    """

    def __init__(self, desktop: Desktop, *, on_visible: Callable[[bool], None] | None = None) -> None:
        self._desktop = desktop
        self._on_visible = on_visible
        self._actions: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._latest: TrayView | None = None
        self._visible = threading.Event()
        self._item = _Item(self._actions.put, self._tell_visible)
        self._notifier = Notifier(self._actions.put)
        desktop.join(Bus.SESSION, self._item)
        desktop.join(Bus.SESSION, self._notifier)

    def show(self, view: TrayView) -> None:
        """See Tray."""
        if view != self._latest:
            self._latest = view
            self._desktop.soon(partial(self._item.put, view))

    def visible(self) -> bool:
        """See Tray. True only while a host is registered and lists our item."""
        return self._visible.is_set()

    def notify(self, notice: Notice) -> bool:
        """See Tray."""
        return self._desktop.ask(partial(self._notifier.send, notice))

    def withdraw(self, key: str) -> None:
        """See Tray."""
        self._desktop.soon(lambda: self._desktop.spawn(self._notifier.withdraw(key)))

    def run(self, stop: threading.Event, on_action: Callable[[Action], None]) -> None:
        """See Tray."""
        while not stop.is_set():
            try:
                action = self._actions.get(timeout=STOP_SECONDS)
            except queue.Empty:
                continue
            on_action(action)

    def close(self) -> None:
        """See Tray. The icon goes with the desktop's connection, which is for its owner to close."""
        self._desktop.ask(self._item.leave)

    def _tell_visible(self, visible: bool) -> None:
        if visible == self._visible.is_set():
            return
        if visible:
            self._visible.set()
        else:
            self._visible.clear()
        if self._on_visible is not None:
            self._on_visible(visible)


def host_is_there(desktop: Desktop) -> bool:
    """Whether something on this desktop shows status icons, ours or not. Waits up to two seconds."""
    asker = _HostAsker()
    desktop.join(Bus.SESSION, asker)
    return asker.there.wait(HOST_SECONDS)


class _HostAsker:
    """A guest that only asks."""

    def __init__(self) -> None:
        self.there = threading.Event()

    async def attach(self, link: Link) -> None:
        """See Guest."""
        if await link.owner(_WATCHER) and await link.get(
            _WATCHER, _WATCHER_PATH, _WATCHER, "IsStatusNotifierHostRegistered", "b"
        ):
            self.there.set()

    def detach(self) -> None:
        """See Guest."""


class _Item:
    """Icon and menu as guests of the user's bus. In the loop's thread only."""

    def __init__(self, on_action: Callable[[Action], None], tell_visible: Callable[[bool], None]) -> None:
        self._icon = StatusNotifierItem(on_action)
        self._menu = DBusMenu(on_action)
        self._tell_visible = tell_visible
        self._link: Link | None = None
        self._name = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        self._news = asyncio.Event()
        self._watcher = ""
        """Who owns the watcher's name, "" for nobody."""
        self._left = False

    async def attach(self, link: Link) -> None:
        """See Guest. Comes back only with an error: this is also the watch over the host."""
        if self._left:
            return
        link.bus.export(ITEM_PATH, self._icon)
        link.bus.export(MENU_PATH, self._menu)
        self._link = link
        await link.bus.request_name(self._name)
        self._watcher = await link.watch_name(_WATCHER, self._watcher_changed)
        for member, signature in (
            ("StatusNotifierHostRegistered", ""),
            ("StatusNotifierHostUnregistered", ""),
            ("StatusNotifierItemRegistered", "s"),
            ("StatusNotifierItemUnregistered", "s"),
        ):
            await link.listen(self._heard, sender=_WATCHER, interface=_WATCHER, member=member, signature=signature)
        while not self._left:
            self._news.clear()
            try:
                shown = await self._register(link)
            except BUS_ERRORS:
                shown = False
            self._tell_visible(shown)
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS if shown else HIDDEN_SECONDS):
                    await self._news.wait()

    def detach(self) -> None:
        """See Guest."""
        if self._link is not None:
            self._link.bus.unexport(ITEM_PATH)
            self._link.bus.unexport(MENU_PATH)
        self._link = None
        self._tell_visible(False)

    async def leave(self) -> bool:
        """Take the icon away for good; True when that is done. Raises one of BUS_ERRORS."""
        self._left = True
        self._news.set()
        link = self._link
        self.detach()
        if link is not None:
            await link.bus.release_name(self._name)
        return True

    def put(self, view: TrayView) -> None:
        """Show `view` from now on."""
        for put in (partial(self._icon.put, view), partial(self._menu.put, view.items)):
            with suppress(*BUS_ERRORS):  # a bus that just dies: it is kept, and whoever comes next asks for all of it
                put()

    async def _register(self, link: Link) -> bool:
        """Whether a host shows us, after registering where that was not done. Raises one of BUS_ERRORS."""
        if not self._watcher:
            return False
        if not await self._listed(link):
            await link.call(_WATCHER, _WATCHER_PATH, _WATCHER, "RegisterStatusNotifierItem", "s", self._name, answer="")
            if not await self._listed(link):
                return False
        return bool(await link.get(_WATCHER, _WATCHER_PATH, _WATCHER, "IsStatusNotifierHostRegistered", "b"))

    async def _listed(self, link: Link) -> bool:
        """Whether the watcher lists us: by either name, alone or with our path behind it."""
        items = await link.get(_WATCHER, _WATCHER_PATH, _WATCHER, "RegisteredStatusNotifierItems", "as")
        return any(re.split("[/@]", item)[0] in (link.name, self._name) for item in items)

    def _watcher_changed(self, owner: str) -> None:
        self._watcher = owner
        self._tell_visible(False)  # until the new one lists us
        self._news.set()

    def _heard(self, message: Message) -> None:
        if message.member == "StatusNotifierHostUnregistered":
            self._tell_visible(False)  # until it is clear whether another one is left
        self._news.set()
