"""Holds what the tray asks of pystray on Windows and macOS. The module is recorded: it takes what pystray 0.19.5 takes, with
its rules (a setup thread of its own, at most 128 characters of tooltip), and remembers it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from agent.tray.base import Notice
from agent.tray.icon import Icon
from agent.tray.other import PystrayTray
from agent.tray.view import Action, TrayView, tray_view
from agent.tray.words import PlainEnglish
from tests.tray_status import NOW, a_status


def view(**fields: Any) -> TrayView:
    return tray_view(a_status(**fields), now=NOW, zone=UTC, words=PlainEnglish(UTC))


class RecordedIcon:
    HAS_NOTIFICATION = True

    def __init__(self, name: str, icon: Any, title: str, menu: Any) -> None:
        self.menu, self.drawn, self.updates, self.told = menu, [icon], 0, list[tuple[str, str]]()
        self.visible = False
        self.taskbar = True
        self.titles: list[str] = [title]
        self.stopped = threading.Event()

    def _set(self, kept: list[Any], value: Any) -> None:
        if not self.taskbar:
            raise OSError("Shell_NotifyIcon")
        kept.append(value)

    icon = property(lambda self: self.drawn[-1], lambda self, value: self._set(self.drawn, value))
    title = property(lambda self: self.titles[-1], lambda self, value: self._set(self.titles, value))

    def run(self, setup: Callable[[Any], None]) -> None:
        thread = threading.Thread(target=setup, args=(self,))
        thread.start()
        assert self.stopped.wait(5)
        thread.join(5)

    def stop(self) -> None:
        self.stopped.set()

    def update_menu(self) -> None:
        self.updates += 1

    def notify(self, message: str, title: str) -> None:
        assert len(message) < 256 and len(title) < 64
        self._set(self.told, (message, title))

    def remove_notification(self) -> None:
        self.told.pop()

    def entries(self) -> list[Any]:
        return list(self.menu.make())

    def choose(self, beginning: str) -> None:
        (entry,) = (entry for entry in self.entries() if entry != "---" and entry.text.startswith(beginning))
        entry.action(self, entry)


class RecordedMenu:
    SEPARATOR = "---"

    def __init__(self, *items: Any) -> None:
        self.make = items[0] if len(items) == 1 and callable(items[0]) else lambda: items


class Run:
    """A tray that runs in a thread, as its main thread does elsewhere."""

    def __init__(self) -> None:
        self.shown: list[bool] = []
        self.fails = False
        self.tray = PystrayTray(on_visible=self.shown.append)
        self.icon: RecordedIcon = self.tray._icon
        self.stop, self.done, self.actions = threading.Event(), threading.Event(), list[Action]()
        self.thread = threading.Thread(target=self.tray.run, args=(self.stop, self._act))
        self.thread.start()
        while not self.tray.visible():
            assert self.thread.is_alive()
            self.done.wait(0.01)
        self.tray.show(view())

    def _act(self, action: Action) -> None:
        if self.fails:
            self.fails = False
            raise OSError("a disk that is gone")
        self.actions.append(action)
        self.done.set()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("pystray")
    item = lambda text, action, **rest: SimpleNamespace(text=text, action=action, **rest)  # noqa: E731  records
    vars(module).update(Icon=RecordedIcon, Menu=RecordedMenu, MenuItem=item)
    monkeypatch.setitem(sys.modules, "pystray", module)
    started = Run()
    yield started
    started.end()


def test_a_choice_that_fails_does_not_take_the_next_ones_with_it(run: Run) -> None:
    run.fails = True
    run.icon.choose("Pause for 30")
    run.icon.choose("Pause for 15")
    assert run.done.wait(5)
    assert run.actions == [Action.PAUSE_15]


def test_it_is_visible_from_run_to_its_end(run: Run) -> None:
    assert run.icon.visible and run.shown == [True]
    run.end()
    assert not run.tray.visible() and run.shown == [True, False]
    run.tray.close()


def test_a_new_view_reaches_icon_tooltip_and_menu_and_the_same_one_costs_nothing(run: Run) -> None:
    before, updates = len(run.icon.drawn), run.icon.updates
    run.tray.show(view())
    assert (len(run.icon.drawn), run.icon.updates) == (before, updates)
    run.tray.show(view(paused=True))
    assert run.icon.drawn[-1].getpixel((6, 32))[:3] == (47, 125, 225), "the blue of paused"
    assert "Paused until you resume" in run.icon.title
    assert run.icon.updates == updates + 1
    assert "Resume" in [entry.text for entry in run.icon.entries() if entry != "---"]


def test_the_tooltip_fits_windows(run: Run) -> None:
    run.tray.show(view(problems=("What is wrong, at length. " * 20,)))
    assert len(run.icon.title) <= 127


def test_a_chosen_entry_arrives_and_a_text_does_nothing(run: Run) -> None:
    run.icon.choose("Measuring since")
    run.icon.choose("Pause for 30")
    assert run.done.wait(5) and run.actions == [Action.PAUSE_30]
    (default,) = (entry for entry in run.icon.entries() if entry != "---" and entry.default)
    assert default.text == "Open the privacy panel", "what a click on the icon does"


def test_a_taskbar_that_died_makes_it_invisible_until_it_takes_the_icon_again(run: Run) -> None:
    run.icon.taskbar = False
    run.tray.show(view(paused=True))
    assert not run.tray.visible()
    assert not run.tray.notify(Notice("a", "title", "text"))
    run.icon.taskbar = True
    run.tray.show(view())
    assert run.tray.visible() and run.shown == [True, False, True]


def test_notices_are_shown_and_taken_back(run: Run) -> None:
    assert run.tray.notify(Notice("a", "Title " * 20, "Text " * 99))
    assert len(run.icon.told) == 1
    run.tray.withdraw("a")
    assert run.icon.told == []


def test_on_macos_only_the_main_thread_touches_the_icon(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[Callable[[], object]] = []
    helper = ModuleType("PyObjCTools.AppHelper")
    vars(helper)["callAfter"] = later.append
    monkeypatch.setitem(sys.modules, "PyObjCTools.AppHelper", helper)
    monkeypatch.setattr(sys, "platform", "darwin")
    drawn = len(run.icon.drawn)
    run.tray.show(view(paused=True))
    assert len(run.icon.drawn) == drawn and len(later) == 1
    later[0]()
    assert len(run.icon.drawn) == drawn + 1
    monkeypatch.undo()


def test_every_icon_can_be_drawn_for_them(run: Run) -> None:
    from agent.tray.other import _picture

    for icon in Icon:
        assert _picture(icon).size == (64, 64)
