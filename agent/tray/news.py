"""Which notifications are due. Pure: facts and time are arguments, and what was told is a value handed back and forth.

Three things are worth interrupting somebody for: measuring went on because a pause was over, nothing could be delivered
for a day, and the policy changed. Each is told once, and never the same kind twice in a short time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.tray.base import Notice
from agent.tray.view import Action
from agent.tray.words import Words

FAILING_SECONDS = 86_400.0
"""How long nothing was delivered before it is told."""
SETTLED_SECONDS = 900.0
"""How long delivery must have been seen waiting in one stretch: after a weekend everything is a day old, and leaves."""
STRETCH_SECONDS = 300.0
"""A longer silence between two calls ends a stretch: the laptop slept."""
GAP_SECONDS = {"resumed": 600.0, "failing": FAILING_SECONDS, "policy": 3600.0}
"""The least time between two notices of a kind."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What notices depend on, at one moment. Times are epoch seconds: `paused_until` is when a pause ends by itself (None:
    not paused, or until resumed), `waiting_since` when the oldest envelope that still waits was sealed (None: none does),
    `last_delivery` when one was delivered last; `measuring` is whether frames may be looked at now; `policy` is the
    policy's id (None: not enrolled).
    """

    paused: bool = False
    paused_until: int | None = None
    measuring: bool = False
    waiting_since: int | None = None
    last_delivery: int | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is remembered from call to call. `policy` is the one the employee knows of: to be told of a change that came
    while no agent ran, begin with the one of the last run. `failing` stands for the outage that was told of, by its last
    delivery before; `at` holds when each kind was told last (kind, epoch seconds).
    """

    policy: str | None = None
    failing: int | None = None
    pause_ended: bool = False
    """A pause ended by itself and nothing was looked at since."""
    waiting_from: float | None = None
    """When the present stretch of seeing envelopes wait began."""
    seen: float = 0.0
    at: tuple[tuple[str, float], ...] = ()


def news(before: Facts, now_facts: Facts, told: Told, *, now: float, words: Words) -> tuple[tuple[Notice, ...], Told]:
    """The notices that are due at `now` (epoch seconds), and what is to be remembered. `before` are the facts of the last
    call; at the first one the same as the present ones.
    """
    told = _observe(before, now_facts, told, now)
    due: list[Notice] = []
    if told.pause_ended and now_facts.measuring:
        told = replace(told, pause_ended=False)
        if _may(told, "resumed", now):
            told = _tell(told, "resumed", now)
            due.append(_resumed(words))
    if _failing(now_facts, told, now) and _may(told, "failing", now):
        told = _tell(replace(told, failing=now_facts.last_delivery or 0), "failing", now)
        due.append(_failed(now_facts, now, words))
    if now_facts.policy != told.policy and now_facts.policy is not None and _may(told, "policy", now):
        first = told.policy is None  # the policy one enrolled with is no change
        told = replace(told, policy=now_facts.policy)
        if not first:
            told = _tell(told, "policy", now)
            due.append(_policy(words))
    return tuple(due), told


def _observe(before: Facts, present: Facts, told: Told, now: float) -> Told:
    ended = before.paused and not present.paused and before.paused_until is not None and now >= before.paused_until
    awake = 0 <= now - told.seen <= STRETCH_SECONDS
    waiting = None
    if present.waiting_since is not None and present.last_delivery == before.last_delivery:
        waiting = told.waiting_from if awake and told.waiting_from is not None else now
    return replace(told, pause_ended=(told.pause_ended or ended) and not present.paused, waiting_from=waiting, seen=now)


def _failing(present: Facts, told: Told, now: float) -> bool:
    if present.waiting_since is None or told.waiting_from is None or told.failing == (present.last_delivery or 0):
        return False
    since = max(present.waiting_since, present.last_delivery or 0)
    return now - since >= FAILING_SECONDS and now - told.waiting_from >= SETTLED_SECONDS


def _may(told: Told, kind: str, now: float) -> bool:
    last = dict(told.at).get(kind)
    return last is None or not 0 <= now - last < GAP_SECONDS[kind]


def _tell(told: Told, kind: str, now: float) -> Told:
    return replace(told, at=tuple({**dict(told.at), kind: now}.items()))


def _resumed(words: Words) -> Notice:
    t = words.gettext
    return Notice(
        "resumed",
        t("Measuring goes on"),
        t("The pause is over. You can pause again at any time."),
        actions=((Action.OPEN_PANEL, t("Open the privacy panel")), (Action.PAUSE_30, t("Pause for 30 minutes"))),
    )


def _failed(present: Facts, now: float, words: Words) -> Notice:
    t = words.gettext
    if present.last_delivery is None:
        text = t("Nothing could be delivered for a day. Nothing is lost: it waits on this laptop.")
    else:
        since = words.moment(present.last_delivery, now)
        text = t("Nothing could be delivered since %(time)s. Nothing is lost: it waits on this laptop.", time=since)
    return Notice("failing", t("Delivery is failing"), text, actions=((Action.OPEN_SENT, t("See what waits")),))


def _policy(words: Words) -> Notice:
    t = words.gettext
    return Notice(
        "policy",
        t("Your organisation's policy has changed"),
        t("The privacy panel shows what it says now."),
        actions=((Action.OPEN_PANEL, t("Open the privacy panel")),),
    )


def no_icon(words: Words) -> Notice:
    """Due while no desktop takes the icon: nothing is measured then. To be withdrawn (`key`) when one does."""
    t = words.gettext
    return Notice(
        "no_icon",
        t("Framekeep's icon cannot be shown"),
        t("Your desktop has no place for it, so nothing is measured until it has one."),
        urgent=True,
        actions=((Action.OPEN_PANEL, t("Open the privacy panel")),),
    )
