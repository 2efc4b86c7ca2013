"""The tray on a real desktop: Xfce's panel on a screen and a bus of its own. Holds the promise that the icon is seen
wherever a host takes it, that the menu's clicks arrive, and that it is known at once when nobody shows it any more.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.tray.drawing import rgba
from agent.tray.icon import Icon, colour
from tests.tray_client import TrayClient
from tests.tray_desktop import BAR, ICON, Picture, TrayDesktop, tray_desktop, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux desktops only")


@dataclass
class TrayProcess:
    """A tray in a process of its own (tests/tray_process.py) and what it said so far."""

    process: subprocess.Popen[bytes]
    said: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: {"ready": True} in self.said)

    def tell(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def wait_visible(self, visible: bool, *, seconds: float) -> float:
        return wait_until(lambda: self.visible is visible, seconds=seconds)

    @property
    def visible(self) -> bool:
        return next((each["visible"] for each in reversed(self.said) if "visible" in each), False)

    @property
    def actions(self) -> list[str]:
        return [each["action"] for each in self.said if "action" in each]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrayDesktop]:
    with tray_desktop(tmp_path_factory.mktemp("desktop")) as started:
        started.start_panel()
        yield started


@pytest.fixture
def tray(desktop: TrayDesktop) -> Iterator[TrayProcess]:
    command = [sys.executable, "-m", "tests.tray_process"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": REPOSITORY}
    started = TrayProcess(desktop.run("tray", command, **pipes))
    yield started
    desktop.kill("tray")
    assert "Traceback" not in (desktop.folder / "tray.log").read_text()


@pytest.fixture
def client(desktop: TrayDesktop) -> TrayClient:
    return TrayClient(desktop)


def place(picture: Picture, icon: Icon) -> tuple[int, int, int, int]:
    """Left, top, width and height of what has the icon's colour; 0, 0, 0, 0 for nothing."""
    found = picture.like(colour(icon))
    if not found:
        return 0, 0, 0, 0
    columns, rows = zip(*found, strict=True)
    return min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1


def test_each_icon_is_on_the_screen_as_it_is_drawn(desktop: TrayDesktop, tray: TrayProcess) -> None:
    shown: dict[Icon, dict[str, Any]] = {
        Icon.MEASURING: {},
        Icon.PAUSED: {"paused": True},
        Icon.NOT_MEASURING: {"state": "resting"},
        Icon.CAMERA_ELSEWHERE: {"state": "resting", "reason": "in_call"},
        Icon.ATTENTION: {"state": "blind"},
    }
    before: Icon | None = None
    for icon, fields in shown.items():
        tray.tell(show=fields)
        wait_until(lambda icon=icon: place(desktop.picture(), icon)[2] > ICON / 2)  # type: ignore[misc]  bound at once
        picture = desktop.picture()
        _, top, width, height = place(picture, icon)
        assert top + height <= BAR and width <= ICON and height <= ICON, "it is in the bar, as large as an icon"
        assert before is None or not picture.like(colour(before)), "the one before is gone"
        assert likeness(picture, icon) < 12, "it has the drawing's shape"
        others = [other for other in Icon if other is not icon]
        assert likeness(picture, icon) < min(likeness(picture, other) for other in others) / 3
        before = icon


def likeness(picture: Picture, icon: Icon) -> float:
    """How far the bar's best-fitting place is from the drawing: mean of the parts' differences, 0 to 255."""
    bar, drawn = picture.rows[:BAR], rgba(icon, ICON)
    back = bar[2][-2]

    def difference(left: int, top: int) -> float:
        total = 0.0
        for y in range(ICON):
            for x in range(ICON):
                *parts, alpha = drawn[4 * (ICON * y + x) :][:4]
                seen = bar[top + y][left + x]
                total += sum(
                    abs(part * alpha / 255 + ground * (1 - alpha / 255) - value)
                    for part, ground, value in zip(parts, back, seen, strict=True)
                )
        return total / (3 * ICON * ICON)

    return min(difference(left, top) for left in range(4) for top in range(2, BAR - ICON - 2))


