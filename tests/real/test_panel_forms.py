"""Promise: whoever makes a mistake in a form of the panel reads which one, and finds the form as they filled it in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from html import unescape
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, urlsplit

import pytest

from agent.attention.meter import Meter
from agent.attention.window import OpenWindow, Tally
from agent.errors import UsageError
from agent.outbox.link import ServiceUnreachable
from agent.panel.page import Answer, Download, Html, Redirect, Visit
from agent.panel.pages import mydata, readby, settings
from agent.panel.render import render
from tests.panel_scenes import NOW, TODAY, Scene, scene


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene("day", tmp_path_factory.mktemp("day")) as made:
        yield made


def visit(made: Scene, query: dict[str, str] | None = None, /, **form: str) -> Visit:
    return Visit(made.panel, "en", "/path/", "", query or {}, form, NOW, UTC)


def seen(asked: Visit, answer: Answer) -> str:
    """The page's text, as the browser gets it."""
    assert isinstance(answer, Html)
    return unescape(render(asked, answer.template, answer.context))


@pytest.mark.parametrize("page", [mydata, readby], ids=["mydata", "readby"])
@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("11:00", "10:15", "The end must come after the beginning: choose again."),
        ("23:00", "23:45", "A correction is about time that has begun: wait until then."),
    ],
)
def test_a_mistake_in_a_correction_shows_the_form_again(
    day: Scene, page: ModuleType, start: str, end: str, sentence: str
) -> None:
    sent = {"action": "correct", "day": TODAY.isoformat(), "from": start, "to": end, "as": "at_screen"}
    asked = visit(day, **sent, note='a "call"')
    answer = page.act(asked)
    assert isinstance(answer, Html) and answer.status == 400
    said = seen(asked, answer)
    assert sentence in said
    for filled in (
        'value="a "call""',
        f'<option value="{start}" selected>',
        f'<option value="{end}" selected>',
        '<option value="at_screen" selected>',
    ):
        assert filled in said
    assert f'action="/path/{page.__name__.rpartition(".")[2]}#' in said, "the browser goes to the form again"


def test_a_correction_the_service_does_not_take_keeps_its_note(day: Scene) -> None:
    silent = replace(day.panel, service=_unreachable)
    asked = replace(
        visit(day, action="correct", day=TODAY.isoformat(), **{"from": "10:00", "to": "11:00"}, note="a call"),
        panel=silent,
    )
    asked = replace(asked, form={**asked.form, "as": "absent"})
    answer = mydata.act(asked)
    assert isinstance(answer, Html) and answer.status == 503
    assert "cannot be reached" in seen(asked, answer) and 'value="a call"' in seen(asked, answer)


def test_a_correction_is_confirmed_where_the_page_jumps_to(day: Scene) -> None:
    sent = {"action": "correct", "day": TODAY.isoformat(), "from": "10:00", "to": "11:00", "as": "absent", "note": ""}
    for page, place in ((mydata, "contest"), (readby, "correct")):
        answer = page.act(visit(day, **sent))
        assert isinstance(answer, Redirect) and answer.to.endswith(f"#{place}")
        asked = visit(day, dict(parse_qsl(urlsplit(answer.to).query)))
        said = seen(asked, page.show(asked))
        assert said.index("Your correction is kept") > said.index(f'id="{place}"')
        assert "Thu 27 Nov, 10:00–11:00: Away from the laptop" in said, "and it says which stretch it was"
    for made_up in ({"start": "x"}, {"end": "9" * 11}, {"as": "unknown"}):
        asked = visit(day, {"done": "corrected", "start": str(NOW - 900), "end": str(NOW), "as": "absent", **made_up})
        assert 'class="nums"></strong>' not in seen(asked, mydata.show(asked)), "of another address nothing is said"
    for done, sentence in (("asked", "The service has noted it."), ("cancelled", "Taken back: the service")):
        asked = visit(day, {"done": done})
        said = seen(asked, mydata.show(asked))
        assert said.index(sentence) > said.index('id="there"')


def _unreachable() -> None:
    raise ServiceUnreachable("The service cannot be reached: check the network and try again.")


def test_half_a_minute_that_was_measured_is_not_nothing(tmp_path: Path) -> None:
    with scene("empty", tmp_path) as made:
        asked = visit(made)
        assert "Nothing measured is kept on this laptop." in seen(asked, mydata.show(asked))
        opened = OpenWindow(NOW - 160, (30_000, 0, 0, 0, 0, 0), 3, (NOW - 10) * 1000)
        made.store.commit((), json.dumps(Meter(tally=Tally(opened)).to_json()).encode(), policy="p-7")
        said = seen(asked, mydata.show(asked))
        assert "Of the five minutes under way, 30\u00a0s so far." in said and "Nothing measured" not in said
        kept = mydata.show(visit(made, {"file": "json"}))
        assert isinstance(kept, Download)
        whole = json.loads(kept.content)
        assert whole["open_window"]["at_screen"] == 30 and whole["neutral_pose"]["origin"] == "default"
        assert whole["pause"] == {"paused": False, "until": None}


@pytest.mark.parametrize("camera", ["/etc/passwd", "nope"])
def test_a_camera_that_was_not_offered_is_not_saved(day: Scene, camera: str) -> None:
    sent = {"action": "save", "has-camera": "1", "camera": camera, "has-hours": "1", "hours": "Fri 09:00-10:00"}
    with pytest.raises(UsageError):
        settings.act(visit(day, **sent))
    assert not day.paths.config_file.exists(), "and nothing else of that form either"


def test_a_recording_is_named_and_no_hours_are_promised_for_it(day: Scene) -> None:
    asked = visit(day)
    assert "A recording is measured now" not in seen(asked, settings.show(asked))
    status = replace(day.panel.status(), camera="/home/me/clip.mp4")
    asked = replace(asked, panel=replace(day.panel, status=lambda: status))
    said = seen(asked, settings.show(asked))
    assert "no hours apply to it" in said and "Measured now: /home/me/clip.mp4" in said


def test_own_hours_that_take_no_effect_are_said_to(tmp_path: Path) -> None:
    with scene("alone", tmp_path) as made:
        asked = visit(made)
        assert "so they take no effect" in seen(asked, settings.show(asked))
