"""Promise: the agent waits for a disk that is full, read-only or busy, and for nothing that only a person can change."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from agent.app import open_home
from agent.control import InstanceLock
from agent.errors import StoreError
from agent.keys import FileKeyStore, store_key
from agent.paths import Paths, find_paths
from agent.store import StoreTooNew, open_store
from agent.store.database import Meta
from tests.builders import NOW, ManualClock


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("FRAMEKEEP_HOME", str(tmp_path))
    return find_paths().create()


def start(stop: threading.Event, said: list[str]) -> None:
    def complain(text: str) -> None:
        said.append(text)
        stop.set()

    home = open_home(ManualClock(), stop=stop, complain=complain)
    if home is not None:
        home.store.close()
        home.lock.release()


def test_a_store_that_cannot_be_opened_now_is_tried_again(paths: Paths) -> None:
    store_key(FileKeyStore(paths.key_file))
    paths.store.mkdir()  # for SQLite the same as a folder it may not write to
    said: list[str] = []
    start(threading.Event(), said)
    assert len(said) == 1 and "cannot be opened" in said[0]
    paths.store.rmdir()
    start(threading.Event(), said)
    assert len(said) == 1


def test_a_newer_store_is_an_error_at_once(paths: Paths) -> None:
    key, said = store_key(FileKeyStore(paths.key_file)), []
    store = open_store(paths.store, key, now=NOW).store
    with store._db.write():
        store._db.put_int(Meta.VERSION, 99)
    store.close()
    with sqlite3.connect(paths.store) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(StoreTooNew, match="update this one"):
        start(threading.Event(), said)
    assert said == [] and InstanceLock(paths.lock).holder() is None


def test_damaged_keys_are_an_error_at_once(paths: Paths) -> None:
    for file in ("keys.json", "keys.copy.json"):
        (paths.data / file).write_bytes(b"\xff")
    said: list[str] = []
    with pytest.raises(StoreError, match="damaged"):
        start(threading.Event(), said)
    assert said == [] and InstanceLock(paths.lock).holder() is None
