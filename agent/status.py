"""What the agent is doing, for the tray, the panel and `framekeep status`. Right also when no agent runs.

The agent publishes a `Report` by writing one row; everything that can change without it (pause, outbox, whether a
process lives at all) is read fresh, so a killed agent never seems to be watching.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from agent.control import Pause
from agent.store.rows import OutboxSummary


class AgentState(StrEnum):
    """What the agent is doing; why is in `problems`."""

    STARTING = "starting"
    OPENING = "opening"
    """The camera is being opened: its light may be on already."""
    WATCHING = "watching"
    PAUSED = "paused"
    RESTING = "resting"
    """Outside work hours, screen locked, in a call, on battery: by rule."""
    BLIND = "blind"
    """It should look and cannot: no camera, or the camera was lost."""
    BLOCKED = "blocked"
    """It may not look: no valid keyset or policy, revoked, or no visible indicator."""
    UNDECIDED = "undecided"
    """The notice waits to be read and answered: nothing is measured."""
    NOT_PARTICIPATING = "not_participating"
    """The employee declined: nothing is measured, and the service knows no more than that."""
    NOT_ENROLLED = "not_enrolled"
    NOT_RUNNING = "not_running"


@dataclass(frozen=True, slots=True)
class Report:
    """What the running agent writes down. `since` is when `state` began and `updated` when this was written (epoch
    seconds); `camera` names the source ("" for none); `policy` the policy's id; `problems` are sentences for a
    person; `key_store` says where the keys are ("os" or "file"). While it rests, `reason` is one of schedule.Reason and
    `until` the epoch second at which that ends by itself (None: nobody knows). `attention` is the attention state shown
    now ("" for none) and `attention_since` when it began; `participation` one of consent.Participation.
    """

    state: AgentState
    since: int
    updated: int
    camera: str = ""
    policy: str | None = None
    problems: tuple[str, ...] = ()
    key_store: str = ""
    reason: str = ""
    until: int | None = None
    attention: str = ""
    attention_since: int | None = None
    participation: str = ""

    def to_bytes(self) -> bytes:
        """For the store's status row."""
        return json.dumps(asdict(self), separators=(",", ":")).encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> Report:
        """The reverse. Raises ValueError, KeyError or TypeError for anything else."""
        value = json.loads(data)
        value["state"], value["problems"] = AgentState(value["state"]), tuple(value["problems"])
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Status:
    """Everything there is to say at one moment. Times are epoch seconds; `paused` with `paused_until` None means
    until resumed; `outbox_depth` and `outbox_bytes` count envelopes still to be sent; `accepted` were taken and not
    yet opened; `unsealed` counts closed windows that are not in an envelope yet; `lost` windows. `reason`, `until`,
    `attention`, `attention_since` and `participation` as in `Report`; the first four are empty when no agent runs.
    """

    running: bool
    state: AgentState
    since: int | None
    camera: str | None
    paused: bool
    paused_until: int | None
    outbox_depth: int
    outbox_bytes: int
    unsealed: int
    accepted: int
    set_aside: int
    last_delivery: int | None
    lost: int
    policy_id: str | None
    key_store: str | None
    problems: tuple[str, ...]
    withheld: int = 0
    """Envelopes that are never sent, because the employee declined while they waited."""
    reason: str = ""
    until: int | None = None
    attention: str = ""
    attention_since: int | None = None
    participation: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `status --json`; times as ISO 8601 in UTC, None where there is nothing to say."""
        times = {name: _iso(getattr(self, name)) for name in _TIMES}
        return {**asdict(self), **times, "state": self.state.value, "problems": list(self.problems)}


FOLLOWS_SECONDS = 2
"""Seconds after which an agent has followed a pause (it takes one at most; `Pause.since` is a whole second)."""
_AT_WORK = {AgentState.STARTING, AgentState.OPENING, AgentState.WATCHING, AgentState.BLIND}


def compose(
    report: Report | None,
    *,
    running: bool,
    pause: Pause,
    outbox: OutboxSummary,
    now: float,
    looking: bool = True,
    problems: tuple[str, ...] = (),
    participation: str = "",
) -> Status:
    """The status from the agent's last report and what is true now. `problems` are further ones the asker found. A pause
    that holds outweighs a report of looking, once the agent had the time to follow it or is seen to have (not `looking`).
    """
    state, since = AgentState.NOT_RUNNING, report.updated if report else None
    if running:
        state, since = (report.state, report.since) if report else (AgentState.STARTING, None)
    elif report and report.state is AgentState.NOT_RUNNING:
        since = report.since
    paused = pause.holds(now)
    followed = not looking or now - pause.since >= FOLLOWS_SECONDS
    overruled = running and paused and followed and state in _AT_WORK
    if overruled:  # it stopped looking and cannot write that down, on a full disk for one
        state, since = AgentState.PAUSED, pause.since
    shown = report if running and not overruled else None
    return Status(
        running=running,
        state=state,
        since=since,
        camera=(shown.camera or None) if shown else None,
        paused=paused,
        paused_until=pause.until if paused else None,
        outbox_depth=outbox.waiting,
        outbox_bytes=outbox.waiting_bytes,
        unsealed=outbox.unsealed,
        accepted=outbox.accepted,
        set_aside=outbox.set_aside,
        last_delivery=outbox.last_delivery,
        lost=outbox.lost,
        policy_id=report.policy if report else None,
        key_store=(report.key_store or None) if report else None,
        problems=((report.problems if report and running else ()) + problems),
        withheld=outbox.withheld,
        reason=shown.reason if shown else "",
        until=shown.until if shown else None,
        attention=shown.attention if shown else "",
        attention_since=shown.attention_since if shown else None,
        participation=participation,
    )


_TIMES = ("since", "paused_until", "last_delivery", "until", "attention_since")


def _iso(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
