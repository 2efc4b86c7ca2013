"""Promise: once the employee declined, nothing that was measured leaves this laptop, sealed or not, whatever is restarted,
offline or asked for; the service learns that they do not take part, however long that takes, and hears nothing after.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import StoreError
from agent.identity import require_identity
from agent.store import WITHHELD, EnvelopeState, open_store
from tests.builders import DAY
from tests.conftest import REPOSITORY
from tests.laptop import OUTAGES, STORE_KEY, Laptop, enrolled_laptop
from tests.loopback import Answer, answer

PUT = ("PUT", "/v1/me/participation")
POST = ("POST", "/v1/envelopes")


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with enrolled_laptop(tmp_path) as ready:
        yield ready


def turn(laptop: Laptop, seconds: float, *, step: float = 60) -> None:
    """Let time pass with one uploader."""
    uploader, until = laptop.uploader(), laptop.clock.wall() + seconds
    while laptop.clock.wall() < until:
        uploader.turn()
        laptop.clock.advance(step)


def test_each_answer_is_told_once_over_restarts_and_no_answer_is_not_told(laptop: Laptop) -> None:
    told = laptop.service.participation
    turn(laptop, 600)
    assert told == []
    for answer_, expected in (
        (True, [True]),
        (False, [True, False]),
        (None, [True, False]),
        (True, [True, False, True]),
    ):
        laptop.participating = answer_
        for _ in range(3):  # restarts
            turn(laptop, 300)
        assert told == expected


def test_what_waits_stays_sealed_or_not_and_is_never_sent_again(laptop: Laptop) -> None:
    laptop.service.down()
    laptop.participating = True
    uploader = laptop.uploader()
    laptop.measure(6)
    laptop.clock.advance(900)
    uploader.turn()
    laptop.measure(2)
    before = laptop.store.envelopes.summary()
    assert before.waiting == 2 and before.unsealed == 2
    laptop.participating = False
    uploader.turn()  # offline: at once all the same
    laptop.service.up()
    after = laptop.store.envelopes.summary()
    assert (after.waiting, after.unsealed, after.set_aside, after.withheld) == (0, 0, 0, 2)
    assert after.lost == 0, "kept, not lost"
    rows = laptop.store.envelopes.recent()
    assert [(row.state, row.last_error) for row in rows] == [(EnvelopeState.WITHHELD, WITHHELD)] * 2
    kept = laptop.store.windows(0, 2**40)
    assert len(kept) == 8 and all(window.local for window in kept), "each window itself says that it stays"
    turn(laptop, 3600)
    assert laptop.store.envelopes.retry() == 0, "asking to send again does not overrule it"
    laptop.participating = True
    for _ in range(2):
        turn(laptop, DAY / 4, step=1800)
    assert laptop.service.posted == [], "what was said to stay stays, also when they take part again"
    laptop.measure(3)
    laptop.clock.advance(900)
    turn(laptop, 600)
    assert [len(summary.windows) for summary in laptop.service.summaries] == [3], (
        "what is measured from then on is sent"
    )


DAMAGES = {
    "elsewhere": "UPDATE current SET sealed=x'00'",
    "the envelope's ciphertext": "UPDATE envelopes SET sealed=x'00'",
    "the envelope's mark": "UPDATE envelopes SET last_error='vithheld'; UPDATE current SET sealed=x'00'",
    "the envelope's state": "PRAGMA ignore_check_constraints=ON; UPDATE envelopes SET state='sit_aside'",
    "the windows": "UPDATE windows SET sealed=x'00'",
    "what says that the windows stay": "UPDATE windows SET local=0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_repair_sends_nothing_of_what_was_withheld(laptop: Laptop, damage: str) -> None:
    laptop.service.down()
    laptop.measure(3)
    laptop.clock.advance(900)
    uploader = laptop.uploader()
    uploader.turn()
    laptop.measure(2)
    laptop.participating = False
    uploader.turn()
    laptop.store.close()
    with closing(sqlite3.connect(laptop.store.path)) as raw:
        raw.executescript(DAMAGES[damage])
    opened = open_store(laptop.store.path, STORE_KEY, now=laptop.clock.wall())
    laptop.store = opened.store
    assert opened.problems, "the damage is noticed"
    kept = opened.store.windows(0, 2**40)
    assert all(window.local for window in kept) and opened.store.unsealed() == []
    summary = opened.store.envelopes.summary()
    assert (summary.waiting, summary.set_aside) == (0, 0)
    assert summary.withheld + len(kept) > 0, "and it is not all gone"
    assert opened.store.envelopes.retry() == 0
    laptop.service.up()
    laptop.participating = True
    turn(laptop, DAY / 4, step=1800)
    assert laptop.service.posted == []


def test_what_was_withheld_stays_whole_while_windows_grow_old(laptop: Laptop) -> None:
    laptop.service.down()
    laptop.measure(3)
    laptop.clock.advance(900)
    uploader = laptop.uploader()
    uploader.turn()
    laptop.participating = False
    uploader.turn()
    turn(laptop, 70 * DAY, step=DAY / 2)
    assert [row.state for row in laptop.store.envelopes.recent()] == [EnvelopeState.WITHHELD]
    assert len(laptop.store.windows(0, 2**40)) == 3
    with closing(sqlite3.connect(laptop.store.path)) as raw, raw:
        raw.execute("UPDATE envelopes SET last_error='You do not take part: this stays on this laptop and is not sent"
                    " any more.'")  # fmt: skip
        raw.execute("UPDATE windows SET envelope=NULL")
    assert laptop.store.envelopes.retry() == 0, "as the first stores said it"


def test_the_last_open_window_that_closes_after_declining_stays_too(laptop: Laptop) -> None:
    laptop.participating = False
    uploader = laptop.uploader()
    uploader.turn()
    laptop.measure(1)
    laptop.clock.advance(1800)
    assert uploader.flush(), "nothing is left to send"
    uploader.turn()
    assert laptop.store.envelopes.recent() == [] and laptop.store.windows(0, 2**40)[0].local


def test_declining_in_the_middle_of_a_backlog_ends_it(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.down()
    for _ in range(5):
        laptop.measure(3)
        laptop.clock.advance(1200)
        uploader.turn()
    laptop.service.up()
    laptop.clock.advance(DAY)

    def declines(method: str, path: str) -> None:
        if (method, path) == POST and laptop.service.requests.count(POST) == 2:
            laptop.participating = False

    laptop.service.trouble = declines
    uploader.turn()
    assert len(laptop.service.posted) == 2, "the one on its way, and none after it"
    uploader.turn()
    assert laptop.store.envelopes.summary().withheld == 3


@pytest.mark.parametrize("kind", ["503", "captive portal, 200", "500 in HTML", "401", "connection dropped", "404"])
def test_it_is_told_as_soon_as_the_service_can_be_reached(laptop: Laptop, kind: str) -> None:
    laptop.participating = False
    laptop.service.trouble = lambda _method, _path: OUTAGES[kind]
    uploader = laptop.uploader()
    for _ in range(240):
        uploader.turn()
        laptop.clock.advance(60)
    tries = laptop.service.requests.count(PUT)
    assert 2 <= tries <= 120 and laptop.service.participation == [], "not forgotten, and not hammered"
    assert uploader.problem
    laptop.service.trouble = None
    laptop.clock.advance(2 * 3600)
    turn(laptop, 600)
    assert laptop.service.participation == [False]


def test_thirty_days_offline_and_an_older_service_change_nothing(laptop: Laptop) -> None:
    laptop.participating = False
    laptop.service.down()
    turn(laptop, 30 * DAY, step=6 * 3600)
    laptop.service.up()
    old: list[Answer] = [answer(404, {"error": "not_found"})]
    laptop.service.trouble = lambda method, path: old[0] if (method, path) == PUT else None
    uploader = laptop.uploader()
    uploader.turn()
    assert "update" in uploader.problem
    laptop.service.trouble = None
    turn(laptop, 3 * 3600)
    assert laptop.service.participation == [False]


def test_after_the_acknowledgement_there_is_silence(laptop: Laptop) -> None:
    laptop.participating = True
    laptop.measure(3)
    laptop.turn_until_delivered(laptop.uploader())
    laptop.participating = False
    turn(laptop, 60)
    asked = len(laptop.service.requests)
    for _ in range(3):
        turn(laptop, 2 * DAY, step=1800)
    assert len(laptop.service.requests) == asked, "every request would say that somebody is at work"
    laptop.participating = True
    turn(laptop, 3600)
    assert laptop.service.participation == [True, False, True]
    assert ("GET", "/v1/policy") in laptop.service.requests[asked:], "documents are current again"


def test_a_change_of_mind_is_told_at_once_and_only_the_last_word(laptop: Laptop) -> None:
    laptop.participating = False
    laptop.service.trouble = lambda method, path: OUTAGES["500"] if (method, path) == PUT else None
    uploader = laptop.uploader()
    for _ in range(50):
        uploader.turn()
        laptop.clock.advance(60)
    laptop.participating = True
    laptop.service.trouble = None
    uploader.turn()
    assert laptop.service.participation == [True]


def test_an_answer_that_cannot_be_read_sends_nothing(laptop: Laptop) -> None:
    def unreadable() -> bool | None:
        raise StoreError("damaged")

    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(900)
    uploader._participation = unreadable
    with pytest.raises(StoreError):
        uploader.turn()
    assert laptop.service.requests.count(POST) == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from agent.identity import require_identity
from agent.keys import FileKeyStore, device_key
from agent.outbox.uploader import Uploader
from agent.store import Store
from tests.builders import ManualClock
from tests.laptop import STORE_KEY

folder, left = Path(sys.argv[1]), int(sys.argv[3])
store = Store(folder / "store.sqlite", STORE_KEY)
key = device_key(FileKeyStore(folder / "keys.json"))
clock = ManualClock(float(sys.argv[2]))
uploader = Uploader(store, require_identity(store), key, clock=clock, participation=lambda: False)

def die(frame, event, _):
    global left
    if frame.f_code.co_name in ("withhold", "keep_here", "request", "put_identity"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(die)
uploader.turn()
"""
"""A laptop whose employee has declined, killed at the n-th step into or out of what keeps that answer."""


def test_killed_at_any_moment_of_declining_nothing_is_sent_and_it_is_told(laptop: Laptop) -> None:
    laptop.service.down()
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(900)
    uploader.turn()
    laptop.measure(3)
    laptop.service.up()
    folder, killed, moment = laptop.store.path.parent, 0, 0
    while not moment or killed == moment:
        moment += 1
        command = [sys.executable, "-c", KILLED, str(folder), str(laptop.clock.wall()), str(moment)]
        killed += subprocess.run(command, check=False, cwd=REPOSITORY).returncode == -signal.SIGKILL
    assert killed >= 6, "the kills hit"
    assert laptop.service.posted == [] and set(laptop.service.participation) == {False}
    laptop.participating = False
    turn(laptop, 60)
    summary = laptop.store.envelopes.summary()
    assert (summary.waiting, summary.unsealed, summary.withheld, summary.lost) == (0, 0, 1, 0)
    assert len(laptop.store.windows(0, 2**40)) == 6 and laptop.service.posted == []
    assert laptop.identity.told is None and require_identity(laptop.store).told is False
