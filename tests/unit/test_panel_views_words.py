"""Promise: envelopes are shown to the letter and their signatures checked; settings say where they come from and what is
locked; reasons carry their confidence; what is told about reads and team numbers is what the service answered.
"""

from __future__ import annotations

import base64
import csv
import json
from dataclasses import replace
from datetime import UTC
from functools import partial
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.attention import meter
from agent.attention.baseline import Baseline
from agent.attention.hours import parse_hours
from agent.attention.judge import JudgeState
from agent.attention.meter import Meter
from agent.attention.rules import Rules
from agent.attention.window import OpenWindow, Tally
from agent.config import Config, Origin
from agent.consent import Acknowledgement, Decision
from agent.own_answers import AccessLog, Reports
from agent.panel.language import Speech
from agent.panel.views.delivery import delivery_lines
from agent.panel.views.envelopes import SHOWN_BYTES, detail, found, hex_lines
from agent.panel.views.export import to_csv, to_json
from agent.panel.views.headline import headline
from agent.panel.views.hours import hours_lines
from agent.panel.views.notice import example, notice
from agent.panel.views.pauses import pause_choices
from agent.panel.views.readers import member_lines, own_days, read_lines, team_lines
from agent.panel.views.settings import hours_left, settings_view
from agent.panel.views.typed_hours import hours_from_text
from agent.panel.views.why import why
from agent.status import AgentState, Status
from agent.store.rows import WITHHELD, EnvelopeRow, EnvelopeState, StoredWindow
from agent.team_page import OwnTeam
from agent.tray.view import headline as tray_headline
from agent.wire.documents import WorkHours
from agent.wire.envelope import format_body
from agent.wire.seal import seal
from agent.wire.strict import strict_json
from agent.wire.summary import Summary, Window, decode, readable
from tests.builders import NOW, Organisation
from tests.panel_scenes import LOOK, TURNED, _reads, _reports, _team

SAY = Speech("en", UTC)
ORG = Organisation()
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
HOURS = (WorkHours((1, 2, 3, 4), 540, 1050), WorkHours((5,), 540, 900))
STATUS = Status(
    running=True, state=AgentState.WATCHING, since=NOW - 60, camera="clip.mp4", paused=False, paused_until=None,
    outbox_depth=2, outbox_bytes=3400, unsealed=1, accepted=0, set_aside=0, last_delivery=NOW - 600, lost=0,
    policy_id="p-7", key_store="file", problems=("The recording is over.",),
)  # fmt: skip


def row(seq: int = 41, state: EnvelopeState = EnvelopeState.WAITING) -> EnvelopeRow:
    summary = Summary(seq, (Window(NOW, at_screen=300, frames=30),), 0, "0.1.0", "3f9c51d2", "p-7")
    name = UUID(int=seq)
    envelope = seal(
        summary, org=ORG.id, device_key=KEY, key=ORG.seal_keys[0].public, envelope_id=name, created=NOW + 400
    )
    return EnvelopeRow(
        seq, name, NOW + 400, NOW, 1, format_body(envelope), readable(summary), state, 0, 0.0, "", 0
    )  # fmt: skip


def test_an_envelope_is_laid_open_to_the_letter() -> None:
    one = row()
    shown = detail(SAY, one, org=ORG.id, device_public=PUBLIC, now=NOW + 500)
    assert shown.plain == one.plain.decode()
    assert shown.signature.holds
    assert decode(shown.plain.encode().ljust(1024)).windows[0].at_screen == 300, "this very text is what was sealed"
    assert shown.hexes.startswith("0000  ") and len(shown.hexes.splitlines()) == SHOWN_BYTES // 16
    assert shown.windows[0].seconds[0] == "300"


