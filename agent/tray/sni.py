"""The icon over D-Bus: org.kde.StatusNotifierItem, as KDE, Xfce, GNOME's AppIndicator extension and others show it.

Its definition: specifications.freedesktop.org/status-notifier-item-spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias
from xml.sax.saxutils import escape

from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.tray.dbusmenu import MENU_PATH, Nothing
from agent.tray.drawing import argb
from agent.tray.icon import Icon
from agent.tray.make_icons import FOLDER
from agent.tray.view import STARTING, Action, TrayView

ITEM_PATH = "/StatusNotifierItem"
PIXMAP_SIZES = (16, 22, 24, 32, 48)
"""What bars use, for hosts that load no SVG files."""

Pixmaps: TypeAlias = Annotated[list[Any], DBusSignature("a(iiay)")]
ToolTip: TypeAlias = Annotated[list[Any], DBusSignature("(sa(iiay)ss)")]


class StatusNotifierItem(ServiceInterface):
    """Serves the icon and its tooltip. A click opens the panel, one with the middle button pauses at once."""

    def __init__(self, on_action: Callable[[Action], None]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._view = STARTING
        self._on_action = on_action

    def put(self, view: TrayView) -> None:
        """Show `view` from now on, and tell the hosts, if there are any."""
        before, self._view = self._view, view
        if before.icon is not view.icon:
            self.new_icon()
            self.new_attention_icon()
            self.new_status()
        if before.title != view.title:
            self.new_title()
        if (before.title, before.tooltip) != (view.title, view.tooltip):
            self.new_tool_tip()

    @dbus_method(name="Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> Nothing:  # noqa: ARG002  given by the interface
        """Clicked."""
        self._on_action(Action.OPEN_PANEL)

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> Nothing:  # noqa: ARG002  given by the interface
        """Clicked with the middle button."""
        self._on_action(Action.PAUSE)

    @dbus_method(name="ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> Nothing:
        """The host is to draw the menu itself, from `Menu`."""

    @dbus_method(name="Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> Nothing:
        """Nothing to scroll."""

    @dbus_signal(name="NewTitle")
    def new_title(self) -> Nothing:
        """Told to hosts."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> Nothing:
        """Told to hosts."""

    @dbus_signal(name="NewAttentionIcon")
    def new_attention_icon(self) -> Nothing:
        """Told to hosts."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> Nothing:
        """Told to hosts."""

    @dbus_signal(name="NewStatus")
    def new_status(self) -> DBusStr:
        """Told to hosts, with the status."""
        return self._status()

    @dbus_property(access=PropertyAccess.READ, name="Category")
    def category(self) -> DBusStr:
        """Of the interface's list."""
        return "ApplicationStatus"

    @dbus_property(access=PropertyAccess.READ, name="Id")
    def id(self) -> DBusStr:
        """By which hosts know us again."""
        return "framekeep"

    @dbus_property(access=PropertyAccess.READ, name="Title")
    def title(self) -> DBusStr:
        """What a screen reader says."""
        return self._view.title

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Never Passive, which hosts hide."""
        return self._status()

    @dbus_property(access=PropertyAccess.READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        """We have no window."""
        return 0

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        """Where our icons are."""
        return str(FOLDER)

    @dbus_property(access=PropertyAccess.READ, name="IconName")
    def icon_name(self) -> DBusStr:
        """The icon's file there."""
        return self._view.icon.file

    @dbus_property(access=PropertyAccess.READ, name="IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        """The same as pixels."""
        return [[size, size, argb(self._view.icon, size)] for size in PIXMAP_SIZES]

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        """The same icon: it already says that it wants attention."""
        return self._view.icon.file

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        """The same as pixels."""
        return [[size, size, argb(self._view.icon, size)] for size in PIXMAP_SIZES]

    @dbus_property(access=PropertyAccess.READ, name="AttentionMovieName")
    def attention_movie_name(self) -> DBusStr:
        """Nothing moves."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        """Nothing lies over it."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="OverlayIconPixmap")
    def overlay_icon_pixmap(self) -> Pixmaps:
        """Nothing lies over it."""
        return []

    @dbus_property(access=PropertyAccess.READ, name="ToolTip")
    def tool_tip(self) -> ToolTip:
        """The words. Hosts may read the second part as markup."""
        return ["", [], self._view.title, escape(self._view.tooltip)]

    @dbus_property(access=PropertyAccess.READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """A plain click does something of its own."""
        return False

    @dbus_property(access=PropertyAccess.READ, name="Menu")
    def menu(self) -> DBusObjectPath:
        """Where the menu is served."""
        return MENU_PATH

    def _status(self) -> str:
        return "NeedsAttention" if self._view.icon is Icon.ATTENTION else "Active"
