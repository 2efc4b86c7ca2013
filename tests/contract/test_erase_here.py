"""Promise: erasing on this laptop may be killed at any instant; what is opened next is the old store or the empty one,
enrolled in either case, so that the erasure at the service can still be cancelled. A lost key is no dead end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from agent.commands import erase as verb
from agent.consent import Acknowledgement, Decision
from agent.control import read_pause
from agent.erased import finish_erasure, start_over
from agent.errors import StoreError
from agent.keys import STORE_KEY, FileKeyStore, device_key, make_device_key, store_key
from agent.paths import find_paths
from agent.store import DocumentKind, Store, StoredDocument, open_store
from tests.builders import MODELS, NOW, windows

IDENTITY = b'{"who":"this laptop"}'
DOCUMENT = StoredDocument(3, b"{}", "tag")
REFUSAL = Acknowledgement("2026-01-01", "de", Decision.DECLINED, NOW)


def fill(folder: Path) -> FileKeyStore:
    """An enrolled laptop's store with three windows, and damaged ones of earlier days beside it."""
    keys = FileKeyStore(folder / "keys.json")
    make_device_key(keys)
    store = Store(folder / "store.sqlite", store_key(keys))
    store.put_identity(IDENTITY)
    store.put_document(DocumentKind.POLICY, seq=DOCUMENT.seq, body=DOCUMENT.body, etag=DOCUMENT.etag)
    store.acknowledge(REFUSAL)
    store.commit(windows(NOW, 3), b"open window", policy="p-1", models=MODELS)
    store.close()
    (folder / "store.corrupt-1.sqlite").write_bytes(b"old rows")
    return keys


def erase(folder: Path) -> None:
    start_over(
        folder / "store.sqlite",
        FileKeyStore(folder / "keys.json"),
        identity=IDENTITY,
        documents={DocumentKind.POLICY: DOCUMENT},
        answers=(REFUSAL,),
        now=NOW,
    )


def found(folder: Path) -> int:
    """Open as the agent does; returns how many windows are there."""
    keys, path = FileKeyStore(folder / "keys.json"), folder / "store.sqlite"
    finish_erasure(path, keys)
    opened = open_store(path, store_key(keys, path), now=NOW)
    assert opened.problems == () and opened.store.identity() == IDENTITY and device_key(keys) is not None
    assert opened.store.document(DocumentKind.POLICY) == DOCUMENT
    assert opened.store.acknowledgements() == (REFUSAL,)
    count = len(opened.store.windows(0, 2 * NOW))
    assert read_pause(path).paused == (count == 0)
    opened.store.close()
    return count


def test_erasing_leaves_an_empty_enrolled_store_under_a_new_key(tmp_path: Path) -> None:
    keys = fill(tmp_path)
    before = keys.get(STORE_KEY)
    erase(tmp_path)
    assert found(tmp_path) == 0 and keys.get(STORE_KEY) != before
    left = {file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.glob("store.*")}
    assert left <= {"store.sqlite", "store.counters"}


@pytest.mark.skipif(os.name != "posix", reason="kills a forked process")
def test_killed_at_every_step_either_store_opens(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    fill(tmp_path / "whole")
    seen = []
    for step in range(1, 200):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "whole", folder)
        child = os.fork()
        if child == 0:
            _kill_at(step, folder)
        _, status = os.waitpid(child, 0)
        seen.append(found(folder))
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert len(seen) > 20 and seen == sorted(seen, reverse=True) and set(seen) == {0, 3}


def _kill_at(step: int, folder: Path) -> None:
    """In a forked process: erase, and be killed just before the file of number `step` is opened, renamed or removed."""
    left = [step]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "sqlite3.connect") and str(folder) in str(arguments[0]):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(count)
        erase(folder)
        os._exit(0)
    finally:
        os._exit(1)


def test_a_lost_key_is_no_dead_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEKEEP_HOME", str(tmp_path))
    paths = find_paths().create()
    keys = fill(paths.data)
    for file in paths.data.glob("keys*.json"):
        file.write_bytes(b"\xff")
    with pytest.raises(StoreError, match="erase --everything --only-here"):
        store_key(keys, paths.store)
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    arguments = parser.parse_args(["--yes", "--only-here", "--everything"])
    assert verb.run(arguments) == 0
    assert not list(paths.data.glob("store.*")) and not paths.key_file.exists()
    assert verb.run(arguments) == 0
