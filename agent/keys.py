"""Where the secrets live: the device's signing key and the key of the local store.

In the operating system's key store wherever there is one. Only back ends known to encrypt are used; with any other,
and in a FRAMEKEEP_HOME folder, they are in a file only this user can read, and the status says so. Which of the two
it was is remembered beside the store: a process that cannot reach the desktop's key store (a remote shell, a timer)
says so and never starts a second set of keys.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.control import InstanceLock
from agent.errors import StoreError
from agent.paths import Paths
from agent.store.check import holds_rows
from agent.store.rows import KEY_BYTES
from agent.store.schema import StoreUnavailable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "Framekeep"
DEVICE_KEY, STORE_KEY = "device-key", "store-key"
NEXT_DEVICE_KEY = "device-key-next"
"""A signing key that is being enrolled in place of a revoked one."""
NEXT_STORE_KEY = "store-key-next"
"""The key of the empty store an erasure puts in place."""
LOCK_PATIENCE_SECONDS = 10.0

_TRUSTED = ("keyring.backends.macOS", "keyring.backends.Windows", "keyring.backends.SecretService",
            "keyring.backends.libsecret", "keyring.backends.kwallet")  # fmt: skip


class KeyStore(Protocol):
    """Keeps named secrets. Every method raises StoreError when the store is there but cannot be used now (locked,
    damaged): nothing may be made anew then, or what the old secret protects would be lost.
    """

    kind: str
    """"os" or "file"."""

    def get(self, name: str) -> bytes | None:
        """The secret; None when there is none."""
        ...

    def put(self, name: str, secret: bytes) -> None:
        """Keep a secret durably, in place of an older one."""
        ...

    def delete(self, name: str) -> None:
        """Forget a secret; one that is not there changes nothing."""
        ...

    def clear(self) -> None:
        """Forget every secret, readable or not."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """While it is held no other process or thread changes a secret. May be held again by the same thread."""
        ...


class _Alone:
    """A lock between processes and threads, on a file; reentrant."""

    def __init__(self, path: Path) -> None:
        self._file, self._threads, self._depth = InstanceLock(path), threading.RLock(), 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Raises StoreUnavailable when somebody else keeps it."""
        with self._threads:
            if self._depth == 0 and not self._file.acquire(patience=LOCK_PATIENCE_SECONDS):
                raise StoreUnavailable("Another Framekeep process is busy with the keys: try again in a moment.")
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._file.release()


