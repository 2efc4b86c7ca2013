"""Promise: whatever the panel and the tray can say, they say in every language, with the same gaps filled; and dates,
numbers and lengths of time read as that language writes them.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from agent.config import LANGUAGES as SETTING
from agent.outbox.signed import refused
from agent.panel.language import LANGUAGES, Speech, catalogue, choose_language, plain
from agent.panel.views.sentences import SENTENCES
from tests.builders import NOW
from tests.panel_texts import AGENT, texts

TRANSLATED = [language for language in LANGUAGES if language != "en"]
_GAP = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def test_the_setting_offers_what_the_panel_speaks() -> None:
    assert set(SETTING) == set(LANGUAGES)


def test_there_is_something_to_translate() -> None:
    found = texts()
    assert len(found) > 300
    assert "Read by" in found and ("%(num)s person", "%(num)s people") in found
    assert "Not measuring: the screen is locked." in found, "the tray's"
    assert "The picture is too dark to tell anything from it." in found, "the judge's reasons"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_none_is_stale(language: str) -> None:
    known = catalogue(language).texts
    needed = {text if isinstance(text, str) else text[0] for text in texts()}
    assert sorted(needed - set(known)) == []
    assert sorted(set(known) - needed) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogues_hold_no_doubtful_entry(language: str) -> None:
    with (AGENT / "panel" / "locale" / f"{language}.po").open("rb") as file:
        read = read_po(file)
    assert not [message.id for message in read if message.id and message.fuzzy]
    assert not read.obsolete
    assert read.num_plurals == 2


@pytest.mark.parametrize("language", TRANSLATED)
def test_gaps_are_the_same(language: str) -> None:
    known = catalogue(language).texts
    for text in texts():
        forms = (text, text) if isinstance(text, str) else text
        for form in known[forms[0]]:
            assert set(_GAP.findall(form)) in [set(_GAP.findall(source)) for source in forms], form
            assert not re.search(r"<\w", form), "a catalogue holds plain text"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_said(language: str) -> None:
    say = Speech(language, UTC)
    for text in texts():
        if isinstance(text, tuple):
            gaps = {name: "x" for name in re.findall(r"%\((\w+)\)", " ".join(text)) if name != "num"}
            assert [say.ngettext(*text, count, **gaps) for count in (0, 1, 2)]
        else:
            assert say.gettext(text, **dict.fromkeys(re.findall(r"%\((\w+)\)", text), "x"))


def test_sentences_of_other_parts_still_stand_there() -> None:
    """A sentence that was reworded where it is said would quietly show in English."""
    said = set()
    for file in AGENT.rglob("*.py"):
        if file.name != "sentences.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            said |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert [sentence for sentence in SENTENCES if not any(sentence in text for text in said)] == []


@pytest.mark.parametrize(
    ("setting", "accepted", "chosen"),
    [
        ("", "", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("", "ja, fr;q=0.5, en;q=0.4", "fr"),
        ("es", "de", "es"),
        ("", "zz;q=nonsense, EN-us", "en-US"),
        ("", "de;q=0, es", "es"),
        ("", "fr-<script>", "fr"),
        ("tlh", "de", "de"),
    ],
)
def test_the_language_is_the_settings_then_the_browsers_then_english(setting: str, accepted: str, chosen: str) -> None:
    assert choose_language(setting, accepted) == chosen


@pytest.mark.parametrize(
    ("tag", "clock", "day", "number", "share"),
    [
        ("en", "15:20", "Monday, 24 November 2025", "1,234.5", "42%"),
        ("en-US", "3:20\u202fPM", "Monday, November 24, 2025", "1,234.5", "42%"),
        ("de", "15:20", "Montag, 24. November 2025", "1.234,5", "42\u00a0%"),
        ("fr", "15:20", "lundi 24 novembre 2025", "1\u202f234,5", "42\u00a0%"),
        ("es", "15:20", "lunes, 24 de noviembre de 2025", "1.234,5", "42\u00a0%"),
    ],
)
def test_times_and_numbers_are_localised(tag: str, clock: str, day: str, number: str, share: str) -> None:
    say = Speech(tag, ZoneInfo("Europe/Berlin"))
    assert say.clock(NOW + 5 * 3600) == clock
    assert say.day(date(2025, 11, 24)) == day
    assert say.number(1234.5) == number
    assert say.percent(0.42) == share


def test_lengths_of_time_and_shares_never_say_nothing_for_a_little() -> None:
    say = Speech("en", UTC)
    assert (say.duration(40), say.duration(3600), say.duration(22_320)) == (
        "40\u00a0s",
        "1\u00a0h",
        "6\u00a0h 12\u00a0min",
    )
    assert say.percent(0.001) == "< 1%"
    assert say.percent(0) == "0%"


def test_searching_forgives_case_and_accents() -> None:
    assert plain("Éléments GROẞ") == plain("elements gross")


def test_a_sentence_that_ends_with_a_time_has_one_full_stop() -> None:
    say = Speech("es-US", UTC)
    assert say.gettext("Measuring since %(time)s.", time=say.clock(NOW)).endswith("desde 9:20\u202fa.m.")
    paused = say.gettext("Paused until %(time)s. The camera is off.", time=say.clock(NOW))
    assert "a.m. " in paused and ".." not in paused
    assert say.gettext("Measuring since %(time)s.", time="06:36").endswith(" 06:36.")


@pytest.mark.parametrize("code", ["whole_quarter_hours_of_one_day_only", "not_in_the_future", "too_old", "too_large"])
@pytest.mark.parametrize("language", TRANSLATED)
def test_what_a_correction_is_refused_with_is_translated(language: str, code: str) -> None:
    assert str(refused(400, {"error": code})) in catalogue(language).texts
