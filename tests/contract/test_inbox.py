"""What every Inbox promises, the fake's included; and what the real one promises about disks and crashes."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_service.errors import Unavailable
from sync_service.local.inbox import SqliteInbox
from sync_service.local.inbox_salvage import salvage
from sync_service.ports import Inbox
from tests.fakes import FakeAlerts, FakeInbox

ORG = "0" * 32
FLIPS = int(os.environ.get("FRAMEKEEP_FLIPS", "50"))
"""How many bytes are flipped, one at a time; the long run takes more."""


@pytest.fixture(params=["fake", "sqlite"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Inbox]:
    if request.param == "fake":
        yield FakeInbox()
        return
    real = SqliteInbox(tmp_path / "inbox.sqlite")
    yield real
    real.close()


def test_bodies_come_out_as_they_went_in_oldest_first(inbox: Inbox) -> None:
    bodies = [b"", bytes(range(256)), b"x" * 65536]
    for number, body in enumerate(bodies):
        inbox.put(ORG, body, received=100 + number)
    found = inbox.claim(10)
    assert [(one.org, one.received, one.body) for one in found] == [(ORG, 100 + n, b) for n, b in enumerate(bodies)]
    assert len({one.receipt for one in found}) == 3


def test_what_is_claimed_is_not_handed_out_twice(inbox: Inbox) -> None:
    for _ in range(5):
        inbox.put(ORG, b"x", received=1)
    first, second = inbox.claim(3), inbox.claim(3)
    assert (len(first), len(second), inbox.claim(3)) == (3, 2, [])
    assert not {one.receipt for one in first} & {one.receipt for one in second}


def test_done_is_gone_released_comes_again_in_its_place(inbox: Inbox) -> None:
    for number in range(4):
        inbox.put(ORG, str(number).encode(), received=1)
    claimed = inbox.claim(3)
    inbox.done(claimed[:1])
    inbox.release(claimed[1:])
    assert [one.body for one in inbox.claim(10)] == [b"1", b"2", b"3"]
    inbox.done([])
    inbox.release([])


def test_set_aside_is_out_of_the_way(inbox: Inbox) -> None:
    inbox.put(ORG, b"bad", received=1)
    inbox.put(ORG, b"good", received=1)
    bad, good = inbox.claim(2)
    inbox.set_aside(bad, "malformed")
    inbox.release([good])
    assert [one.body for one in inbox.claim(10)] == [b"good"]


def test_the_oldest_is_known_claimed_or_not(inbox: Inbox) -> None:
    assert inbox.oldest() is None
    for received in (30, 20, 40):
        inbox.put(ORG, b"x", received=received)
    claimed = inbox.claim(2)
    assert inbox.oldest() == 20
    inbox.done(claimed)
    assert inbox.oldest() == 40


def test_many_threads_put_and_each_body_comes_out_once(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")

    def put(base: int) -> None:
        for number in range(50):
            inbox.put(ORG, str(base + number).encode(), received=1)

    threads = [threading.Thread(target=put, args=(base,)) for base in range(0, 1600, 100)]
    for thread in threads:
        thread.start()
    found: list[bytes] = []
    while len(found) < 800:
        batch = inbox.claim(64)
        inbox.done(batch)
        found += [one.body for one in batch]
    for thread in threads:
        thread.join()
    assert sorted(found, key=int) == [str(base + n).encode() for base in range(0, 1600, 100) for n in range(50)]
    assert inbox.waiting() == 0
    inbox.close()


CRASHER = """
import os, sys
from pathlib import Path
from sync_service.local.inbox import SqliteInbox
inbox = SqliteInbox(Path(sys.argv[1]))
for number in range(200):
    inbox.put("0" * 32, str(number).encode(), received=1)
    os.write(1, b"%d\\n" % number)
    if number == 120:
        inbox.done(inbox.claim(100))
        os.kill(os.getpid(), 9)
