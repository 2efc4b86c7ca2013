"""A pause where the store cannot be written, on a full disk or while another process holds it: a file beside it.

The file holds the pause's end and a checksum; empty, as on a disk without room for a word, it means "until resumed", and so
does whatever else is in it. It outweighs the row in the store: whoever writes that one later takes the file away.
"""

from __future__ import annotations

import os
from pathlib import Path

from agent.store.control_row import PAUSE, row_digest


def pause_flag(store: Path) -> Path:
    """The file, which may be missing."""
    return store.with_name("paused")


def raise_flag(store: Path, until: int | None) -> int | None:
    """Pause from now on; returns the end (epoch seconds) that could be written down, None for "until resumed". Raises
    OSError where there is no such file afterwards.
    """
    handle = os.open(pause_flag(store), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if until is None:
            return None
        text = _text(until)
        try:
            if os.write(handle, text) == len(text):
                return until
        except OSError:
            pass  # no room for it
        os.ftruncate(handle, 0)
        return None
    finally:
        os.close(handle)


def flag_end(store: Path) -> int | None:
    """When the pause of the file ends (epoch seconds); None: when somebody resumes."""
    try:
        found = pause_flag(store).read_bytes()
        until = int(found.partition(b" ")[0])
    except (OSError, ValueError):
        return None
    return until if found == _text(until) else None


def flag_made(store: Path, now: float) -> int:
    """When the file was written (epoch seconds); `now` where it has just gone or lies about the future."""
    try:
        return int(min(pause_flag(store).stat().st_mtime, now))
    except OSError:
        return int(now)


def _text(until: int) -> bytes:
    return f"{until} {row_digest(PAUSE, str(until)).hex()}\n".encode("ascii")
