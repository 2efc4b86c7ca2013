"""What a tray's host does, for tests: finds our item on the bus, reads its icon and menu, and clicks."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from dbus_fast import Variant

from agent.desktop_link import BUS_ERRORS, Link
from tests.tray_desktop import TrayDesktop

_WATCHER, _WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
_ITEM, _ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
_MENU = "com.canonical.dbusmenu"


@dataclass(frozen=True)
class Entry:
    """One entry of a menu; a separator has no label."""

    number: int
    label: str
    enabled: bool


@dataclass(frozen=True)
class TrayClient:
    """Talks to the only item of a desktop."""

    desktop: TrayDesktop

    def items(self) -> list[str]:
        """The bus names of the items the panel shows; none while there is no panel."""

        async def work(link: Link) -> list[str]:
            try:
                found = await link.get(_WATCHER, _WATCHER_PATH, _WATCHER, "RegisteredStatusNotifierItems", "as")
            except BUS_ERRORS:
                return []
            return [item.partition("/")[0] for item in found]

        return self.desktop.talk(work)

    def property(self, name: str, kind: str) -> Any:
        """A property of the item."""
        return self._with_item(lambda link, item: link.get(item, _ITEM_PATH, _ITEM, name, kind))

    def icon(self) -> str:
        """The name of the icon it shows."""
        return str(self.property("IconName", "s"))

    def menu(self) -> list[Entry]:
        """The entries, from the top."""

        async def work(link: Link, item: str) -> list[Entry]:
            path = await link.get(item, _ITEM_PATH, _ITEM, "Menu", "o")
            layout = await link.call(item, path, _MENU, "GetLayout", "iias", 0, -1, [], answer="u(ia{sv}av)")
            entries = [child.value for child in layout[1][2]]
            return [
                Entry(
                    number,
                    values["label"].value if "label" in values else "",
                    values["enabled"].value if "enabled" in values else True,
                )
                for number, values, _ in entries
            ]

        return self._with_item(work)

    def labels(self) -> list[str]:
        """What there is to read in the menu."""
        return [entry.label for entry in self.menu() if entry.label]

    def click(self, beginning: str) -> None:
        """Click the entry whose label begins so."""
        (entry,) = (entry for entry in self.menu() if entry.label.startswith(beginning))
        self.event(entry.number, "clicked")

    def event(self, number: int, what: str) -> None:
        """Something happens to an entry of the menu."""

        async def work(link: Link, item: str) -> None:
            path = await link.get(item, _ITEM_PATH, _ITEM, "Menu", "o")
            await link.call(item, path, _MENU, "Event", "isvu", number, what, Variant("s", ""), 0, answer="")

        self._with_item(work)

    def press(self, method: str) -> None:
        """Activate (a click) or SecondaryActivate (one with the middle button)."""
        self._with_item(lambda link, item: link.call(item, _ITEM_PATH, _ITEM, method, "ii", 0, 0, answer=""))

    def _with_item(self, work: Any) -> Any:
        (item,) = self.items()

        def talk(link: Link) -> Coroutine[Any, Any, Any]:
            found: Coroutine[Any, Any, Any] = work(link, item)
            return found

        return self.desktop.talk(talk)
