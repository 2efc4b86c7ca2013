"""Opens a link in the person's browser through a file only this user can read: the link itself is on no command line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from agent.panel.files import FOLDER, panel_folder, write_redirect

_ASK_SECONDS = 2.0
_START_SECONDS = 2.0


def open_link(link: str, data: Path) -> bool:
    """Send the person's browser to `link`; False when there is none. `data` is the data folder. Raises StoreError."""
    if not has_display(os.environ, sys.platform):
        return False
    file = write_redirect(_readable_folder(data), link)
    if not _started(file.as_uri()):
        file.unlink(missing_ok=True)
        return False
    return True


def _started(address: str) -> bool:
    """Whether a browser was started. Some commands for one return when the person closes it: those are not waited for."""
    answers: list[bool] = []
    starting = threading.Thread(target=lambda: answers.append(webbrowser.open(address)), name="browser", daemon=True)
    starting.start()
    starting.join(_START_SECONDS)
    return starting.is_alive() or answers == [True]


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser has somewhere to show itself. Without, Python would start one that takes over a terminal."""
    if platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("BROWSER"))


def redirect_folders(data: Path) -> list[Path]:
    """Where redirect files may be."""
    return [data / FOLDER, *(_snaps().glob("*/common") if sys.platform.startswith("linux") else ())]


def _readable_folder(data: Path) -> Path:
    """The panel's folder, or the one the default browser can read instead. Raises StoreError."""
    theirs = snap_folder(_default_browser(), _snaps()) if sys.platform.startswith("linux") else None
    return theirs or panel_folder(data)


def snap_folder(desktop_file: str, snaps: Path) -> Path | None:
    """The folder a browser that is a snap (NAME_APP.desktop; Ubuntu's Firefox) may read: it sees no hidden folder of its
    user's, so it could not open a file in ours. None for every other browser.
    """
    name, divider, _ = desktop_file.removesuffix(".desktop").partition("_")
    folder = snaps / name / "common"
    mine = divider and folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == snaps.stat().st_uid
    return folder if mine else None


def _snaps() -> Path:
    return Path(os.environ.get("HOME") or "/nonexistent") / "snap"


def _default_browser() -> str:
    """The default browser's desktop file, "" if the desktop does not say."""
    try:
        asked = subprocess.run(
            ["xdg-settings", "get", "default-web-browser"], capture_output=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.decode("utf-8", "replace").strip()
