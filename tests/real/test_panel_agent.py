"""Promise: in the panel of a real, enrolled agent the employee decides, pauses, reads before it leaves, takes away, shows
the camera their pose, and erases; and each of these is true outside the panel, too.

The real agent on a recording of somebody who holds still, the real service, a real browser; in the order an employee would go.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, Page

from agent.keys import FileKeyStore, store_key
from agent.lifeline import die_with_parent
from agent.store import Store
from agent.wire.summary import Window
from tests.e2e.killing import Service, set_up
from tests.panel_browser import Visitor, open_panel
from tests.real.pictures import scenes_of_the_sample

AT_WORK = 100
"""The second of the bundled clip that is looked at all the time, so that there is one pose to be shown."""


def still_clip(folder: Path) -> str:
    """Five minutes of one frame; the last test is long over by then."""
    picture, clip = scenes_of_the_sample(AT_WORK)[AT_WORK], folder / "still.mp4"
    height, width = picture.shape[:2]
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 1.0, (width, height))
    for _ in range(300):
        writer.write(picture)
    writer.release()
    return str(clip)


@dataclass
class Employee:
    """One laptop, its agent, and somebody at its panel."""

    home: Path
    service: Service
    visitor: Visitor

    def framekeep(self, *words: str) -> str:
        return run(self.home, *words)

    def status(self) -> dict[str, Any]:
        return json.loads(self.framekeep("status", "--json"))

    def press(self, slug: str, button: str) -> Page:
        page = self.visitor.go(slug)
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state()
        return page

    def until(self, condition: Callable[[dict[str, Any]], object], seconds: float = 8.0) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not condition(status := self.status()):
            assert time.monotonic() < end, status
            time.sleep(0.1)
        return status


def run(home: Path, *words: str) -> str:
    environment = {**os.environ, "FRAMEKEEP_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", *words], env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def employee(chromium: Browser) -> Iterator[Employee]:
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own user works below it
        service = Service(folder / "service")
        service.start()
        ((code, _),) = set_up(service.data, service.url, people=1)
        home = folder / "home"
        run(home, "enroll", code, "--server", service.url)
        service.stop()  # until a test wants it: what is sealed meanwhile waits
        agent = subprocess.Popen(
            [sys.executable, "-m", "agent.cli", "run", "--headless", "--camera", still_clip(folder), "--every", "1"],
            env={**os.environ, "FRAMEKEEP_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent(),
        )
        try:
            end = time.monotonic() + 15
            while not json.loads(run(home, "status", "--json"))["running"]:
                assert time.monotonic() < end, "the agent did not start"
                time.sleep(0.1)
            with open_panel(chromium, run(home, "panel", "--url"), accept_downloads=True) as visitor:
                yield Employee(home, service, visitor)
                assert visitor.strangers() == [], "the panel asked somebody else than itself"
                assert visitor.complaints == []
            assert agent.wait(10) == 0, "the last test ends it"
        finally:
            agent.kill()
            if service.process is not None and service.process.poll() is None:
                service.stop()


def store_of(employee: Employee) -> Store:
    data = employee.home / "data"
    return Store(data / "store.sqlite", store_key(FileKeyStore(data / "keys.json")))


def test_1_accepting_is_kept_and_measuring_goes_on(employee: Employee) -> None:
    employee.press("welcome", "Accept and measure")
    status = employee.until(lambda status: status["state"] == "watching" and status["attention"])
    assert status["participation"] == "accepted"
    why = employee.visitor.go("").inner_text("main")
    assert "What is judged now, and why" in why and "A face is found" in why


def test_2_pausing_and_resuming(employee: Employee) -> None:
    page = employee.visitor.go("")
    page.get_by_role("button", name="15 minutes").click()
    status = employee.until(lambda status: status["state"] == "paused")
    assert status["paused"] and status["camera"] is None
    page = employee.visitor.go("")
    assert "Paused until" in page.inner_text("main")
    page.get_by_role("button", name="Resume").first.click()
    employee.until(lambda status: status["state"] == "watching")


def test_3_a_waiting_envelope_is_read_before_it_leaves(employee: Employee) -> None:
    start = int(time.time()) // 300 * 300 - 3600
    store = store_of(employee)
    store.commit([Window(start, at_screen=240, absent=60, frames=30)], b"{}", policy="p-1", models="abcd")
    store.close()
    employee.until(lambda status: status["outbox_depth"] == 1, 20)
    page = employee.visitor.go("sent")
    page.locator("tbody a").first.click()
    page.wait_for_load_state()
    shown = json.loads(page.inner_text("#plain-text"))
    assert [(w["start"], w["at_screen"], w["absent"]) for w in shown["windows"]] == [(start, 240, 60)]
    (listed,) = [json.loads(line) for line in employee.framekeep("outbox", "list", "--json").splitlines()]
    assert json.loads(listed["plaintext"]) == shown, "the panel shows what is sealed, word for word"
    employee.service.start()
    employee.press("sent", "Send what waits now")
    employee.until(lambda status: status["outbox_depth"] == 0 and status["last_delivery"], 20)


def test_4_a_shown_pose_becomes_the_neutral_one(employee: Employee) -> None:
    page = employee.visitor.go("camera")
    page.locator("#live img:not([hidden])").wait_for()
    before = page.inner_text("main strong")
    page.get_by_role("button", name="Show it").click()
    page.wait_for_load_state()
    page.locator(".message").wait_for(timeout=15_000)
    assert page.inner_text(".message") == "Your neutral pose is changed."
    after = employee.visitor.go("camera").inner_text("main strong")
    assert after != before and after.startswith("Chosen by you"), (before, after)


def test_5_everything_here_can_be_taken_away(employee: Employee) -> None:
    page = employee.visitor.go("mydata")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Everything here, as JSON").click()
    kept = json.loads(caught.value.path().read_text())
    assert "240" in json.dumps(kept) and "accepted" in json.dumps(kept)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Measurements here, as CSV").click()
    assert "at_screen" in caught.value.path().read_text().splitlines()[0]
    with page.expect_download() as caught:
        page.get_by_role("button", name="Everything at the service").click()
    assert json.loads(caught.value.path().read_text())["devices"]
    assert "You" in employee.visitor.go("readby").inner_text("main"), "one's own reading is recorded, too"


def test_6_declining_ends_the_looks_and_the_organisation_learns_only_that(employee: Employee) -> None:
    employee.press("welcome", "Decline")
    status = employee.until(lambda status: status["state"] == "not_participating")
    assert (status["participation"], status["camera"]) == ("declined", None)
    assert "You declined" in employee.visitor.go("welcome").inner_text("main")
    end = time.monotonic() + 15
    while not (told := _devices(employee))[0].get("not_participating_since"):
        assert time.monotonic() < end, told
        time.sleep(0.3)


def test_7_erasing_leaves_nothing_measured(employee: Employee) -> None:
    page = employee.visitor.go("mydata")
    page.get_by_label("Yes, erase everything").check()
    page.get_by_role("button", name="Erase here").click()
    page.wait_for_load_state()
    assert "erased" in page.inner_text(".message")
    store = store_of(employee)
    try:
        assert store.windows(0, 2**40) == [] and store.envelopes.recent() == []
        assert [answer.decision.value for answer in store.acknowledgements()] == ["accepted", "declined"]
    finally:
        store.close()
    assert employee.status()["running"], "the agent went on, on an empty store"


def test_8_ending_the_program_says_so_and_does_it(employee: Employee) -> None:
    page = employee.press("settings", "Quit Framekeep")
    assert "Framekeep has ended" in page.inner_text("h1")
    employee.until(lambda status: not status["running"])


def _devices(employee: Employee) -> list[dict[str, Any]]:
    """What an administrator is told of the laptops."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sync_service.cli",
            "admin",
            "device",
            "list",
            "--data",
            employee.service.data,
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["devices"]
    return found
