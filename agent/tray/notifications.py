"""Notifications over D-Bus: org.freedesktop.Notifications, version 1.2 of its specification."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from dbus_fast import Message, Variant

from agent.desktop_link import Link
from agent.tray.base import Notice
from agent.tray.icon import Icon
from agent.tray.make_icons import FOLDER
from agent.tray.view import Action

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_NEVER, _AS_USUAL = 0, -1
_NORMAL, _CRITICAL = 1, 2


class Notifier:
    """Sends notices and calls `on_action` with what is chosen in them. A guest of the user's bus."""

    def __init__(self, on_action: Callable[[Action], None]) -> None:
        self._on_action = on_action
        self._link: Link | None = None
        self._shown: dict[str, int] = {}
        """The server's number of each notice that may still stand, by key."""
        self._offers: dict[int, dict[str, Action]] = {}
        """What may be chosen in each of them."""

    async def attach(self, link: Link) -> None:
        """See Guest."""
        await link.watch_name(_NAME, self._server_changed)
        await link.listen(self._invoked, sender=_NAME, interface=_NAME, member="ActionInvoked", signature="us")
        await link.listen(self._closed, sender=_NAME, interface=_NAME, member="NotificationClosed", signature="uu")
        self._link = link

    def detach(self) -> None:
        """See Guest."""
        self._link = None
        self._server_changed("")

    async def send(self, notice: Notice) -> bool:
        """Show it; False where no notification server takes it. Raises one of BUS_ERRORS."""
        link = self._link
        if link is None:
            return False
        (abilities,) = await link.call(_NAME, _PATH, _NAME, "GetCapabilities", answer="as")
        choices: list[str] = []
        offers: dict[str, Action] = {}
        if "actions" in abilities and notice.actions:
            first, label = notice.actions[0]
            choices, offers = ["default", label], {"default": first}
            for action, label in notice.actions:
                choices += [action.value, label]
                offers[action.value] = action
        (number,) = await link.call(
            _NAME,
            _PATH,
            _NAME,
            "Notify",
            "susssasa{sv}i",
            "Framekeep",
            self._shown.get(notice.key, 0),
            str(FOLDER / f"{Icon.ATTENTION.file if notice.urgent else Icon.MEASURING.file}.svg"),
            notice.title,
            escape(notice.text, quote=False) if "body-markup" in abilities else notice.text,
            choices,
            {
                "urgency": Variant("y", _CRITICAL if notice.urgent else _NORMAL),
                "desktop-entry": Variant("s", "framekeep"),
            },
            _NEVER if notice.urgent else _AS_USUAL,
            answer="u",
        )
        self._shown[notice.key] = number
        self._offers[number] = offers
        return True

    async def withdraw(self, key: str) -> None:
        """Take it back, if it still stands. Raises one of BUS_ERRORS."""
        number = self._shown.pop(key, None)
        if number is not None and self._link is not None:
            self._offers.pop(number, None)
            await self._link.call(_NAME, _PATH, _NAME, "CloseNotification", "u", number, answer="")

    def _invoked(self, message: Message) -> None:
        number, choice = message.body
        action = self._offers.get(number, {}).get(choice)
        if action is not None:
            self._on_action(action)

    def _closed(self, message: Message) -> None:
        number, _ = message.body
        self._offers.pop(number, None)
        self._shown = {key: shown for key, shown in self._shown.items() if shown != number}

    def _server_changed(self, _: str) -> None:
        self._shown.clear()  # another server, other numbers
        self._offers.clear()