"""


def test_everything_acknowledged_before_a_kill_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    output = subprocess.run([sys.executable, "-c", CRASHER, str(path)], capture_output=True, check=False).stdout
    acknowledged = output.split()
    inbox = SqliteInbox(path)
    assert [one.body for one in inbox.claim(1000)] == acknowledged[100:]
    assert len(acknowledged) == 121
    inbox.close()


def test_a_claim_ends_with_the_process_that_made_it(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")
    inbox.put(ORG, b"x", received=1)
    assert len(inbox.claim(1)) == 1
    inbox.close()
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")
    assert len(inbox.claim(1)) == 1
    inbox.close()


def test_every_commit_reaches_the_disk_and_the_file_is_private(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")
    assert inbox._reader.execute("pragma journal_mode").fetchone() == ("wal",)
    assert inbox._reader.execute("pragma synchronous").fetchone() == (2,)  # FULL
    assert (tmp_path / "inbox.sqlite").stat().st_mode & 0o777 == 0o600
    inbox.close()


def test_full_is_said_before_the_disk_is(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite", max_bytes=1000)
    inbox.put(ORG, b"x" * 900, received=1)
    with pytest.raises(Unavailable) as info:
        inbox.put(ORG, b"x" * 200, received=1)
    assert info.value.retry_after >= 60
    inbox.done(inbox.claim(1))
    inbox.put(ORG, b"x" * 200, received=1)
    inbox.close()


def test_a_disk_that_refuses_is_not_an_acknowledgement(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")
    inbox.put(ORG, b"before", received=1)
    other = sqlite3.connect(tmp_path / "inbox.sqlite")
    other.execute("create trigger refuse before insert on message begin select raise(abort, 'no'); end")
    other.commit()
    with pytest.raises(Unavailable):
        inbox.put(ORG, b"x", received=1)
    other.execute("drop trigger refuse")
    other.commit()
    other.close()
    inbox.put(ORG, b"after", received=1)
    assert [one.body for one in inbox.claim(9)] == [b"before", b"after"]
    inbox.close()


@pytest.mark.parametrize("damage", ["garbage", "header", "middle"])
def test_a_damaged_file_is_set_aside_and_what_is_sound_goes_on(tmp_path: Path, damage: str) -> None:
    path, alerts = tmp_path / "inbox.sqlite", FakeAlerts()
    inbox = SqliteInbox(path)
    bodies = [os.urandom(2000) for _ in range(50)]
    for body in bodies:
        inbox.put(ORG, body, received=1)
    inbox.close()
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(os.urandom(5000))
    elif damage == "header":
        content[18:100] = bytes(82)
    else:
        content[len(content) // 2 : len(content) // 2 + 12288] = os.urandom(12288)
    path.write_bytes(content)
    inbox = SqliteInbox(path, alerts=alerts)
    inbox.put(ORG, b"new", received=1)
    *saved, new = [one.body for one in inbox.claim(100)]
    assert new == b"new"
    lost = {"garbage": "unknown", "header": 0, "middle": 50 - len(saved)}[damage]
    assert alerts.raised == [("inbox_damaged", {"kept": len(saved), "lost": lost})]
    assert set(saved) <= set(bodies)
    assert len(saved) >= {"garbage": 0, "header": 50, "middle": 35}[damage]
    assert (tmp_path / "inbox.sqlite.damaged-1").read_bytes() == bytes(content)
    inbox.close()


def _killed(folder: Path, *, checkpointed: bool) -> tuple[Path, set[bytes]]:
    """The files of an inbox as a kill leaves them, and what it had acknowledged and not forgotten."""
    inbox = SqliteInbox(folder / "live.sqlite")
    bodies = [str(number).encode() + b" " + os.urandom(number * 97 % 5000) for number in range(40)]
    for body in bodies[:30]:
        inbox.put(ORG, body, received=1)
    inbox.done(inbox.claim(10))
    if checkpointed:
        inbox._move_log(inbox._reader, 1)
    for body in bodies[30:]:
        inbox.put(ORG, body, received=1)
    inbox.set_aside(inbox.claim(1)[0], "malformed")
    path = folder / "killed.sqlite"
    for suffix in ("", "-wal"):
        shutil.copyfile(folder / f"live.sqlite{suffix}", folder / f"killed.sqlite{suffix}")
    inbox.close()
    return path, set(bodies[11:])


@pytest.mark.parametrize("checkpointed", [False, True])
def test_no_flipped_byte_anywhere_loses_an_envelope_in_silence(tmp_path: Path, checkpointed: bool) -> None:
    logging.disable(logging.ERROR)
    path, there = _killed(tmp_path, checkpointed=checkpointed)
    sound = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    rng = random.Random(7)
    alarms = 0
    for trial in range(FLIPS):
        folder = tmp_path / str(trial)
        folder.mkdir()
        suffix = rng.choice(["", "-wal"])
        places = [rng.randrange(len(sound[suffix])), rng.randrange(100), len(sound[suffix]) - 1 - rng.randrange(4200)]
        content = bytearray(sound[suffix])
        place = rng.choice(places) if rng.random() < 0.5 else places[0]
        content[place % len(content)] ^= 1 << rng.randrange(8)
        for name, whole in {**sound, suffix: bytes(content)}.items():
            (folder / f"inbox.sqlite{name}").write_bytes(whole)
        alerts = FakeAlerts()
        inbox = SqliteInbox(folder / "inbox.sqlite", alerts=alerts)
        found = {one.body for one in inbox.claim(1000)}
        inbox.close()
        missing = there - found
        alarms += len(alerts.raised)
        assert not missing or alerts.raised, (trial, suffix, place, len(missing))
        if alerts.raised:
            assert len(missing) <= 8, (trial, suffix, place, len(missing))
            lost = alerts.raised[0][1]["lost"]
            assert lost == "unknown" or missing or lost <= 30
        shutil.rmtree(folder)
    logging.disable(logging.NOTSET)
    assert alarms > FLIPS / 4


def test_a_kill_alone_is_no_damage(tmp_path: Path) -> None:
    path, there = _killed(tmp_path, checkpointed=True)
    log = path.with_name(path.name + "-wal")
    log.write_bytes(log.read_bytes() + b"cut short")  # a frame whose writing was interrupted
    alerts = FakeAlerts()
    inbox = SqliteInbox(path, alerts=alerts)
    assert ({one.body for one in inbox.claim(100)}, alerts.raised) == (there, [])
    inbox.close()


def test_a_salvage_ended_in_the_middle_is_finished_at_the_next_start(tmp_path: Path) -> None:
    path, there = _killed(tmp_path, checkpointed=False)
    with path.open("r+b") as file:
        file.write(b"x")
    salvage(path)
    path.rename(tmp_path / "killed.sqlite.new")  # as if it had ended just before its last step
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"what the damaged file's log was")
    inbox = SqliteInbox(path)
    assert {one.body for one in inbox.claim(100)} == there
    inbox.close()


def test_a_row_that_changes_while_we_run_is_set_aside_and_said(tmp_path: Path) -> None:
    alerts = FakeAlerts()
    inbox = SqliteInbox(tmp_path / "inbox.sqlite", alerts=alerts)
    for body in (b"one", b"two"):
        inbox.put(ORG, body, received=1)
    other = sqlite3.connect(tmp_path / "inbox.sqlite")
    other.execute("update message set body = x'00' where id = 1")
    other.commit()
    other.close()
    assert [one.body for one in inbox.claim(9)] == [b"two"]
    assert [kind for kind, _ in alerts.raised] == ["inbox_damaged"]
    inbox.close()


def test_a_put_that_gives_up_waiting_and_gets_in_later_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.sqlite", max_bytes=1000)
    blocker = sqlite3.connect(tmp_path / "inbox.sqlite", isolation_level=None)
    blocker.execute("begin immediate")
    with monkeypatch.context() as patch:
        patch.setattr("sync_service.local.inbox._PUT_SECONDS", 0.1)
        with pytest.raises(Unavailable):
            inbox.put(ORG, b"x" * 900, received=1)
    with pytest.raises(Unavailable, match="full"):
        inbox.put(ORG, b"x" * 200, received=1)
    blocker.execute("rollback")
    blocker.close()
    inbox.drop_aside(0)  # returns once the put before it is through
    claimed = inbox.claim(5)
    assert len(claimed) == 1
    inbox.done(claimed)
    inbox.done(claimed)  # as a writer does that gave up waiting for the first
    with pytest.raises(Unavailable, match="full"):
        inbox.put(ORG, b"x" * 1001, received=1)
    inbox.put(ORG, b"x" * 1000, received=1)
    inbox.close()


def test_damaged_files_go_with_what_was_set_aside(tmp_path: Path) -> None:
    for forget in (lambda inbox: inbox.drop_aside(int(time.time()) + 60), lambda inbox: inbox.forget_aside(["a" * 32])):
        path, _ = _killed(tmp_path, checkpointed=False)
        path.write_bytes(b"x" * 8192)
        inbox = SqliteInbox(path)
        inbox.drop_aside(int(time.time()) - 60)
        inbox.forget_aside([])
        assert len(list(tmp_path.glob("killed.sqlite.damaged-*"))) == 2  # the file and its log
        forget(inbox)
        assert list(tmp_path.glob("killed.sqlite.damaged-*")) == []
        inbox.close()
        (tmp_path / "live.sqlite").unlink()
