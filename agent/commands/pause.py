"""The verb `pause`: release the camera at once. Needs no network, no key and no running agent."""

from __future__ import annotations

import argparse
import time

from agent.commands.local import clock_time, say, seconds
from agent.control import MAX_PAUSE_SECONDS, pause
from agent.errors import UsageError
from agent.paths import find_paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep pause` takes."""
    days = MAX_PAUSE_SECONDS // 86400
    parser.add_argument(
        "--for",
        dest="duration",
        metavar="TIME",
        help=f"how long: 30m, 2h (at most {days} days); default: until resumed",
    )


def run(arguments: argparse.Namespace) -> int:
    """Pause. Raises UsageError or StoreError."""
    length = seconds(arguments.duration) if arguments.duration else None
    if length is not None and length > MAX_PAUSE_SECONDS:
        raise UsageError(
            f"A pause lasts at most {MAX_PAUSE_SECONDS // 86400} days; leave --for out to pause until resumed."
        )
    paused = pause(find_paths().create().store, now=time.time(), seconds=length)
    until = f"until {clock_time(paused.until)}" if paused.until is not None else "until framekeep resume"
    say(f"Paused {until}. The time is not observed; nobody is told why.")
    return 0
