"""Conditions drawn into pictures of people at work, step by step, until the agent fails or says that it cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from evaluation.bootstrap import wilson

from agent.attention.observation import Box, Lens, State
from conditions import draw
from conditions.attributes import Labelled
from conditions.looking import Eye, Pixels, Points, Seen, open_picture

MOST_OF_A_SOURCE = 8
"""Pictures of one source in the sweeps, evenly spread: one man is two thirds of the labelled ones."""
STOPS = (2.0, 3.0, 4.0, 5.0, 6.0)
BACKLIGHT = ((1.0, 1.0), (2.0, 3.0), (2.0, 5.0))
SIDE_STOPS = (4.0, 6.0)
SHARES = (0.15, 0.10, 0.08, 0.07, 0.06, 0.05)
CLOTHS = {"light blue": (225, 200, 150), "white": (235, 235, 235), "black": (35, 35, 35)}
SECOND = (0.9, 0.7, 0.5, 0.3)
"""Width of the second face, in widths of the nearest."""
WALL = 170
PASSING = (0.04, 0.03)
"""Width of a face that passes in the background, as a share of the picture's."""

Row = tuple[str, ...]
STEP_HEAD = ("pictures", "lens says it cannot see", "a face found", "called away", "called absent")


@dataclass(frozen=True, slots=True)
class Base:
    """One picture of one person, and what the agent made of it before anything was drawn."""

    labelled: Labelled
    pixels: Pixels
    before: Seen
    face: Box
    points: Points


def bases(eye: Eye, labelled: Sequence[Labelled], looking: str) -> list[Base]:
    """Evaluation pictures of one person who looks there, whose face is found; few of each source."""
    return _few(eye, [known for known in _alone(labelled) if known.picture.looking == looking])


def users(eye: Eye, labelled: Sequence[Labelled]) -> list[Base]:
    """Evaluation pictures of one person with a phone in hand, whose face is found; few of each source."""
    return _few(eye, [known for known in _alone(labelled) if known.picture.use == "in_hand"])


def _alone(labelled: Sequence[Labelled]) -> list[Labelled]:
    return [known for known in labelled if known.visible["set"] == "eval" and known.picture.people == 1]


def _few(eye: Eye, labelled: Sequence[Labelled]) -> list[Base]:
    by_source: dict[str, list[Labelled]] = {}
    for known in labelled:
        by_source.setdefault(known.picture.source, []).append(known)
    found = []
    for group in by_source.values():
        step = max(1.0, len(group) / MOST_OF_A_SOURCE)
        for known in (group[int(i * step)] for i in range(min(MOST_OF_A_SOURCE, len(group)))):
            pixels = open_picture(known.path)
            before, points = eye.see(pixels), eye.keypoints(pixels)
            if before.face is not None and points is not None:
                found.append(Base(known, pixels, before, before.face.box, points))
    return found


def light(eye: Eye, chosen: Sequence[Base]) -> Iterator[Row]:
    """Rows of `STEP_HEAD`: less light, a window behind, light from the side."""
    yield _step("as they are", [base.before for base in chosen])
    for stops in STOPS:
        yield _step(f"1/{2**stops:.0f} of the light", [eye.see(draw.darkened(base.pixels, stops)) for base in chosen])
    for up, down in BACKLIGHT:
        words = f"background {2**up:.3g} times as bright, person 1/{2**down:.0f}"
        yield _step(words, [eye.see(draw.backlit(base.pixels, base.face, up, down)) for base in chosen])
    for stops in SIDE_STOPS:
        words = f"light from one side, 1/{2**stops:.0f} on the other"
        yield _step(words, [eye.see(draw.lit_from_the_side(base.pixels, base.face, stops)) for base in chosen])


