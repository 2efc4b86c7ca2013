"""The service's version, as it says itself."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("framekeep")
except PackageNotFoundError:  # run from a folder that was never installed
    VERSION = "0.0.0"
