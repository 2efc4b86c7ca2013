"""The plaintext of an envelope: what a summary says, and its one encoding.

Readable on purpose: the employee's panel shows these very bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agent.wire.errors import Malformed, UnsupportedVersion
from agent.wire.strict import MAX_INTEGER, canonical, exact_fields, integer, strict_json, text

VERSION = 1
WINDOW_SECONDS = 300
"""Length of a window in seconds; windows start at multiples of it in UTC."""
MAX_WINDOWS = 288
"""Most windows in one envelope: one day."""
MAX_FRAMES = 9000
"""Most frames in one window: 30 a second."""
STATES = ("at_screen", "looking_away", "on_phone", "absent", "unknown", "not_observed")
PADDED_SIZES = tuple(kib * 1024 for kib in (1, 2, 4, 8, 16, 32, 44))
"""Bytes a plaintext is padded to, so that its length says little about its content."""

_WINDOW_FIELDS = ("start", "seconds", *STATES, "frames")
_AGENT = re.compile(r"[0-9A-Za-z.+-]{1,32}")
_MODELS = re.compile(r"[0-9a-f]{4,64}")
_POLICY = re.compile(r"p-[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Window:
    """300 seconds from `start` (epoch seconds, UTC, a multiple of 300): whole seconds per attention state,
    which sum to exactly 300, and the number of frames looked at. Raises Malformed for anything else.
    """

    start: int
    at_screen: int = 0
    looking_away: int = 0
    on_phone: int = 0
    absent: int = 0
    unknown: int = 0
    not_observed: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        integer(self.start, 0, MAX_INTEGER, "start")
        if self.start % WINDOW_SECONDS:
            raise Malformed(f"a window starts at a multiple of {WINDOW_SECONDS} seconds")
        if sum(integer(getattr(self, state), 0, WINDOW_SECONDS, state) for state in STATES) != WINDOW_SECONDS:
            raise Malformed(f"a window's states sum to {WINDOW_SECONDS} seconds")
        integer(self.frames, 0, MAX_FRAMES, "frames")

    @property
    def end(self) -> int:
        """First second after the window, epoch seconds."""
        return self.start + WINDOW_SECONDS

    @property
    def seconds(self) -> dict[str, int]:
        """Whole seconds per state, in the order of STATES."""
        return {state: getattr(self, state) for state in STATES}

    def to_dict(self) -> dict[str, int]:
        """The window as it stands in the plaintext."""
        return {"start": self.start, "seconds": WINDOW_SECONDS, **self.seconds, "frames": self.frames}

    @classmethod
    def from_dict(cls, value: Any) -> Window:
        """The reverse of `to_dict`. Raises Malformed."""
        fields = exact_fields(value, _WINDOW_FIELDS)
        integer(fields["seconds"], WINDOW_SECONDS, WINDOW_SECONDS, "seconds")
        return cls(**{name: fields[name] for name in ("start", *STATES, "frames")})


@dataclass(frozen=True, slots=True)
class Summary:
    """What one envelope carries. `seq` counts the device's envelopes from 1 (gaps are reported), `lost` is the
    cumulative number of windows this device measured and could not keep, `agent` its version, `models` a hash of
    the model files it judged with, `policy` the id of the policy in force. Raises Malformed.
    """

    seq: int
    windows: tuple[Window, ...]
    lost: int
    agent: str
    models: str
    policy: str

    def __post_init__(self) -> None:
        integer(self.seq, 1, MAX_INTEGER, "seq")
        integer(self.lost, 0, MAX_INTEGER, "lost")
        text(self.agent, _AGENT, "agent")
        text(self.models, _MODELS, "models")
        text(self.policy, _POLICY, "policy")
        if not 1 <= len(self.windows) <= MAX_WINDOWS:
            raise Malformed(f"an envelope carries 1 to {MAX_WINDOWS} windows")
        if any(a.start >= b.start for a, b in zip(self.windows, self.windows[1:], strict=False)):
            raise Malformed("window starts must ascend")


def readable(summary: Summary) -> bytes:
    """The plaintext before padding: canonical JSON."""
    return canonical(
        {
            "v": VERSION,
            "seq": summary.seq,
            "windows": [window.to_dict() for window in summary.windows],
            "lost": summary.lost,
            "agent": summary.agent,
            "models": summary.models,
            "policy": summary.policy,
        }
    )


def encode(summary: Summary) -> bytes:
    """The plaintext that is sealed: canonical JSON padded with spaces to the next of PADDED_SIZES."""
    plain = readable(summary)
    size = next(size for size in PADDED_SIZES if size >= len(plain))  # 288 windows always fit: see FORMAT.md
    return plain.ljust(size)


def decode(data: bytes) -> Summary:
    """The reverse of `encode`. Raises UnsupportedVersion or Malformed, also when re-encoding differs."""
    if len(data) not in PADDED_SIZES:
        raise Malformed("a plaintext has one of the padded sizes")
    value = strict_json(data.rstrip(b" "), PADDED_SIZES[-1])
    if isinstance(value, dict) and type(value.get("v")) is int and value["v"] != VERSION:
        raise UnsupportedVersion(f"summary version {value['v']}")
    fields = exact_fields(value, ("v", "seq", "windows", "lost", "agent", "models", "policy"))
    integer(fields["v"], VERSION, VERSION, "v")
    if not isinstance(fields["windows"], list):
        raise Malformed("windows must be a list")
    summary = Summary(
        seq=fields["seq"],
        windows=tuple(Window.from_dict(window) for window in fields["windows"]),
        lost=fields["lost"],
        agent=fields["agent"],
        models=fields["models"],
        policy=fields["policy"],
    )
    if encode(summary) != data:
        raise Malformed("the plaintext is not in its canonical form")
    return summary
