"""The verb `status`: what the agent is doing and what waits to be sent. Right also when no agent runs."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from agent.commands.local import Local, clock_time, open_local, say, say_json, size
from agent.control import InstanceLock, read_pause
from agent.status import AgentState, Status
from agent.status_now import read_status

_WORDS = {
    AgentState.STARTING: "starting",
    AgentState.OPENING: "opening the camera",
    AgentState.WATCHING: "watching",
    AgentState.PAUSED: "paused",
    AgentState.RESTING: "resting (nobody is looked at now)",
    AgentState.BLIND: "cannot see: the time counts as unknown",
    AgentState.BLOCKED: "not measuring",
    AgentState.UNDECIDED: "waiting for you to read its notice (framekeep panel)",
    AgentState.NOT_PARTICIPATING: "not measuring, because you declined",
    AgentState.NOT_ENROLLED: "not enrolled",
    AgentState.NOT_RUNNING: "not running",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep status` takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the status. Raises StoreError."""
    with open_local(only_shows=True) as local:
        status = status_of(local, now=time.time())
    if arguments.json:
        say_json(status.to_json())
    else:
        for line in describe(status):
            say(line)
    return 0


def status_of(local: Local, *, now: float) -> Status:
    """The status at `now` (epoch seconds), of an agent that may run in another process."""
    status = read_status(
        local.store,
        running=local.running,
        pause=lambda: read_pause(local.paths.store),
        looking=lambda: _looking(local),
        now=now,
    )
    wrong = [problem for problem in local.problems if problem not in status.problems]  # a running agent says it, too
    return replace(status, problems=(*wrong, *status.problems))


def _looking(local: Local) -> bool:
    from agent.release import eyes_running  # asked during a pause only; every other status is the quicker for it

    agent = InstanceLock(local.paths.lock).holder()
    return agent is not None and eyes_running(agent)


def describe(status: Status) -> list[str]:
    """The status in words, a line each."""
    since = f" since {clock_time(status.since)}" if status.since else ""
    lines = [f"Framekeep is {_WORDS[status.state]}{since}."]
    if status.paused:
        until = "until framekeep resume" if status.paused_until is None else f"until {clock_time(status.paused_until)}"
        lines.append(f"Paused {until}.")
    if status.camera:
        lines.append(f"Camera: {status.camera}.")
    lines.append(f"Policy: {status.policy_id or 'none'}.")
    lines.append(
        f"Outbox: {status.outbox_depth} waiting ({size(status.outbox_bytes)}), {status.accepted} accepted,"
        f" {status.set_aside} set aside; {status.unsealed} windows not sealed yet."
    )
    if status.withheld:
        lines.append(f"Withheld: {status.withheld} envelopes are never sent, because you declined.")
    lines.append(f"Last delivery: {clock_time(status.last_delivery)}. Lost windows: {status.lost}.")
    if status.key_store == "file":
        lines.append("Keys: in a file only you can read, because no system key store is used here.")
    return lines + list(status.problems)
