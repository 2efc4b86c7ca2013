"""Seeing that the camera is let go of, from outside the agent: for a pause that an agent which hangs does not obey."""

from __future__ import annotations

import time
from enum import StrEnum

import psutil

from agent.eyes_link import eyes_command

OBEY_SECONDS = 0.9
"""How long an agent may take to end its eyes: it looks five times a second and gives them 0.8 s at most."""
END_SECONDS = 2.0
"""How long the system may take to end a process that was killed."""


class Released(StrEnum):
    """What became of the camera."""

    OBEYED = "obeyed"
    """The agent let go of it, or did not have it."""
    ENDED = "ended"
    """The agent did not, so its eyes process was ended."""
    HELD = "held"
    """The eyes process could not be ended."""


def release_camera(agent: int) -> Released:
    """Wait for the eyes process of the agent with the process number `agent` to end, and end it where it does not. Only
    that process's own children are touched, so a number that was given away anew hurts nobody.
    """
    eyes = _eyes_of(agent)
    late = _wait(eyes, OBEY_SECONDS)
    if not late:
        return Released.OBEYED
    for process in late:
        try:
            process.kill()  # psutil looks first whether it is still the same one
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            return Released.HELD
    return Released.HELD if _wait(late, END_SECONDS) else Released.ENDED


def eyes_running(agent: int) -> bool:
    """Whether the agent with the process number `agent` has an eyes process, which may hold the camera."""
    return any(not _ended(process) for process in _eyes_of(agent))


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still hold something after at most `seconds`."""
    until = time.monotonic() + seconds
    while (left := [process for process in processes if not _ended(process)]) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def _ended(process: psutil.Process) -> bool:
    """Whether it has gone, or only waits for an agent that hangs to take note of its end."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _eyes_of(agent: int) -> list[psutil.Process]:
    tail = eyes_command()[1:]
    try:
        children = psutil.Process(agent).children()
    except psutil.Error:
        return []
    found = []
    for child in children:
        try:
            if child.cmdline()[-len(tail) :] == tail:
                found.append(child)
        except psutil.Error:  # it has just ended
            continue
    return found
