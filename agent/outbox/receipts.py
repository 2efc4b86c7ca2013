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
    """One page: what became of which envelope, and the query that asks for the next page (None: no more)."""

    outcomes: Mapping[UUID, EnvelopeState]
    following: Mapping[str, str] | None


def read_receipts(reply: Reply) -> Receipts | None:
    """From `{"receipts":[{"id":uuid,"outcome":"opened"|"set_aside","at":epoch s}, ...],"more":bool,"next":str}`; None
    for anything else. `next` says where the next page begins; a service that does not say it is asked from the last
    page's second on.
    """
    states = {"opened": EnvelopeState.OPENED, "set_aside": EnvelopeState.SET_ASIDE}
    try:
        value = strict_json(reply.body, len(reply.body))
        receipts = value["receipts"]
        outcomes = {UUID(receipt["id"]): states[receipt["outcome"]] for receipt in receipts}
        if value["more"] is not True or not receipts:
            return Receipts(outcomes, None)
        after = value.get("next")
        if isinstance(after, str) and after:
            return Receipts(outcomes, {"after": after})
        return Receipts(outcomes, {"since": str(int(receipts[-1]["at"]))})
    except (WireError, KeyError, TypeError, ValueError, AttributeError):
        return None
