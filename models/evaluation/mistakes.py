"""Which of the agent's answers were wrong, and how badly. Pure functions."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from evaluation.labels import NOT_IN_USE
from evaluation.run import Scored, Thresholds


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of being wrong. `badness` is above 0 for a mistake, larger for a worse one."""

    title: str
    badness: Callable[[Scored, Thresholds], float]


def _missed_phone(s: Scored, at: Thresholds) -> float:
    wrong = s.picture.phone_in_use is True and s.said.state != "on_phone"
    return 1 + at.phone - s.said.phone_score if wrong else 0.0


def _false_phone(s: Scored, at: Thresholds) -> float:
    unused = s.picture.phone is False or s.picture.use in NOT_IN_USE
    wrong = s.said.state == "on_phone" and s.picture.judgeable and unused
    return 1 + s.said.phone_score - at.phone if wrong else 0.0


def _missed_away(s: Scored, at: Thresholds) -> float:
    wrong = s.picture.state == "looking_away" and s.said.state not in ("looking_away", "on_phone")
    return 10 - (s.said.away_score(at) or 0.0) if wrong else 0.0


def _missed_screen(s: Scored, at: Thresholds) -> float:
    wrong = s.picture.state == "at_screen" and s.said.state not in ("at_screen", "on_phone")
    return 1 + (s.said.away_score(at) or 10.0) if wrong else 0.0


def _not_absent(s: Scored, _: Thresholds) -> float:
    wrong = s.picture.state == "absent" and s.said.state not in ("absent", "on_phone")
    return 1 + max((float(face["score"]) for face in s.said.faces), default=0.0) if wrong else 0.0


def _missed_face(s: Scored, _: Thresholds) -> float:
    return 1.0 if s.picture.judgeable and s.picture.face is True and not s.said.faces else 0.0


def _false_face(s: Scored, _: Thresholds) -> float:
    wrong = s.picture.face is False and bool(s.said.faces)
    return float(s.said.faces[0]["score"]) if wrong else 0.0


def _wrong_lens(s: Scored, _: Thresholds) -> float:
    return 1.0 if s.picture.lens not in (None, s.said.lens) else 0.0


KINDS = (
    Kind("Phones in use that were missed, the lowest score first", _missed_phone),
    Kind("Called on_phone with no phone in use, the highest score first", _false_phone),
    Kind("Looking away, called something else", _missed_away),
    Kind("At the screen, called something else", _missed_screen),
    Kind("Nobody there, somebody seen", _not_absent),
    Kind("Faces that were missed", _missed_face),
    Kind("Faces seen where none shows", _false_face),
    Kind("Lens condition wrong", _wrong_lens),
)


def worst(scored: tuple[Scored, ...], thresholds: Thresholds, most: int) -> list[tuple[str, int, list[Scored]]]:
    """Per kind of mistake that occurs: its title, how many there are, and the `most` worst, worst first. Those that are
    equally bad come in an order that follows no name, or one source would stand for all.
    """
    found = []
    for kind in KINDS:
        rated = [(kind.badness(s, thresholds), s) for s in scored]
        wrong = sorted((pair for pair in rated if pair[0] > 0), key=lambda pair: (-pair[0], _lot(pair[1])))
        if wrong:
            found.append((kind.title, len(wrong), [s for _, s in wrong[:most]]))
    return found


def _lot(s: Scored) -> int:
    return zlib.crc32(s.picture.file.encode())
