"""Which models judged: a hash every summary carries, so that a number can be traced to the files behind it."""

from __future__ import annotations

import hashlib
from functools import cache

from agent.detect.assets import MANIFEST, models_folder


@cache
def models_id() -> str:
    """The first 32 hex digits of the SHA-256 of the models' manifest, which names every file's own SHA-256.

    Raises FramekeepError when the manifest is missing.
    """
    return hashlib.sha256((models_folder() / MANIFEST).read_bytes()).hexdigest()[:32]
