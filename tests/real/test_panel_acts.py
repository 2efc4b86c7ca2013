"""Promise: what the employee does in the panel does not hang on what it can do without: a refusal ends the looks on a full
disk, erasing here asks nobody, and whoever asks why there is no picture does not wake the camera.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from html import unescape
from pathlib import Path

import pytest

from agent.attention.judge import JudgeState
from agent.attention.rules import Rules
from agent.check import LATE, SENTENCES, CameraCheck
from agent.consent import NOTICE_VERSION, Acknowledgement, Decision, Participation
from agent.control import Pause, pause, read_pause
from agent.errors import StoreError
from agent.identity import Identity
from agent.own_data import OwnData
from agent.panel.language import Speech
from agent.panel.page import Answer, Html, Json, Redirect, Visit
from agent.panel.pages import about, camera, mydata, now, settings, welcome
from agent.panel.parts import Panel
from agent.panel.render import headline_of, render, standing_of
from agent.panel.views.notice import notice
from agent.status import AgentState, Report, Status, compose
from agent.store.rows import OutboxSummary
from tests.builders import NOW, ManualClock, Organisation, windows
from tests.panel_scenes import LOOK
from tests.panel_site import make_panel


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    made, store = make_panel(tmp_path, ManualClock(NOW))
    yield replace(made, pause=lambda seconds: _pause(made.paths.store, seconds))
    store.close()


def _pause(store: Path, seconds: float | None) -> None:
    pause(store, now=NOW, seconds=seconds)


def visit(panel: Panel, **form: str) -> Visit:
    return Visit(panel, "en", "/path/", "", {}, form, NOW, UTC)


def fill_up(panel: Panel) -> None:
    """From here on the store takes no more, as on a full disk."""
    store = panel.store
    with store._db.read() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match="disk is full"):
        for number in range(10_000):
            store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", Decision.ACCEPTED, NOW + number))


def test_a_refusal_that_cannot_be_kept_pauses(panel: Panel) -> None:
    fill_up(panel)
    with pytest.raises(StoreError, match="paused instead: free some space"):
        welcome.act(visit(panel, action="declined"))
    assert standing_of(panel) is Participation.ACCEPTED, "it could not be kept"
    held = read_pause(panel.paths.store)
    assert held.paused and held.until is None, "and nothing is looked at all the same"


def test_an_acceptance_that_cannot_be_kept_changes_nothing(panel: Panel) -> None:
    fill_up(panel)
    with pytest.raises(StoreError, match="disk is full"):
        welcome.act(visit(panel, action="accepted"))
    assert not read_pause(panel.paths.store).paused


def test_asking_why_there_is_no_picture_does_not_wake_the_camera(panel: Panel) -> None:
    check, woken = CameraCheck(ManualClock(NOW)), threading.Event()
    check.bind(woken.set)
    asked = visit(replace(panel, check=check))
    for state, sentence in (
        (AgentState.NOT_RUNNING, SENTENCES["not_running"]),
        (AgentState.PAUSED, SENTENCES["paused"]),
        (AgentState.WATCHING, SENTENCES[LATE]),
    ):
        check.stand(state)
        assert camera.state(asked) == Json({"sentence": sentence})
        assert not woken.is_set() and check.delay() is None and check.lease() is None


def test_a_pose_that_cannot_be_read_is_refused_and_said(panel: Panel) -> None:
    check, stop = CameraCheck(), threading.Event()
    check.stand(AgentState.WATCHING)

    def look() -> None:
        """As the pipeline, at an empty room."""
        while not stop.wait(0.02):
            if check.delay() == 0:
                check.serve(replace(LOOK, faces=(), persons=()), b"", JudgeState(), Rules(), wall=NOW)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        here = replace(panel, check=check)
        before = check.neutral
        answer = camera.act(visit(here, action="calibrate"))
    finally:
        stop.set()
        looking.join()
    assert answer == Redirect("camera?obstacle=no_face#neutral") and check.neutral == before
    shown = camera.show(replace(visit(here), query={"obstacle": "no_face"}))
    assert isinstance(shown, Html) and "No face was found" in str(shown.context["obstacle"])
    check.stand(AgentState.PAUSED)
    answer = camera.act(visit(here, action="calibrate"))
    assert isinstance(answer, Html) and answer.status == 409
    assert answer.context["sentence"] == SENTENCES["paused"]


def _locked() -> OwnData:
    raise StoreError("The key store is locked: unlock it and try again.")


def _silent() -> None:
    threading.Event().wait(30)


@pytest.mark.parametrize(
    ("service", "trouble"),
    [(_locked, "The key store is locked"), (_silent, "has not answered yet")],
    ids=["key store locked", "service silent"],
)
def test_what_is_here_is_shown_and_erased_without_the_service(
    panel: Panel, service: Callable[[], OwnData | None], trouble: str
) -> None:
    panel.store.put_identity(Identity("0" * 32, "1" * 32, "", "https://example.invalid", NOW).to_bytes())
    panel.store.commit(windows(NOW, 3), b"{}", policy="p-1")
    erased = threading.Event()
    asked = visit(replace(panel, service=service, erase=erased.set), action="erase", sure="yes")
    began = time.monotonic()
    shown = mydata.show(asked)
    assert isinstance(shown, Html) and time.monotonic() - began < mydata.PATIENCE_SECONDS + 1
    assert shown.context["enrolled"] and shown.context["count"] == 3
    assert trouble in str(shown.context["trouble"]), "and what is not known is said"
    began = time.monotonic()
    assert mydata.act(asked) == Redirect("mydata?done=erased")
    assert erased.is_set() and time.monotonic() - began < 1


def seen(panel: Panel, answer: Answer, **query: str) -> str:
    """The page's HTML, as the browser gets it."""
    assert isinstance(answer, Html)
    return render(replace(visit(panel), query=query), answer.template, answer.context)


