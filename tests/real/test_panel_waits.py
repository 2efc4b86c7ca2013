"""Promise: whoever waits for the service keeps nobody else waiting. While it hangs, pausing and every page that asks it
nothing answer at once, tabs that were closed hold nothing, and an error says whose fault it is.

Over real sockets: the panel's own server, and a service that takes requests and says nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from agent.control import read_pause
from agent.panel.pages import readby
from tests.loopback import answer
from tests.panel_scenes import Scene, scene

AT_ONCE = 1.0
"""Seconds; what waits for the service takes five and more."""


class Employee:
    """Somebody with the panel open, who can also walk away from a page."""

    def __init__(self, made: Scene) -> None:
        self.session = requests.Session()
        link = made.host.link()
        self.session.get(link, headers={"Sec-Fetch-Dest": "document"})
        parts = urlsplit(link)
        self.base = f"http://{parts.netloc}/{parts.path.split('/')[1]}/"
        self.port = parts.port or 0
        self.csrf = self.session.get(self.base + "settings").text.split('name="csrf" value="')[1].split('"')[0]
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.session.cookies)
        self._head = f"Host: 127.0.0.1:{self.port}\r\nCookie: {cookies}\r\n"

    def get(self, slug: str) -> requests.Response:
        return self.session.get(self.base + slug, timeout=20)

    def post(self, slug: str, **form: str) -> requests.Response:
        form = {"csrf": self.csrf, **form}
        return self.session.post(self.base + slug, data=form, allow_redirects=False, timeout=20)

    def begin(self, slug: str, **form: str) -> socket.socket:
        """Ask without waiting for the answer: a tab that loads."""
        path, body = urlsplit(self.base).path + slug, urlencode({"csrf": self.csrf, **form}) if form else ""
        kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if form else ""
        tab = socket.create_connection(("127.0.0.1", self.port))
        tab.sendall(f"{'POST' if form else 'GET'} {path} HTTP/1.1\r\n{self._head}{kind}\r\n{body}".encode())
        return tab


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, Employee]]:
    with scene("day", tmp_path_factory.mktemp("day")) as made:
        yield made, Employee(made)


@contextmanager
def hanging(made: Scene, paths: str = "/v1/me/") -> Iterator[None]:
    """The service takes requests to `paths` and says nothing, until the end."""
    usual = made.service.trouble
    made.service.trouble = lambda method, path: "hang" if path.startswith(paths) else usual(method, path)
    try:
        yield
    finally:
        made.service.trouble = usual
        made.service.release.set()
        made.service.release.clear()


def seconds_of(ask: requests.Response) -> float:
    assert ask.status_code in (200, 303), ask.text
    return ask.elapsed.total_seconds()


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_service_that_hangs_keeps_no_pause_and_no_other_page_waiting(day: tuple[Scene, Employee]) -> None:
    made, employee = day
    with hanging(made), ExitStack() as tabs:
        before = len(made.service.requests)
        for _ in range(5):
            for slug in ("readby", "mydata"):
                tabs.enter_context(employee.begin(slug))
        for form in ({"action": "export"}, {"action": "ask"}) * 3:
            tabs.enter_context(employee.begin("mydata", **form))
        wait_for(lambda: len(made.service.requests) >= before + 6)
        assert seconds_of(employee.post("", action="pause:900")) < AT_ONCE
        assert read_pause(made.paths.store).paused
        assert seconds_of(employee.post("", action="resume")) < AT_ONCE
        assert seconds_of(employee.post("settings", action="save")) < AT_ONCE
        assert seconds_of(employee.post("mydata", action="erase")) < AT_ONCE, "the box was not ticked"
        for slug in ("", "now/state", "sent", "camera", "settings", "mydata?file=json", "static/panel.js"):
            assert seconds_of(employee.get(slug)) < AT_ONCE, slug


def test_closed_tabs_hold_nothing(day: tuple[Scene, Employee], monkeypatch: pytest.MonkeyPatch) -> None:
    made, employee = day
    monkeypatch.setattr(readby, "PATIENCE_SECONDS", 1.0)  # as it does, but sooner
    with hanging(made):
        tabs = [employee.begin("readby") for _ in range(30)]
        time.sleep(0.5)
        for tab in tabs:
            tab.close()
        asked = employee.get("readby")
        assert "has not answered yet" in asked.text
        assert seconds_of(asked) < 3, "as long as one page waits, not as thirty do"


def test_what_was_asked_for_is_done_though_nobody_waits_for_the_answer(day: tuple[Scene, Employee]) -> None:
    made, employee = day
    before = len(made.service.requests)
    correction = {"action": "correct", "day": "2025-11-27", "from": "10:00", "to": "11:00", "as": "absent"}

    def told(path: str) -> int:
        return sum(each[1] == path for each in made.service.requests[before:])

    with hanging(made, "/v1/me/export"):
        tabs = [employee.begin("mydata", action="export") for _ in range(4)]
        wait_for(lambda: told("/v1/me/export") == 4)
        waiting = employee.begin("mydata", **correction)
        time.sleep(0.5)
        for tab in (*tabs, waiting):
            tab.close()
        assert told("/v1/me/corrections") == 0, "its turn has not come"
    wait_for(lambda: told("/v1/me/corrections") == 1)


def test_an_error_says_whose_fault_it_is(day: tuple[Scene, Employee]) -> None:
    made, employee = day
    usual = made.service.trouble
    for trouble, status in (
        ("drop", 503),
        (answer(503, {"error": "unavailable"}), 503),
        (answer(500, {"error": "internal_error"}), 502),
        ((200, {}, b"<html>log in</html>"), 503),
    ):
        made.service.trouble = lambda method, path, said=trouble: said
        for action in ("export", "ask"):
            assert employee.post("mydata", action=action).status_code == status, (trouble, action)
    made.service.trouble = usual


@pytest.mark.parametrize(
    ("slug", "form"),
    [
        ("", {"action": "pause:soon"}),
        ("", {"action": "pause:0"}),
        ("", {"action": "pause:999999"}),
        ("", {"action": "resume", "back": "//elsewhere"}),
        ("settings", {"action": "save", "has-language": "1", "language": "xx"}),
        ("settings", {"action": "save", "has-camera": "1", "camera": "/etc/passwd"}),
        ("settings", {"action": "save", "has-sensitivity": "1", "sensitivity": "lax"}),
        ("settings", {"action": "save", "has-rest_on_battery": "1", "rest_on_battery": "perhaps"}),
        ("settings", {"action": "save", "has-hours": "1", "hours": "whenever"}),
        ("settings", {"action": "save", "has-language": "1", "language": "de", "back": "elsewhere"}),
        ("mydata", {"action": "correct", "day": "2025-11-27", "from": "10:00", "to": "11:00", "as": "unknown"}),
        ("mydata", {"action": "correct", "day": "2025-11-27", "from": "10:07", "to": "11:00", "as": "absent"}),
        ("mydata", {"action": "correct", "day": "2025-11-27", "from": "10:00", "to": "25:00", "as": "absent"}),
        ("mydata", {"action": "correct", "day": "yesterday", "from": "10:00", "to": "11:00", "as": "absent"}),
        ("mydata", {"action": "burn"}),
        ("readby", {"action": "burn"}),
        ("welcome", {"action": "perhaps"}),
        ("camera", {"action": "smile"}),
        ("sent", {"action": "burn"}),
    ],
)
def test_what_no_form_offers_is_refused_and_nothing_is_done(
    day: tuple[Scene, Employee], slug: str, form: dict[str, str]
) -> None:
    made, employee = day
    asked = len(made.service.requests)
    answers = len(made.store.acknowledgements())
    assert employee.post(slug, **form).status_code == 400
    assert not made.paths.config_file.exists() and not read_pause(made.paths.store).paused
    assert len(made.store.acknowledgements()) == answers
    assert [each for each in made.service.requests[asked:] if each[0] != "GET"] == [], "the service was told nothing"
