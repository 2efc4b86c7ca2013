"""The menu over D-Bus: com.canonical.dbusmenu, version 3, the interface every StatusNotifier host draws menus from.

Its definition: github.com/AyatanaIndicators/libdbusmenu, libdbusmenu-glib/dbus-menu.xml.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from dbus_fast import ErrorType, PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.tray.menu_tree import ROOT, MenuTree
from agent.tray.view import Action, MenuItem

MENU_PATH = "/StatusNotifierItem/Menu"

Nothing: TypeAlias = Annotated[None, DBusSignature("")]
"""What a method without an answer has; a plain None in the annotation is taken for a mistake by the library."""
Numbers: TypeAlias = Annotated[list[int], DBusSignature("ai")]
Names: TypeAlias = Annotated[list[str], DBusSignature("as")]
Layout: TypeAlias = Annotated[list[Any], DBusSignature("u(ia{sv}av)")]
Group: TypeAlias = Annotated[list[Any], DBusSignature("a(ia{sv})")]
Events: TypeAlias = Annotated[list[Any], DBusSignature("a(isvu)")]
TwoLists: TypeAlias = Annotated[list[Any], DBusSignature("aiai")]
Updated: TypeAlias = Annotated[list[Any], DBusSignature("a(ia{sv})a(ias)")]
NewLayout: TypeAlias = Annotated[list[Any], DBusSignature("ui")]


class DBusMenu(ServiceInterface):
    """Serves a menu and calls `on_action` with what is clicked. In the loop's thread only."""

    def __init__(self, on_action: Callable[[Action], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._tree = MenuTree()
        self._on_action = on_action

    def put(self, items: tuple[MenuItem, ...]) -> None:
        """Serve `items` from now on, and tell the hosts, if there are any."""
        change = self._tree.put(items)
        if change.layout:
            self.layout_updated(self._tree.revision, ROOT)
        elif change.properties:
            self.items_properties_updated([[number, values] for number, values in change.properties])

    @dbus_method(name="GetLayout")
    def get_layout(self, parent: DBusInt32, depth: DBusInt32, names: Names) -> Layout:
        """The revision and the tree."""
        found = self._tree.layout(parent, depth, names)
        if found is None:
            raise DBusError(ErrorType.INVALID_ARGS, "there is no such entry")
        return [self._tree.revision, found]

    @dbus_method(name="GetGroupProperties")
    def get_group_properties(self, numbers: Numbers, names: Names) -> Group:
        """The properties of several entries; of all, if none is named."""
        return [[number, values] for number, values in self._tree.properties_of(numbers, names)]

    @dbus_method(name="GetProperty")
    def get_property(self, number: DBusInt32, name: DBusStr) -> DBusVariant:
        """One property of one entry."""
        for _, values in self._tree.properties_of((number,), (name,)):
            if name in values:
                return values[name]
        raise DBusError(ErrorType.INVALID_ARGS, "there is no such property")

    @dbus_method(name="Event")
    def event(self, number: DBusInt32, what: DBusStr, data: DBusVariant, at: DBusUInt32) -> Nothing:  # noqa: ARG002  given
        """Something happened to an entry. Only a click means anything."""
        self._clicked(number, what)

    @dbus_method(name="EventGroup")
    def event_group(self, events: Events) -> Numbers:
        """Several of them; the answer names the entries that do not exist."""
        for number, what, _, _ in events:
            self._clicked(number, what)
        return [number for number, *_ in events if not self._tree.has(number)]

    @dbus_method(name="AboutToShow")
    def about_to_show(self, number: DBusInt32) -> DBusBool:  # noqa: ARG002  given by the interface
        """Whether the host must fetch the menu again first: never, it is told of every change."""
        return False

    @dbus_method(name="AboutToShowGroup")
    def about_to_show_group(self, numbers: Numbers) -> TwoLists:
        """The same for several entries: those to fetch again, and those that do not exist."""
        return [[], [number for number in numbers if not self._tree.has(number)]]

    @dbus_signal(name="LayoutUpdated")
    def layout_updated(self, revision: int, parent: int) -> NewLayout:
        """The menu has other entries now."""
        return [revision, parent]

    @dbus_signal(name="ItemsPropertiesUpdated")
    def items_properties_updated(self, updated: list[Any]) -> Updated:
        """Entries read differently now."""
        return [updated, []]

    @dbus_property(access=PropertyAccess.READ, name="Version")
    def version(self) -> DBusUInt32:
        """Of the interface."""
        return 3

    @dbus_property(access=PropertyAccess.READ, name="TextDirection")
    def text_direction(self) -> DBusStr:
        """Every language we speak goes from left to right."""
        return "ltr"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Nothing in the menu shouts for attention."""
        return "normal"

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> Names:
        """No entry has an icon."""
        return []

    def _clicked(self, number: int, what: str) -> None:
        item = self._tree.item(number)
        if what == "clicked" and item is not None and item.enabled and item.action is not None:
            self._on_action(item.action)
