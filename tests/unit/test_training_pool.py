"""What may shape the weights we ship: only pictures whose own licence allows it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from pool import may_ship, read_pool

from agent.errors import UsageError


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC BY 4.0 (stated in data.yaml)", True),
        ("CC BY 4.0 (stated in data.yaml); stock photographs", True),
        ("Public Domain (stated in data.yaml)", True),
        ("MIT", True),
        ("MIT repo; photos are the Stanford 40 Actions set (research use)", False),
        ("MIT repo; web photographs", False),
        ("none stated (stock photographs)", False),
        ("GPL-3.0 repo (yolov5 fork); photos not licensed apart", False),
        ("", False),
        ("CC BY-NC 4.0", False),
        ("CC BY-NC-ND 4.0 (stated in data.yaml)", False),
        ("CC BY 4.0 (stated in data.yaml); research use", False),
        ("CC BY 4.0 for the labels; photos not licensed", False),
        ("MIT-like, non-commercial", False),
        ("MIT (the code)", False),
        ("Public Domain except for the faces", False),
    ],
)
def test_a_repository_licence_is_no_licence_of_its_pictures(licence: str, expected: bool) -> None:
    assert may_ship(licence) is expected


def test_a_folder_that_is_no_training_pool_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,source,licence,category,phone_visible\n1.jpg,a/b,MIT,facing,0\n")
    with pytest.raises(UsageError, match="has no column 'use'; name the folder of a training pool"):
        read_pool(tmp_path, everything=True)


@pytest.mark.shared
def test_the_pool_without_the_evaluation_set_and_what_may_not_ship(shared_dir: Path) -> None:
    free = read_pool(shared_dir / "train", everything=False)
    everything = read_pool(shared_dir / "train", everything=True)
    with (shared_dir / "eval" / "labels.csv").open(newline="") as handle:
        evaluated = {row["source"] for row in csv.DictReader(handle)}
    assert 1000 < len(free) < len(everything)
    assert not {picture.source for picture in free} & evaluated
    assert all(picture.free for picture in free)
    assert all(x1 < x2 and y1 < y2 for picture in everything for x1, y1, x2, y2 in picture.boxes)
