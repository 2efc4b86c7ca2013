"""Contradicting a stretch of time: the form's choices, and what becomes of it. Two pages offer it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from agent.errors import FramekeepError, UsageError
from agent.own_data import MOST_NOTE
from agent.panel import statuses
from agent.panel.language import N_
from agent.panel.page import Visit
from agent.panel.render import speech_of
from agent.panel.views.hours import minute
from agent.panel.views.states import STATE_NAMES
from agent.panel.views.week import parse_day

_STEP = 15
_DAYS_BACK = 34
_QUARTERS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440 + _STEP, _STEP))
_STATES = {key: name for key, name in STATE_NAMES.items() if key != "unknown"}
"""What time may be said to count as."""


def contested(visit: Visit, problem: str = "") -> dict[str, object]:
    """What the form offers: days, quarter hours, and what the time may count as; filled in as it was sent, if it was.
    `problem` is one sentence why that could not be done.
    """
    say = speech_of(visit)
    today = say.local(visit.now).date()
    wanted = parse_day(visit.query["day"], today) if "day" in visit.query else None
    day, start, end = usual_stretch(say.local(visit.now), wanted)
    return {
        "today": today.isoformat(),
        "earliest": (today - timedelta(days=_DAYS_BACK)).isoformat(),
        "day": visit.form.get("day", day.isoformat()),
        "from": visit.form.get("from", _QUARTERS[start // _STEP]),
        "to": visit.form.get("to", _QUARTERS[end // _STEP]),
        "as": visit.form.get("as", "not_observed"),
        "note": visit.form.get("note", ""),
        "problem": problem,
        "kept": _kept(visit),
        "quarters": [(value, minute(say, number * _STEP)) for number, value in enumerate(_QUARTERS)],
        "states": _STATES,
        "most": MOST_NOTE,
    }


def usual_stretch(now: datetime, day: date | None) -> tuple[date, int, int]:
    """What the form offers at first: a day and two minutes of it, never in the future. The last whole hour until `now`
    (local time), cut at midnight; of another `day`, the hour from nine on.
    """
    if day is not None and day != now.date():
        return day, 9 * 60, 10 * 60
    end = (now.hour * 60 + now.minute) // _STEP * _STEP
    if end == 0:  # nothing of today is over yet
        return now.date() - timedelta(days=1), 23 * 60, 24 * 60
    return now.date(), max(0, end - 60), end


def status_of(problem: FramekeepError | None) -> int:
    """The answer's status."""
    return 200 if problem is None else statuses.status_of(problem)


def _kept(visit: Visit) -> str:
    """The stretch that was just contested, in words, from the address that `correct` made; "" without one."""
    say, query = speech_of(visit), visit.query
    numbers = [query.get(name, "") for name in ("start", "end")]
    known = query.get("as", "") in _STATES and all(text.isascii() and text.isdigit() for text in numbers)
    start, end = (int(text[:12]) for text in numbers) if known else (0, 0)
    if not known or not 0 < end - start <= 90_000 or end > visit.now + 86_400:
        return ""
    counted = _STATES[query["as"]]
    stretch = f"{say.short_day(say.local(start).date())}, {say.span(start, end)}"
    return say.labelled(stretch, say.gettext(counted))


def correct(visit: Visit) -> str:
    """Send the form's correction. Returns the query that says on the next page which stretch it was. Raises UsageError for
    a form that makes no sense, and what the service raises.
    """
    service = visit.panel.service()
    if service is None:
        raise UsageError(N_("This laptop belongs to no organisation, so there is nobody to correct anything for."))
    form = visit.form
    counts_as, note = form.get("as", ""), form.get("note", "").strip()
    if counts_as not in _STATES or len(note) > MOST_NOTE:
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
    return f"done=corrected&start={start}&end={end}&as={counts_as}"


def _moment(visit: Visit, day: date, text: str) -> int:
    """A quarter hour of the form's day, epoch seconds; 24:00 is the next midnight. Raises ValueError for anything else."""
    hours, minutes = divmod(_QUARTERS.index(text) * _STEP, 60)
    whole = day + timedelta(days=1) if hours == 24 else day
    return int(datetime.combine(whole, time(hours % 24, minutes), visit.zone).timestamp())