def test_a_signature_that_does_not_hold_is_said() -> None:
    one = row()
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for org, public in ((Organisation().id, PUBLIC), (ORG.id, other), (ORG.id, None)):
        shown = detail(SAY, one, org=org, device_public=public, now=NOW)
        assert not shown.signature.holds
    body = strict_json(one.body, 65536)
    body["sig"] = body["sig"][:-4] + ("AA==" if not body["sig"].endswith("AA==") else "BA==")
    torn = replace(one, body=json.dumps(body).encode())
    assert not detail(SAY, torn, org=ORG.id, device_public=PUBLIC, now=NOW).signature.holds
    broken = detail(SAY, replace(one, body=b"\xff", plain=b"?"), org=ORG.id, device_public=PUBLIC, now=NOW)
    assert not broken.signature.holds and broken.windows == ()


def test_bytes_are_shown_sixteen_a_line() -> None:
    assert hex_lines(bytes(range(17))).splitlines() == [
        "0000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f",
        "0010  10",
    ]


def test_searching_finds_numbers_dates_states_and_text() -> None:
    rows = [row(41), row(42, EnvelopeState.OPENED)]
    for sought, state, expected in (
        ("41", "", [41]), ("opened", "", [42]), ("", "waiting", [41]), ("2025-11-24", "", [41, 42]),
        ("AT_SCREEN p-7", "", [41, 42]), ("nowhere", "", []),
    ):  # fmt: skip
        assert [one.seq for one in found(SAY, rows, sought, state, NOW)] == expected, sought


def test_every_state_of_an_envelope_has_its_own_word_and_meaning() -> None:
    shown = [detail(SAY, row(1, state), org=ORG.id, device_public=PUBLIC, now=NOW) for state in EnvelopeState]
    assert len({one.row.word for one in shown}) == len({one.meaning for one in shown}) == len(EnvelopeState)
    withheld = detail(
        SAY,
        replace(row(1, EnvelopeState.WITHHELD), last_error=WITHHELD),
        org=ORG.id,
        device_public=PUBLIC,
        now=NOW,
    )
    assert (withheld.row.word, withheld.meaning, withheld.error) == ("Withheld", WITHHELD, ""), "and no refusal"
    assert [one.seq for one in found(SAY, [row(1), row(2, EnvelopeState.WITHHELD)], "", "withheld", NOW)] == [2]
    said = delivery_lines(SAY, replace(STATUS, withheld=2), enrolled=True, now=NOW)
    assert "2 envelopes are withheld: you declined before they were sent." in said


def test_the_headline_is_the_trays_own_sentence() -> None:
    for state in AgentState:
        for paused in (False, True):
            status = replace(STATUS, state=state, paused=paused, paused_until=NOW + 60 if paused else None)
            icon, sentence = tray_headline(status, now=NOW, words=SAY)
            shown = headline(SAY, status, now=NOW)
            assert (shown.icon, shown.title) == (icon.value, sentence)
    assert headline(Speech("de", UTC), STATUS, now=NOW).problems == ("Die Aufnahme ist zu Ende.",)


def test_reasons_carry_their_confidence() -> None:
    rules = Rules(interval=10.0)

    def told(*looks: object) -> str:
        carried = Meter()
        for number, look in enumerate(looks):
            at = 1000.0 + 10 * number
            carried, _ = meter.look(carried, replace(look, at=at), at, NOW + 10.0 * number, rules)  # type: ignore[type-var]  # observations
        said = why(SAY, carried, None, rules, now=NOW + 10.0 * len(looks))
        assert said is not None
        assert any("Chance of a phone" in signal for signal in said.signals)
        return said.firmness

    assert "high" in told(LOOK, LOOK, LOOK)
    assert "medium" in told(LOOK, LOOK, LOOK, TURNED)
    assert "low" in told(LOOK)


def test_an_old_look_explains_nothing() -> None:
    carried, _ = meter.look(Meter(), LOOK, 1000.0, NOW, Rules(interval=10.0))
    assert why(SAY, carried, None, Rules(interval=10.0), now=NOW + 600) is None
    assert why(SAY, Meter(), None, Rules(), now=NOW) is None


