"""What the service says became of envelopes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from agent.outbox.delivery import Reply
from agent.store.rows import EnvelopeState
from agent.wire.errors import WireError
from agent.wire.strict import strict_json


@dataclass(frozen=True, slots=True)
class Receipts:
    """One page: what became of which envelope, and where the next page begins (epoch seconds; None: no more)."""

    outcomes: Mapping[UUID, EnvelopeState]
    next_since: int | None


def read_receipts(reply: Reply) -> Receipts | None:
    """From `{"receipts":[{"id":uuid,"outcome":"opened"|"set_aside","at":epoch s}, ...],"more":bool}`; None for
    anything else.
    """
    states = {"opened": EnvelopeState.OPENED, "set_aside": EnvelopeState.SET_ASIDE}
    try:
        value = strict_json(reply.body, len(reply.body))
        receipts = value["receipts"]
        outcomes = {UUID(receipt["id"]): states[receipt["outcome"]] for receipt in receipts}
        return Receipts(outcomes, int(receipts[-1]["at"]) if value["more"] is True and receipts else None)
    except (WireError, KeyError, TypeError, ValueError, AttributeError):
        return None
