"""What every Inbox promises, the fake's included; and what the real one promises about disks and crashes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_service.errors import Unavailable
from sync_service.local.inbox import SqliteInbox
from sync_service.ports import Inbox
from tests.fakes import FakeInbox

ORG = "0" * 32


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
def test_a_damaged_file_is_set_aside_and_work_goes_on(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "inbox.sqlite"
    inbox = SqliteInbox(path)
    for _ in range(50):
        inbox.put(ORG, os.urandom(2000), received=1)
    inbox.close()
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(os.urandom(5000))
    elif damage == "header":
        content[18:100] = bytes(82)
    else:
        content[8192:20480] = os.urandom(12288)
    path.write_bytes(content)
    inbox = SqliteInbox(path)
    inbox.put(ORG, b"new", received=1)
    assert [one.body for one in inbox.claim(100)] == [b"new"]
    assert (tmp_path / "inbox.sqlite.damaged-1").read_bytes()[:5000] == bytes(content[:5000])
    inbox.close()