def test_delivery_in_sentences() -> None:
    said = delivery_lines(SAY, STATUS, enrolled=True, now=NOW)
    assert "2 envelopes wait to be sent (3.4 kB)." in said
    assert len(delivery_lines(SAY, STATUS, enrolled=False, now=NOW)) == 1


def test_pauses_say_when_they_end() -> None:
    choices = pause_choices(SAY, HOURS, now=NOW)
    assert [choice.value for choice in choices] == ["900", "1800", "3600", "tomorrow", "until"]
    assert choices[0].until == f"until {SAY.clock(NOW + 900)}"
    assert choices[3].until == "until Tue 25 Nov, 09:00"


def test_hours_in_words() -> None:
    assert hours_lines(SAY, HOURS) == ("Mon–Thu, 09:00–17:30", "Fri, 09:00–15:00")
    assert hours_lines(SAY, (WorkHours((1, 2, 5), 0, 1440),)) == ("Mon, Tue, Fri, 00:00–24:00",)


def test_settings_say_where_they_come_from_and_what_is_locked() -> None:
    config = (
        Config()
        .with_values({"sensitivity": "strict"}, Origin.FILE, "framekeep.toml")
        .with_values({"camera": "1"}, Origin.ENVIRONMENT, "FRAMEKEEP_CAMERA")
        .with_policy({"rest_on_battery": True}, "p-7")
    )
    view = settings_view(SAY, config, ORG.policy_value(7, work_hours=HOURS), {"0": "", "1": "Integrated Camera"})
    assert (view.sensitivity.origin, view.sensitivity.locked) == ("Set by you", False)
    assert view.camera.locked and "FRAMEKEEP_CAMERA" in view.camera.origin
    assert view.rest_on_battery.locked and "policy p-7" in view.rest_on_battery.origin
    assert not view.language.locked and view.language.origin == "As delivered"
    assert [choice.name for choice in view.camera.choices] == ["The laptop's first camera", "1: Integrated Camera"]
    assert view.hours_allowed == ("Mon–Thu, 09:00–17:30", "Fri, 09:00–15:00")
    assert dict(view.decided)["Reports by name"] == "not allowed"


def test_hours_are_written_one_way_or_refused() -> None:
    assert hours_from_text(SAY, "mon-fri 9:00-12:00") == "Mon-Fri 09:00-12:00"
    assert hours_from_text(SAY, " ") == ""
    for text in ("always", "Mon-Fri 13:00 pm-14:00 pm", "Mo-Fr 09:00-12:00"):
        with pytest.raises(ValueError, match="must be"):
            hours_from_text(SAY, text)


@pytest.mark.parametrize("tag", ["en", "en-US", "de", "fr", "es", "es-US", "es-MX"])
def test_hours_can_be_typed_as_the_panel_shows_them(tag: str) -> None:
    written = "Mon-Thu 09:00-12:30, 13:30-17:30; Fri 09:00-15:00; Sat,Sun 00:15-12:00"
    say = Speech(tag, UTC)
    shown = hours_lines(say, parse_hours(written))
    assert [hours_from_text(say, line) for line in shown] == written.split("; ")
    assert hours_from_text(say, " ".join(shown)) == written == hours_from_text(say, written)


def test_what_the_policy_takes_from_ones_own_hours_is_said() -> None:
    policy = ORG.policy_value(7, work_hours=HOURS)
    assert hours_left(SAY, "Mon-Sun 08:00-12:00", policy) == ("Mon–Thu, 09:00–12:00", "Fri, 09:00–12:00")
    assert hours_left(SAY, "Sat 08:00-12:00", policy) == ()
    assert hours_left(SAY, "Mon-Fri 09:00-12:00", policy) is None, "nothing is taken away"
    assert hours_left(SAY, "", policy) is None and hours_left(SAY, "Sat 08:00-12:00", None) is None


