"""`make eval`, as an auditor runs it: over a small labelled folder made from the bundled clip, and over the labelled
pictures beside the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.real.pictures import REPOSITORY, SAMPLE

pytestmark = pytest.mark.timeout(180)

SCENES = [
    (75, "facing", 0, 1, 1, "screen"),
    (200, "facing", 0, 1, 1, "screen"),
    (170, "phone_in_hand", 1, 1, 1, "screen"),
    (575, "phone_in_hand", 1, 1, 1, "screen"),
    (270, "away", 0, 1, 1, "away"),
    (540, "away", 0, 1, 1, "away"),
    (330, "no_person", 0, 0, 0, "unknown"),
    (350, "no_person", 0, 0, 0, "unknown"),
    (450, "covered", -1, -1, -1, "unknown"),
]
"""Second of the clip and what its README says is seen there: category, phone, face, people, looking."""


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "models" / "evaluate.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled folder of frames of the bundled clip."""
    place = tmp_path_factory.mktemp("labelled")
    rows = ["file,source,category,phone_visible,face_visible,people,looking,phone_box,note"]
    video = cv2.VideoCapture(str(SAMPLE))
    for second, category, *labels in SCENES:
        video.set(cv2.CAP_PROP_POS_FRAMES, round(second * video.get(cv2.CAP_PROP_FPS)))
        read, pixels = video.read()
        assert read and cv2.imwrite(str(place / f"{second}.png"), pixels)
        rows.append(",".join([f"{second}.png", "sample", category, *map(str, labels), "", ""]))
    video.release()
    (place / "labels.csv").write_text("\n".join(rows) + "\n")
    return place


@pytest.fixture(scope="module")
def first(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any], Path]:
    """What a run prints, its numbers, and where it drew."""
    place = tmp_path_factory.mktemp("drawn")
    numbers = place / "first.json"
    done = evaluate(str(folder), "--json", str(numbers), "--plots", str(place), "--sheet", str(place))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(numbers.read_text()), place


def test_the_bundled_clip_is_scored_as_it_was_made(first: tuple[str, dict[str, Any], Path]) -> None:
    printed, numbers, _ = first
    measures = {key: (m["value"], m["pictures"]) for key, m in numbers["measures"].items()}
    assert measures["faces.recall"] == (1.0, 6) and measures["lens.right"] == (1.0, 9)
    assert measures["away.state"] == (1.0, 2) and measures["screen.other"] == (0.0, 2)
    assert measures["phones.in_hand"] == (1.0, 2) and measures["phones.f1"] == (1.0, 8)
    assert measures["states.right"] == (1.0, 9)
    assert "| faces found" in printed and "1.00 (0." in printed
    assert numbers["time"]["looking"]["mean"] > 0 and {"camera", "lens"} <= set(numbers["time"]["stages"])
    assert len(numbers["results"]) == 9 and str(SAMPLE.parent) not in json.dumps(numbers)
    assert numbers["curves"]["phones"]["recall"][-1] == 1.0


def test_every_chart_is_a_picture_and_there_is_no_sheet_without_a_mistake(
    first: tuple[str, dict[str, Any], Path],
) -> None:
    place = first[2]
    names = {"phone_precision_recall", "phone_scores", "phone_reliability", "phones_by_kind", "away_roc", "states"}
    assert {file.stem for file in place.glob("*.png")} == names
    for file in place.glob("*.png"):
        pixels = cv2.imread(str(file))
        assert pixels is not None and min(pixels.shape[:2]) > 300 and pixels.std() > 10


