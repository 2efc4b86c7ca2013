"""The SealKeys port on one machine: one file a key, readable by the service's own user only.

The database's user cannot read them when the service runs as root, and only the opener is given this object.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import re
import secrets
import threading
from pathlib import Path

from agent.wire.seal import SealKey
from sync_service.errors import SettingsError
from sync_service.key_files import sync_folder

_KEY_ID = re.compile(r"[0-9a-f]{32}")
_SECRET = "ledger-secret"

log = logging.getLogger(__name__)


class FileSealKeys:
    """Private keys in `folder`: `<key id>.key` holds the suite byte and the raw private key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, SealKey] = {}
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    def find(self, key: str) -> SealKey | None:
        """See SealKeys.find. A damaged file counts as no key; one that cannot be read now is an OSError."""
        path = self._path(key)
        with self._lock:
            try:
                path.stat()  # asked each time: another process may have destroyed it
            except FileNotFoundError:
                self._loaded.pop(key, None)
                return None
            if key not in self._loaded:
                found = _read(path, key)
                if found is None:
                    return None
                self._loaded[key] = found
            return self._loaded[key]

    def add(self, key: SealKey) -> None:
        """See SealKeys.add."""
        _write_once(self._path(key.public.id), bytes([key.suite]) + key.raw)

    def destroy(self, key: str) -> None:
        """See SealKeys.destroy. The bytes are overwritten first, which helps on disks that write in place."""
        path = self._path(key)
        with self._lock:
            self._loaded.pop(key, None)
            try:
                with path.open("r+b") as file:
                    file.write(b"\0" * path.stat().st_size)
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()
            except FileNotFoundError:
                return
            sync_folder(self._folder)

    def ledger_secret(self) -> bytes:
        """See SealKeys.ledger_secret."""
        path = self._folder / _SECRET
        try:
            secret = path.read_bytes()
        except FileNotFoundError:  # nothing else: a secret that merely cannot be read must never be replaced
            _write_once(path, secrets.token_bytes(32))
            secret = path.read_bytes()
        if len(secret) != 32:
            raise SettingsError(f"{path} is damaged; restore it from a backup of the data folder")
        return secret

    def _path(self, key: str) -> Path:
        if not _KEY_ID.fullmatch(key):
            raise SettingsError("a seal key's id is 32 hexadecimal digits")
        return self._folder / f"{key}.key"


def _read(path: Path, key: str) -> SealKey | None:
    """The key in a file, or None (and a line in the log, without the bytes) when it is not the one its name says."""
    raw = path.read_bytes()
    try:
        found = SealKey(raw[0], raw[1:])
        if hmac.compare_digest(found.public.id, key):
            return found
    except (IndexError, ValueError) as error:  # also WireError
        log.debug("%s: %s", path.name, type(error).__name__)
    log.error("the seal key %s is damaged; restore it from a backup of the data folder", path)
    return None


def _write_once(path: Path, content: bytes) -> None:
    """Durably, or not at all; a file that is there stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