def test_the_notice_tells_each_laptop_its_own() -> None:
    named = replace(ORG.policy_value(7, work_hours=HOURS), individual_reports=True)
    texts = {
        key: " ".join(text for section in notice(SAY, policy, (("At the screen", "…"),)) for text in section.paragraphs)
        for key, policy in (("alone", None), ("team", ORG.policy_value(7, work_hours=HOURS)), ("named", named))
    }
    assert "No manager sees anything about one person." in texts["team"]
    assert "your manager may see your own days too" in texts["named"]
    assert "belongs to no organisation" in texts["alone"] and "Managers" not in texts["alone"]
    assert decode(example(named).encode().ljust(1024)).policy == "p-7", "the example is a real message"


def test_reads_name_who_what_and_refusals() -> None:
    lines = read_lines(SAY, AccessLog.parse({"entries": _reads(), "more": False}), NOW)
    assert [line.refused for line in lines] == [False, False, False, True]
    assert lines[1].who == "your own laptop"
    assert lines[0].what.endswith("(Kundenbetreuung und Rechnungswesen)") and lines[0].role == "manager"


def test_team_numbers_keep_their_ends_and_own_days_their_limits() -> None:
    reports = Reports.parse(_reports())
    lines = team_lines(SAY, reports.teams[0])
    assert lines[0].shares[2] == "≤ 5%", "5 means 5 or less"
    assert all(line.shares or line.explanation for line in lines)
    days = own_days(SAY, reports, NOW + 86400)
    assert any(day.open for day in days) or days
    assert any(one.note == "I was on a work call." for day in days for one in day.corrections)


def test_everybody_in_the_team_is_named_with_how_they_stand_to_its_numbers() -> None:
    team = OwnTeam.parse(_team())
    lines = {line.name: line.standing for line in member_lines(SAY, team)}
    assert lines["Beatriz Núñez"] == "counts since June 2025" and lines["Dilek Aydın"] == "comes in December 2025"
    assert lines["Chinedu Eze"] == "does not count yet" and lines["Émile Roux"].startswith("reads the numbers")
    assert [line.name for line in member_lines(SAY, team) if line.me] == ["You Yourself"]
    newer = replace(team, members=(replace(team.members[0], standing="on_leave"),))
    assert member_lines(SAY, newer)[0].standing == "", "what this version does not know it does not guess"


def test_what_is_here_can_be_taken_away_whole() -> None:
    windows = [StoredWindow(Window(NOW, at_screen=200, unknown=100, frames=30), "p-7", "3f9c", 41, False)]
    lines = list(csv.DictReader(to_csv(windows).decode().splitlines()))
    assert (lines[0]["at_screen"], lines[0]["unknown"], lines[0]["start_utc"]) == ("200", "100", "2025-11-24T09:20:00Z")
    answers = (Acknowledgement("1", "en", Decision.ACCEPTED, NOW),)
    opened = OpenWindow(NOW + 300, (30_500, 0, 0, 0, 0, 0), 3, (NOW + 331) * 1000)
    meter = Meter(JudgeState(baseline=Baseline(chosen=(4.0, -6.0))), Tally(opened))
    kept = partial(to_json, windows, [row()], answers, settings=Config().show(), now=NOW)
    whole = json.loads(kept(meter=meter, paused=True, paused_until=NOW + 900))
    assert whole["open_window"]["start"] == NOW + 300 and whole["open_window"]["at_screen"] == 30.5
    assert (whole["neutral_pose"]["yaw"], whole["neutral_pose"]["pitch"]) == (4.0, -6.0)
    assert whole["pause"] == {"paused": True, "until": NOW + 900}
    body = json.loads(base64.b64decode(whole["envelopes"][0]["body"]))
    assert whole["envelopes"][0]["sealed"] == body["sealed"], "the sealed bytes"
    nothing = json.loads(kept(meter=None, paused=False, paused_until=None))
    assert nothing["open_window"] is None and nothing["neutral_pose"] is None
    assert whole["windows"][0]["at_screen"] == 200 and whole["answers"][0]["decision"] == "accepted"
    assert json.loads(whole["envelopes"][0]["plaintext"])["seq"] == 41
