"""Promise: the status is right when no agent runs, when it was killed, and while it is paused; memory holds a bounded
number of windows and counts the rest.
"""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.control import Pause
from agent.status import FOLLOWS_SECONDS, AgentState, Report, compose
from agent.store.holding import Holding
from agent.store.rows import OutboxSummary
from tests.builders import NOW, windows

WATCHING = Report(AgentState.WATCHING, NOW - 600, NOW - 5, camera="0", policy="p-7", key_store="os")
OUTBOX = OutboxSummary(waiting=2, waiting_bytes=3200, accepted=1, unsealed=3, lost=4, last_delivery=NOW - 60)


def test_while_it_runs() -> None:
    status = compose(WATCHING, running=True, pause=Pause(), outbox=OUTBOX, now=NOW).to_json()
    assert status["state"] == "watching" and status["since"] == "2025-11-24T09:10:00Z"
    assert (status["camera"], status["policy_id"], status["lost"]) == ("0", "p-7", 4)
    assert (status["outbox_depth"], status["outbox_bytes"]) == (2, 3200)
    assert status["last_delivery"] == "2025-11-24T09:19:00Z" and status["paused_until"] is None
    assert json.loads(json.dumps(status)) == status


def test_a_killed_agent_does_not_seem_to_watch() -> None:
    status = compose(WATCHING, running=False, pause=Pause(), outbox=OUTBOX, now=NOW)
    assert status.state is AgentState.NOT_RUNNING and status.camera is None and status.since == NOW - 5
    assert status.outbox_depth == 2 and not status.running


def test_before_the_first_start() -> None:
    status = compose(None, running=False, pause=Pause(), outbox=OutboxSummary(), now=NOW).to_json()
    assert (status["state"], status["since"], status["policy_id"], status["lost"]) == ("not_running", None, None, 0)


def test_a_pause_shows_its_end_and_ends_by_itself() -> None:
    pause = Pause(True, NOW + 1800, NOW)
    status = compose(WATCHING, running=False, pause=pause, outbox=OUTBOX, now=NOW)
    assert status.paused and status.to_json()["paused_until"] == "2025-11-24T09:50:00Z"
    assert not compose(WATCHING, running=True, pause=pause, outbox=OUTBOX, now=NOW + 1800).paused
    forever = compose(WATCHING, running=True, pause=Pause(True, None, NOW), outbox=OUTBOX, now=NOW + 10**9)
    assert forever.paused and forever.paused_until is None


def test_a_pause_that_holds_outweighs_a_report_the_agent_could_not_write_anew() -> None:
    told = Report(AgentState.WATCHING, NOW - 600, NOW - 5, camera="0", attention="working", attention_since=NOW - 60)
    since = NOW - FOLLOWS_SECONDS
    status = compose(told, running=True, pause=Pause(True, None, since), outbox=OUTBOX, now=NOW)
    assert (status.state, status.since, status.camera) == (AgentState.PAUSED, since, None)
    assert (status.attention, status.attention_since) == ("", None)
    at_once = compose(told, running=True, pause=Pause(True, None, NOW), outbox=OUTBOX, now=NOW)
    assert at_once.state is AgentState.WATCHING and at_once.camera == "0", "it has a moment to follow"
    seen = compose(told, running=True, pause=Pause(True, None, NOW), outbox=OUTBOX, now=NOW, looking=False)
    assert (seen.state, seen.camera) == (AgentState.PAUSED, None), "nobody looks any more, whatever it wrote down"
    blocked = compose(
        Report(AgentState.BLOCKED, NOW - 9, NOW - 9),
        running=True,
        pause=Pause(True, None, since),
        outbox=OUTBOX,
        now=NOW,
    )
    assert blocked.state is AgentState.BLOCKED
    assert compose(told, running=True, pause=Pause(True, NOW, since), outbox=OUTBOX, now=NOW).state is told.state


def test_a_report_comes_back_as_it_was() -> None:
    assert Report.from_bytes(WATCHING.to_bytes()) == WATCHING


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["p-1", "p-2", None])), max_size=30), st.integers(1, 20))
def test_holding_is_bounded_and_counts_every_drop(steps: list[tuple[int, str | None]], limit: int) -> None:
    holding, given_windows, local, dropped = Holding(limit), 0, 0, 0
    for count, policy in steps:
        dropped += holding.hold(windows(NOW + 300 * given_windows, count), policy=policy, models="abcd")
        given_windows += count
        assert len(holding) <= limit
    seen: list[int] = []
    while True:
        batch, policy, _ = holding.next_batch()
        if not batch:
            break
        seen += [window.start for window in batch]
        local += sum(policy is None for _ in batch)
        holding.committed(len(batch))
    assert seen == sorted(seen) and len(seen) == min(limit, given_windows)
    assert dropped <= given_windows - len(seen)
    if all(policy is not None for _, policy in steps):
        assert dropped == given_windows - len(seen)
