"""Which of several issues of a document applies at an instant. One rule for service and agents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Issue(Protocol):
    """One issue of a document that takes effect at a date of its own: a policy, an agreement. Epoch seconds."""

    @property
    def seq(self) -> int:
        """Rises with every issue."""
        ...

    @property
    def issued(self) -> int:
        """When it was issued."""
        ...

    @property
    def begins(self) -> int:
        """From when on it applies."""
        ...


_Issue = TypeVar("_Issue", bound=Issue)


def in_force(issues: Iterable[_Issue], now: float) -> _Issue | None:
    """The issue that applies at `now`: the one of the highest seq that has begun. One that had not begun when its
    successor was issued was withdrawn by it and never applies. None while none has begun.
    """
    limit = now
    for issue in sorted(issues, key=lambda issue: issue.seq, reverse=True):
        if issue.begins <= limit:
            return issue
        limit = min(limit, issue.issued)
    return None


def coming(issues: Iterable[_Issue], now: float) -> _Issue | None:
    """The newest issue if it has yet to begin at `now`, else None: only the newest can still come into force."""
    newest = max(issues, key=lambda issue: issue.seq, default=None)
    return newest if newest is not None and newest.begins > now else None


def at_its_begin(issues: Iterable[_Issue], begins: float) -> _Issue | None:
    """The issue that something which begins at `begins` is to be held against: the one in force then, or the oldest
    known where that instant lies before them all. None where there is none.
    """
    known = list(issues)
    return in_force(known, begins) or min(known, key=lambda issue: issue.seq, default=None)
