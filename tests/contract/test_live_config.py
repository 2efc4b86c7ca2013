"""Promise: a setting saved while the agent runs is in force at the next look; a broken file changes nothing and is named."""

from __future__ import annotations

from pathlib import Path

from agent.config import load_config
from agent.live_config import LiveConfig


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
