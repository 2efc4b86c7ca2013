"""PURE. When things happen in a team's own time zone: months, work slots, and the moments a number is fixed and shown.

All instants are UTC epoch seconds; all days are the team's local days. Wall times are turned into instants through
`zoneinfo`, never by adding 86400, so a day of 23 or 25 hours has the slots it really has.

The three moments of a team's day D, and why there are three
------------------------------------------------------------
* While D's data arrives, each person sees their **own** measurements and may correct them.
* `fixed_at`, by default local midnight at the end of the day after D: corrections close, and the team's blocks of D are
  computed, **once**. From here on the people of the team see them.
* `shown_at`, by default 06:00 team time two days after D: managers see the same blocks.

A team number computed a day early and computed again after corrections would be two answers over the same people: who
saw both could subtract one from the other and be left with the one person who corrected. (The counter-example search
finds exactly that when it is allowed.) So what people see a day early is their own part, which is theirs to see; the
team's number exists once, and the team sees it first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SLOT_SECONDS = 900
"""The grain of person rollups: a quarter of an hour, aligned to UTC."""

LOOK_BACK_DAYS = 35
"""Person rollups are kept this long; an older day has nothing to release."""


class Hours(Protocol):
    """Work hours as a policy gives them: ISO weekdays (1 Monday .. 7 Sunday) and minutes after local midnight."""

    @property
    def days(self) -> tuple[int, ...]:
        """ISO weekdays these hours hold on."""

    @property
    def start_minute(self) -> int:
        """First minute, 0 to 1439."""

    @property
    def end_minute(self) -> int:
        """Minute after the last one, up to 1440, later than `start_minute`."""


@dataclass(frozen=True)
class Timing:
    """How long after a team's day its numbers are fixed (people of the team see them) and shown (managers see them).

    `fixed_days`/`fixed_minute` and `shown_days`/`shown_minute` count local days after the measured day and minutes after
    local midnight. Shown is never before fixed, and fixed never before the day is over.
    """

    fixed_days: int = 2
    fixed_minute: int = 0
    shown_days: int = 2
    shown_minute: int = 360

    def __post_init__(self) -> None:
        """Refuse times that would show a number before the day is over or before the team sees it."""
        if self.fixed_days < 1 or (self.shown_days, self.shown_minute) < (self.fixed_days, self.fixed_minute):
            raise ValueError("a team's numbers are fixed after the day is over, and shown to managers no earlier")

    @classmethod
    def without_delay(cls) -> Timing:
        """Fixed and shown as soon as the local day is over: for demonstrations, never for people at work."""
        return cls(fixed_days=1, fixed_minute=0, shown_days=1, shown_minute=0)

    def fixed_at(self, day: date, zone: ZoneInfo) -> int:
        """The instant corrections of `day` close and its blocks are computed."""
        return instant(day + timedelta(days=self.fixed_days), self.fixed_minute, zone)

    def shown_at(self, day: date, zone: ZoneInfo) -> int:
        """The instant managers may read the blocks of `day`."""
        return instant(day + timedelta(days=self.shown_days), self.shown_minute, zone)


def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """The first instant at which the wall clock of `zone` shows `minute` minutes after midnight of `day`.

    A wall time skipped by a clock change is read with the offset from before it (02:30 is 03:30 in Berlin in March).
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    return int(wall.timestamp())


def local_day(at: int, zone: ZoneInfo) -> date:
    """The calendar day in `zone` at an instant."""
    return datetime.fromtimestamp(at, zone).date()


def month_of(day: date) -> date:
    """The first day of the month `day` lies in; months are named by it."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The month after `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def days_between(first: date, last: date) -> Iterable[date]:
    """Every day from `first` to `last`, both included, in order."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def work_slots(day: date, zone: ZoneInfo, hours: Iterable[Hours], *, not_before: int = 0) -> tuple[int, ...]:
    """The starts of the quarter hours that lie wholly inside the work hours of `day`, in order.

    `not_before` leaves out slots that begin earlier: around a month's start it keeps a quarter hour from being counted
    in two months when a team, or a person who changed teams, also changed time zone.
    """
    today = [h for h in hours if day.isoweekday() in h.days]
    if not today:
        return ()
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    # Local days begin between 14 h before (Kiritimati) and 12 h after UTC's, and last at most 25 h.
    candidates = range(midnight - 15 * 3600, midnight + 40 * 3600, SLOT_SECONDS)
    slots = []
    for start in candidates:
        wall = datetime.fromtimestamp(start, zone)
        minute = wall.hour * 60 + wall.minute
        if (
            start >= not_before
            and wall.date() == day
            and any(h.start_minute <= minute and minute + SLOT_SECONDS // 60 <= h.end_minute for h in today)
        ):
            slots.append(start)
    return tuple(slots)
