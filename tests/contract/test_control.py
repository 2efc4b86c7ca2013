"""Promise: a pause reaches the agent from another process in under a second, without network or key; one agent a user;
a lock never outlives its process. And the log holds only what it may.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.control import (
    MOST_REQUESTS,
    POLL_SECONDS,
    ControlWatch,
    InstanceLock,
    Pause,
    ask_for_panel,
    pause,
    read_pause,
    resume,
)
from agent.errors import StoreError
from agent.log import set_up
from agent.pause_flag import pause_flag
from agent.store import open_store
from tests.builders import NOW, assert_log_is_clean, windows

KEY = bytes(32)


def in_another_process(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def test_a_pause_from_another_process_arrives_in_under_a_second(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    watch = ControlWatch(path)
    assert not watch.poll().paused
    code = (
        "import sys,time; from pathlib import Path; from agent.control import pause;"
        " pause(Path(sys.argv[1]), now=time.time(), seconds=60); print(time.time(), flush=True)"
    )
    process = in_another_process(code, path)
    deadline = time.monotonic() + 20
    while not watch.poll().paused and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    noticed = time.time()
    assert process.stdout is not None
    asked = float(process.stdout.readline())
    process.wait()
    process.stdout.close()
    assert noticed - asked < 1.0
    resume(path, now=NOW)
    assert not watch.poll().paused
    watch.close()


def test_pausing_works_before_the_agent_ever_ran_and_while_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    pause(path, now=NOW)
    store = open_store(path, KEY, now=NOW).store
    held = read_pause(path)
    assert held.paused and held.until is None and held.holds(NOW + 10**9)
    for number in range(20):
        store.commit(windows(NOW + 300 * number, 1), b"", policy=None)
        started = time.monotonic()
        pause(path, now=NOW, seconds=1800)
        assert time.monotonic() - started < 1.0
    assert read_pause(path).until == NOW + 1800
    store.close()


def test_a_pause_is_made_in_under_a_second_while_another_process_holds_the_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path, KEY, now=NOW).store.close()
    watch = ControlWatch(path)
    assert not watch.poll().paused
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert pause(path, now=NOW) == Pause(True, None, NOW)
        assert watch.poll().holds(NOW + 10**9) and time.monotonic() - started < 1.0
        started = time.monotonic()
        assert pause(path, now=NOW, seconds=900) == Pause(True, NOW + 900, NOW)
        held = watch.poll()
        assert time.monotonic() - started < 1.0, "whoever asked does not wait for the writer"
        assert held.until == NOW + 900 and read_pause(path).until == NOW + 900, "and it ends when it was asked to"
        assert held.holds(NOW + 899) and not held.holds(NOW + 900)
        assert watch.poll() == held, "nothing changed"
        writer.execute("ROLLBACK")
    resume(path, now=NOW)
    assert not watch.poll().paused and not pause_flag(path).exists()
    watch.close()


def test_an_end_that_cannot_be_read_or_written_means_until_resumed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        open_store(path, KEY, now=NOW).store.close()
        writer.execute("BEGIN IMMEDIATE")
        pause(path, now=NOW, seconds=900)
        sound = pause_flag(path).read_bytes()
        for damaged in (b"", b"later", sound[1:], sound[:-1], bytes([sound[0] ^ 1]) + sound[1:], b"\xff" * 9):
            pause_flag(path).write_bytes(damaged)
            assert read_pause(path).until is None and read_pause(path).holds(NOW + 10**9)


def test_a_pause_beside_the_store_that_is_over_ends_an_older_one_and_hides_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    pause(path, now=NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        pause(path, now=NOW + 10, seconds=60)
        writer.execute("ROLLBACK")
        os.utime(pause_flag(path), (NOW + 10, NOW + 10))
        with closing(ControlWatch(path, clock=lambda: NOW + 100)) as watch:
            assert not watch.poll().holds(NOW + 100), "it was asked for later than the one without an end"
            writer.execute("UPDATE control SET value=replace(value, 'true', 'trae')")
            assert watch.poll().holds(NOW + 10**9)


def test_a_pause_beside_the_store_outweighs_an_older_row_and_gives_way_to_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    pause(path, now=NOW, seconds=60)
    pause_flag(path).touch()
    assert read_pause(path).holds(NOW + 600), "the pause in the store is over"
    pause(path, now=NOW, seconds=60)
    assert read_pause(path).until == NOW + 60 and not pause_flag(path).exists()


def test_polling_costs_next_to_nothing(tmp_path: Path) -> None:
    watch = ControlWatch(tmp_path / "store.sqlite")
    watch.poll()
    started = time.perf_counter()
    for _ in range(500):
        watch.poll()
    assert (time.perf_counter() - started) / 500 < 0.001
    watch.close()


def test_a_damaged_pause_means_paused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    resume(path, now=NOW)
    watch = ControlWatch(path)
    assert not watch.poll().paused
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE control SET value=replace(value, 'false', 'felse')")
    raw.close()
    assert watch.poll().holds(NOW + 10**9)
    watch.close()
    path.write_bytes(b"garbage" * 1000)
    assert ControlWatch(path).poll().paused


def test_a_pause_that_could_never_be_read_means_paused_and_a_later_trouble_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.mkdir()  # for SQLite the same as a folder it may not write to
    watch = ControlWatch(path)
    assert watch.poll().holds(NOW + 10**9) and read_pause(path).paused
    path.rmdir()
    assert not watch.poll().paused
    watch.close()
    for file in tmp_path.iterdir():
        file.unlink()
    path.mkdir()
    assert not watch.poll().paused


def test_asking_for_the_panel_is_noticed_once_for_each_asker_and_leaves_the_pause_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    pause(path, now=NOW)
    watch = ControlWatch(path)
    assert watch.poll().paused and watch.panel_requests == ()
    ask_for_panel(path, "a" * 32, now=NOW + 1)
    assert watch.poll().paused
    (asked,) = watch.panel_requests
    assert asked.nonce == "a" * 32
    assert asked.waits(NOW + 5) and not asked.waits(NOW + 60)
    ask_for_panel(path, "b" * 32, now=NOW + 2)
    resume(path, now=NOW + 2)
    assert not watch.poll().paused
    assert [one.nonce[0] for one in watch.panel_requests] == ["a", "b"], "the first goes on waiting"
    for number in range(20):
        ask_for_panel(path, f"{number:032}", now=NOW + 3)
    assert not watch.poll().paused and len(watch.panel_requests) == MOST_REQUESTS, "and the row does not grow for ever"
    ask_for_panel(path, "b" * 32, now=NOW + 100)
    assert not watch.poll().paused and [one.nonce[0] for one in watch.panel_requests] == ["b"], "the others gave up"
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE control SET value=replace(value, 'b', 'c') WHERE id=2")
    raw.close()
    assert not watch.poll().paused and watch.panel_requests == (), "a damaged row names no file"
    watch.close()


def test_no_folder_no_pause(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        pause(tmp_path / "missing" / "store.sqlite", now=NOW)


def test_one_agent_and_a_lock_that_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.lock"
    lock = InstanceLock(path)
    assert lock.holder() is None
    code = (
        "import sys,time; from pathlib import Path; from agent.control import InstanceLock;"
        " lock = InstanceLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); time.sleep(60)"
    )
    process = in_another_process(code, path)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"True"
    assert lock.holder() == process.pid
    assert not lock.acquire(patience=0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert lock.holder() is None
    assert lock.acquire() and InstanceLock(path).holder() == os.getpid()
    lock.release()
    lock.release()
    assert InstanceLock(path).holder() is None


# The log.


def test_the_log_refuses_everything_that_is_not_a_plain_word_or_number(tmp_path: Path) -> None:
    set_up(tmp_path / "framekeep.log")
    log = logging.getLogger("agent.test")
    window = windows(NOW, 1)[0]
    log.info("Window %s of %d bytes from %s", window, 7, b"\x01secret")
    log.info(window)
    log.warning("With extras.", extra={"seq": 3, "window": window, "count": [1, 2]})
    try:
        raise ValueError(f"cannot judge {window}")
    except ValueError:
        log.exception("It failed.")
    log.error(StoreError("The disk is full."))
    text = (tmp_path / "framekeep.log").read_text()
    assert "Window [refused] of 7 bytes from [refused]" in text
    assert "With extras. count=[refused] seq=3 window=[refused]" in text
    assert "ValueError" in text and "test_control.py:" in text and "The disk is full." in text
    assert_log_is_clean(text, [b"\x01secret"])


def test_the_log_is_private_and_bounded(tmp_path: Path) -> None:
    handler = set_up(tmp_path / "framekeep.log")
    handler.maxBytes = 2000
    for number in range(500):
        logging.getLogger("agent.test").info("Line %d", number)
    files = list(tmp_path.iterdir())
    assert len(files) == 4 and sum(file.stat().st_size for file in files) < 9000
    if os.name == "posix":
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    logging.getLogger("urllib3.connectionpool").warning("a URL")
    assert "a URL" not in (tmp_path / "framekeep.log").read_text()


def test_a_log_that_cannot_be_written_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    handler = set_up(tmp_path / "missing" / "framekeep.log")
    logging.getLogger("agent.test").info("Nobody reads this.")
    assert handler.failed == 1
    set_up(tmp_path / "framekeep.log")


def test_a_pause_that_cannot_be_ended_says_so_and_stands(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path, KEY, now=NOW).store.close()
    pause(path, now=NOW)
    pause_flag(path).mkdir()  # what cannot be unlinked, whoever tries
    with pytest.raises(StoreError, match="cannot be removed"):
        resume(path, now=NOW + 1)
    assert read_pause(path).paused
