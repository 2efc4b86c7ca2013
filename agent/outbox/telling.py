"""Telling the service whether the employee takes part. Pure: what is sent, and what an answer to it means.

It is told again whenever the answer is another one than the service last acknowledged, with the patience deliveries
have; a change of mind is told at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from agent.outbox.delivery import REFUSED_SECONDS, Action, Failure, Outcome, Reply, text_field, try_again
from agent.outbox.schedule import LONGEST_WAIT_SECONDS
from agent.wire.strict import canonical

PATH = "/v1/me/participation"

_TOO_OLD = "The service does not know yet that an employee may decline: ask your administrator to update it."


def message(participating: bool) -> bytes:
    """The request's body."""
    return canonical({"participating": participating})


def is_acknowledged(reply: Reply, participating: bool) -> bool:
    """Whether the service itself says that it kept this very answer (a network's log-in page says something else)."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return False
    return reply.status == 200 and isinstance(value, dict) and value.get("participating") is participating


def decide_told(answer: Reply | Failure, participating: bool, *, attempts: int, chance: float, now: float) -> Outcome:
    """ACCEPTED, STOP (revoked) or RETRY at `at`, after `attempts` tries in vain. `chance` in [0, 1), `now` epoch s."""
    if isinstance(answer, Reply):
        if is_acknowledged(answer, participating):
            return Outcome(Action.ACCEPTED)
        if answer.status in (400, 404, 405) and text_field(answer, "error") is not None:
            return Outcome(Action.RETRY, _TOO_OLD, now + REFUSED_SECONDS * (0.5 + chance))
    return try_again(answer, attempts=attempts, chance=chance, now=now)


@dataclass(frozen=True, slots=True)
class Telling:
    """What is being told, how often in vain, and when (epoch seconds) to try again."""

    participating: bool | None = None
    attempts: int = 0
    at: float = 0.0

    def due(self, now: float) -> bool:
        """Whether to try now; also when the clock was ahead and went back."""
        return self.at <= now or self.at > now + LONGEST_WAIT_SECONDS

    def of(self, participating: bool) -> Telling:
        """Itself, or a new beginning for another answer."""
        return self if self.participating is participating else Telling(participating)

    def failed(self, outcome: Outcome) -> Telling:
        """After one more attempt in vain."""
        return Telling(self.participating, self.attempts + 1, outcome.at)
