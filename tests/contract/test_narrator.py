"""Holds the promise that nobody who reads along is no reason to stop measuring."""

from __future__ import annotations

import io
import os
import sys

import pytest

from agent.narrator import Narrator, say
from agent.status import AgentState, Report


def test_a_terminal_that_is_closed_or_missing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    closed = io.StringIO()
    closed.close()
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    broken = io.TextIOWrapper(io.FileIO(write, "w"), encoding="utf-8")
    for output in (None, closed, narrow, broken):
        monkeypatch.setattr(sys, "stdout", output)
        say("Kamera geöffnet")
    with pytest.raises(BrokenPipeError):
        os.write(write, b"x")
    broken.detach().close()


def test_it_says_that_the_camera_is_opened_before_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator(0.0)
    for state in (AgentState.OPENING, AgentState.OPENING, AgentState.WATCHING):
        narrator(Report(state, 1, 1, camera="camera 0"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].endswith(" opening camera 0") and "watching camera 0 (first look" in lines[1]
