"""The figures of the model card's conditions: intervals of differences, cells that do not claim too much, drawn light."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from conditions import draw, groups, report
from conditions.attributes import Labelled
from conditions.looking import Seen
from evaluation.labels import Picture

from agent.attention.observation import Face, Lens, Observation, State

BOX = (40.0, 20.0, 60.0, 50.0)


def judged(source: str, glasses: str, *, found: bool, phone: bool | None = False, unseen: bool = True) -> groups.Judged:
    picture = Picture(f"{source}.jpg", source, phone, True, use="in_hand" if phone else None, lookalike="")
    faces = (Face(BOX, 0.9, 0.0, 0.0),) if found else ()
    seen = Seen(Observation(0.0, (100, 80), Lens.CLEAR, faces), State.ON_PHONE, State.AT_SCREEN)
    return Labelled(Path(picture.file), picture, {"glasses": glasses, "face": "visible"}, unseen), seen


def test_newcombe_gives_his_own_example() -> None:
    """Newcombe 1998, method 10: 56 of 70 against 48 of 80."""
    assert groups.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_few_pictures_get_no_share_and_a_perfect_small_group_is_no_difference() -> None:
    some = [judged(f"s{i % 6}", "none", found=i % 10 > 0) for i in range(60)]
    some += [judged(f"s{i % 6}", "sun", found=True) for i in range(12)] + [judged("s1", "clear", found=True)] * 3
    bare, clear, sun = groups.rows(some, "glasses")
    assert bare[1] == "60 (6)" and bare[2].startswith("0.90 (") and bare[2].endswith("of 60")
    assert clear[2] == "3 of 3: too few" and clear[3] == "-"
    assert sun[2].startswith("1.00 (0.7")
    (said,) = groups.differences(some, "glasses")
    assert said.startswith("No difference beyond chance in 2 comparisons. A difference shows from ")


def test_a_group_of_ten_hides_more_than_one_of_a_thousand() -> None:
    few, many = (groups.least_shown(whole, 900, 1000) for whole in (10, 1000))
    assert 0.15 < few < 0.35 and many < 0.05
    low, high = groups.newcombe(8, 10, 900, 1000)
    assert low < 0 < high  # one of ten less: as well chance


def test_a_difference_in_every_source_is_said() -> None:
    some = [judged(f"s{i % 6}", "none", found=i % 10 > 0) for i in range(60)]
    some += [judged(f"s{i % 6}", "sun", found=i % 4 == 0) for i in range(48)]
    (said,) = groups.differences(some, "glasses")
    assert "a face found: sunglasses 0.25, no glasses 0.90" in said


def test_pictures_the_verifier_learned_from_do_not_count_for_phones() -> None:
    some = [judged("s", "none", found=True, phone=phone, unseen=False) for phone in (True, False) * 20]
    assert groups.rows(some, "glasses")[0][4:] == ("-", "-")


def test_each_stop_halves_the_light() -> None:
    grey = np.full((64, 64, 3), 200, np.uint8)
    light = [draw.to_light(draw.darkened(grey, stops)).mean() for stops in (0.0, 1.0, 2.0)]
    assert light[0] / light[1] == pytest.approx(2, rel=0.02) and light[1] / light[2] == pytest.approx(2, rel=0.02)
    assert draw.darkened(grey, 8).std() > 0, "a sensor in the dark is noisy, not black"


def test_backlight_darkens_the_person_and_brightens_the_rest() -> None:
    grey = np.full((80, 100, 3), 120, np.uint8)
    lit = draw.backlit(grey, BOX, 1.0, 2.0)
    assert lit[35, 50].max() < 80 and lit[5, 5].min() > 150


def test_a_small_face_is_as_small_as_asked_for() -> None:
    picture = np.full((80, 100, 3), 255, np.uint8)
    picture[20:50, 40:60] = 0
    small = draw.far_away(picture, BOX, 0.1)
    assert small.shape == picture.shape and (small[:, :, 0] < 60).any(axis=0).sum() == pytest.approx(10, abs=2)
    assert draw.far_away(picture, BOX, 0.5) is picture


def test_light_from_the_side_leaves_the_other_half() -> None:
    grey = np.full((80, 100, 3), 120, np.uint8)
    lit = draw.lit_from_the_side(grey, BOX, 4.0)
    assert lit[40, 95].min() > 115 and lit[40, 5].max() < 40


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480), (90, 1600), (1, 1)])
def test_a_tile_of_the_sheet_shows_the_whole_picture_unsquashed(height: int, width: int) -> None:
    tile = report.fitted(np.full((height, width, 3), 200, np.uint8))
    rows, columns = (np.flatnonzero(tile.max(axis=(2, axis)) > 100) for axis in (1, 0))
    assert tile.shape == (180, 240, 3) and (len(rows) == 180 or len(columns) == 240)
    assert len(columns) / len(rows) == pytest.approx(width / height, rel=0.05)
