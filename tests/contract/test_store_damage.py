"""Promise: a flipped byte anywhere in the store is noticed, the file is set aside, the agent starts unaided, and what
can be saved is saved; a full or read-only disk costs nothing that is not counted.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agent.consent import Acknowledgement, Decision
from agent.control import Pause, pause, read_pause
from agent.errors import StoreError
from agent.store import DocumentKind, Draft, EnvelopeState, Holding, SealedDraft, Store, open_store
from tests.builders import MODELS, NOW, windows

KEY = bytes(range(32))
WINDOWS, ENVELOPES = 60, 16
TRIALS = int(os.environ.get("FRAMEKEEP_FLIPS", "400"))
"""How many bytes are flipped, one at a time; the long run takes more."""

DECLINED = Acknowledgement("2026-01-01", "en", Decision.DECLINED, NOW)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hundreds of repairs: their log lines would drown a failure's."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def seal(draft: Draft) -> SealedDraft:
    return SealedDraft(uuid4(), NOW, os.urandom(1600))


def fill(path: Path) -> None:
    """A store with a bit of everything."""
    store = open_store(path, KEY, now=NOW).store
    store.envelopes.start_numbering()
    store.put_identity(b"identity")
    store.acknowledge(DECLINED)
    store.put_document(DocumentKind.KEYSET, seq=3, body=b"K" * 1500)
    store.put_document(DocumentKind.POLICY, seq=2, body=b"P" * 700)
    for i in range(WINDOWS):
        store.commit(windows(NOW + 300 * i, 1), b"open %d" % i * 40, policy="p-1", models=MODELS, status=b"{}")
        if i % 3 == 2 and i // 3 < ENVELOPES:
            row = store.envelopes.seal(seal, now=NOW, limit=3)
            assert row is not None
            if row.seq <= 10:
                store.envelopes.accept(row.seq, now=NOW)
            if row.seq <= 5:
                store.envelopes.settle_receipts({row.id: EnvelopeState.OPENED}, now=NOW)
    store.close()
    pause(path, now=NOW, seconds=3600)


def view(store: Store, path: Path) -> dict[str, object]:
    """Everything that must not change unnoticed."""
    return {
        "windows": store.windows(0, NOW * 2),
        "envelopes": [
            (row.seq, row.id, row.created, row.first, row.windows, row.body, row.state)
            for row in store.envelopes.recent(1000)
        ],
        "documents": [store.document(kind) for kind in DocumentKind],
        "identity": store.identity(),
        "answers": store.acknowledgements(),
        "checkpoint": store.checkpoint(),
        "unsealed": store.unsealed(),
        "outbox": store.envelopes.summary(),
        "pause": read_pause(path),
    }


def still_promised(store: Store) -> None:
    """After a repair: every window that was not delivered is waiting somewhere or counted as lost, numbers go up.
    A damaged index may name one window that never was, so one too many may be counted, never one too few.
    """
    here = {kept.window.start for kept in store.windows(0, NOW * 2) if not kept.local}
    carried = {row.first + 300 * i for row in store.envelopes.waiting(1000) for i in range(row.windows)}
    missing = [NOW + 300 * i for i in range(30, WINDOWS) if NOW + 300 * i not in here | carried]
    assert len(missing) <= store.lost() <= len(missing) + 1, missing
    row = store.envelopes.seal(seal, now=NOW)
    assert row is None or row.seq > ENVELOPES


def test_flipped_bytes(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    fill(whole)
    counters = whole.with_suffix(".counters").read_bytes()
    good = Store(whole, KEY)
    expected = view(good, whole)
    good.close()
    data, chance, seen = whole.read_bytes(), random.Random(5), Counter[str]()
    folder = tmp_path / "work"
    for trial in range(TRIALS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / "store.sqlite"
        # A quarter of the trials into the first page: the header and the list of tables.
        offset = chance.randrange(4096 if trial % 4 == 0 else len(data))
        flipped = bytearray(data)
        flipped[offset] ^= 1 << chance.randrange(8) if trial % 2 else chance.randrange(1, 256)
        path.write_bytes(flipped)
        path.with_suffix(".counters").write_bytes(counters)
        opened = open_store(path, KEY, now=NOW)
        if opened.problems:
            seen["repaired"] += 1
            assert (folder / "store.corrupt-1.sqlite").read_bytes()[offset] == flipped[offset]
            assert opened.store.identity() == b"identity"
            assert opened.store.acknowledgements() in ((DECLINED,), ()), "a lost refusal is asked for again"
            held = view(opened.store, path)["pause"]
            assert isinstance(held, Pause) and held.holds(NOW + 10), "a repair must never end a pause"
            still_promised(opened.store)
        else:
            seen["harmless"] += 1
            assert view(opened.store, path) == expected, f"byte {offset} changed something unnoticed"
        opened.store.close()
        again = open_store(path, KEY, now=NOW)
        assert again.problems == (), "the repaired store is sound"
        again.store.close()
    assert seen["repaired"] > 100, seen


def test_garbage_truncation_and_an_empty_file(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    fill(whole)
    data = whole.read_bytes()
    pieces = [
        os.urandom(len(data)),
        os.urandom(100),
        b"",
        data[: len(data) // 2],
        data[:4096],
        data[:5000],
        data[4096:],
    ]
    for number, piece in enumerate(pieces):
        path = tmp_path / str(number) / "store.sqlite"
        path.parent.mkdir()
        path.write_bytes(piece)
        path.with_suffix(".counters").write_bytes(whole.with_suffix(".counters").read_bytes())
        opened = open_store(path, KEY, now=NOW)
        assert opened.problems or piece == b""
        opened.store.commit(windows(NOW + 90_000, 1), b"", policy="p-1", models=MODELS)
        row = opened.store.envelopes.seal(seal, now=NOW)
        assert row is not None and row.seq > ENVELOPES
        opened.store.close()


def test_a_flipped_byte_in_the_write_ahead_log_is_noticed(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    fill(whole)
    store = Store(whole, KEY)
    for number in range(8):
        store.commit([], b"open window %d" % number, policy="p-1")
    database, log = whole.read_bytes(), Path(f"{whole}-wal").read_bytes()
    store.close()
    assert len(log) > 8 * 4096
    for trial, offset in enumerate([40, 5000, len(log) // 2, len(log) - 9000]):
        path = tmp_path / str(trial) / "store.sqlite"
        path.parent.mkdir()
        path.write_bytes(database)
        flipped = bytearray(log)
        flipped[offset] ^= 0x10
        Path(f"{path}-wal").write_bytes(flipped)
        opened = open_store(path, KEY, now=NOW)
        assert any("newest entries" in problem for problem in opened.problems)
        assert len(opened.store.windows(0, NOW * 2)) == WINDOWS
        opened.store.close()
    for number, cut in enumerate([len(log) - 1, len(log) - 4096, 5000, 32, 10, 0]):
        path = tmp_path / f"cut-{number}" / "store.sqlite"
        path.parent.mkdir()
        path.write_bytes(database)
        Path(f"{path}-wal").write_bytes(log[:cut])
        opened = open_store(path, KEY, now=NOW)
        assert opened.problems == (), "a log that merely ends early is what a power cut leaves"
        opened.store.close()


def test_another_key_starts_anew_and_keeps_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    fill(path)
    opened = open_store(path, bytes(32), now=NOW)
    assert any("this laptop's key" in problem for problem in opened.problems)
    assert opened.store.windows(0, NOW * 2) == [] and opened.store.identity() is None
    opened.store.close()
    assert (tmp_path / "store.corrupt-1.sqlite").exists()


def test_damaged_files_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    for _ in range(5):
        path.write_bytes(os.urandom(9000))
        open_store(path, KEY, now=NOW).store.close()
    kept = sorted(file.name for file in tmp_path.glob("*corrupt*"))
    assert kept == ["store.corrupt-4.sqlite", "store.corrupt-5.sqlite"]


@pytest.mark.skipif(os.name != "posix", reason="limits on the size of files are POSIX's")
def test_a_full_disk_holds_back_and_counts(tmp_path: Path) -> None:
    """A real limit of the operating system on the size of files, then the disk has room again."""
    path = tmp_path / "store.sqlite"
    fill(path)
    listen, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(say, _full_disk(path).encode())
        except BaseException as error:  # noqa: BLE001  the parent is told whatever went wrong
            os.write(say, repr(error).encode())
        finally:
            os._exit(0)
    os.close(say)
    with os.fdopen(listen) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    assert said == "ok"
    opened = open_store(path, KEY, now=NOW)
    assert opened.problems == ()
    assert opened.store.lost() == 40 and len(opened.store.windows(0, NOW * 2)) == WINDOWS + 1 + 10
    opened.store.close()


def _full_disk(path: Path) -> str:
    import resource  # not on Windows

    store = Store(path, KEY)
    store.commit(windows(NOW + 300 * WINDOWS, 1), b"before", policy="p-1", models=MODELS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    holding, refused, dropped = Holding(limit=10), 0, 0
    for number in range(50):
        batch = windows(NOW + 300 * (WINDOWS + 1 + number), 1)
        try:
            store.commit(batch, b"full", policy="p-1", models=MODELS)
        except StoreError as error:
            assert "free some space" in str(error), error
            refused += 1
            dropped += holding.hold(batch, policy="p-1", models=MODELS)
    assert refused == 50 and len(holding) == 10 and dropped == 40
    assert store.checkpoint() == b"before", "reading goes on"
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    held, policy, models = holding.next_batch()
    store.commit(held, b"after", policy=policy, models=models, lost=dropped)
    holding.committed(len(held))
    assert len(holding) == 0
    store.close()
    return "ok"


def test_a_file_that_may_not_grow_is_a_store_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    fill(path)
    store = Store(path, KEY)
    with store._db.read() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
    committed = 0
    with pytest.raises(StoreError, match="disk is full"):
        for number in range(10_000):
            store.commit(windows(NOW + 300 * (WINDOWS + number), 1), b"%d" % number, policy="p-1", models=MODELS)
            committed += 1
    assert len(store.windows(0, NOW * 2)) == WINDOWS + committed
    assert store.checkpoint() == b"%d" % (committed - 1)
    store.close()


def test_a_reader_in_another_process_does_not_hold_up_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    fill(path)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM windows").fetchone()
    store, started = Store(path, KEY), time.monotonic()
    store.commit(windows(NOW + 300 * WINDOWS, 1), b"", policy="p-1", models=MODELS)
    took = time.monotonic() - started
    reader.close()
    store.close()
    assert took < 1.0
