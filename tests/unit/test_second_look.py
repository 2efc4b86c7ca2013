"""The second look's decisions: evidence adds up, one thing is one candidate, and a closer look is really closer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention.observation import Face, Observation, Person, Phone
from agent.attention.observation import Lens as Seen
from agent.attention.rules import Rules
from agent.detect.crop import GREY, square_crop
from agent.detect.look import alike
from agent.detect.overlap import overlap
from agent.detect.second_look import (
    DOUBT,
    EVEN,
    LIMIT,
    SURE,
    around,
    averaged,
    chance,
    worth_a_closer_look,
    worth_verifying,
)
from agent.detect.stillness import MOVED, mosaic, moved

scores = st.floats(0.0, 1.0)
odds = st.floats(-50.0, 50.0)


@given(scores, scores, odds)
def test_more_evidence_is_never_less_of_a_chance(one: float, other: float, odd: float) -> None:
    low, high = sorted((one, other))
    assert chance(low, odd) <= chance(high, odd)
    assert chance(one, odd) <= chance(one, odd + 1.0)
    assert 0.0 <= chance(one, odd) <= 1.0


def test_an_even_score_without_a_verifier_is_an_even_chance() -> None:
    assert chance(EVEN) == pytest.approx(0.5)


def test_the_verifier_is_not_believed_without_limit() -> None:
    assert chance(0.2, 1000.0) == chance(0.2, LIMIT)


FACE = Face((300, 100, 360, 170), 0.9)


@pytest.mark.parametrize(
    ("best", "verified", "closer"),
    [(DOUBT - 0.01, False, False), (DOUBT, True, True), (SURE - 0.01, True, True), (SURE, True, False)],
)
def test_only_where_the_answer_can_matter_is_it_asked_for(best: float, verified: bool, closer: bool) -> None:
    phones = (Phone((0, 0, 10, 10), best),)
    assert worth_verifying(phones) is verified
    assert (worth_a_closer_look((FACE,), phones, 640, 480) is not None) is closer
    assert worth_a_closer_look((), phones, 640, 480) is None


def test_what_is_not_asked_could_not_have_mattered_to_the_judge() -> None:
    rules = Rules()
    least = min(rules.phone_minimum, rules.phone_leave, rules.phone_sustained, rules.phone_threshold)
    assert chance(DOUBT - 0.001, LIMIT) < least < chance(DOUBT + 0.001, LIMIT)
    most = max(rules.phone_sustained, rules.phone_threshold)
    assert chance(SURE - 0.001, -LIMIT) < most < chance(SURE + 0.001, -LIMIT)
    assert 0.05 < DOUBT < EVEN < SURE < 1


def test_two_passes_that_mark_the_same_count_with_the_mean_of_their_evidence() -> None:
    near, far = Phone((0, 0, 10, 10), 0.16), Phone((50, 50, 60, 60), 0.19)
    again, new = Phone((1, 0, 11, 10), 0.25), Phone((80, 0, 90, 10), 0.15)
    assert averaged((far, near), (again, new)) == (Phone(again.box, pytest.approx(0.2)), far, new)
    assert chance(0.2) == pytest.approx(1 / (1 + ((1 / chance(0.16) - 1) * (1 / chance(0.25) - 1)) ** 0.5))


def test_one_thing_is_not_averaged_twice() -> None:
    one, beside = Phone((0, 0, 10, 10), 0.4), Phone((3, 0, 13, 10), 0.3)
    (both, left) = averaged((one, beside), (Phone((0, 0, 10, 10), 0.1),))
    assert (both.score, left) == (pytest.approx(0.3), Phone(one.box, pytest.approx(0.2)))


boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 90), st.integers(1, 90)).map(
    lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
)


@given(*[st.lists(st.builds(Phone, boxes, scores), max_size=8)] * 2)
def test_passes_put_together_lose_nothing_and_invent_nothing(one: list[Phone], other: list[Phone]) -> None:
    put = averaged(one, other)
    assert [p.score for p in put] == sorted((p.score for p in put), reverse=True)
    assert max(len(one), len(other)) <= len(put) <= len(one) + len(other)
    assert {p.box for p in put} <= {p.box for p in (*one, *other)}
    if put:
        assert put[0].score <= max(p.score for p in (*one, *other)) + 1e-9


@given(boxes, boxes)
def test_overlap_is_a_share_and_the_same_both_ways(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    assert 0.0 <= overlap(a, b) == overlap(b, a) <= 1.0  # type: ignore[arg-type]  # four numbers, as the strategy says
    assert overlap(a, a) == pytest.approx(1.0)  # type: ignore[arg-type]


def test_a_face_that_fills_the_picture_leaves_nothing_closer() -> None:
    assert around((100, 50, 400, 400), 640, 480) is None
    left, top, right, bottom = around((300, 100, 360, 170), 640, 480) or (0, 0, 0, 0)
    assert left < 300 < 360 < right
    assert top < 100
    assert bottom > 170
    assert (right - left) / (bottom - top) == pytest.approx(416 / 320, rel=0.02)


@given(st.tuples(st.floats(-50, 700), st.floats(-50, 500), st.floats(0, 400), st.floats(0, 400)))
def test_a_cut_is_square_whatever_the_box(box: tuple[float, float, float, float]) -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    cut = square_crop(picture, (box[0], box[1], box[0] + box[2], box[1] + box[3]), 112)
    assert cut.shape == (112, 112, 3)
    assert set(np.unique(cut)) <= {0, GREY}


def test_a_cut_shows_the_box_in_its_middle_and_grey_beyond_the_picture() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40:60, 40:60] = 255
    cut = square_crop(picture, (40, 40, 60, 60), 112, context=2.0)
    assert cut[56, 56].tolist() == [255, 255, 255]
    assert cut[56, 10].tolist() == [0, 0, 0]
    corner = square_crop(picture, (0, 0, 20, 20), 112, context=2.0)
    assert corner[2, 2].tolist() == [GREY] * 3
    assert corner[60, 60].tolist() == [0, 0, 0]


def test_a_small_thing_moves_a_tile_and_a_cloud_moves_none() -> None:
    room = np.full((480, 640, 3), 120, np.uint8)
    darker = (room * 0.7).astype(np.uint8)
    hand = room.copy()
    hand[300:330, 300:330] = 60
    noise = np.random.default_rng(1).normal(120, 12, room.shape).clip(0, 255).astype(np.uint8)
    assert not moved(mosaic(room), mosaic(room))
    assert not moved(mosaic(room), mosaic(darker))
    assert not moved(mosaic(room), mosaic(noise))
    assert moved(mosaic(room), mosaic(hand))
    assert MOVED < 255


def reading(
    *, yaw: float | None = 0.0, pitch: float | None = 0.0, phone: float = 0.0, face: bool = True, body: bool = False
) -> Observation:
    faces = (Face((10, 10, 50, 60), 0.9, yaw, pitch),) if face else ()
    phones = (Phone((0, 0, 9, 9), phone),) if phone else ()
    persons = (Person((0, 0, 300, 400), 0.8),) if body else ()
    return Observation(0.0, (640, 480), Seen.CLEAR, faces, phones, persons)


def test_only_readings_beyond_doubt_are_alike() -> None:
    assert alike(reading(), reading(yaw=3.0))
    assert alike(reading(face=False), reading(face=False))
    assert not alike(reading(), reading(yaw=8.0))
    assert not alike(reading(), reading(yaw=None))
    assert not alike(reading(), reading(pitch=-8.0))
    assert not alike(reading(pitch=None), reading())
    assert not alike(reading(face=False, body=True), reading(face=False, body=True))
    assert not alike(reading(face=False), reading(face=False, body=True))
    assert not alike(reading(), reading(face=False))
    assert not alike(reading(phone=0.4), reading(phone=0.4))


def test_overlap_is_what_both_share_of_what_either_covers() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0.0
