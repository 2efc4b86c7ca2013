"""Where the two secrets live: the device's signing key and the key of the local store.

In the operating system's key store wherever there is one. Only back ends known to encrypt are used; with any other,
and in a FRAMEKEEP_HOME folder, they are in a file only this user can read, and the status says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import StoreError
from agent.paths import Paths
from agent.store.rows import KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from keyring.backend import KeyringBackend

SERVICE = "Framekeep"
DEVICE_KEY, STORE_KEY = "device-key", "store-key"

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


class OsKeyStore:
    """The operating system's key store, through `keyring`."""

    kind = "os"

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

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
                f"The entry {name} in your key store is damaged: restore it, or run framekeep erase."
            ) from error

    def put(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        from keyring.errors import KeyringError

        try:
            self._backend.set_password(SERVICE, name, base64.b64encode(secret).decode("ascii"))
        except KeyringError as error:
            raise _locked(error) from error

    def delete(self, name: str) -> None:
        """See KeyStore."""
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            self._backend.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return  # there was none
        except KeyringError as error:
            raise _locked(error) from error


class FileKeyStore:
    """A file of mode 0600 and a second copy of it, each with a checksum: a flipped byte in one costs nothing."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self._files = (path, path.with_suffix(".copy.json"))

    def get(self, name: str) -> bytes | None:
        """See KeyStore."""
        value = self._read().get(name)
        return None if value is None else base64.b64decode(value)

    def put(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        self._write({**self._read(), name: base64.b64encode(secret).decode("ascii")})

    def delete(self, name: str) -> None:
        """See KeyStore."""
        kept = {key: value for key, value in self._read().items() if key != name}
        if kept:
            self._write(kept)
        else:
            for file in self._files:
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
                " run framekeep erase and enrol again."
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
                raise StoreError(
                    f"The key file {file} cannot be written ({error.strerror}): free some space."
                ) from error


def choose_key_store(paths: Paths, *, use_os: bool = True) -> KeyStore:
    """The operating system's key store where there is a trustworthy one; else the file. Once the keys are in the
    file they stay there. A FRAMEKEEP_HOME folder keeps its keys inside. Raises StoreError when the key store is
    locked.
    """
    if paths.portable or paths.key_file.exists() or not use_os:
        return FileKeyStore(paths.key_file)
    backend = trusted_backend()
    return FileKeyStore(paths.key_file) if backend is None else OsKeyStore(backend)


def trusted_backend() -> KeyringBackend | None:
    """The key store `keyring` found, if it is one of those that encrypt; None otherwise."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    backend = keyring.get_keyring()
    choices = backend.backends if isinstance(backend, ChainerBackend) else [backend]
    return next((each for each in choices if type(each).__module__.startswith(_TRUSTED)), None)


def store_key(keys: KeyStore) -> bytes:
    """The 32 bytes that encrypt the store's rows; made on first use. Raises StoreError."""
    key = keys.get(STORE_KEY)
    if key is None or len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        keys.put(STORE_KEY, key)
    return key


def device_key(keys: KeyStore) -> Ed25519PrivateKey | None:
    """The device's signing key; None when none was made. Raises StoreError."""
    raw = keys.get(DEVICE_KEY)
    return None if raw is None or len(raw) != 32 else Ed25519PrivateKey.from_private_bytes(raw)


def make_device_key(keys: KeyStore) -> Ed25519PrivateKey:
    """A fresh signing key, kept before it is returned. Raises StoreError."""
    key = Ed25519PrivateKey.generate()
    keys.put(DEVICE_KEY, key.private_bytes_raw())
    return key


def forget_keys(keys: KeyStore) -> None:
    """Delete both: what is left in the store can never be read again. Raises StoreError."""
    keys.delete(DEVICE_KEY)
    keys.delete(STORE_KEY)


def _locked(error: Exception) -> StoreError:
    return StoreError(
        f"Your key store cannot be used now ({type(error).__name__}): unlock it and start Framekeep again."
    )


def _digest(keys: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode("utf-8")).hexdigest()