def running(state: AgentState, held: Pause | None = None) -> Status:
    """What an agent that runs says of itself."""
    return compose(Report(state, NOW, NOW), running=True, pause=held or Pause(), outbox=OutboxSummary(), now=NOW)


def test_a_recording_measured_before_the_decision_is_said_to_be_one(panel: Panel) -> None:
    measured = replace(panel, status=lambda: running(AgentState.WATCHING))
    for page in (now, settings, about, welcome):
        said = unescape(seen(measured, page.show(visit(measured))))
        assert "What is measured now is a recording" in said, "it is measured, whatever was decided"
        assert ("This laptop's camera is not used before you do." in said) == (page is not welcome)
        assert "Nothing is measured with a camera" not in said
    waiting = replace(panel, status=lambda: running(AgentState.UNDECIDED))
    assert "is a recording" not in seen(waiting, settings.show(visit(waiting)))


def test_the_notice_says_what_a_refusal_drops() -> None:
    policy = Organisation().policy_value()
    (declining,) = [part for part in notice(Speech("en", UTC), policy, ()) if part.key == "declining"]
    assert "but for the five minutes under way, which are dropped" in declining.paragraphs[0]


class Following:
    """An agent that does what it is asked `after` seconds later."""

    def __init__(self, before: AgentState, then: AgentState, clock: ManualClock, after: float = 0.4) -> None:
        self._clock, self._after, self._before, self._then = clock, after, before, then
        self._asked: float | None = None

    def ask(self, *_: object) -> None:
        self._asked = self._clock.monotonic()

    def status(self) -> Status:
        done = self._asked is not None and self._clock.monotonic() - self._asked >= self._after
        return running(self._then if done else self._before)


@pytest.mark.parametrize(
    ("before", "then", "action"),
    [
        (AgentState.WATCHING, AgentState.NOT_PARTICIPATING, "declined"),
        (AgentState.UNDECIDED, AgentState.NOT_PARTICIPATING, "declined"),
        (AgentState.NOT_PARTICIPATING, AgentState.OPENING, "accepted"),
        (AgentState.PAUSED, AgentState.OPENING, "resume"),
        (AgentState.WATCHING, AgentState.PAUSED, "pause:900"),
    ],
)
def test_the_page_after_an_act_shows_what_the_agent_does_then(
    panel: Panel, before: AgentState, then: AgentState, action: str
) -> None:
    clock = ManualClock(NOW)
    agent = Following(before, then, clock)
    here = replace(panel, clock=clock, status=agent.status, pause=agent.ask, resume=agent.ask)
    if action in ("accepted", "declined"):
        agent.ask()  # the answer's row is what the agent reads
        welcome.act(visit(here, action=action))
    else:
        now.act(visit(here, action=action))
    assert agent.status().state is then
    assert clock.monotonic() - 1000 < 0.5, "as soon as it is so"


def test_an_agent_that_does_not_follow_keeps_nobody_waiting(panel: Panel) -> None:
    clock = ManualClock(NOW)
    stuck = replace(panel, clock=clock, status=lambda: running(AgentState.WATCHING))
    assert now.act(visit(stuck, action="pause:900")) == Redirect("")
    assert clock.monotonic() - 1000 == pytest.approx(1.0, abs=0.1)
    clock = ManualClock(NOW)
    now.act(visit(replace(panel, clock=clock), action="pause:900"))
    assert clock.monotonic() == 1000, "where no agent runs there is nothing to wait for"


def test_accepting_during_a_pause_does_not_promise_a_look(panel: Panel) -> None:
    panel.store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", Decision.ACCEPTED, NOW))
    paused = replace(panel, status=lambda: running(AgentState.PAUSED, Pause(True, None, NOW)))
    said = seen(paused, now.show(visit(paused)), done="accepted")
    assert "Framekeep is paused, and stays so" in said and "begins with the next look" not in said


def test_whoever_declined_is_offered_no_pause(panel: Panel) -> None:
    status = replace(running(AgentState.NOT_PARTICIPATING), participation="declined")
    declined = replace(panel, status=lambda: status)
    assert "pause:900" not in seen(declined, settings.show(visit(declined)))
    measured = replace(panel, status=lambda: running(AgentState.WATCHING))
    assert "pause:900" in seen(measured, settings.show(visit(measured)))


def test_a_page_loaded_right_after_a_pause_elsewhere_says_so(panel: Panel) -> None:
    clock = ManualClock(NOW)
    knows = clock.monotonic() + 0.2  # an agent looks five times a second for what is asked of it

    def status() -> Status:
        seen_pause = read_pause(panel.paths.store) if clock.monotonic() >= knows else Pause()
        return running(AgentState.WATCHING, seen_pause)

    here = replace(panel, clock=clock, status=status)
    _pause(panel.paths.store, None)
    assert "Paused until you resume" in unescape(seen(here, settings.show(visit(here))))
    assert clock.monotonic() - 1000 < 0.5
    stuck = replace(here, status=lambda: running(AgentState.WATCHING))
    began = clock.monotonic()
    headline_of(visit(stuck))
    assert clock.monotonic() - began == pytest.approx(0.4, abs=0.1), "an agent that does not follow holds up no page"