def test_the_same_again_changed_nothing_and_mistakes_get_a_sheet(
    folder: Path, first: tuple[str, dict[str, Any], Path], tmp_path: Path
) -> None:
    table = (folder / "labels.csv").read_text()
    other = tmp_path / "wrong"
    other.mkdir()
    for file in folder.glob("*.png"):
        (other / file.name).write_bytes(file.read_bytes())
    (other / "labels.csv").write_text(
        table.replace("75.png,sample,facing,0,1,1,screen", "75.png,sample,away,0,1,1,away")
    )
    drawn = tmp_path / "drawn"
    before = str(first[2] / "first.json")
    done = evaluate(str(other), "--baseline", before, "--plots", str(drawn), "--sheet", str(drawn))
    assert done.returncode == 0, done.stderr
    assert "over the 9 pictures both judged" in done.stdout and "| worse " not in done.stdout
    assert cv2.imread(str(drawn / "worst_mistakes.png")) is not None
    assert str(drawn / "worst_mistakes.png") in done.stderr


def test_options_reach_analyze_and_json_alone_is_printed(folder: Path) -> None:
    done = evaluate(str(folder), "--only", "category=facing", "--json", "-", "--no-drawing", "--analyze-args=--every 5")
    assert done.returncode == 0 and json.loads(done.stdout)["pictures"] == 2
    refused = evaluate(str(folder), "--no-drawing", "--analyze-args=--no-such-option")
    assert refused.returncode == 1 and "no-such-option" in refused.stderr
    assert refused.stderr.splitlines()[-1].startswith("eval: `framekeep analyze` judged no picture")


def test_an_unreadable_picture_is_said_and_the_rest_scored(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "75.png").write_bytes((folder / "75.png").read_bytes())
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    rows = (folder / "labels.csv").read_text().splitlines()
    (tmp_path / "labels.csv").write_text("\n".join([rows[0], rows[1], rows[2].replace("200.png", "broken.png")]))
    done = evaluate(str(tmp_path), "--no-drawing")
    assert done.returncode == 1 and "broken.png" in done.stderr and "1 of 2 pictures were not judged" in done.stderr
    assert "could not read them: broken.png." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--sheet", str(REPOSITORY / "sheet")], "shows people"),
        (["--baseline", "nowhere.json"], "not a results file"),
        (["--update-readme", "--only", "category=away"], "whole folder"),
        (["--update-readme"], "publishes the figures"),
        (["--plots", "/dev/null/charts"], "cannot be a folder"),
        (["--json", "/nowhere/x.json", "--no-drawing", "--only", "category=away"], "cannot be written"),
    ],
)
def test_a_wrong_request_is_one_sentence(folder: Path, arguments: list[str], word: str) -> None:
    done = evaluate(str(folder), *arguments)
    assert done.returncode == 2 and word in done.stderr and "Traceback" not in done.stderr
    assert not (REPOSITORY / "sheet").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_what_cannot_be_printed_is_one_sentence_and_the_numbers_are_kept(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "models" / "evaluate.py"), str(folder), "--only", "category=facing"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "--no-drawing", "--json", str(tmp_path / "kept.json")],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1 and done.stderr.startswith("eval: Standard output takes no more")
    assert done.stderr.count("\n") == 1 and json.loads((tmp_path / "kept.json").read_text())["pictures"] == 2


@pytest.mark.shared
def test_the_labelled_pictures(shared_dir: Path) -> None:
    """All of them, and the promises that hold whichever models are installed."""
    done = evaluate(str(shared_dir / "eval"), "--json", "-", "--no-drawing")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    measures = numbers["measures"]
    assert numbers["pictures"] == 203 and numbers["sources"] == 8 and numbers["not_labelled"] == []
    assert measures["lens.right"]["value"] == 1.0
    assert measures["faces.recall"]["value"] >= 0.98
    assert measures["away.state"]["pictures"] == 11 and measures["screen.other"]["pictures"] == 61
    assert measures["kind.wallet.false"]["pictures"] == 21
    assert measures["phones.false_on_people"] | {"value": 0.0, "pictures": 48} == measures["phones.false_on_people"]
    for measured in measures.values():
        if measured["low"] is not None:
            assert measured["low"] <= measured["value"] + 1e-9 and measured["value"] <= measured["high"] + 1e-9
