"""Whether the employee has read the notice and takes part. Pure; kept by the store, asked for by the panel.

Nothing is captured before the notice in its present wording was accepted. Declining is an answer like accepting: it is
kept, respected, and the organisation learns that this laptop does not participate, and nothing else. Every answer stays
on record with the version of the text it was given to and the language it was read in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

NOTICE_VERSION = "2026-11-22"
"""The day the notice's meaning last changed. A new one asks everybody again; a corrected typing error needs none."""


class Decision(StrEnum):
    """What the employee answered."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Participation(StrEnum):
    """What follows from the answers so far."""

    UNDECIDED = "undecided"
    """Nobody has answered yet: nothing is captured."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    """Nothing is captured, and the organisation is told that this laptop does not participate."""
    OUTDATED = "outdated"
    """An earlier wording was accepted: nothing is captured until the present one is."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One answer: to which version of the notice, read in which language ("en"), when (epoch seconds)."""

    version: str
    language: str
    decision: Decision
    at: int

    def to_json(self) -> dict[str, Any]:
        """For the store and for the employee's export."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Acknowledgement:
        """The reverse. Raises KeyError, TypeError or ValueError."""
        return cls(str(value["version"]), str(value["language"]), Decision(value["decision"]), int(value["at"]))


def participation(answers: Sequence[Acknowledgement], version: str = NOTICE_VERSION) -> Participation:
    """What follows from `answers` (oldest first) now that the notice's version is `version`: the last one counts. A
    refusal stands whatever the wording; an acceptance only for the wording it was given to.
    """
    if not answers:
        return Participation.UNDECIDED
    last = answers[-1]
    if last.decision is Decision.DECLINED:
        return Participation.DECLINED
    return Participation.ACCEPTED if last.version == version else Participation.OUTDATED
