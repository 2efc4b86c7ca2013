"""The one explicit channel on which a picture leaves the eyes process: the employee's own camera check.

While the panel's page is open, its agent opens the channel for a few seconds at a time under a name it makes up, the
*lease*, and may then ask for pictures that name it. The eyes refuse a picture without it, under another name, after its
time by their own clock, or once another source was opened; so an ordinary look can never become a picture, and a
channel that nobody uses any more is shut without anybody shutting it. The picture is a JPEG without any metadata, and
it is not drawn into: what the detectors saw are the observation's numbers, which the page draws itself, so that they
can be read aloud, follow its colours and be switched off.

Pure: the time is an argument. Both ends of the pipe import this file; it holds no picture.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from agent.errors import EyesError

WIDTH = 640
"""The longer side of a picture is at most this many pixels: what a laptop's camera is asked for."""
MOST_BYTES = 60_000
"""A picture's size at most."""
LEASE_SECONDS = 3.0
"""The channel shuts this long after the last request of the page."""
_JPEG = b"\xff\xd8\xff"


class Channel:
    """Whether a picture may leave, as the eyes know it. Shut at first."""

    def __init__(self) -> None:
        self._lease = ""
        self._until = 0.0

    def open(self, lease: str, seconds: float, now: float) -> float:
        """Open it under this name for so many seconds from `now`, LEASE_SECONDS at most; 0 shuts it. Returns for how
        long it is open. Raises EyesError for a lease without a name.
        """
        if not lease:
            raise EyesError("The camera check needs a name for its lease.")
        granted = min(max(seconds, 0.0), LEASE_SECONDS)
        self._lease, self._until = (lease, now + granted) if granted > 0 else ("", 0.0)
        return granted

    def admit(self, lease: object, now: float) -> None:
        """Return if a picture may leave. Raises EyesError if not."""
        if not self._lease or lease != self._lease or now >= self._until:
            raise EyesError("No picture leaves the eyes process: the camera check is not open.")

    def shut(self) -> None:
        """No picture may leave any more."""
        self._lease, self._until = "", 0.0

    def ran_out(self, now: float) -> bool:
        """Whether it has run out since it was opened; true once, and then it is shut."""
        over = bool(self._lease) and now >= self._until
        if over:
            self.shut()
        return over


def to_text(jpeg: bytes) -> str:
    """A picture as the pipe carries it."""
    return base64.b64encode(jpeg).decode("ascii")


def from_answer(answer: Mapping[str, Any]) -> bytes:
    """The picture in an answer to `picture`. Raises EyesError when it is none, or larger than agreed."""
    try:
        jpeg = base64.b64decode(answer["jpeg"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise EyesError("The eyes process answered something that is not a picture.") from error
    if not jpeg.startswith(_JPEG) or len(jpeg) > MOST_BYTES:
        raise EyesError("The eyes process answered something that is not a picture.")
    return jpeg
