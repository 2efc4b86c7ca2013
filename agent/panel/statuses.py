"""Which HTTP status says whose fault an error is, for whoever reads a log or a script. The sentence says it to a person."""

from __future__ import annotations

from agent.errors import FramekeepError, UsageError
from agent.outbox.link import ServiceUnreachable
from agent.outbox.signed import ServiceRefused

_OF_THE_FORM = frozenset(
    {"whole_quarter_hours_of_one_day_only", "not_in_the_future", "too_old", "too_many", "too_large", "too_late"}
    | {"nothing_to_cancel"}
)
"""What the service refuses because of what was asked, not because of itself."""


def status_of(error: FramekeepError) -> int:
    """400: what was sent has to be changed (no form of ours asks for it, or not now). 503: the service did not answer, or
    says itself that it cannot just now. 502: it refused for a reason of its own. 500: something is wrong on this laptop.
    """
    match error:
        case UsageError():
            return 400
        case ServiceUnreachable():
            return 503
        case ServiceRefused() if error.code in _OF_THE_FORM:
            return 400
        case ServiceRefused():
            return 503 if error.code == "unavailable" else 502
        case _:
            return 500
