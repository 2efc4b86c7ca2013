"""Holds the promise of `framekeep analyze`: its JSON lines never drift, one bad file does not stop the rest, and
recordings are judged with a memory whose totals agree with the lines.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent.attention.observation import Lens, State
from agent.wire.summary import STATES
from tests.real.pictures import REPOSITORY, SAMPLE, noise, write_video

pytestmark = pytest.mark.timeout(120)

FIELDS = {"source", "frame", "time", "lens", "faces", "phones", "persons", "phone_score", "state", "ms"}


def framekeep(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.cli", "analyze", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_the_lines_are_what_was_promised() -> None:
    done = framekeep("--json", "--every", "20", str(SAMPLE))
    assert done.returncode == 0 and done.stderr == ""
    seen = lines(done)
    assert len(seen) == 31
    for line in seen:
        assert set(line) == FIELDS
        assert line["source"] == str(SAMPLE) and isinstance(line["frame"], int) and number(line["time"])
        assert line["lens"] in list(Lens) and line["state"] in STATES and 0 <= line["phone_score"] <= 1
        for face in line["faces"]:
            assert set(face) == {"box", "score", "yaw", "pitch"}
            assert len(face["box"]) == 4 and all(number(v) for v in face["box"]) and number(face["score"])
            assert all(face[angle] is None or number(face[angle]) for angle in ("yaw", "pitch"))
        assert {"camera", "lens"} <= set(line["ms"]) and all(number(ms) and ms >= 0 for ms in line["ms"].values())
        for thing in line["phones"] + line["persons"]:
            assert set(thing) == {"box", "score"} and len(thing["box"]) == 4
        for nearest_first in (line["faces"], line["persons"]):
            areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (one["box"] for one in nearest_first)]
            assert areas == pytest.approx(sorted(areas, reverse=True), rel=0.01)  # boxes are rounded
    assert [line["time"] for line in seen] == sorted(line["time"] for line in seen)
    assert line["phone_score"] == max((p["score"] for p in line["phones"]), default=0)


def test_the_bundled_sample_passes_through_the_states_it_should() -> None:
    states = Counter(line["state"] for line in lines(framekeep("--json", "--every", "2", str(SAMPLE))))
    assert set(states) >= {State.AT_SCREEN, State.LOOKING_AWAY, State.ABSENT, State.UNKNOWN}
    assert states[State.AT_SCREEN] > sum(states.values()) / 3


def test_a_bad_file_is_one_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    empty, junk = tmp_path / "empty.jpg", tmp_path / "junk.mp4"
    empty.touch()
    junk.write_bytes(b"junk" * 1000)
    cut = tmp_path / "cut.avi"
    whole = Path(write_video(tmp_path / "whole.avi", frames=60, fps=10))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    one, huge = noise(tmp_path / "one.png", 1, 1), noise(tmp_path / "8k.jpg", 7680, 4320)
    done = framekeep("--json", str(empty), one, "nowhere.mp4", str(junk), huge, str(cut))
    assert done.returncode == 1
    complaints = done.stderr.splitlines()
    assert len(complaints) == 4 and all(line.startswith("framekeep: ") and line.endswith(".") for line in complaints)
    assert [
        next(name for name in ("nowhere.mp4", "empty.jpg", "junk.mp4", "cut.avi") if name in line)
        for line in complaints
    ] == ["nowhere.mp4", "empty.jpg", "junk.mp4", "cut.avi"]
    assert [Path(line["source"]).name for line in lines(done)][:2] == ["one.png", "8k.jpg"]
    assert {Path(line["source"]).name for line in lines(done)} == {"one.png", "8k.jpg", "cut.avi"}


def test_a_folder_with_junk(tmp_path: Path) -> None:
    for i in range(3):
        noise(tmp_path / f"{i}.png", 64, 48)
    (tmp_path / "labels.csv").write_text("a,b\n")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = framekeep("--json", str(tmp_path))
    assert done.returncode == 1 and len(lines(done)) == 3
    assert done.stderr.count("\n") == 1 and "broken.png" in done.stderr


def test_without_json_there_is_a_table(tmp_path: Path) -> None:
    picture = noise(tmp_path / "noise.png", 64, 48)
    done = framekeep(str(SAMPLE), picture, "--every", "20", "--save-plot", str(tmp_path / "plot.png"))
    assert done.returncode == 0, done.stderr
    assert "sample.mp4" in done.stdout and "Recordings" in done.stdout and "Pictures" in done.stdout
    assert (tmp_path / "plot.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--every", "0", str(SAMPLE)], "--every"),
        (["--every", "nan", str(SAMPLE)], "--every"),
        (["--save-plot", "plot.jpg", str(SAMPLE)], ".png"),
        (["--save-plot", "/nowhere/plot.png", str(SAMPLE)], "folder that exists"),
        ([], "SOURCE"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], word: str) -> None:
    done = framekeep(*arguments)
    assert done.returncode == 2 and word in done.stderr and "Traceback" not in done.stderr


def shell(tail: str, *arguments: str) -> tuple[int, str]:
    """The exit code of `analyze`, and what it complains of, with its output led elsewhere by the shell."""
    command = shlex.join([sys.executable, "-m", "agent.cli", "analyze", *arguments])
    done = subprocess.run(
        ["bash", "-c", f"{command} {tail}; exit ${{PIPESTATUS[0]}}"],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_reader_that_goes_is_no_failure_and_one_that_takes_nothing_is(tmp_path: Path, form: list[str]) -> None:
    pictures = [noise(tmp_path / f"{i}.png", 64, 48) for i in range(3)]
    assert shell("| true", *form, *pictures) == (0, "")
    full, complaint = shell(">/dev/full", *form, *pictures)
    assert full == 1 and complaint.startswith("framekeep: Standard output takes no more") and complaint.count("\n") == 1
    closed, complaint = shell(">&-", *form, *pictures)
    assert closed == 1 and complaint.startswith("framekeep: There is no standard output") and complaint.count("\n") == 1


@pytest.mark.shared
def test_two_hundred_pictures_through_one_process(shared_dir: Path) -> None:
    done = framekeep("--json", str(shared_dir / "eval" / "images"))
    assert done.returncode == 0 and len(lines(done)) == 203
    dark = [line for line in lines(done) if line["lens"] != "clear"]
    assert len(dark) >= 10 and {line["state"] for line in dark} == {State.UNKNOWN}
