"""The panel's short-lived files, all of them readable by this user only: how a link travels without standing on a command
line, where every user of the computer could read it.

`framekeep-open-*.html` sends a browser to a link, `framekeep-answer-*` is the agent's answer to `framekeep panel`. Each is dead after a
minute, because its code is; they are removed when used, when dead, and when the agent starts.
"""

from __future__ import annotations

import hashlib
import html
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from agent.errors import StoreError
from agent.panel.access import CODE_SECONDS

FOLDER = "panel"
"""Below the data folder."""
_PATTERNS = ("framekeep-open-*", "framekeep-answer-*")


def panel_folder(data: Path) -> Path:
    """The folder for these files, mode 0700. Raises StoreError."""
    folder = data / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.name == "posix":
            folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be made ({error.strerror}): free some space, or give your user the right to"
            " write there."
        ) from error
    return folder


def write_private(file: Path, text: str) -> None:
    """A new file, mode 0600 from its first instant and complete under its name. Raises StoreError."""
    making = file.with_name(file.name + ".new")
    try:
        with suppress(FileNotFoundError):
            making.unlink()
        handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        making.replace(file)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written ({error.strerror}): free some space, or give your user the right to write there."
        ) from error


def write_redirect(folder: Path, link: str) -> Path:
    """A page that sends a browser to `link`. Raises StoreError."""
    file = folder / redirect_name(code_of(link))
    address = html.escape(link)
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    onward = (
        f'<meta http-equiv="refresh" content="0;url={address}"><title>...</title><p><a href="{address}">...</a></p>'
    )
    write_private(file, f"{head}{onward}</html>\n")
    return file


def code_of(link: str) -> str:
    """The one-time code a link carries; whatever else its query holds is no part of it."""
    return parse_qs(urlsplit(link).query)["code"][0]


def redirect_name(code: str) -> str:
    """The name of the file that holds a code; says nothing about it."""
    return f"framekeep-open-{hashlib.sha256(b'name of ' + code.encode()).hexdigest()[:16]}.html"


def forget_redirect(folder: Path, code: str) -> None:
    """Remove the file of a code that was used."""
    with suppress(OSError):
        (folder / redirect_name(code)).unlink()


def tidy(folder: Path, *, now: float, older_than: float = CODE_SECONDS) -> None:
    """Remove what is older than so many seconds at `now` (epoch seconds), or as far in the future; everything with 0. (A
    file that was written a moment ago may be a moment younger than `now`.)
    """
    for pattern in _PATTERNS:
        for file in folder.glob(pattern):
            with suppress(OSError):
                if abs(now - file.stat().st_mtime) >= older_than:
                    file.unlink()
