"""Holds the promise that what a person names is found, in the order they would expect, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UnreadableSource, UsageError
from agent.sources import Source, kind, parse_source


def test_a_number_or_a_device_is_a_camera() -> None:
    assert parse_source("0").device == "0"
    assert parse_source("/dev/video2").name == "camera /dev/video2"


def test_what_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(UnreadableSource, match=r"^There is no file or folder nothing-here\.mp4; check the name\.$"):
        parse_source("nothing-here.mp4")


@pytest.mark.parametrize("every", [0.0, -1.0, float("nan"), float("inf")])
def test_a_nonsensical_step_is_a_usage_error(every: float) -> None:
    with pytest.raises(UsageError, match="--every"):
        Source(files=("a.mp4",), every=every)


def test_a_camera_or_files_but_not_both() -> None:
    with pytest.raises(UsageError):
        Source()
    with pytest.raises(UsageError):
        Source(device="0", files=("a.mp4",))


def test_the_pipe_s_form_comes_back_the_same() -> None:
    for source in (Source(device="3"), Source(files=("a.mp4", "b.png"), every=0.5, realtime=True)):
        assert Source.from_json(source.to_json()) == source


def test_kinds_by_suffix() -> None:
    assert [kind(Path(name)) for name in ("a.JPG", "b.mkv", "labels.csv", "README")] == ["image", "video", None, None]
