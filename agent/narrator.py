"""What `framekeep run` says on its terminal: news only, a line each."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from agent.status import AgentState, Report
from agent.wire.summary import Window


class Narrator:
    """Says on standard output what the agent does whenever that changes."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._said: tuple[AgentState, tuple[str, ...]] | None = None
        self._watched = False

    def __call__(self, report: Report) -> None:
        """Told of every report; prints only news."""
        news = (report.state, report.problems)
        if news == self._said:
            return
        self._said = news
        words = {
            AgentState.STARTING: "starting",
            AgentState.OPENING: f"opening {report.camera}" if report.camera else "opening the camera",
            AgentState.WATCHING: f"watching {report.camera}",
            AgentState.PAUSED: "paused: nothing is looked at until framekeep resume, or the pause is over",
            AgentState.RESTING: "resting",
            AgentState.BLIND: "cannot see: the time counts as unknown",
            AgentState.BLOCKED: "not measuring",
            AgentState.UNDECIDED: "waiting for you to read the notice and decide: framekeep panel",
            AgentState.NOT_PARTICIPATING: "not measuring, because you declined",
            AgentState.NOT_RUNNING: "stopped",
        }.get(report.state, report.state.value)
        if report.state is AgentState.WATCHING and not self._watched:
            self._watched = True
            words += f" (first look after {time.monotonic() - self._began:.1f} s)"
        say(" ".join([words + ("." if report.problems else ""), *report.problems]))

    def closed(self, window: Window) -> None:
        """A window closed on a laptop that belongs to nobody: its seconds per state."""
        parts = [f"{state.replace('_', ' ')} {seconds} s" for state, seconds in window.seconds.items() if seconds]
        say(f"window {time.strftime('%H:%M', time.localtime(window.start))}: {', '.join(parts)}")


def say(text: str) -> None:
    """One line with the time before it, where somebody can read it: a closed terminal, or none, is no reason to stop."""
    if sys.stdout is None:  # a program without a console, on Windows
        return
    with suppress(OSError, ValueError):  # the reader has gone; the file was closed
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stdout.flush()
