"""Promise: kill -9 at any write boundary, and at any other moment, loses nothing that was acknowledged.

The workload tells through a pipe what it was told is safe; after the kill the store must hold exactly that, or one
step more (killed between the disk and the word).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agent.store import Draft, SealedDraft, Store, open_store
from tests.builders import MODELS, NOW, windows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes")

KEY = bytes(range(32))


def seal(draft: Draft) -> SealedDraft:
    return SealedDraft(uuid4(), NOW, b"sealed" * 300)


def work(path: Path, say: int, rounds: int) -> None:
    """Measure, seal, deliver; every acknowledged step is one line in the pipe."""
    store = open_store(path, KEY, now=NOW).store
    if not store.unsealed(1) and not store.envelopes.recent(1):
        store.envelopes.start_numbering()
    done = int(store.checkpoint() or b"0")
    for number in range(done, done + rounds):
        store.commit([], b"%d" % number, policy="p-1")
        store.commit(windows(NOW + 300 * number, 1), b"%d" % (number + 1), policy="p-1", models=MODELS)
        os.write(say, b"window %d\n" % number)
        if number % 3 == 2:
            row = store.envelopes.seal(seal, now=NOW, limit=3)
            assert row is not None
            os.write(say, b"sealed %d\n" % row.seq)
            store.envelopes.accept(row.seq, now=NOW)
            os.write(say, b"accepted %d\n" % row.seq)
    store.close()


def run_and_kill(path: Path, *, rounds: int, step: int | None = None, after: float | None = None) -> list[str]:
    """Fork the workload and SIGKILL it before its step number `step` (see `kill_before`), or `after` seconds. Returns what
    it said; the last entry is "end" when it finished first.
    """
    listen, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(listen)
            if step is not None:
                kill_before(step)
            work(path, say, rounds)
            os.write(say, b"end\n")
        finally:
            os._exit(0)
    os.close(say)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(listen, "rb") as pipe:
        said = pipe.read().decode().splitlines()
    os.waitpid(child, 0)
    return said


def kill_before(step: int) -> None:
    """In the child: count every SQL statement of every connection and every file renamed, removed or opened, and die
    before one of them.
    """
    connect, count = sqlite3.connect, [0]

    def tick(_sql: str = "") -> None:
        count[0] += 1
        if count[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*args: Any, **kw: Any) -> sqlite3.Connection:
        connection = connect(*args, **kw)
        connection.set_trace_callback(tick)
        return connection

    def audit(event: str, _args: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.remove", "open"):
            tick()

    sqlite3.connect = counting  # type: ignore[assignment, misc]  # only in a process about to be killed
    sys.addaudithook(audit)


def check(path: Path, said: list[str], already: int = 0) -> int:
    """The store holds what was said, in one piece. Returns the number of windows."""
    opened = open_store(path, KEY, now=NOW)
    assert opened.problems == ()
    store = opened.store
    held = [kept.window for kept in store.windows(0, NOW * 2)]
    assert held == windows(NOW, len(held)), "a window is missing or was changed"
    assert int(store.checkpoint() or b"0") in (len(held),), "the checkpoint does not know what was closed"
    promised = already + sum(line.startswith("window") for line in said)
    assert promised <= len(held) <= promised + 1
    envelopes = store.envelopes.recent(10_000)
    numbers = sorted(row.seq for row in envelopes)
    assert numbers == list(range(1, len(numbers) + 1)), "a number was skipped or taken twice"
    known = {row.seq: row.state.value for row in envelopes}
    for line in said:
        word, _, number = line.partition(" ")
        if word in ("sealed", "accepted"):
            assert word != "accepted" or known[int(number)] == "accepted"
            assert int(number) in known
    inside = [kept.window for row in envelopes for kept in store.windows_of(row.seq)]
    assert len(inside) + len(store.unsealed(10_000)) == len(held)
    store.close()
    return len(held)


def test_killed_before_every_step(tmp_path: Path) -> None:
    step, finished = 1, False
    while not finished:
        path = tmp_path / f"{step}.sqlite"
        said = run_and_kill(path, rounds=4, step=step)
        finished = said[-1:] == ["end"]
        check(path, said)
        step += 1
    assert step > 60, "the workload was not traced"


def test_killed_at_random_moments_again_and_again(tmp_path: Path) -> None:
    chance, path, held = random.Random(20), tmp_path / "store.sqlite", 0
    for _ in range(20):
        said = run_and_kill(path, rounds=10_000, after=0.02 + chance.random() * 0.15)
        held = check(path, said, already=held)
    assert held > 50


def test_killed_in_the_middle_of_a_repair(tmp_path: Path) -> None:
    """Whatever step the repair had reached, the next start finishes it and nothing more is lost."""
    whole = tmp_path / "whole.sqlite"
    run_and_kill(whole, rounds=30)
    damaged = bytearray(whole.read_bytes())
    store = Store(whole, KEY)
    expected = store.windows(0, NOW * 2)
    store.close()
    damaged[200] ^= 0xFF  # in the list of tables
    step, finished = 1, False
    while not finished:
        path = tmp_path / f"repair-{step}" / "store.sqlite"
        path.parent.mkdir()
        path.write_bytes(damaged)
        child = os.fork()
        if child == 0:
            kill_before(step)
            open_store(path, KEY, now=NOW)
            os._exit(7)
        _, status = os.waitpid(child, 0)
        finished = os.waitstatus_to_exitcode(status) == 7
        opened = open_store(path, KEY, now=NOW)
        assert [kept.window for kept in opened.store.windows(0, NOW * 2)] == [kept.window for kept in expected]
        opened.store.close()
        step += 1
    assert step > 50
