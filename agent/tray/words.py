"""How the tray speaks: what it needs of a language, and the plain English that is the source of every catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol


class Words(Protocol):
    """A language. The panel's `Speech` is one."""

    def gettext(self, text: str, /, **values: Any) -> str:
        """The text in this language; `values` fill its %(name)s."""
        ...

    def ngettext(self, one: str, many: str, count: int, /, **values: Any) -> str:
        """The text for `count` things; %(num)s is the count."""
        ...

    def clock(self, at: float) -> str:
        """The local time of day of `at` (epoch seconds): 14:05."""
        ...

    def moment(self, at: float, now: float) -> str:
        """`at` as one says it at `now`: the time today, else the day and the time."""
        ...


@dataclass(frozen=True, slots=True)
class PlainEnglish:
    """The texts as they stand in the source; times are those of `zone`."""

    zone: tzinfo

    def gettext(self, text: str, /, **values: Any) -> str:
        """See Words."""
        return text % values if values else text

    def ngettext(self, one: str, many: str, count: int, /, **values: Any) -> str:
        """See Words."""
        return (one if count == 1 else many) % {"num": count, **values}

    def clock(self, at: float) -> str:
        """See Words."""
        return f"{datetime.fromtimestamp(at, self.zone):%H:%M}"

    def moment(self, at: float, now: float) -> str:
        """See Words."""
        when, today = datetime.fromtimestamp(at, self.zone), datetime.fromtimestamp(now, self.zone).date()
        if when.date() == today:
            return self.clock(at)
        if timedelta(0) < when.date() - today < timedelta(days=7):
            return f"{when:%A %H:%M}"
        return f"{when.day} {when:%b, %H:%M}"
