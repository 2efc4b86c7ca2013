"""Promise: the panel changes what it was asked to change in framekeep.toml and nothing else: comments, order, other keys and
the file's mode stay, and a file that cannot be read or written is left as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.config import load_config
from agent.errors import ConfigError, StoreError
from agent.panel.cameras import find_cameras
from agent.panel.settings_file import write_settings

WRITTEN = """# My own file.
interval_seconds = 12  # slower is fine

camera = "0"

[detector]
face = "onnx"  # lighter
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "framekeep.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    return path


def test_everything_else_stays(file: Path) -> None:
    file.chmod(0o640)
    write_settings(file, {"camera": "1", "language": "de", "rest_on_battery": True})
    text = file.read_text(encoding="utf-8")
    assert "# My own file." in text and "# slower is fine" in text and '"onnx"  # lighter' in text
    assert file.stat().st_mode & 0o777 == 0o640
    config = load_config(file, {})
    assert (config.camera, config.language, config.rest_on_battery, config.interval_seconds) == ("1", "de", True, 12)
    assert config.detector_face == "onnx"


def test_a_key_can_be_taken_out(file: Path) -> None:
    write_settings(file, {"camera": None})
    assert "camera" not in file.read_text(encoding="utf-8")


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    write_settings(tmp_path / "framekeep.toml", {"sensitivity": "strict"})
    assert load_config(tmp_path / "framekeep.toml", {}).sensitivity == "strict"


@pytest.mark.parametrize("values", [{"sensitivity": "wild"}, {"hours": "always"}, {"nothing": 1}])
def test_what_cannot_be_right_is_not_written(file: Path, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        write_settings(file, values)
    assert file.read_text(encoding="utf-8") == WRITTEN


def test_a_file_that_is_not_toml_is_left_alone(file: Path) -> None:
    file.write_text("camera = [", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML"):
        write_settings(file, {"camera": "1"})
    assert file.read_text(encoding="utf-8") == "camera = ["


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked.toml"
    link.symlink_to(file)
    write_settings(link, {"camera": "1"})
    assert link.is_symlink() and 'camera = "1"' in file.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write_settings(tmp_path / "missing" / "framekeep.toml", {"camera": "1"})
    assert list(tmp_path.iterdir()) == []


def test_cameras_are_named_without_opening_one(tmp_path: Path) -> None:
    for device, name, index in (
        ("video0", "Integrated Camera", "0"),
        ("video1", "Integrated Camera", "1"),
        ("video2", "USB", "0"),
    ):
        (tmp_path / device).mkdir()
        (tmp_path / device / "name").write_text(name + "\n")
        (tmp_path / device / "index").write_text(index + "\n")
    assert find_cameras("linux", tmp_path) == {"0": "Integrated Camera", "2": "USB"}
    assert find_cameras("linux", tmp_path / "none") == {}
    assert "0" in find_cameras("win32", tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="a full disk is played by a limit of POSIX")
def test_a_full_disk_leaves_no_half_written_file(file: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            write_settings(file, {"camera": "1"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(file.parent.iterdir()) == [file] and file.read_text(encoding="utf-8") == WRITTEN
