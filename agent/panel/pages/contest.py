"""Contradicting a stretch of time: the form's choices, and what becomes of it. Two pages offer it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from agent.errors import FramekeepError, UsageError
from agent.own_data import MOST_NOTE
from agent.panel.language import N_
from agent.panel.page import Visit
from agent.panel.render import speech_of
from agent.panel.views.hours import minute
from agent.panel.views.states import STATE_NAMES

_STEP = 15
_DAYS_BACK = 34


def contested(visit: Visit, problem: str = "") -> dict[str, object]:
    """What the form offers: days, quarter hours, and what the time may count as; filled in as it was sent, if it was.
    `problem` is one sentence why that could not be done.
    """
    say = speech_of(visit)
    today = say.local(visit.now).date()
    quarters = [(f"{m // 60:02d}:{m % 60:02d}", minute(say, m)) for m in range(0, 1440 + _STEP, _STEP)]
    return {
        "today": today.isoformat(),
        "earliest": (today - timedelta(days=_DAYS_BACK)).isoformat(),
        "day": visit.form.get("day", visit.query.get("day", today.isoformat())),
        "from": visit.form.get("from", "09:00"),
        "to": visit.form.get("to", "10:00"),
        "as": visit.form.get("as", "not_observed"),
        "note": visit.form.get("note", ""),
        "problem": problem,
        "quarters": quarters,
        "states": {key: name for key, name in STATE_NAMES.items() if key != "unknown"},
        "most": MOST_NOTE,
    }


def status_of(problem: FramekeepError | None) -> int:
    """The answer's status: 400 where what was sent has to be changed, 500 where something else failed."""
    return 200 if problem is None else 400 if isinstance(problem, UsageError) else 500


def correct(visit: Visit) -> None:
    """Send the form's correction. Raises UsageError for a form that makes no sense, and what the service raises."""
    service = visit.panel.service()
    if service is None:
        raise UsageError(N_("This laptop belongs to no organisation, so there is nobody to correct anything for."))
    form = visit.form
    counts_as, note = form.get("as", ""), form.get("note", "").strip()
    if counts_as not in STATE_NAMES or len(note) > MOST_NOTE:
        raise UsageError(N_("Choose what the time should count as, and keep the note short; then try again."))
    try:
        day = date.fromisoformat(form.get("day", ""))
        start, end = _moment(visit, day, form.get("from", "")), _moment(visit, day, form.get("to", ""))
    except (ValueError, OverflowError):
        raise UsageError(N_("Choose a day and two quarter hours, then try again.")) from None
    if end <= start:
        raise UsageError(N_("The end must come after the beginning: choose again."))
    if start > visit.now:
        raise UsageError(N_("A correction is about time that has begun: wait until then."))
    service.correct(start, end, counts_as, note)


def _moment(visit: Visit, day: date, text: str) -> int:
    """A quarter hour of the form's day, epoch seconds; 24:00 is the next midnight."""
    hours, minutes = (int(part) for part in text.split(":"))
    whole = day + timedelta(days=1) if hours == 24 else day
    return int(datetime.combine(whole, time(hours % 24, minutes), visit.zone).timestamp())
