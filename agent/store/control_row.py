"""What other processes ask of the agent. The table has no key, so that asking needs none; a checksum notices a
flipped byte, and then the answer is the careful one: paused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

PAUSE = 1
"""The row that holds the pause."""
PANEL = 2
"""The row that holds who asked for the panel lately."""


def pause_value(*, paused: bool, until: int | None, since: int) -> str:
    """The row's text. `until` None: until somebody resumes; times are epoch seconds."""
    return json.dumps({"paused": paused, "until": until, "since": since}, separators=(",", ":"))


def panel_value(asked: Sequence[tuple[str, int]]) -> str:
    """The row's text. Of everybody who asked the nonce that names the answer, and when it was (epoch seconds)."""
    return json.dumps([{"nonce": nonce, "at": at} for nonce, at in asked], separators=(",", ":"))


def damaged_pause(now: float) -> str:
    """What is written in place of a pause that cannot be read."""
    return pause_value(paused=True, until=None, since=int(now))


def row_digest(number: object, value: object) -> bytes:
    """16 bytes over the row's id and value (str, or the bytes of one)."""
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8")
    return hashlib.sha256(f"framekeep/control/{number}/".encode() + raw).digest()[:16]
