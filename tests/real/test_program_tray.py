"""Promise: the whole program in a real status tray. Nothing is looked at before the notice is accepted and while nobody
shows the icon; the menu does what it says, and `framekeep status --json` says the same; a second start opens the panel.

The real agent on the bundled recording, Xfce's panel on a screen of its own; the menu is read and clicked over D-Bus.
"""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from agent.consent import NOTICE_VERSION, Acknowledgement, Decision
from agent.keys import FileKeyStore, store_key
from agent.presenter import UNSEEN
from agent.samples import sample_clip
from agent.store import Store
from agent.tray.icon import Icon, colour
from tests.tray_client import TrayClient
from tests.tray_desktop import BAR, TrayDesktop, tray_desktop, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux desktops only")


@dataclass
class Running:
    """The program on its desktop, and the tray's host beside it."""

    desktop: TrayDesktop
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> TrayClient:
        return TrayClient(self.desktop)

    @property
    def environment(self) -> dict[str, str]:
        return {**self.desktop.environment, "FRAMEKEEP_HOME": str(self.home), "BROWSER": f"{self.home}/browser %s"}

    def status(self) -> dict[str, Any]:
        return json.loads(self.framekeep("status", "--json").stdout)

    def framekeep(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agent.cli", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)

    def until(self, condition: Callable[[dict[str, Any]], object], seconds: float = 10.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not condition(status := self.status()):
            assert time.monotonic() < end, status
            time.sleep(0.1)
        return status

    def answer(self, decision: Decision) -> None:
        data = self.home / "data"
        store = Store(data / "store.sqlite", store_key(FileKeyStore(data / "keys.json")))
        store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", decision, int(time.time())))
        store.close()

    def opened(self) -> list[str]:
        """What the browser was sent to so far."""
        file = self.home / "opened"
        return file.read_text().splitlines() if file.exists() else []

    def shows(self, icon: Icon) -> bool:
        """Whether the bar shows that icon: its colour is there, on the screen and in the bar."""
        return any(y < BAR for _, y in self.desktop.picture().like(colour(icon), within=12))

    def eyes(self) -> list[int]:
        """The processes that may hold a camera."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for file in children for pid in file.read_text().split()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("desktop")
    with tray_desktop(folder / "desktop") as desktop:
        home = folder / "home"
        home.mkdir()
        browser = home / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >> {home}/opened\n')
        browser.chmod(0o755)
        command = [sys.executable, "-m", "agent.cli", "run", "--camera", str(sample_clip()), "--every", "1"]
        environment = {**desktop.environment, "FRAMEKEEP_HOME": str(home), "BROWSER": f"{browser} %s"}
        process = desktop.run("framekeep", command, env=environment)
        yield Running(desktop, home, process)


def test_1_the_very_first_start_shows_the_notice_and_looks_at_nothing(running: Running) -> None:
    wait_until(lambda: len(running.opened()) == 1, seconds=15)
    assert running.until(lambda status: status["running"])["state"] == "undecided"
    assert running.eyes() == []


def test_1_where_not_even_a_notification_shows_the_panel_opens_and_says_why_the_camera_stays_off(
    running: Running,
) -> None:
    running.answer(Decision.ACCEPTED)
    wait_until(lambda: len(running.opened()) == 2, seconds=20)
    page = Path(running.opened()[1].removeprefix("file://")).read_text()
    link = re.search(r"http://127\.0\.0\.1:[^\"'<]+", page)
    assert link is not None
    with requests.Session() as visit:
        visit.headers["Accept-Language"] = "en"
        entered = visit.get(html.unescape(link[0]), headers={"Sec-Fetch-Dest": "document"})
        shown = visit.get(urljoin(entered.url, "./")).text
    assert UNSEEN in html.unescape(shown)
    running.desktop.start_notifications()


def test_1_without_a_host_the_camera_waits_and_says_so(running: Running) -> None:
    status = running.until(lambda status: status["state"] == "blocked", 15)
    assert any("icon" in problem and "camera stays off" in problem for problem in status["problems"])
    assert running.eyes() == []


def test_2_with_a_host_the_icon_is_there_and_measuring_begins(running: Running) -> None:
    running.desktop.start_panel()
    running.until(lambda status: status["state"] == "watching", 15)
    assert running.eyes()
    wait_until(lambda: running.host.icon().endswith("measuring") and "not" not in running.host.icon())
    wait_until(lambda: running.shows(Icon.MEASURING))
    wait_until(lambda: running.host.labels()[0].startswith("Measuring since"))  # the icon says so a moment before


def test_3_pausing_in_the_menu_releases_the_camera_at_once_and_shows(running: Running) -> None:
    began = time.monotonic()
    running.host.click("Pause for 15 minutes")
    wait_until(lambda: running.eyes() == [], seconds=3)
    assert time.monotonic() - began < 3, "the click's way over two processes included"
    status = running.until(lambda status: status["state"] == "paused")
    assert status["paused"] and status["paused_until"]
    wait_until(lambda: running.host.labels()[0].startswith("Paused until"))
    wait_until(lambda: running.shows(Icon.PAUSED))
    running.host.click("Resume")
    running.until(lambda status: status["state"] == "watching")


def test_4_declining_shows_and_pausing_is_pointless_then(running: Running) -> None:
    running.answer(Decision.DECLINED)
    running.until(lambda status: status["state"] == "not_participating")
    assert running.eyes() == []
    wait_until(lambda: running.host.labels()[0].startswith("You do not take part"))
    assert not any(label.startswith("Pause") for label in running.host.labels())
    running.answer(Decision.ACCEPTED)
    running.until(lambda status: status["state"] == "watching")


def test_5_a_panel_that_dies_takes_the_camera_with_it_and_gives_it_back(running: Running) -> None:
    running.desktop.kill("panel")
    running.until(lambda status: status["state"] == "blocked", 8)
    assert running.eyes() == []
    running.desktop.start_panel()
    running.until(lambda status: status["state"] == "watching", 15)


def test_6_the_menu_and_a_second_start_open_the_panel_through_a_private_file(running: Running) -> None:
    running.host.click("Open the privacy panel")
    wait_until(lambda: len(running.opened()) == 3)
    second = running.framekeep("run", "--camera", str(sample_clip()))
    assert second.returncode == 0 and "runs already" in second.stdout
    wait_until(lambda: len(running.opened()) == 4)
    for address in running.opened():
        assert address.startswith("file:///") and "code=" not in address


def test_7_quitting_in_the_menu_ends_it_with_everything_committed(running: Running) -> None:
    running.host.click("Quit")
    assert running.process.wait(10) == 0
    assert not running.status()["running"]
    assert running.status()["state"] == "not_running"


def test_8_it_stops_for_a_signal_too(running: Running) -> None:
    running.desktop.run(
        "again",
        [sys.executable, "-m", "agent.cli", "run", "--camera", str(sample_clip()), "--every", "1"],
        env=running.environment,
    )
    running.until(lambda status: status["state"] == "watching", 15)
    process = running.desktop._running["again"]
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 0
