"""Promise: a setting saved while the agent runs is in force at the next look; a broken file changes nothing and is named."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent.app import open_home
from agent.clock import SystemClock
from agent.config import load_config
from agent.live_config import LiveConfig
from agent.paths import HOME_VARIABLE
from agent.program import Program
from agent.sources import Source


def test_a_saved_setting_is_taken_up_and_a_broken_file_is_not(tmp_path: Path) -> None:
    file = tmp_path / "framekeep.toml"
    live = LiveConfig(file, load_config(file, {}))
    assert live().sensitivity == "normal"
    file.write_text('sensitivity = "strict"\n')
    assert (live().sensitivity, live.problem) == ("strict", "")
    file.write_text('sensitivity = "very strict"\n')
    assert live().sensitivity == "strict"
    assert "framekeep.toml" in live.problem and "sensitivity" in live.problem
    file.write_text('sensitivity = "relaxed"\nlanguage = "de"\n')
    assert (live().sensitivity, live().language, live.problem) == ("relaxed", "de", "")
    file.unlink()
    assert live().sensitivity == "normal", "no file: the defaults"


@pytest.mark.parametrize(("first", "follow", "then"), [("0", True, "2"), ("0", False, "0"), (None, True, None)])
def test_the_signals_are_told_of_the_camera_that_is_looked_through_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str | None, follow: bool, then: str | None
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    stop, source = threading.Event(), Source(device=first, files=() if first else ("a.mp4",))
    home = open_home(SystemClock(), stop=stop, complain=print)
    assert home is not None
    with home:
        program = Program(home, source, clock=SystemClock(), stop=stop, began=0.0, every=None, follow_camera=follow)
        assert program.camera() == first
        home.paths.config_file.write_text('camera = "2"\n')
        assert program.camera() == then
        home.paths.config_file.write_text('camera = "no such file.mp4"\n')
        assert program.camera() == first, "a name of nothing changes nothing"
