"""What to look at: a camera, or files. Path logic only, so the parent process may use it; no pixels here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import UnreadableSource, UsageError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jp2", ".png", ".bmp", ".dib", ".webp", ".avif", ".tif", ".tiff", ".pgm", ".ppm", ".pbm"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp", ".ts", ".gif"}
)
FACE_ENGINES = ("mediapipe", "onnx")
"""Which runtimes can find faces in what is looked at, the default first."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the eyes open. Either `device` (an index as "0", or a device path) or `files`, in this order.

    `every` is the seconds between two looks at files on their own clock. `realtime` ties that clock to the wall:
    a look then shows the moment that is due, and nothing comes back once it is over.
    """

    device: str | None = None
    files: tuple[str, ...] = ()
    every: float = 1.0
    realtime: bool = False

    def __post_init__(self) -> None:
        if (self.device is None) == (not self.files):
            raise UsageError("Choose either a camera or files to look at.")
        if not 0 < self.every < float("inf"):
            raise UsageError(f"--every needs a positive number of seconds, not {self.every}.")

    @property
    def name(self) -> str:
        """How to name it to a person."""
        if self.device is not None:
            return f"camera {self.device}"
        return self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"

    def to_json(self) -> dict[str, Any]:
        """The form it takes on the pipe to the eyes process."""
        return {"device": self.device, "files": list(self.files), "every": self.every, "realtime": self.realtime}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        """The reverse of `to_json`."""
        return cls(data["device"], tuple(data["files"]), float(data["every"]), bool(data["realtime"]))


def parse_source(text: str, every: float = 1.0, realtime: bool = False) -> Source:
    """What a person typed after --camera: a camera's number, a device, a file or a folder.

    Raises UnreadableSource when it names nothing, or a folder without pictures and videos.
    """
    if re.fullmatch(r"\d{1,3}", text) or text.startswith("/dev/"):
        return Source(device=text)
    return Source(files=tuple(str(path) for path in expand(text)), every=every, realtime=realtime)


def expand(text: str) -> list[Path]:
    """The file itself, or all pictures and videos in a folder and below, in natural order (2 before 10).

    Hidden files and other kinds of files in a folder are passed over. Raises UnreadableSource.
    """
    path = Path(text)
    try:
        if path.is_dir():
            found = [p for p in path.rglob("*") if kind(p) and not _hidden(p.relative_to(path)) and p.is_file()]
            if not found:
                raise UnreadableSource(f"The folder {text} holds no picture or video; name another.")
            return sorted(found, key=_natural)
        if path.is_file():
            return [path]
        if path.exists():
            raise UnreadableSource(f"{text} is neither a file nor a folder; name a picture, a recording or a folder.")
    except OSError as error:
        raise UnreadableSource(f"{text} cannot be read ({error.strerror}); check its permissions.") from error
    raise UnreadableSource(f"There is no file or folder {text}; check the name.")


def kind(path: Path) -> str | None:
    """What the name's suffix says: "image", "video", or None for anything else."""
    suffix = path.suffix.lower()
    return "image" if suffix in IMAGE_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else None


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path).lower())
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part) for part in parts]
