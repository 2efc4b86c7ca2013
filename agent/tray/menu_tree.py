"""A menu as com.canonical.dbusmenu numbers it. An entry keeps its number as long as it keeps its meaning, so a click on an
open menu never becomes another one because the menu changed under the pointer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """The menu as it is now. `revision` goes up whenever its layout changes."""

    def __init__(self) -> None:
        self.revision = 1
        self._numbers: dict[str, int] = {}
        self._items: dict[int, MenuItem] = {ROOT: MenuItem("", Kind.SUBMENU)}

    def put(self, items: tuple[MenuItem, ...]) -> Change:
        """Replace the menu by `items`."""
        root = MenuItem("", Kind.SUBMENU, children=items)
        before, self._items = self._items, {ROOT: root, **{self._number(item): item for item in _all(items)}}
        if _shape(before[ROOT]) != _shape(root):
            self.revision += 1
            return Change(layout=True)
        changed = [(number, properties(item)) for number, item in self._items.items() if item != before[number]]
        return Change(layout=False, properties=tuple(entry for entry in changed if entry[0] != ROOT))

    def item(self, number: int) -> MenuItem | None:
        """The entry of that number, if the menu has it now."""
        return self._items.get(number)

    def numbers(self) -> list[int]:
        """Every entry's number."""
        return list(self._items)

    def layout(self, parent: int, depth: int, names: Iterable[str]) -> list[Any] | None:
        """The tree from `parent` on (number, properties, children), `depth` levels below it (-1: all); None where there
        is no such entry.
        """
        item = self.item(parent)
        if item is None:
            return None
        wanted = tuple(names)
        below = item.children if depth else ()
        children = [Variant("(ia{sv}av)", self.layout(self._number(child), depth - 1, wanted)) for child in below]
        return [parent, properties(item, wanted), children]

    def _number(self, item: MenuItem) -> int:
        return self._numbers.setdefault(item.id, len(self._numbers) + 1)


def properties(item: MenuItem, names: Iterable[str] = ()) -> Properties:
    """An entry's properties; only those of `names`, if it names any."""
    if item.kind is Kind.SEPARATOR:
        found = {"type": Variant("s", "separator")}
    else:
        found = {
            "label": Variant("s", item.label.replace("_", "__")),  # a single one marks the key that chooses an entry
            "enabled": Variant("b", item.enabled),
        }
    if item.kind is Kind.SUBMENU:
        found["children-display"] = Variant("s", "submenu")
    wanted = set(names)
    return {name: value for name, value in found.items() if not wanted or name in wanted}


def _all(items: tuple[MenuItem, ...]) -> Iterator[MenuItem]:
    for item in items:
        yield item
        yield from _all(item.children)


def _shape(item: MenuItem) -> tuple[Any, ...]:
    return item.id, item.kind, tuple(_shape(child) for child in item.children)
