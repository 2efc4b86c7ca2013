"""Promise: keys are kept by a key store that encrypts, or in a file only the user can read, and never made anew while
the old ones may still be there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from agent.errors import StoreError
from agent.keys import (
    DEVICE_KEY,
    FileKeyStore,
    KeyStore,
    OsKeyStore,
    choose_key_store,
    device_key,
    forget_keys,
    make_device_key,
    store_key,
    trusted_backend,
)
from agent.paths import find_paths


class MemoryBackend(KeyringBackend):
    """A key store in memory that can be locked."""

    priority = 1  # type: ignore[assignment]  # the library's own back ends do the same

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("locked")


@pytest.fixture
def restore_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture(params=["file", "os"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> KeyStore:
    return FileKeyStore(tmp_path / "keys.json") if request.param == "file" else OsKeyStore(MemoryBackend())


def test_every_key_store_keeps_and_forgets(keys: KeyStore) -> None:
    assert device_key(keys) is None
    made, stored = make_device_key(keys), store_key(keys)
    again = device_key(keys)
    assert again is not None and again.private_bytes_raw() == made.private_bytes_raw()
    assert store_key(keys) == stored and len(stored) == 32
    forget_keys(keys)
    forget_keys(keys)
    assert device_key(keys) is None and store_key(keys) != stored


def test_a_locked_key_store_is_an_error_and_nothing_is_made_anew() -> None:
    backend = MemoryBackend()
    keys = OsKeyStore(backend)
    stored = store_key(keys)
    backend.locked = True
    with pytest.raises(StoreError, match="unlock it"):
        store_key(keys)
    backend.locked = False
    assert store_key(keys) == stored


def test_one_damaged_copy_costs_nothing_and_two_are_an_error(tmp_path: Path) -> None:
    keys = FileKeyStore(tmp_path / "keys.json")
    stored = store_key(keys)
    good = (tmp_path / "keys.json").read_bytes()
    for offset in range(0, len(good), 3):
        flipped = bytearray(good)
        flipped[offset] ^= 0x04
        (tmp_path / "keys.json").write_bytes(flipped)
        assert store_key(keys) == stored
    (tmp_path / "keys.copy.json").write_bytes(b"")
    (tmp_path / "keys.json").write_bytes(b"\xff")
    with pytest.raises(StoreError, match="damaged"):
        store_key(keys)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_key_file_is_this_users_alone(tmp_path: Path) -> None:
    keys = FileKeyStore(tmp_path / "keys.json")
    store_key(keys)
    (tmp_path / "keys.json").chmod(0o644)
    keys.get(DEVICE_KEY)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())


def test_back_ends_that_do_not_encrypt_are_refused(restore_keyring: None) -> None:
    for backend in (keyring.backends.fail.Keyring(), keyring.backends.null.Keyring(), MemoryBackend()):
        keyring.set_keyring(backend)
        assert trusted_backend() is None


def test_what_is_chosen(tmp_path: Path, restore_keyring: None) -> None:
    class Trusted(MemoryBackend):
        """Stands where an encrypting back end would."""

    Trusted.__module__ = "keyring.backends.SecretService"
    keyring.set_keyring(Trusted())
    paths = find_paths({"XDG_DATA_HOME": str(tmp_path)})
    own = type(paths)(tmp_path, tmp_path, tmp_path)
    assert choose_key_store(own).kind == "os"
    assert choose_key_store(find_paths({"FRAMEKEEP_HOME": str(tmp_path)})).kind == "file"
    FileKeyStore(own.key_file).put("x", b"y")
    assert choose_key_store(own).kind == "file", "keys that are in the file stay there"
