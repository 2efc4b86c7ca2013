"""The verifier as shipped: small, as described, and of use on people and things it was not trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.camera.base import Frame
from agent.detect.assets import load_model, models_folder, read_manifest
from agent.detect.onnx_session import open_session
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.phone_verifier import SIDE, PhoneVerifier

MOST_BYTES = 2_000_000


def test_the_file_is_small_and_carries_no_traces_of_its_training() -> None:
    data = load_model("phone_verifier").data
    assert len(data) <= MOST_BYTES
    session = open_session(data)
    assert [i.name for i in session.get_inputs()] == ["cuts"]
    assert [o.name for o in session.get_outputs()] == ["odds"]
    about = session.get_modelmeta()
    assert (about.description, about.producer_name, about.custom_metadata_map) == ("", "", {})
    assert b".jpg" not in data
    assert b"/home" not in data


def test_a_place_gets_the_same_odds_alone_or_among_others() -> None:
    verifier = PhoneVerifier()
    pixels = np.random.default_rng(5).integers(0, 255, (480, 640, 3), np.uint8)
    boxes = [(10.0, 10.0, 90.0, 120.0), (300.0, 200.0, 420.0, 260.0), (600.0, 400.0, 700.0, 500.0)]
    together = verifier.odds(pixels, boxes)
    assert together == [verifier.odds(pixels, [box])[0] for box in boxes]
    assert verifier.odds(pixels, []) == []
    assert all(np.isfinite(together))
    assert SIDE == 112


def test_a_place_is_prepared_as_in_training() -> None:
    """Red green blue, shrunk by averaging, scaled to about -1 to 1: the odds of a drawn picture, written down."""
    y, x = np.mgrid[0:480, 0:640]
    bands = [x * 255 / 640, y * 255 / 480, 128 + 100 * np.sin(x / 17) * np.cos(y / 23)]
    pixels = np.stack(bands, axis=2).astype(np.uint8)
    pixels[200:300, 300:360] = (20, 25, 60)
    boxes = [(300.0, 200.0, 360.0, 300.0), (100.0, 100.0, 200.0, 160.0)]
    verifier = PhoneVerifier()
    assert verifier.odds(pixels, boxes) == pytest.approx([-2.076, -1.577], abs=0.02)
    assert verifier.odds(np.ascontiguousarray(pixels[:, :, ::-1]), boxes) == pytest.approx([-1.784, -2.311], abs=0.02)


def test_the_manifest_says_that_it_was_trained_here() -> None:
    entry = read_manifest(models_folder())["phone_verifier"]
    assert "training" in str(entry["licence"])


@pytest.mark.shared
def test_it_tells_phones_from_other_things_the_detector_marked(shared_dir: Path) -> None:
    """A floor well under what models/README.md reports; none of these people or rooms were trained on."""
    detector, verifier = NanoDetPhones(), PhoneVerifier()
    odds: dict[str, list[float]] = {"1": [], "0": []}
    with (shared_dir / "eval" / "labels.csv").open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["phone_visible"] in odds]
    for row in rows[::2]:
        if row["category"] in ("dark", "covered", "blurred", "object_not_phone"):
            continue
        pixels = cv2.imread(str(shared_dir / "eval" / row["file"])).astype(np.uint8)
        _, phones = detector.detect(Frame(pixels, 0.0))
        if phones:
            odds[row["phone_visible"]] += verifier.odds(pixels, [phones[0].box])
    pairs = [phone > other for phone in odds["1"] for other in odds["0"]]
    assert len(odds["1"]) > 20
    assert np.mean(pairs) > 0.8
