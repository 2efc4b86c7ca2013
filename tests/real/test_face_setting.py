"""Holds the promise that the setting `detector.face` reaches the process that looks, and that with "onnx" nothing there
or in the agent needs MediaPipe: here `import mediapipe` fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.pictures import REPOSITORY, SAMPLE

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def without_mediapipe(tmp_path: Path) -> dict[str, str]:
    """An environment of its own in which importing MediaPipe is an error."""
    (tmp_path / "mediapipe.py").write_text("raise ImportError('mediapipe must not be imported')")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEKEEP_")}
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    return {**inherited, "FRAMEKEEP_HOME": str(tmp_path / "home"), "PYTHONPATH": path}


@pytest.mark.parametrize(("face", "expected"), [("onnx", "watching"), ("mediapipe", "cannot see")])
def test_the_setting_reaches_the_eyes(without_mediapipe: dict[str, str], face: str, expected: str) -> None:
    home = Path(without_mediapipe["FRAMEKEEP_HOME"])
    home.mkdir()
    (home / "framekeep.toml").write_text(f'detector.face = "{face}"\n')
    command = [sys.executable, "-m", "agent.cli", "run", "--headless", "--camera", str(SAMPLE), "--every", "1"]
    agent = subprocess.Popen(command, env=without_mediapipe, stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout is not None
        said = next(line for line in agent.stdout if " watching " in line or " cannot see" in line)
    finally:
        agent.terminate()
        agent.communicate(timeout=20)
    assert expected in said


def test_analyze_takes_the_engine_from_the_command_line(without_mediapipe: dict[str, str]) -> None:
    command = [sys.executable, "-m", "agent.cli", "analyze", "--json", "--every", "300", str(SAMPLE)]
    lean, usual = (
        subprocess.run([*command, "--face", face], env=without_mediapipe, capture_output=True, text=True, check=False)
        for face in ("onnx", "mediapipe")
    )
    assert lean.returncode == 0 and '"faces": [{' in lean.stdout
    assert usual.returncode == 1 and lean.stdout != usual.stdout
