"""The model files are the ones the manifest names, and the build makes the same bytes again from their packages.

The rebuild needs the build environment of `make models` and its downloads: without them it is skipped, never
silently passed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent.detect.assets import ModelError, load_model, models_fingerprint, models_folder, read_manifest

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "models"
BUILD_PYTHON = REPOSITORY / ".build" / "models" / "bin" / "python"
SOURCES = REPOSITORY / ".build" / "model-sources"
MANIFEST = tomllib.loads((MODELS / "manifest.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_the_committed_file_is_the_one_in_the_manifest(name: str) -> None:
    entry = MANIFEST[name]
    data = (MODELS / entry["file"]).read_bytes()
    assert len(data) == entry["bytes"]
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert load_model(name).data == data


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_the_manifest_says_where_a_file_comes_from_and_under_which_licence(name: str) -> None:
    entry = MANIFEST[name]
    assert {"what", "licence", "authors", "input", "classes"} <= set(entry)
    assert {"registry", "package", "version", "archive", "sha256", "paths"} <= set(entry["source"])
    assert entry["source"]["version"] in (MODELS / "README.md").read_text("utf-8")
    assert entry["source"]["package"] in (REPOSITORY / "NOTICE").read_text("utf-8")


def test_models_are_found_from_the_checkout() -> None:
    assert models_folder() == MODELS
    assert {"face", "face_onnx", "phone"} <= set(read_manifest(MODELS))
    assert len(models_fingerprint()) == 16


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the manifest and the smaller model."""
    for name in ("manifest.toml", MANIFEST["face"]["file"]):
        shutil.copy(MODELS / name, tmp_path)
    return tmp_path


def test_an_altered_file_is_refused_in_a_clear_sentence(copy: Path) -> None:
    path = copy / MANIFEST["face"]["file"]
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"was altered .* install again"):
        load_model("face", copy)


def test_a_missing_file_entry_or_manifest_is_a_clear_sentence(copy: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read.*install again"):
        load_model("phone", copy)
    with pytest.raises(ModelError, match="names no model 'ear'"):
        load_model("ear", copy)
    (copy / "manifest.toml").unlink()
    with pytest.raises(ModelError, match=r"manifest\.toml cannot be read"):
        load_model("face", copy)


def test_the_activation_ranges_are_data_and_say_how_they_were_found() -> None:
    document = json.loads((MODELS / "activation_ranges.json").read_text("utf-8"))
    assert document["pictures"] > 100
    assert "calibrate.py" in document["how"]
    assert len(document["ranges"]) > 50
    assert all(low < high for low, high in document["ranges"].values())


def test_a_rebuild_makes_the_same_bytes() -> None:
    if not BUILD_PYTHON.is_file():
        pytest.skip("the models' build environment is not there; `make models` makes it and rebuilds")
    built = [entry for name, entry in MANIFEST.items() if name != "phone_verifier"]  # that one is trained
    if not all((SOURCES / entry["source"]["archive"]).is_file() for entry in built):
        pytest.skip("the models' source packages are not downloaded; `make models` fetches them and rebuilds")
    command = [str(BUILD_PYTHON), str(MODELS / "build.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(", as in the manifest") == len(MANIFEST)
    assert "phone_verifier.onnx, trained and not built" in result.stdout
