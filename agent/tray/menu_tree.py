"""A menu as com.canonical.dbusmenu numbers it. An entry keeps its number as long as it keeps its meaning, so a click on an
open menu never becomes another one because the menu changed under the pointer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from dbus_fast import Variant

from agent.tray.view import Kind, MenuItem

ROOT = 0

Properties: TypeAlias = dict[str, Variant]


@dataclass(frozen=True, slots=True)
class Change:
    """What hosts must be told: that the layout is another one, or which entries' properties are (number, properties)."""

    layout: bool
    properties: tuple[tuple[int, Properties], ...] = ()


class MenuTree:
    """The menu as it is now: entries below one root. `revision` goes up whenever its layout changes."""

    def __init__(self) -> None:
        self.revision = 1
        self._numbers: dict[str, int] = {}
        self._items: dict[int, MenuItem] = {}

    def put(self, items: tuple[MenuItem, ...]) -> Change:
        """Replace the menu by `items`."""
        before, self._items = self._items, {self._number(item): item for item in items}
        if _shape(before) != _shape(self._items):
            self.revision += 1
            return Change(layout=True)
        changed = [(number, properties(item)) for number, item in self._items.items() if item != before[number]]
        return Change(layout=False, properties=tuple(changed))

    def item(self, number: int) -> MenuItem | None:
        """The entry of that number, if the menu has it now. The root is none."""
        return self._items.get(number)

    def has(self, number: int) -> bool:
        """Whether that is the root or an entry the menu has now."""
        return number == ROOT or number in self._items

    def properties_of(self, numbers: Iterable[int], names: Iterable[str]) -> list[tuple[int, Properties]]:
        """The properties of each of these that the menu has, the root included; of all, if none is named."""
        wanted = tuple(names)
        asked = tuple(numbers) or (ROOT, *self._items)
        found = ((number, self._properties(number, wanted)) for number in asked)
        return [(number, values) for number, values in found if values is not None]

    def layout(self, parent: int, depth: int, names: Iterable[str]) -> list[Any] | None:
        """The tree from `parent` on (number, properties, children), `depth` levels below it (-1: all); None where there
        is no such entry.
        """
        wanted = tuple(names)
        values = self._properties(parent, wanted)
        if values is None:
            return None
        below = self._items.items() if parent == ROOT and depth else ()
        children = [Variant("(ia{sv}av)", [number, properties(item, wanted), []]) for number, item in below]
        return [parent, values, children]

    def _properties(self, number: int, names: tuple[str, ...]) -> Properties | None:
        if number == ROOT:
            return _only({"children-display": Variant("s", "submenu")}, names)
        item = self.item(number)
        return properties(item, names) if item is not None else None

    def _number(self, item: MenuItem) -> int:
        return self._numbers.setdefault(item.id, len(self._numbers) + 1)


def properties(item: MenuItem, names: Iterable[str] = ()) -> Properties:
    """An entry's properties; only those of `names`, if it names any."""
    if item.kind is Kind.SEPARATOR:
        return _only({"type": Variant("s", "separator")}, names)
    return _only(
        {
            "label": Variant("s", item.label.replace("_", "__")),  # a single one marks the key that chooses an entry
            "enabled": Variant("b", item.enabled),
        },
        names,
    )


def _only(found: Properties, names: Iterable[str]) -> Properties:
    wanted = set(names)
    return {name: value for name, value in found.items() if not wanted or name in wanted}


def _shape(items: dict[int, MenuItem]) -> list[tuple[int, Kind]]:
    return [(number, item.kind) for number, item in items.items()]
