"""Hours as a person types them in the panel: as the settings file has them (agent/attention/hours.py), or as the panel
shows them in the reader's language, with its names of days, its dashes and its clock. Pure.
"""

from __future__ import annotations

import re

from babel.dates import get_day_names

from agent.attention.hours import DAYS, format_hours, parse_hours
from agent.panel.language import Speech, plain

_WORD = re.compile(r"[^\W\d_]+\.?")
_HALF_DAY = re.compile(r"(\d{1,2}):(\d{2})\s*([ap])\.?\s*m\b\.?", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def hours_from_text(say: Speech, text: str) -> str:
    """What is written into the file for what somebody typed: one form for every spelling. Raises ValueError."""
    days = _day_names(say)
    text = _HALF_DAY.sub(_whole_day, text.translate(_DASHES))
    text = _WORD.sub(lambda word: days.get(plain(word[0]).rstrip("."), word[0]), text)
    text = re.sub(r"(?<=[^\W\d_]),\s*(?=\d)", " ", text)  # "Mon-Fri, 09:00" as the panel shows it
    text = re.sub(r"(?<=\d)[\s,;]+(?=[^\W\d_])", "; ", text)
    return format_hours(parse_hours(text))


def _day_names(say: Speech) -> dict[str, str]:
    """Names of days in this language, short and long, without accents and full stops, to the settings file's."""
    found: dict[str, str] = {}
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            names = get_day_names(width, context=context, locale=say.locale)
            found |= {plain(str(name)).rstrip("."): DAYS[number] for number, name in names.items()}
    return found


def _whole_day(match: re.Match[str]) -> str:
    """9:30 p.m. as 21:30; what no such clock shows stays and is refused."""
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return match[0]
    return f"{hour % 12 + (12 if match[3].lower() == 'p' else 0):02d}:{match[2]}"
