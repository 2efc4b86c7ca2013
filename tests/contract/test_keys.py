"""Promise: keys are kept by a key store that encrypts, or in a file only the user can read, and never made anew while
the old ones may still be there.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from agent.commands.local import open_local
from agent.control import pause
from agent.errors import StoreError
from agent.keys import (
    DEVICE_KEY,
    STORE_KEY,
    FileKeyStore,
    KeyStore,
    OsKeyStore,
    choose_key_store,
    device_key,
    make_device_key,
    store_key,
    trusted_backend,
)
from agent.paths import Paths, find_paths
from agent.store import Store
from tests.builders import NOW, window


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
    return FileKeyStore(tmp_path / "keys.json") if request.param == "file" else OsKeyStore(MemoryBackend(), tmp_path)


def test_every_key_store_keeps_and_forgets(keys: KeyStore) -> None:
    assert device_key(keys) is None
    made, stored = make_device_key(keys), store_key(keys)
    again = device_key(keys)
    assert again is not None and again.private_bytes_raw() == made.private_bytes_raw()
    assert store_key(keys) == stored and len(stored) == 32
    keys.clear()
    keys.clear()
    assert device_key(keys) is None and store_key(keys) != stored


def test_a_locked_key_store_is_an_error_and_nothing_is_made_anew(tmp_path: Path) -> None:
    backend = MemoryBackend()
    keys = OsKeyStore(backend, tmp_path)
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
    keyring.set_keyring(Trusted())
    paths = find_paths({"XDG_DATA_HOME": str(tmp_path)})
    own = type(paths)(tmp_path, tmp_path, tmp_path)
    assert choose_key_store(own).kind == "os"
    assert choose_key_store(find_paths({"FRAMEKEEP_HOME": str(tmp_path)})).kind == "file"
    FileKeyStore(own.key_file).put("x", b"y")
    assert choose_key_store(own).kind == "file", "keys that are in the file stay there"


class Trusted(MemoryBackend):
    """Stands where an encrypting back end would."""


Trusted.__module__ = "keyring.backends.SecretService"


def desktop(folder: Path) -> Paths:
    """The folders of a user whose keys may be in the operating system's key store."""
    return Paths(folder, folder, folder)


def fill(paths: Paths, keys: KeyStore) -> bytes:
    """A store with a row; returns its key."""
    key = store_key(keys, paths.store)
    store = Store(paths.store, key)
    store.commit([window(NOW)], b"open window", policy="p-1")
    store.close()
    return key


def test_out_of_reach_of_the_desktop_no_second_key_is_made(tmp_path: Path, restore_keyring: None) -> None:
    paths, backend = desktop(tmp_path), Trusted()
    keyring.set_keyring(backend)
    key = fill(paths, choose_key_store(paths))
    keyring.set_keyring(keyring.backends.fail.Keyring())  # a remote shell: no session, no key store
    for _ in range(2):
        with pytest.raises(StoreError, match="desktop session"):
            choose_key_store(paths)
    assert not paths.key_file.exists()
    keyring.set_keyring(backend)
    assert store_key(choose_key_store(paths), paths.store) == key


def test_no_key_is_made_beside_a_store_that_holds_rows(tmp_path: Path) -> None:
    paths, keys = desktop(tmp_path), FileKeyStore(tmp_path / "keys.json")
    pause(paths.store, now=NOW)  # needs no key, and encrypts nothing
    assert store_key(keys, paths.store, make=False) != store_key(keys, paths.store, make=False)
    assert keys.get(STORE_KEY) is None
    fill(paths, keys)
    keys.delete(STORE_KEY)
    for make in (False, True):
        with pytest.raises(StoreError, match="start over with framekeep erase --everything --only-here"):
            store_key(keys, paths.store, make=make)
    assert keys.get(STORE_KEY) is None
    for damaged in (b"garbage" * 1000, paths.store.read_bytes()[:4096]):
        paths.store.write_bytes(damaged)
        with pytest.raises(StoreError, match="out of reach"):
            store_key(keys, paths.store)


def test_verbs_that_look_make_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEKEEP_HOME", str(tmp_path))
    pause(find_paths().create().store, now=NOW)
    with open_local() as local:
        assert local.store is not None and local.store.identity() is None
    assert not find_paths().key_file.exists()
    with open_local(create=True) as local:
        assert local.keys.get(STORE_KEY) is not None


FIRST_START = """
import sys, time
from pathlib import Path
from agent.keys import FileKeyStore, make_device_key, store_key
keys = FileKeyStore(Path(sys.argv[1]))
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
if sys.argv[3] == "device":
    make_device_key(keys)
print(store_key(keys).hex())
"""


def test_first_starts_at_once_make_one_key_and_drop_none(tmp_path: Path) -> None:
    for turn in range(3):
        path = tmp_path / f"{turn}.json"
        at = time.time() + 1.5
        command = [sys.executable, "-c", FIRST_START, str(path), str(at)]
        starts = [
            subprocess.Popen([*command, who], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
            for who in ("device", "store", "store", "store")
        ]
        made = {start.communicate()[0] for start in starts}
        assert len(made) == 1 and made == {store_key(FileKeyStore(path)).hex().encode() + b"\n"}
        assert device_key(FileKeyStore(path)) is not None


def test_threads_of_the_operating_systems_key_store_make_one_key(tmp_path: Path) -> None:
    class Slow(MemoryBackend):
        def get_password(self, service: str, username: str) -> str | None:
            found = super().get_password(service, username)
            time.sleep(0.02)
            return found

    backend, made = Slow(), []
    threads = [threading.Thread(target=lambda: made.append(store_key(OsKeyStore(backend, tmp_path)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 4 and len(set(made)) == 1
