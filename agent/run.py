"""The verb `run`: measure until stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time

from agent.app import build_agent, open_home
from agent.clock import SystemClock
from agent.errors import UsageError
from agent.identity import load_identity
from agent.sources import Source, parse_source
from agent.status import AgentState, Report
from agent.wire.summary import Window


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep run` takes."""
    parser.add_argument("--headless", action="store_true", help="without a tray icon; recordings only")
    parser.add_argument("--camera", metavar="SOURCE", help="a recording, picture or folder; or a camera's number")
    parser.add_argument(
        "--every", type=float, metavar="S", help="seconds between two looks at a recording (default: the setting)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure until SIGINT or SIGTERM. Returns the exit code. Raises FramekeepError."""
    began = time.monotonic()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    clock = SystemClock()
    home = open_home(clock, stop=stop, complain=lambda text: _say(text))
    if home is None:
        return 0
    with home:
        every = arguments.every or float(home.config.interval_seconds)
        source = parse_source(arguments.camera or home.config.camera, every=every, realtime=True)
        _check_indicator(source, headless=arguments.headless)
        narrator = Narrator(began)
        alone = load_identity(home.store) is None
        agent = build_agent(
            home,
            source,
            clock=clock,
            stop=stop,
            interval=every,
            on_report=narrator,
            on_closed=narrator.closed if alone else None,
        )
        if alone:
            _say("not enrolled: what is measured is shown here and stays on this laptop")
        agent.run()
    return 0


def _check_indicator(source: Source, *, headless: bool) -> None:
    """A camera may be used only while an indicator is visible; there is none without the tray."""
    if source.device is None:
        return
    if headless:
        raise UsageError(
            "A live camera is never used without a visible indicator, so --headless measures recordings only:"
            " name one with --camera FILE."
        )
    raise UsageError(
        "This version has no tray icon yet, and a live camera is never used without a visible indicator: measure a"
        " recording with --headless --camera FILE."
    )


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
            AgentState.WATCHING: f"watching {report.camera}",
            AgentState.PAUSED: "paused: nothing is looked at until framekeep resume, or the pause is over",
            AgentState.RESTING: "resting",
            AgentState.BLIND: "cannot see: the time counts as unknown",
            AgentState.BLOCKED: "not measuring",
            AgentState.NOT_RUNNING: "stopped",
        }.get(report.state, report.state.value)
        if report.state is AgentState.WATCHING and not self._watched:
            self._watched = True
            words += f" (first look after {time.monotonic() - self._began:.1f} s)"
        _say(" ".join([words + ("." if report.problems else ""), *report.problems]))

    def closed(self, window: Window) -> None:
        """A window closed on a laptop that belongs to nobody: its seconds per state."""
        parts = [f"{state.replace('_', ' ')} {seconds} s" for state, seconds in window.seconds.items() if seconds]
        _say(f"window {time.strftime('%H:%M', time.localtime(window.start))}: {', '.join(parts)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()
