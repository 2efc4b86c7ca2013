"""Tombstones beside the database, so that restoring an old backup of it does not bring erased people back."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sync_service.erasure import Tombstone
from sync_service.errors import SettingsError


class TombstoneFile:
    """One JSON object a line, only ever added to: random ids of erased people and devices."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def remember(self, tombstones: Sequence[Tombstone]) -> None:
        """Add those that are not there yet; returns once they would survive a power cut."""
        known = set(self.read())
        new = [one for one in tombstones if one not in known]
        if not new:
            return
        lines = "".join(json.dumps(asdict(one), sort_keys=True) + "\n" for one in new)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            # A line cut short by a crash ends here, so that it cannot swallow the next one.
            file.write(b"\n" + lines.encode() if self._cut_short() else lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[Tombstone]:
        """All of them. A line cut short is skipped: what it says is remembered again before anything is deleted."""
        if not self._path.is_file():
            return []
        found = []
        for number, line in enumerate(self._path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                if line.endswith("}"):
                    found.append(Tombstone(**json.loads(line)))
            except (ValueError, TypeError):
                raise SettingsError(
                    f"line {number} of {self._path} is damaged; restore the file before serving"
                ) from None
        return found

    def _cut_short(self) -> bool:
        content = self._path.read_bytes() if self._path.is_file() else b""
        return bool(content) and not content.endswith(b"\n")
