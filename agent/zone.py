"""The laptop's time zone, by the system's own rules: also for moments before or after the clocks are changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo


class LocalZone(tzinfo):
    """The zone the system is set to, whatever it is called there. An offset alone would be an hour wrong for every moment
    on the other side of a change of the clocks.
    """

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """See tzinfo. Without a moment there is no answer."""
        return None if moment is None else _as_system(moment).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:  # noqa: ARG002  the system tells one offset, not its parts
        """See tzinfo. Not known."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        """See tzinfo."""
        return None if moment is None else _as_system(moment).tzname()

    def fromutc(self, moment: datetime) -> datetime:
        """See tzinfo. Of an hour that comes twice, the later one has `fold` set."""
        system = moment.replace(tzinfo=UTC).astimezone()
        local = system.replace(tzinfo=self, fold=0)
        return local if local.utcoffset() == system.utcoffset() else local.replace(fold=1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalZone)

    def __hash__(self) -> int:
        return hash(LocalZone)


def local_zone() -> tzinfo:
    """The laptop's time zone as it is set now; asked for again, it takes up another setting, where systems tell."""
    if hasattr(time, "tzset"):
        time.tzset()  # a process goes by what it read first until it is told to look
    return LocalZone()


def _as_system(moment: datetime) -> datetime:
    """What the clock on the wall shows, with the offset that belongs to it."""
    return moment.replace(tzinfo=None).astimezone()
