"""One look step by step, with parts that write down what they are asked: who is asked, about which pixels, and what
becomes of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from agent.attention.observation import Box, Face, Lens, Person, Phone
from agent.camera.base import Frame
from agent.detect.look import MOST_REPEATS, Looker
from agent.detect.second_look import DOUBT, MOST, SURE, SecondLook, around, chance

Pixels = npt.NDArray[np.uint8]
FACE = Face((300.0, 100.0, 360.0, 170.0), 0.9, 0.0, 0.0)
BODY = Person((200.0, 80.0, 460.0, 480.0), 0.9)
HAND = (330.0, 300.0, 370.0, 360.0)
REGION = around(FACE.box, 640, 480) or (0, 0, 0, 0)


class Objects:
    """Answers `whole` for the whole picture and `part` for a part of it; writes down the shapes it saw."""

    def __init__(self, whole: tuple[Phone, ...] = (), part: tuple[Phone, ...] = ()) -> None:
        self.whole, self.part, self.persons = whole, part, (BODY,)
        self.asked: list[Pixels] = []

    def detect(self, frame: Frame) -> tuple[tuple[Person, ...], tuple[Phone, ...]]:
        self.asked.append(frame.pixels)
        return self.persons, self.whole if len(self.asked) % 2 or not self.part else self.part

    def close(self) -> None: ...


class Verifier:
    """Answers the same odds for every place; writes down the places."""

    def __init__(self, odds: float = 0.0) -> None:
        self.answer, self.asked = odds, list[list[Box]]()

    def odds(self, pixels: Pixels, boxes: Sequence[Box]) -> list[float]:
        self.asked.append(list(boxes))
        return [self.answer for _ in boxes]

    def close(self) -> None: ...


class Faces:
    def __init__(self, *faces: Face) -> None:
        self.faces, self.looks = faces, 0

    def detect(self, _frame: Frame) -> tuple[Face, ...]:
        self.looks += 1
        return self.faces

    def close(self) -> None: ...


class LensCheck:
    condition = Lens.CLEAR

    def __call__(self, _frame: Frame) -> Lens:
        return self.condition


def picture(level: int = 90) -> Frame:
    random = np.random.default_rng(1)
    return Frame(random.integers(level, level + 20, (480, 640, 3), np.uint8).astype(np.uint8), 0.0)


def looker(objects: Objects, verifier: Verifier | None = None, faces: Faces | None = None) -> Looker:
    return Looker(faces or Faces(FACE), objects, LensCheck(), SecondLook(objects, verifier or Verifier()))


def test_the_closer_look_sees_the_part_round_the_face_and_answers_in_the_pictures_own_pixels() -> None:
    frame = picture()
    left, top, right, bottom = REGION
    in_part = tuple(side - (left, top)[i % 2] for i, side in enumerate(HAND))
    objects = Objects((Phone(HAND, 0.2),), (Phone(in_part, 0.3),))  # type: ignore[arg-type]  # four numbers
    _, first = objects.detect(frame)
    (phone,) = SecondLook(objects, Verifier()).closer(frame, REGION, first)
    assert np.array_equal(objects.asked[1], frame.pixels[top:bottom, left:right])
    assert phone == Phone(HAND, pytest.approx(0.06**0.5))


def test_what_only_the_closer_look_finds_counts_too() -> None:
    objects = Objects((Phone((0.0, 0.0, 20.0, 20.0), 0.2),), (Phone((10.0, 20.0, 30.0, 60.0), 0.35),))
    seen, stages = looker(objects).observe(picture())
    left, top, *_ = REGION
    assert (seen.phones[0].box, len(objects.asked)) == ((left + 10.0, top + 20.0, left + 30.0, top + 60.0), 2)
    assert seen.phones[0].score == pytest.approx(chance(0.35))
    assert {"closer", "verify"} <= set(stages)


@pytest.mark.parametrize("score", [DOUBT - 0.01, SURE])
def test_without_doubt_nobody_looks_closer(score: float) -> None:
    objects = Objects((Phone(HAND, score),))
    _, stages = looker(objects).observe(picture())
    assert len(objects.asked) == 1 and "closer" not in stages
    assert ("verify" in stages) is (score >= DOUBT)


def test_nobody_looks_closer_at_a_face_that_lies_on_nobody() -> None:
    """A doubtful face beside the person is no face: neither reported, nor a place to look at."""
    doubtful = Face((500.0, 10.0, 540.0, 60.0), 0.56, 0.0, 0.0)
    objects = Objects((Phone(HAND, 0.2),))
    seen, stages = looker(objects, faces=Faces(doubtful)).observe(picture())
    assert seen.faces == () and "closer" not in stages and len(objects.asked) == 1


def test_the_verifiers_word_is_added_and_only_the_best_few_are_asked() -> None:
    places = [(20.0 * i, 0.0, 20.0 * i + 15.0, 15.0) for i in range(6)]
    phones = tuple(Phone(box, 0.9 - 0.1 * i) for i, box in enumerate(places))
    verifier = Verifier(2.0)
    found = SecondLook(Objects(), verifier).verified(picture(), phones)
    assert verifier.asked == [places[:MOST]]
    by_place = {phone.box: phone.score for phone in found}
    assert [by_place[box] for box in places[:MOST]] == pytest.approx([chance(p.score, 2.0) for p in phones[:MOST]])
    assert all(by_place[box] == pytest.approx(chance(DOUBT)) for box in places[MOST:])
    assert [phone.score for phone in found] == sorted(by_place.values(), reverse=True)


def test_the_best_after_the_verifier_comes_first() -> None:
    class Opposite(Verifier):
        def odds(self, pixels: Pixels, boxes: Sequence[Box]) -> list[float]:
            return [-5.0, 5.0]

    one, other = Phone((0.0, 0.0, 9.0, 9.0), 0.3), Phone((50.0, 0.0, 59.0, 9.0), 0.29)
    assert [p.box for p in SecondLook(Objects(), Opposite()).verified(picture(), (one, other))] == [other.box, one.box]


def still(parts: Looker, faces: Faces, frame: Frame, times: int) -> list[bool]:
    """Whether each of these looks read anew."""
    fresh = []
    for _ in range(times):
        before = faces.looks
        parts.observe(frame)
        fresh.append(faces.looks > before)
    return fresh


def test_a_lens_that_was_blocked_ends_what_was_known() -> None:
    faces, lens = Faces(FACE), LensCheck()
    parts = Looker(faces, Objects(), lens, SecondLook(Objects(), Verifier()))
    assert still(parts, faces, picture(), 3) == [True, True, False]
    lens.condition = Lens.COVERED
    assert still(parts, faces, picture(), 1) == [False]
    lens.condition = Lens.CLEAR
    assert still(parts, faces, picture(), 3) == [True, True, False]


def test_nothing_is_repeated_for_a_picture_of_another_size() -> None:
    faces = Faces(FACE)
    parts = looker(Objects(), faces=faces)
    assert still(parts, faces, picture(), 3) == [True, True, False]
    larger = picture()
    larger = replace(larger, pixels=np.ascontiguousarray(np.repeat(np.repeat(larger.pixels, 2, 0), 2, 1)))
    assert still(parts, faces, larger, 1) == [True]


def test_readings_are_repeated_so_often_and_no_oftener() -> None:
    faces = Faces(FACE)
    fresh = still(looker(Objects(), faces=faces), faces, picture(), 3 + MOST_REPEATS)
    assert fresh == [True, True, *[False] * MOST_REPEATS, True]


def test_what_is_forgotten_is_looked_at_again() -> None:
    faces = Faces(FACE)
    parts = looker(Objects(), faces=faces)
    still(parts, faces, picture(), 3)
    parts.forget()
    assert parts._seen is None
    assert still(parts, faces, picture(), 1) == [True]


def test_a_body_without_a_face_is_read_anew_every_time() -> None:
    """Somebody whose head cannot be seen may turn it where no tile shows it."""
    faces = Faces()
    assert all(still(looker(Objects(), faces=faces), faces, picture(), 5))