def distance(eye: Eye, chosen: Sequence[Base]) -> Iterator[Row]:
    """Rows of `STEP_HEAD`: the face smaller and smaller, in pictures wider than high, as cameras take them; those whose
    face is smaller from the start are left out.
    """
    wide = [base for base in chosen if base.pixels.shape[1] > base.pixels.shape[0]]
    for share in SHARES:
        larger = [base for base in wide if base.face[2] - base.face[0] > share * base.pixels.shape[1]]
        seen = [eye.see(draw.far_away(base.pixels, base.face, share)) for base in larger]
        yield _step(f"face {100 * share:.0f} % of the picture's width", seen)


WORN_HEAD = ("pictures", "a face found", "called away", "yaw moves by (median, 9 in 10)", "pitch moves by")


def worn(eye: Eye, chosen: Sequence[Base], away: Sequence[Base]) -> Iterator[Row]:
    """Rows of `WORN_HEAD`: drawn masks and sunglasses, and how far they move the pose; at last on people who look away."""
    yield _worn("nothing drawn", [(base, base.before) for base in chosen])
    for colour, paint in CLOTHS.items():
        seen = [(base, eye.see(draw.masked(base.pixels, base.points, paint))) for base in chosen]
        yield _worn(f"{colour} mask", seen)
    glasses = [(base, eye.see(draw.with_sunglasses(base.pixels, base.points))) for base in chosen]
    yield _worn("sunglasses", glasses)
    both = [draw.with_sunglasses(draw.masked(b.pixels, b.points, CLOTHS["light blue"]), b.points) for b in chosen]
    yield _worn("light blue mask and sunglasses", [(b, eye.see(p)) for b, p in zip(chosen, both, strict=True)])
    yield _worn("looking away, nothing drawn", [(base, base.before) for base in away])
    for colour, paint in CLOTHS.items():
        seen = [(base, eye.see(draw.masked(base.pixels, base.points, paint))) for base in away]
        yield _worn(f"looking away, {colour} mask", seen)


COMPANY_HEAD = ("pictures", "second face found", "nearest face the same", "state unchanged")


def company(eye: Eye, screen: Sequence[Base], away: Sequence[Base]) -> Iterator[Row]:
    """Rows of `COMPANY_HEAD`: somebody who looks elsewhere, further off, beside the nearest person."""
    for words, nearest, others in (
        ("at the screen, the other away", screen, away),
        ("away, the other not", away, screen),
    ):
        for size in SECOND:
            pairs = [
                (base, eye.see(pixels))
                for number, base in enumerate(nearest)
                if (pixels := beside(base, _stranger(base, others, number), size)) is not None
            ]
            count = len(pairs)
            both = sum(len(seen.observation.faces) > len(base.before.observation.faces) for base, seen in pairs)
            same = sum(seen.face is not None and _near(seen.face.box, base.face) for base, seen in pairs)
            kept = sum(seen.apart is base.before.apart for base, seen in pairs)
            shares = (_share(part, count) for part in (both, same, kept))
            yield f"{words}, {size} times the nearest's width", str(count), *shares


NEIGHBOUR_HEAD = ("pictures", "second person found", "called on_phone")


def neighbours(eye: Eye, nearest: Sequence[Base], users: Sequence[Base]) -> Iterator[Row]:
    """Rows of `NEIGHBOUR_HEAD`: somebody else, further off and beside, uses a phone; the nearest person has none."""
    free = [base for base in nearest if base.labelled.picture.phone is False and base.before.state is State.AT_SCREEN]
    on_phone = [base for base in users if base.before.state is State.ON_PHONE]
    for size in SECOND[1:]:
        seen = [eye.see(next_to(base, _stranger(base, on_phone, number), size)) for number, base in enumerate(free)]
        found = sum(len(one.observation.persons) > 1 for one in seen)
        said = sum(one.state is State.ON_PHONE for one in seen)
        words = f"a second person with a phone, {size} times the nearest's width"
        yield words, str(len(seen)), _share(found, len(seen)), _share(said, len(seen))


PASSING_HEAD = ("pictures", "called absent", "called at_screen or looking_away")


