"""The verb `pause`: release the camera at once. Needs no network, no key and no running agent, nor one that reacts."""

from __future__ import annotations

import argparse
import time

from agent.commands.local import clock_time, say, seconds
from agent.control import MAX_PAUSE_SECONDS, InstanceLock, pause
from agent.errors import FramekeepError, UsageError
from agent.paths import find_paths
from agent.release import Released, release_camera


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
    """Pause, and see that the camera is released. Raises UsageError, StoreError, or FramekeepError where it is not."""
    length = seconds(arguments.duration) if arguments.duration is not None else None
    if length is not None and length > MAX_PAUSE_SECONDS:
        raise UsageError(
            f"A pause lasts at most {MAX_PAUSE_SECONDS // 86400} days; leave --for out to pause until resumed."
        )
    paths = find_paths().create()
    paused = pause(paths.store, now=time.time(), seconds=length)
    agent = InstanceLock(paths.lock).holder()
    released = release_camera(agent) if agent else Released.OBEYED
    until = f"until {clock_time(paused.until)}" if paused.until is not None else "until framekeep resume"
    say(f"Paused {until}. The time is not observed; nobody is told why.")
    if length is not None and paused.until is None:
        say("The end you asked for could not be written down: the disk is full. Free some space, then pause again.")
    if released is Released.ENDED:
        say(
            "Framekeep did not react, so its eyes process was ended: the camera is released. If its icon does not"
            " react either, end Framekeep and start it again."
        )
    if released is Released.HELD:
        raise FramekeepError(
            "The camera may still be open: Framekeep did not react, and its eyes process cannot be ended. Close the lens"
            " or end the session, and tell your administrator."
        )
    return 0
