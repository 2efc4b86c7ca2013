"""Where results go: checked before minutes of work, and one sentence where something cannot be written after all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from agent.errors import UsageError
from agent.output import Output

PREFIX = "framekeep-eval-"
"""Begins the names of the temporary folders in which drawings go that nobody named a folder for."""

STILL_DRAWN = 600.0
"""Seconds for which another run's folder is left alone."""


def check_file(file: Path | None) -> None:
    """Raises UsageError when this file could not be written; None, and "-" for standard output, always can."""
    if file is None or str(file) == "-":
        return
    parent = file.absolute().parent
    if file.is_dir() or not parent.is_dir() or not os.access(file if file.exists() else parent, os.W_OK):
        raise UsageError(f"The numbers cannot be written to {file}; name a file in a folder that exists and is yours.")


def check_folder(folder: Path | None) -> None:
    """Makes the folder where it is missing. Raises UsageError when nothing could be drawn there."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be a folder for drawings ({error.strerror}); name another.") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} is not yours to draw in; name another folder.")


def write(file: Path, text: str) -> None:
    """Write the file. Raises UsageError."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The numbers cannot be written to {file} ({error.strerror}); name another file.") from error


def say(text: str) -> None:
    """Print on standard output. Raises FramekeepError when that takes nothing; a reader that has gone gets no more."""
    Output().write(text)


def fresh() -> Path:
    """A new temporary folder that only this user can enter. What earlier runs of this user left there is removed, since it
    may show people; a run that draws at this moment keeps its own.
    """
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if old.is_dir() and not old.is_symlink() and _own(old) and time.time() - old.stat().st_mtime > STILL_DRAWN:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _own(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