def passing(eye: Eye, empty: Sequence[Pixels], others: Sequence[Base]) -> Iterator[Row]:
    """Rows of `PASSING_HEAD`: a small head in a picture of nobody."""
    for share in PASSING:
        states = []
        for number, pixels in enumerate(empty):
            other = others[number % len(others)]
            factor = share * pixels.shape[1] / (other.face[2] - other.face[0])
            part = draw.head_of(other.pixels, other.face)
            states.append(eye.see(draw.pasted(pixels, *part, factor, (0.6, 0.35))).apart)
        absent = states.count(State.ABSENT)
        somebody = states.count(State.AT_SCREEN) + states.count(State.LOOKING_AWAY)
        words = f"a face {100 * share:.1f} % of the picture's width"
        yield words, str(len(states)), _share(absent, len(states)), _share(somebody, len(states))


def beside(base: Base, other: Base, size: float) -> Pixels | None:
    """The picture with the other's head beside the nearest person, this many times as wide a face; None without room."""
    part, mask = draw.head_of(other.pixels, other.face)
    factor = size * (base.face[2] - base.face[0]) / (other.face[2] - other.face[0])
    height, width = base.pixels.shape[:2]
    across = part.shape[1] * factor
    room_left, room_right = base.face[0] - 0.15 * width, 0.85 * width - base.face[2]
    if max(base.face[0], width - base.face[2]) < across + 0.02 * width or part.shape[0] * factor > height:
        return None
    return draw.pasted(base.pixels, part, mask, factor, (0.0 if room_left > room_right else 1.0, 0.35))


def next_to(base: Base, other: Base, size: float) -> Pixels:
    """Both pictures side by side, the other's face this many times as wide as the nearest's, on a plain wall."""
    factor = size * (base.face[2] - base.face[0]) / (other.face[2] - other.face[0])
    height, width = base.pixels.shape[:2]
    rows, columns = (max(1, round(side * factor)) for side in other.pixels.shape[:2])
    small = cv2.resize(other.pixels, (columns, rows), interpolation=cv2.INTER_AREA)[-height:]
    frame = np.full((height, width + columns, 3), WALL, np.uint8)
    frame[:, :width] = base.pixels
    frame[height - len(small) :, width:] = small
    return frame


def _stranger(base: Base, others: Sequence[Base], number: int) -> Base:
    strangers = [other for other in others if other.labelled.picture.source != base.labelled.picture.source]
    return strangers[number % len(strangers)]


def _step(words: str, seen: Sequence[Seen]) -> Row:
    clear = [one for one in seen if one.observation.lens is Lens.CLEAR]
    blind = f"{len(seen) - len(clear)}"
    faces = sum(one.face is not None for one in clear)
    away = sum(one.away for one in clear)
    absent = sum(one.apart is State.ABSENT for one in clear)
    return words, str(len(seen)), blind, *(_share(part, len(clear)) for part in (faces, away, absent))


def _worn(words: str, seen: Sequence[tuple[Base, Seen]]) -> Row:
    turns, nods = [], []
    for base, one in seen:
        before, after = base.before.face, one.face
        if before is not None and after is not None and None not in (before.yaw, before.pitch, after.yaw, after.pitch):
            turns.append(abs(float(after.yaw or 0) - float(before.yaw or 0)))
            nods.append(float(after.pitch or 0) - float(before.pitch or 0))
    faces, away = sum(one.face is not None for _, one in seen), sum(one.away for _, one in seen)
    turn = f"{np.median(turns):.0f}, {np.quantile(turns, 0.9):.0f} degrees"
    nod = f"{np.median(nods):+.0f} ({np.quantile(nods, 0.1):+.0f} to {np.quantile(nods, 0.9):+.0f}) degrees"
    return words, str(len(seen)), _share(faces, len(seen)), _share(away, len(seen)), turn, nod


def _near(box: Box, other: Box) -> bool:
    """Whether both boxes are of the same face: their middles less than half a width apart."""
    return bool(abs(box[0] + box[2] - other[0] - other[2]) < other[2] - other[0])


def _share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{part / whole:.2f} ({low:.2f} to {high:.2f})"
