"""Promise: every setting knows where it came from; a wrong one names its file and key; what the policy decides is
locked. (The file is given as text through a fake path: no disk.)
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import KEYS, Config, Origin, load_config, readable_config
from agent.errors import ConfigError
from agent.paths import find_paths


class TextFile:
    """What `load_config` needs of a path."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, encoding: str) -> str:
        return self._text

    def __str__(self) -> str:
        return "/home/ada/framekeep.toml"


def load(text: str = "", **environ: str) -> Config:
    return load_config(TextFile(text), environ)  # type: ignore[arg-type]  # see TextFile


def test_defaults_are_within_their_own_limits() -> None:
    config = load()
    for key, check in KEYS.items():
        value = config.value(key)
        assert check(value) == value and config.origin(key) is Origin.DEFAULT


def test_later_wins_and_origins_are_shown() -> None:
    config = load(
        'camera = "1"\nstore_mib = 32\nlog_level = "debug"', FRAMEKEEP_STORE_MIB="16", FRAMEKEEP_CAMERA="clip.mp4"
    )
    assert (config.camera, config.store_mib, config.log_level) == ("clip.mp4", 16, "debug")
    config = config.with_values({"camera": "2"}, Origin.COMMAND, "--camera")
    config = config.with_policy({"interval_seconds": 30}, "p-7")
    shown = {line["key"]: line for line in config.show()}
    assert shown["camera"] == {
        "key": "camera", "value": "2", "origin": "command", "place": "--camera", "locked": False,
    }  # fmt: skip
    assert shown["store_mib"]["place"] == "FRAMEKEEP_STORE_MIB"
    assert shown["log_level"]["place"] == "/home/ada/framekeep.toml"
    assert shown["interval_seconds"]["locked"] and shown["interval_seconds"]["place"] == "policy p-7"
    assert shown["proxy"]["origin"] == "default"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camra = 1", ["framekeep.toml", "'camra'", "did you mean 'camera'"]),
        ("zzz = 1", ["framekeep.toml", "'zzz'", "the settings are"]),
        ("interval_seconds = 4", ["framekeep.toml", "interval_seconds", "from 5 to 60", "not 4"]),
        ("interval_seconds = true", ["interval_seconds", "whole number"]),
        ('interval_seconds = "10"', ["interval_seconds", "not '10'"]),
        ("interval_seconds = 0", ["interval_seconds"]),
        ("interval_seconds = nan", ["interval_seconds"]),
        ('server = "http://sync.example.org"', ["server", "https://"]),
        ('server = "https://sync.example.org/path"', ["server"]),
        ('proxy = "http://user:secret@proxy"', ["proxy", "without a password"]),
        ('detector.face = "opencv"', ["framekeep.toml", "detector.face", "mediapipe, onnx", "not 'opencv'"]),
        ("[detector]\nface = 1", ["detector.face"]),
        ('[detector]\nfase = "onnx"', ["'detector.fase'", "did you mean 'detector.face'"]),
        ("detector = 1", ["'detector'", "did you mean 'detector.face'"]),
        ('log_level = "loud"', ["log_level", "debug, info"]),
        ("camera = -1", ["camera must be a camera's number, 0 or more, or", "in quotation marks, not -1"]),
        ("camera = ''", ["camera"]),
        ("camera = [1]", ["camera"]),
        ("store_mib = 1", ["store_mib", "from 4 to 4096"]),
        ("[table]\ncamera = 1", ["'table'"]),
        ("camera = ", ["framekeep.toml", "not valid TOML"]),
    ],
)
def test_a_wrong_setting_names_file_and_key(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_can_be_read_holds_beside_what_is_wrong() -> None:
    text = 'camera = -1\nlanguage = "de"\nzzz = 1\n'
    config, problems = readable_config(TextFile(text), {"FRAMEKEEP_STORE_MIB": "1"})  # type: ignore[arg-type]  # see TextFile
    assert (config.camera, config.language, config.store_mib) == ("0", "de", 64)
    for word, said in zip(("camera must", "'zzz'", "FRAMEKEEP_STORE_MIB"), problems, strict=True):
        assert word in said
    config, (problem,) = readable_config(TextFile("camera = "), {"FRAMEKEEP_LANGUAGE": "fr"})  # type: ignore[arg-type]  # see TextFile
    assert "not valid TOML" in problem and (config.camera, config.language) == ("0", "fr")


def test_the_face_engine_is_a_setting_like_any_other() -> None:
    assert load().detector_face == "mediapipe"
    for text in ('detector.face = "onnx"', '[detector]\nface = "onnx"'):
        config = load(text)
        assert config.detector_face == "onnx" and config.origin("detector.face") is Origin.FILE
        shown = {line["key"]: line for line in config.show()}["detector.face"]
        assert (shown["value"], shown["origin"], shown["place"]) == ("onnx", "file", "/home/ada/framekeep.toml")
    config = load('detector.face = "onnx"', FRAMEKEEP_DETECTOR_FACE="mediapipe")
    assert config.detector_face == "mediapipe" and config.origin("detector.face") is Origin.ENVIRONMENT


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError, match=r"FRAMEKEEP_INTERVAL_SECONDS: interval_seconds must be"):
        load(FRAMEKEEP_INTERVAL_SECONDS="soon")


def test_a_proxy_is_never_taken_from_the_environment() -> None:
    assert load(FRAMEKEEP_PROXY="http://p:1", HTTPS_PROXY="http://p:1", https_proxy="http://p:1").proxy == ""
    assert load('proxy = "http://proxy.example.org:3128"').proxy == "http://proxy.example.org:3128"


def test_a_camera_may_be_a_number() -> None:
    assert load("camera = 2").camera == "2"


def test_one_variable_moves_everything() -> None:
    paths = find_paths({"FRAMEKEEP_HOME": "/tmp/trial"})
    assert paths.portable
    everything = (paths.store, paths.lock, paths.key_file, paths.config_file, paths.log_file)
    assert all(Path("/tmp/trial") in path.parents for path in everything)
    assert not find_paths({}).portable


def test_yes_or_no_from_a_variable_and_from_the_file() -> None:
    assert load(FRAMEKEEP_REST_ON_BATTERY="true").rest_on_battery is True
    assert load("rest_on_battery = true", FRAMEKEEP_REST_ON_BATTERY="False").rest_on_battery is False
    with pytest.raises(ConfigError, match="true or false"):
        load(FRAMEKEEP_REST_ON_BATTERY="maybe")
    with pytest.raises(ConfigError, match="like"):
        load('hours = "nine to five"')
