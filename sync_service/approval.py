"""PURE. Two administrators for who stands behind a team's number: what waits, who may agree, when it lapses.

A team number protects people by their being at least k. Whoever could invent colleagues, or move people in, could make a
team of k-1 people whose numbers they know and one they are curious about. So putting somebody into a team takes two
administrators, from the first measurement on; before that there is nothing to be curious about, and one may set up alone.

Two accounts of one person are one person, where the accounts say whose they are. Who runs the service's machine can do
anything to its database: against them stands that the access log and every colleague's list show what was done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from sync_service.cohorts import Act, Membership, holds

LAPSE_SECONDS = 14 * 24 * 3600
"""What nobody has decided on by then is void: people and their reasons have moved on."""

Kind = Literal["person_add", "person_move"]
Decision = Literal["approve", "refuse"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
State = Literal["waiting", "approved", "refused", "lapsed"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Administrator:
    """An administrator's account: its id, and the person behind it where they are measured too."""

    id: str
    person: str | None = None

    @property
    def behind(self) -> str:
        """Who that is: two accounts with the same answer are one person."""
        return self.person or self.id


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for at `asked_at` (epoch seconds): that `person` belongs to `team`. `by` is None on the service's own
    machine before anything was measured; `measured` says whether something was; `decision` is None while none is made.
    """

    kind: Kind
    person: str
    team: str
    by: Administrator | None
    asked_at: int
    measured: bool
    decision: Literal["approved", "refused"] | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a decision comes to: the new `state`, and whether it is `new` or was made by the same administrator before."""

    state: State
    new: bool


class Undecidable(ValueError):
    """The decision cannot be made: the message is the stable word of the answer."""


def state_of(asked: Asked, now: int) -> State:
    """What has become of it at `now` (epoch seconds)."""
    if asked.decision is not None:
        return asked.decision
    return "lapsed" if now >= asked.asked_at + LAPSE_SECONDS else "waiting"


def at_once(measured: bool) -> bool:
    """Whether one administrator's word is enough: only while nothing was ever measured."""
    return not measured


def decide(
    asked: Asked, by: Administrator, decision: Decision, now: int, administrators: Collection[Administrator]
) -> Ruling:
    """What `by`'s word comes to. `administrators` are those who hold the office now, `by` among them.

    Raises Undecidable: `own_request` for agreeing with oneself (taking it back one may), `already_decided`, `lapsed`,
    `asker_left` when who asked is no administrator any more.
    """
    wanted: State = "approved" if decision == "approve" else "refused"
    state = state_of(asked, now)
    if state in ("approved", "refused"):
        if state == wanted and asked.decided_by == by.id:
            return Ruling(state, new=False)
        raise Undecidable("already_decided")
    if state == "lapsed":
        raise Undecidable("lapsed")
    if wanted == "approved":
        if asked.by is not None and asked.by.id not in {one.id for one in administrators}:
            raise Undecidable("asker_left")
        if not _agreed(asked, by):
            raise Undecidable("own_request")
    return Ruling(wanted, new=True)


def nobody_else(by: Administrator | None, administrators: Collection[Administrator]) -> bool:
    """Whether there is no administrator who could agree with what `by` asks for."""
    return not any(by is None or one.behind != by.behind for one in administrators)


def _agreed(asked: Asked, by: Administrator) -> bool:
    # The rule itself is the cohorts' own; the month is not its business.
    membership = Membership(asked.person, asked.team, date.min)
    return asked.by is not None and holds(Act(membership, asked.by.behind, by.behind, asked.measured))