def test_the_menu_is_read_and_clicked_from_another_process(tray: TrayProcess, client: TrayClient) -> None:
    tray.tell(show={})
    tray.wait_visible(True, seconds=5)
    wait_until(lambda: client.icon() == "framekeep-measuring")
    assert client.labels() == [
        "Measuring since 09:00.",
        "Camera: camera 0",
        "Pause until I resume",
        "Pause for 15 minutes (until 10:45)",
        "Pause for 30 minutes (until 11:00)",
        "Pause for 60 minutes (until 11:30)",
        "Pause until tomorrow, 06:00",
        "Open the privacy panel",
        "Nothing has been sent yet",
        "Quit Framekeep",
    ]
    assert client.property("Title", "s") == "Framekeep: measuring"
    assert "Measuring since 09:00." in client.property("ToolTip", "(sa(iiay)ss)")[3]
    assert [size for size, _, _ in client.property("IconPixmap", "a(iiay)")] == [16, 22, 24, 32, 48]
    client.click("Pause for 15")
    client.click("Measuring since")  # only to be read
    client.press("SecondaryActivate")
    client.press("Activate")
    wait_until(lambda: len(tray.actions) >= 3)
    assert tray.actions == ["pause_15", "pause", "open_panel"]
    late = next(entry.number for entry in client.menu() if entry.label == "Pause until I resume")
    tray.tell(show={"paused": True})
    wait_until(lambda: "Resume" in client.labels())
    client.event(late, "clicked")
    client.click("Resume")
    wait_until(lambda: len(tray.actions) >= 4)
    assert tray.actions[3:] == ["resume"], "an entry that went does nothing"


def test_a_panel_that_dies_is_noticed_at_once_and_one_that_comes_back_shows_the_icon(
    desktop: TrayDesktop, tray: TrayProcess, client: TrayClient
) -> None:
    tray.tell(show={})
    tray.wait_visible(True, seconds=5)
    desktop.kill("panel")
    assert tray.wait_visible(False, seconds=2) < 2
    tray.tell(show={"paused": True})
    time.sleep(0.2)
    assert not tray.visible
    desktop.start_panel()
    tray.wait_visible(True, seconds=10)
    assert len(client.items()) == 1
    wait_until(lambda: place(desktop.picture(), Icon.PAUSED)[2] > ICON / 2)


def test_a_panel_that_hangs_counts_as_none(desktop: TrayDesktop, tray: TrayProcess) -> None:
    tray.tell(show={})
    tray.wait_visible(True, seconds=5)
    desktop.signal("panel", signal.SIGSTOP)
    try:
        tray.wait_visible(False, seconds=10)
    finally:
        desktop.signal("panel", signal.SIGCONT)
    tray.wait_visible(True, seconds=10)


def test_notifications_are_told_from_nobody_listening_and_their_buttons_arrive(
    desktop: TrayDesktop, tray: TrayProcess
) -> None:
    notice = {"key": "a", "title": "Nobody shows the icon", "text": "A & <b>", "urgent": True}
    tray.tell(notify=notice)
    wait_until(lambda: {"notified": False} in tray.said)
    desktop.start_notifications()
    try:
        tray.tell(notify={**notice, "actions": [["open_panel", "Open the panel"]]})
        tray.tell(notify={**notice, "actions": [["open_sent", "See what waits"]]})
        wait_until(lambda: tray.said.count({"notified": True}) == 2)
        assert displayed(desktop) == 1, "the same notice again takes the first one's place"
        control(desktop, "action", "0")
        wait_until(lambda: tray.actions)
        assert tray.actions == ["open_sent"]
        tray.tell(notify=notice)
        wait_until(lambda: displayed(desktop) == 1)
        tray.tell(withdraw="a")
        wait_until(lambda: displayed(desktop) == 0)
    finally:
        desktop.kill("notifications")


def displayed(desktop: TrayDesktop) -> int:
    return int(control(desktop, "count", "displayed"))


def control(desktop: TrayDesktop, *arguments: str) -> str:
    done = subprocess.run(
        ["dunstctl", *arguments], env=desktop.environment, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def test_a_bus_that_dies_ends_nothing_and_is_found_again(desktop: TrayDesktop, tray: TrayProcess) -> None:
    tray.tell(show={})
    tray.wait_visible(True, seconds=5)
    desktop.kill("bus")
    for number in range(20):  # the icon changes while the connection breaks
        tray.tell(show={"paused": number % 2 == 0})
    assert tray.wait_visible(False, seconds=2) < 2
    tray.tell(notify={"key": "a", "title": "t", "text": "t"})
    wait_until(lambda: {"notified": False} in tray.said)
    desktop.kill("panel")
    desktop.start_bus()
    desktop.start_panel()
    tray.wait_visible(True, seconds=20)
    tray.tell(end=True)
    wait_until(lambda: {"ended": True} in tray.said)
    assert tray.process.wait(5) == 0


def test_the_icon_goes_when_the_tray_is_closed(tray: TrayProcess, client: TrayClient) -> None:
    tray.tell(show={})
    wait_until(lambda: len(client.items()) == 1)
    tray.tell(end=True)
    wait_until(lambda: client.items() == [])