class OsKeyStore:
    """The operating system's key store, through `keyring`. The lock, and the mark that the keys are here, are files
    in `folder`.
    """

    kind = "os"

    def __init__(self, backend: KeyringBackend, folder: Path) -> None:
        self._backend = backend
        self._mark = _mark(folder)
        self._alone = _Alone(folder / "keys.lock")

    def alone(self) -> AbstractContextManager[None]:
        """See KeyStore."""
        return self._alone.hold()

    def get(self, name: str) -> bytes | None:
        """See KeyStore."""
        from keyring.errors import KeyringError

        try:
            text = self._backend.get_password(SERVICE, name)
        except KeyringError as error:
            raise _locked(error) from error
        try:
            return None if text is None else base64.b64decode(text, validate=True)
        except ValueError as error:
            raise StoreError(
                f"The entry {name} in your key store is damaged: restore it, or run framekeep erase --everything --only-here."
            ) from error

    def put(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        from keyring.errors import KeyringError

        with self.alone():
            try:
                self._mark.touch(mode=0o600)
                self._backend.set_password(SERVICE, name, base64.b64encode(secret).decode("ascii"))
            except KeyringError as error:
                raise _locked(error) from error
            except OSError as error:
                raise StoreUnavailable(f"{self._mark} cannot be written ({error.strerror}).") from error
            if self.get(name) != secret:
                raise StoreError("Your key store did not keep a key it was given: check it, then start again.")

    def delete(self, name: str) -> None:
        """See KeyStore."""
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            self._backend.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return  # there was none
        except KeyringError as error:
            raise _locked(error) from error

    def clear(self) -> None:
        """See KeyStore."""
        for name in _NAMES:
            self.delete(name)
        self._mark.unlink(missing_ok=True)


class FileKeyStore:
    """A file of mode 0600 and a second copy of it, each with a checksum: a flipped byte in one costs nothing."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self._files = (path, path.with_suffix(".copy.json"))
        self._alone = _Alone(path.with_suffix(".lock"))

    def alone(self) -> AbstractContextManager[None]:
        """See KeyStore."""
        return self._alone.hold()

    def get(self, name: str) -> bytes | None:
        """See KeyStore."""
        value = self._read().get(name)
        return None if value is None else base64.b64decode(value)

    def put(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        with self.alone():
            self._write({**self._read(), name: base64.b64encode(secret).decode("ascii")})

    def delete(self, name: str) -> None:
        """See KeyStore."""
        with self.alone():
            held = self._read()
            kept = {key: value for key, value in held.items() if key != name}
            if not kept:
                self.clear()
            elif kept != held:
                self._write(kept)

    def clear(self) -> None:
        """See KeyStore."""
        with self.alone():
            for file in reversed(self._files):
                file.unlink(missing_ok=True)

    def _read(self) -> dict[str, str]:
        present = False
        for file in self._files:
            try:
                text = file.read_text(encoding="utf-8")
                if os.name == "posix" and file.stat().st_mode & 0o077:
                    file.chmod(0o600)
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError):
                present = True
                continue
            present = True
            try:
                value = json.loads(text)
                keys = {str(key): str(secret) for key, secret in value["keys"].items()}
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if value.get("digest") == _digest(keys):
                return keys
        if present:
            raise StoreError(
                f"Both copies of the key file {self._files[0]} are damaged or unreadable: restore one from a backup, or"
                " run framekeep erase --everything --only-here and enrol again."
            )
        return {}

    def _write(self, keys: dict[str, str]) -> None:
        text = json.dumps({"keys": keys, "digest": _digest(keys)})
        for file in self._files:
            fresh = file.with_suffix(".new")
            try:
                handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                fresh.replace(file)
            except OSError as error:
                raise StoreUnavailable(
                    f"The key file {file} cannot be written ({error.strerror}): free some space."
                ) from error


def choose_key_store(paths: Paths, *, use_os: bool = True) -> KeyStore:
    """The key store that holds this user's keys; where there are none yet, the operating system's if there is a
    trustworthy one, else the file. A FRAMEKEEP_HOME folder keeps its keys inside. Raises StoreError when the keys are
    in the operating system's and it cannot be reached from this process.
    """
    marked = _mark(paths.data).exists()
    if paths.portable or not use_os or (paths.key_file.exists() and not marked):
        return FileKeyStore(paths.key_file)
    backend = trusted_backend()
    if backend is not None:
        return OsKeyStore(backend, paths.data)
    if marked:
        raise StoreError(_OUT_OF_REACH)
    return FileKeyStore(paths.key_file)


def trusted_backend() -> KeyringBackend | None:
    """The key store `keyring` found, if it is one of those that encrypt; None otherwise."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    backend = keyring.get_keyring()
    choices = backend.backends if isinstance(backend, ChainerBackend) else [backend]
    return next((each for each in choices if type(each).__module__.startswith(_TRUSTED)), None)


def store_key(keys: KeyStore, store: Path | None = None, *, make: bool = True) -> bytes:
    """The 32 bytes that encrypt the rows of `store`; with `make`, made on first use. Never made anew once `store`
    (None: there is none yet) holds rows: they could not be read any more. Without `make`, an empty store is given a
    key that nobody keeps. Raises StoreError.
    """
    key = _sound(keys.get(STORE_KEY))
    if key is not None:
        return key
    if not make:
        _refuse_beside_rows(store)
        return secrets.token_bytes(KEY_BYTES)
    with keys.alone():
        key = _sound(keys.get(STORE_KEY))  # another process may have been faster
        if key is None:
            _refuse_beside_rows(store)
            key = secrets.token_bytes(KEY_BYTES)
            keys.put(STORE_KEY, key)
    return key


def _refuse_beside_rows(store: Path | None) -> None:
    if store is not None and holds_rows(store):
        raise StoreError(_OUT_OF_REACH)


def device_key(keys: KeyStore, name: str = DEVICE_KEY) -> Ed25519PrivateKey | None:
    """The device's signing key; None when none was made. Raises StoreError."""
    raw = _sound(keys.get(name))
    return None if raw is None else Ed25519PrivateKey.from_private_bytes(raw)


def make_device_key(keys: KeyStore, name: str = DEVICE_KEY) -> Ed25519PrivateKey:
    """A fresh signing key, kept before it is returned. Raises StoreError."""
    key = Ed25519PrivateKey.generate()
    keys.put(name, key.private_bytes_raw())
    return key


_NAMES = (DEVICE_KEY, STORE_KEY, NEXT_DEVICE_KEY, NEXT_STORE_KEY)
_OUT_OF_REACH = (
    "The local store's key is out of reach here: if your desktop's key store holds it, unlock that or run this from your"
    " desktop session; if the key is gone for good, start over with framekeep erase --everything --only-here."
)


def _mark(folder: Path) -> Path:
    """Exists when the keys of the store in `folder` are in the operating system's key store."""
    return folder / "keys.os"


def _sound(raw: bytes | None) -> bytes | None:
    return raw if raw is not None and len(raw) == KEY_BYTES else None


def _locked(error: Exception) -> StoreError:
    return StoreError(
        f"Your key store cannot be used now ({type(error).__name__}): unlock it and start Framekeep again."
    )


def _digest(keys: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode("utf-8")).hexdigest()
