"""Holds the promises of the tray: the icon says what is true, the camera's use above all; a pause is one click away and
says when it ends; and nothing in the menu does what it should not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.panel.language import Speech
from agent.status import AgentState
from agent.tray.icon import Icon
from agent.tray.pauses import tomorrow
from agent.tray.view import MAX_LABEL, Action, Kind, LastSent, MenuItem, TrayView, tray_view
from agent.tray.words import PlainEnglish
from agent.wire.documents import WorkHours
from tests.tray_status import NOW, a_status

OFFICE = (WorkHours((1, 2, 3, 4, 5), 9 * 60, 17 * 60),)
BERLIN = ZoneInfo("Europe/Berlin")


def view(*, now: float = NOW, **fields: Any) -> TrayView:
    extra = {name: fields.pop(name) for name in ("hours", "last_sent", "quit_allowed") if name in fields}
    return tray_view(a_status(**fields), now=now, zone=UTC, words=PlainEnglish(UTC), **extra)


def actions(shown: TrayView) -> dict[Action, MenuItem]:
    return {item.action: item for item in shown.items if item.action is not None}


@pytest.mark.parametrize(
    ("fields", "icon", "said"),
    [
        ({}, Icon.MEASURING, "Measuring since 09:00."),
        ({"state": "opening"}, Icon.MEASURING, "Opening the camera"),
        ({"paused": True}, Icon.PAUSED, "Paused until you resume. The camera is off."),
        ({"paused": True, "paused_until": NOW + 900}, Icon.PAUSED, "Paused until 10:45. The camera is off."),
        ({"state": "resting", "reason": "in_call"}, Icon.CAMERA_ELSEWHERE, "another program uses the camera"),
        ({"state": "resting", "reason": "locked"}, Icon.NOT_MEASURING, "the screen is locked"),
        ({"state": "resting", "reason": "shutter_closed"}, Icon.NOT_MEASURING, "shutter"),
        ({"state": "blind"}, Icon.ATTENTION, "gives no picture"),
        ({"state": "blocked"}, Icon.ATTENTION, "put right"),
        ({"state": "undecided"}, Icon.ATTENTION, "before you have read the notice"),
        ({"state": "undecided", "participation": "outdated"}, Icon.ATTENTION, "The notice has changed"),
        ({"state": "not_participating"}, Icon.NOT_MEASURING, "You do not take part"),
        ({"running": False, "state": "not_running"}, Icon.NOT_MEASURING, "not running"),
    ],
)
def test_the_icon_and_the_first_line_say_what_is_true(fields: dict[str, Any], icon: Icon, said: str) -> None:
    shown = view(**fields)
    assert shown.icon is icon
    assert said in shown.items[0].label and said in shown.tooltip


@pytest.mark.parametrize("state", AgentState)
def test_every_state_has_a_view_and_only_with_an_open_camera_it_looks_like_measuring(state: AgentState) -> None:
    shown = view(state=state)
    assert (shown.icon is Icon.MEASURING) == (state in (AgentState.OPENING, AgentState.WATCHING))
    assert shown.title.startswith("Framekeep: ") and shown.items[0].kind is Kind.TEXT


def test_a_problem_is_told_but_never_hides_that_the_camera_is_in_use() -> None:
    shown = view(problems=("Something else is wrong.",))
    assert shown.icon is Icon.MEASURING
    assert "Something else is wrong." in [item.label for item in shown.items]


def test_a_problem_is_told_in_the_readers_language() -> None:
    sentence = "This laptop is not enrolled: nothing is sent."
    german = Speech("de", UTC)
    shown = tray_view(a_status(problems=(sentence, "Only 3 % are left.")), now=NOW, zone=UTC, words=german)
    labels = [item.label for item in shown.items]
    assert german.gettext(sentence) in labels and german.gettext(sentence) in shown.tooltip
    assert sentence not in labels and sentence not in shown.tooltip
    assert "Only 3 % are left." in labels, "what no catalogue has is said as it is"


def test_a_rest_says_when_it_ends() -> None:
    monday = datetime(2025, 12, 1, 9, tzinfo=UTC).timestamp()
    shown = view(state="resting", reason="outside_hours", until=int(monday))
    assert shown.items[1].label == "Measuring goes on: 1 Dec, 09:00"


def test_every_pause_is_offered_with_the_time_it_ends() -> None:
    offered = actions(view(hours=OFFICE))
    assert offered[Action.PAUSE_15].label == "Pause for 15 minutes (until 10:45)"
    assert offered[Action.PAUSE_60].label == "Pause for 60 minutes (until 11:30)"
    assert offered[Action.PAUSE_TOMORROW].label == "Pause until tomorrow, 09:00"
    assert Action.PAUSE in offered and Action.RESUME not in offered


def test_while_paused_the_first_thing_to_click_resumes() -> None:
    shown = view(paused=True)
    assert next(item.action for item in shown.items if item.action) is Action.RESUME
    assert Action.PAUSE not in actions(shown), "it is paused until resumed already"


def test_a_pause_over_midnight_names_the_day() -> None:
    late = datetime(2025, 11, 24, 23, 40, tzinfo=UTC).timestamp()
    assert actions(view(now=late))[Action.PAUSE_30].label == "Pause for 30 minutes (until Tuesday 00:10)"


@pytest.mark.parametrize("state", ["undecided", "not_participating"])
def test_who_does_not_take_part_is_offered_no_pause(state: str) -> None:
    assert not {action for action in actions(view(state=state)) if "pause" in action or action is Action.RESUME}


def test_before_the_notice_was_answered_the_menu_leads_to_it() -> None:
    offered = actions(view(state="undecided"))
    assert offered[Action.OPEN_PANEL].label == "Read the notice and decide"
    assert not offered[Action.OPEN_SENT].enabled


def test_what_was_sent_last_is_told_and_leads_to_all_of_it() -> None:
    assert actions(view())[Action.OPEN_SENT].label == "Nothing has been sent yet"
    one = actions(view(last_sent=LastSent(NOW - 900, 1)))[Action.OPEN_SENT].label
    assert one == "Sent last: 10:15, one five-minute summary"
    three = actions(view(last_sent=LastSent(NOW - 900, 3)))[Action.OPEN_SENT].label
    assert three == "Sent last: 10:15, 3 five-minute summaries"


def test_quit_is_there_only_where_policy_allows_it() -> None:
    assert Action.QUIT in actions(view())
    assert Action.QUIT not in actions(view(quit_allowed=False))


def test_a_long_problem_fits_the_menu_and_stands_whole_in_the_tooltip() -> None:
    long = "The camera cannot be opened because " + "of this and that " * 20
    shown = view(problems=(long,))
    assert max(len(item.label) for item in shown.items) <= MAX_LABEL
    assert long in shown.tooltip


def test_every_entry_keeps_a_name_of_its_own_while_its_words_change() -> None:
    before, after = view(), view(now=NOW + 60)
    assert before != after
    names = [item.id for item in before.items]
    assert names == [item.id for item in after.items] and len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("now", "hours", "ends"),
    [
        ("2025-11-24 15:00", OFFICE, "2025-11-25 09:00"),
        ("2025-11-28 15:00", OFFICE, "2025-11-29 06:00"),  # Friday: nobody works tomorrow
        ("2025-11-24 15:00", None, "2025-11-25 06:00"),
        ("2025-11-24 00:10", OFFICE, "2025-11-25 09:00"),
        # Night work: what goes on over midnight does not begin there, or the pause would end in the middle of it.
        (
            "2025-11-24 23:00",
            (WorkHours((1, 2, 3), 22 * 60, 1440), WorkHours((2, 3, 4), 0, 6 * 60)),
            "2025-11-25 22:00",
        ),
        ("2026-03-28 15:00", None, "2026-03-29 06:00"),  # the clocks go forward in between
    ],
)
def test_until_tomorrow_ends_when_work_begins_else_at_six(now: str, hours: Any, ends: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=BERLIN).timestamp()
    wanted = datetime.fromisoformat(ends).replace(tzinfo=BERLIN).timestamp()
    assert tomorrow(at, hours=hours, zone=BERLIN) == wanted
