"""Where the bundled sample recording is."""

from __future__ import annotations

from pathlib import Path

from agent.errors import FramekeepError


def sample_clip() -> Path:
    """The clip that passes through the states (made by models/make_sample.py). Raises FramekeepError."""
    clip = Path(__file__).resolve().parent / "sample" / "sample.mp4"
    if not clip.is_file():
        raise FramekeepError(f"The bundled sample {clip} is missing: install Framekeep again.")
    return clip
