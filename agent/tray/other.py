"""The tray on Windows and macOS, by pystray. Its icons are drawn from the same drawings as everywhere.

pystray owns the main thread there; on macOS nothing but that thread may touch the menu.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from subprocess import SubprocessError
from typing import Any

from agent.tray.base import Notice
from agent.tray.drawing import rgba
from agent.tray.icon import Icon
from agent.tray.view import STARTING, Action, Kind, MenuItem, TrayView

ICON_SIZE = 64
"""Pixels; both systems make it smaller as they need."""
MAX_TOOLTIP = 127
"""Windows refuses a longer one (NOTIFYICONDATAW.szTip holds 128 characters)."""
MAX_TITLE, MAX_TEXT = 63, 255
"""Of a notification on Windows (szInfoTitle 64, szInfo 256 characters)."""

log = logging.getLogger(__name__)


class PystrayTray:
    """A `Tray`. The icon is there from `run` to its end: neither system takes it away in between, and Windows' taskbar
    asks for it again by itself when it was restarted.
    """

    def __init__(self, *, on_visible: Callable[[bool], None] | None = None) -> None:
        """`on_visible` is called, and must be quick, when the icon is shown and when it is not any more."""
        self._pystray: Any = import_module("pystray")
        self._view = STARTING
        self._on_visible = on_visible
        self._running = threading.Event()
        self._visible = threading.Event()
        self._actions: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._icon: Any = self._pystray.Icon(
            "framekeep", _picture(STARTING.icon), _tooltip(STARTING), self._pystray.Menu(self._entries)
        )

    def show(self, view: TrayView) -> None:
        """See Tray."""
        before, self._view = self._view, view
        if self._running.is_set() and view != before:
            _in_main_thread(partial(self._update, before, view))

    def visible(self) -> bool:
        """See Tray. Windows says only whether it took the last change; a taskbar that died is noticed by the next one,
        within the minute in which the menu's times change.
        """
        return self._visible.is_set()

    def notify(self, notice: Notice) -> bool:
        """See Tray. Nothing can be chosen in it: pystray has no such notifications."""
        if not (self._running.is_set() and self._icon.HAS_NOTIFICATION):
            return False
        try:
            self._icon.notify(notice.text[:MAX_TEXT], notice.title[:MAX_TITLE])
        except (OSError, SubprocessError):  # Windows' taskbar is away; macOS' osascript failed
            return False
        return True

    def withdraw(self, key: str) -> None:  # noqa: ARG002  pystray's notifications have no names
        """See Tray. There is one at a time."""
        if self._running.is_set() and self._icon.HAS_NOTIFICATION:
            with suppress(OSError):
                self._icon.remove_notification()

    def run(self, stop: threading.Event, on_action: Callable[[Action], None]) -> None:
        """See Tray. Actions are handled in a thread of their own, so that the menu never hangs."""
        helpers = (
            threading.Thread(target=self._work, args=(on_action,), name="tray-actions", daemon=True),
            threading.Thread(target=self._end, args=(stop,), name="tray-end", daemon=True),
        )
        for helper in helpers:
            helper.start()
        try:
            self._icon.run(self._ready)
        finally:
            self._running.clear()
            self._tell_visible(False)
            self._actions.put(None)

    def close(self) -> None:
        """See Tray."""
        if self._running.is_set():
            _in_main_thread(self._icon.stop)

    def _ready(self, icon: Any) -> None:  # noqa: ARG002  pystray hands it in, in a thread of its own
        self._running.set()
        _in_main_thread(partial(self._update, None, self._view))

    def _end(self, stop: threading.Event) -> None:
        stop.wait()
        _in_main_thread(self._icon.stop)

    def _work(self, on_action: Callable[[Action], None]) -> None:
        while (action := self._actions.get()) is not None:
            try:
                on_action(action)
            except Exception:
                log.exception("What was chosen in the tray's menu failed.")  # the next one, perhaps a pause, must not

    def _update(self, before: TrayView | None, view: TrayView) -> None:
        try:
            self._icon.visible = True
            if before is None or before.icon is not view.icon:
                self._icon.icon = _picture(view.icon)
            if before is None or _tooltip(before) != _tooltip(view):
                self._icon.title = _tooltip(view)
            self._icon.update_menu()
        except OSError:  # Windows' taskbar is away
            self._tell_visible(False)
        else:
            self._tell_visible(True)

    def _entries(self) -> tuple[Any, ...]:
        return tuple(self._entry(item) for item in self._view.items)

    def _entry(self, item: MenuItem) -> Any:
        if item.kind is Kind.SEPARATOR:
            return self._pystray.Menu.SEPARATOR
        # A click on the icon itself chooses the default entry (Windows).
        return self._pystray.MenuItem(
            item.label,
            partial(self._chosen, item.action),
            enabled=item.enabled,
            default=item.action is Action.OPEN_PANEL,
        )

    def _chosen(self, action: Action | None, icon: Any, entry: Any) -> None:  # noqa: ARG002  pystray hands them in
        if action is not None:
            self._actions.put(action)

    def _tell_visible(self, visible: bool) -> None:
        if visible == self._visible.is_set():
            return
        (self._visible.set if visible else self._visible.clear)()
        if self._on_visible is not None:
            self._on_visible(visible)


def _picture(icon: Icon) -> Any:
    from PIL import Image  # not installed on Linux

    return Image.frombytes("RGBA", (ICON_SIZE, ICON_SIZE), rgba(icon, ICON_SIZE))


def _tooltip(view: TrayView) -> str:
    text = f"{view.title}\n{view.tooltip}".strip()
    return text if len(text) <= MAX_TOOLTIP else text[: MAX_TOOLTIP - 1].rstrip() + "…"


def _in_main_thread(work: Callable[[], object]) -> None:
    """Do it where the system wants it done: macOS in the main thread, Windows anywhere."""
    if sys.platform == "darwin":
        import_module("PyObjCTools.AppHelper").callAfter(work)
    else:
        work()
