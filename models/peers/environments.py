"""The peers' own environments, and the list of them that `framekeep bench --peers` reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VERSIONS = ((3, 11), (3, 12))
"""Pythons that every peer has wheels for."""


def folders() -> list[Path]:
    """One a peer: peer.toml, peer.py, requirements.in and .lock."""
    return sorted((file.parent for file in HERE.glob("*/peer.toml")), key=lambda folder: folder.name, reverse=True)


def entries(folder: Path, environments: Path) -> list[dict[str, Any]]:
    """What `peers.json` says of a peer, its environment made first where it is missing or older than its lock file.

    An environment that cannot be made is no error: the entries then say why.
    """
    programs = tomllib.loads((folder / "peer.toml").read_text(encoding="utf-8"))["program"]
    environment = environments / folder.name
    missing = prepare(environment, folder / "requirements.lock")
    found = []
    for program in programs:
        arguments = program.pop("arguments", [])
        command = [str(environment / "bin" / "python"), str(folder / "peer.py"), *arguments]
        found.append({**program, "missing": missing} if missing else {**program, "command": command})
    return found


def prepare(environment: Path, lock: Path) -> str:
    """Install a lock file into an environment of its own. Answers why that failed, or an empty text."""
    stamp = environment / ".installed"
    if stamp.is_file() and stamp.read_text() == lock.read_text():
        return ""
    python = find_python()
    if python is None:
        return "it needs Python 3.11 or 3.12, which this machine does not have."
    shutil.rmtree(environment, ignore_errors=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    for command in (
        [python, "-m", "venv", str(environment)],
        [str(environment / "bin" / "python"), *install, "-r", str(lock)],
    ):
        failed = _run(command)
        if failed:
            return failed
    stamp.write_text(lock.read_text())
    return ""


def find_python() -> str | None:
    """The running Python, where it is one of VERSIONS; else one of them from the search path."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    names = (f"python{major}.{minor}" for major, minor in VERSIONS)
    return next((path for path in map(shutil.which, names) if path), None)


def _run(command: Sequence[str]) -> str:
    """Answers the last line of its errors when it fails, else an empty text."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1].strip() if lines else f"{Path(command[0]).name} ended with {done.returncode}."
