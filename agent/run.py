"""The verb `run`: measure until stopped, with a tray and its panel, or (--headless) a recording without."""

from __future__ import annotations

import argparse
import signal
import threading
import time

from agent.app import AlreadyRunning, open_home
from agent.clock import SystemClock
from agent.errors import UsageError
from agent.narrator import say
from agent.program import Program
from agent.sources import parse_source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep run` takes."""
    parser.add_argument("--headless", action="store_true", help="without a tray icon; recordings only")
    parser.add_argument(
        "--camera",
        metavar="SOURCE",
        help="a camera's number; or a recording, picture or folder: that needs no camera, so it is measured at any hour,"
        " also while the screen is locked, on battery or during a call",
    )
    parser.add_argument(
        "--every", type=float, metavar="S", help="seconds between two looks at a recording (default: the setting)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure until SIGINT or SIGTERM, or until the tray's Quit. Returns the exit code. Raises FramekeepError."""
    began = time.monotonic()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    clock = SystemClock()
    try:
        home = open_home(clock, stop=stop, complain=say)
    except AlreadyRunning:
        if arguments.headless:
            raise
        return _open_its_panel()
    if home is None:
        return 0
    with home:
        every = arguments.every or float(home.config.interval_seconds)
        source = parse_source(arguments.camera or home.config.camera, every=every, realtime=True)
        if arguments.headless and source.device is not None:
            raise UsageError(
                "A live camera is never used without a visible indicator, so --headless measures recordings only:"
                " name one with --camera FILE."
            )
        program = Program(
            home,
            source,
            clock=clock,
            stop=stop,
            began=began,
            every=arguments.every,
            follow_camera=arguments.camera is None,
        )
        program.run(headless=arguments.headless)
    return 0


def _open_its_panel() -> int:
    """Framekeep runs already: whoever starts it a second time wants to see it."""
    from agent.commands import panel

    say("Framekeep runs already: its panel is opened")
    return panel.run(argparse.Namespace(url=False))
