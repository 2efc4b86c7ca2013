"""What every tray can do, whatever the desktop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.tray.view import Action, TrayView


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification. A later one with the same `key` takes its place; an `urgent` one stays until it was seen to;
    `actions` are what may be done about it, each with its label, the first by a click on the notification itself.
    """

    key: str
    title: str
    text: str
    urgent: bool = False
    actions: tuple[tuple[Action, str], ...] = ()


class Tray(Protocol):
    """The icon, its menu and notifications. Every method but `run` may be called from any thread; none raises because of
    a desktop that is slow, wrong or gone.
    """

    def show(self, view: TrayView) -> None:
        """Show this from now on. Costs next to nothing where nothing changed."""
        ...

    def visible(self) -> bool:
        """Whether the desktop shows the icon now, as far as it tells."""
        ...

    def notify(self, notice: Notice) -> bool:
        """Show a notification; whether the desktop took it. May take two seconds."""
        ...

    def withdraw(self, key: str) -> None:
        """Take a notification back, if it still stands."""
        ...

    def run(self, stop: threading.Event, on_action: Callable[[Action], None]) -> None:
        """Show the tray until `stop` is set. In the main thread. `on_action` is called in one thread, one at a time, and
        should be quick: the next one, perhaps a pause, waits for it.
        """
        ...

    def close(self) -> None:
        """Remove the icon. Safe to call twice."""
        ...
