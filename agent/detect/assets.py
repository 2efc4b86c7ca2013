"""The model files: where they are, and proof that they are the ones the manifest names."""

from __future__ import annotations

import hashlib
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from agent.errors import FramekeepError

MANIFEST = "manifest.toml"


class ModelError(FramekeepError):
    """A model file is missing or is not the one the manifest names; the installation is damaged."""


@dataclass(frozen=True, slots=True)
class Model:
    """One verified model: its bytes, and the first 16 hex digits of their SHA-256."""

    name: str
    data: bytes
    fingerprint: str


def models_folder() -> Path:
    """Where `manifest.toml` is: in the package when installed, at the checkout's top, or in a frozen app.

    Raises ModelError naming the places that were tried.
    """
    package = Path(__file__).resolve().parent.parent
    places = [package / "models", package.parent / "models"]
    frozen = getattr(sys, "_MEIPASS", None)  # where PyInstaller unpacks
    if frozen:
        places.insert(0, Path(frozen) / "models")
    for place in places:
        if (place / MANIFEST).is_file():
            return place
    tried = ", ".join(str(place) for place in places)
    raise ModelError(f"The model files are missing (looked in {tried}); the installation is damaged, install again.")


def load_model(name: str, folder: Path | None = None) -> Model:
    """The model the manifest lists as `name` ("face" or "phone"), read once and checked.

    Raises ModelError when the file or its entry is missing, or when its SHA-256 is another one.
    """
    folder = folder or models_folder()
    entry = read_manifest(folder).get(name)
    if entry is None:
        raise ModelError(f"{folder / MANIFEST} names no model {name!r}; the installation is damaged, install again.")
    path = folder / str(entry["file"])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror}); the installation is damaged, install again."
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry["sha256"]:
        raise ModelError(
            f"The model file {path} was altered (its SHA-256 is not the manifest's), so it is not used; install again."
        )
    return Model(name, data, digest[:16])


def read_manifest(folder: Path) -> dict[str, dict[str, object]]:
    """The manifest's entries by name. Raises ModelError when it is missing or not TOML."""
    path = folder / MANIFEST
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); the installation is damaged, install again.") from error


def models_fingerprint(folder: Path | None = None) -> str:
    """16 hex digits that name the set of models, for the summary's `models` field: SHA-256 over their digests."""
    entries = read_manifest(folder or models_folder())
    joined = "\n".join(f"{name} {entries[name]['sha256']}" for name in sorted(entries))
    return hashlib.sha256(joined.encode()).hexdigest()[:16]
