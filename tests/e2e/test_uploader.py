"""Promise: what the service answers is acted on: keys replaced, poison passed, receipts kept, documents renewed, revoked
devices silent; and nothing but the sync service is ever talked to.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.identity import enroll, load_identity
from agent.keys import device_key
from agent.log import set_up
from agent.outbox.delivery import Failure, FailureKind
from agent.outbox.link import Link
from agent.store import EnvelopeState
from agent.wire.seal import SealKey
from tests.builders import DAY, MODELS, NOW, assert_log_is_clean, windows
from tests.laptop import OUTAGES, STORE_KEY, Laptop, enrolled_laptop, first_times
from tests.loopback import Answer, LoopbackService, answer


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with enrolled_laptop(tmp_path) as ready:
        yield ready


def test_an_ended_key_is_replaced_and_the_same_windows_sealed_again(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.down()
    laptop.measure(6)
    laptop.clock.advance(900)
    uploader.turn()
    old = [row.id for row in laptop.store.envelopes.waiting(9)]
    laptop.service.org.seal_keys[:] = [SealKey.generate()]
    laptop.service.keyset = laptop.service.org.keyset(2)
    laptop.service.up()
    # The uploader believes its documents are current, so it learns of the new key from the refusal.
    uploader._documents_timer.done(laptop.clock.wall(), 0.5, ok=True)
    laptop.clock.advance(900)
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()
    assert not set(old) & set(laptop.service.posted)


def test_a_service_that_refuses_every_key_is_not_hammered(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.org.seal_keys[:] = [SealKey.generate()]  # the keyset it serves still names the old one
    laptop.measure(3)
    for _ in range(120):
        uploader.turn()
        laptop.clock.advance(30)
    posts = laptop.service.requests.count(("POST", "/v1/envelopes"))
    assert 2 <= posts <= 40
    assert laptop.store.envelopes.summary().waiting == 1


def test_a_poison_envelope_does_not_block_the_rest(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(300)
    poison = []

    def one_fails(method: str, path: str) -> Answer | str | None:
        if path != "/v1/envelopes":
            return None
        head = laptop.store.envelopes.waiting(1)
        poison[:] = poison or [head[0].seq]
        # The server cannot tell which one this is before reading it; the test may look at what is being sent.
        return answer(500, {"error": "internal"}) if sent[0] == poison[0] else None

    sent = [0]
    request = uploader._link.request

    def watched(*args: object, **kw: object) -> object:
        body = kw.get("body")
        sent[0] = next((row.seq for row in laptop.store.envelopes.waiting(50) if row.body == body), 0)
        return request(*args, **kw)  # type: ignore[arg-type]  # passed through unchanged

    uploader._link.request = watched  # type: ignore[method-assign, assignment]  # only listens
    laptop.service.trouble = one_fails
    for _ in range(400):
        uploader.turn()
        laptop.clock.advance(30)
        if int(laptop.clock.wall()) % 900 == 0:
            laptop.measure(3)
    left = laptop.store.envelopes.waiting(50)
    assert [row.seq for row in left if row.seq == poison[0]] == poison
    assert len(left) <= 2 and len(laptop.service.counted) >= laptop.measured - 6
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    assert len(laptop.service.counted) == laptop.measured


def test_a_malformed_verdict_sets_aside_and_shows_it(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.trouble = first_times(1, answer(400, {"error": "malformed"}))
    laptop.measure(6)
    laptop.turn_until_delivered(uploader)
    aside = [row for row in laptop.store.envelopes.recent() if row.state is EnvelopeState.SET_ASIDE]
    assert len(aside) == 1 and "malformed" in aside[0].last_error
    assert laptop.store.envelopes.retry() == 2, "the other has no receipt yet"
    laptop.turn_until_delivered(uploader)
    assert len(laptop.service.counted) == laptop.measured


def test_revoked_stops_and_stays_stopped(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(900)
    laptop.service.revoked = True
    uploader.turn()
    posts = len(laptop.service.requests)
    assert "revoked" in uploader.problem and not uploader.documents.standing(laptop.clock.wall()).may_look
    laptop.clock.advance(DAY)
    uploader.turn()
    assert len(laptop.service.requests) == posts
    again = load_identity(laptop.store)
    assert again is not None and again.revoked
    # A new code makes a new key; what was measured is sealed again under it.
    laptop.service.revoked = False
    code = laptop.service.org.code()
    laptop.service.codes[code.code_id] = code
    laptop.identity = enroll(str(code), laptop.service.endpoint, store=laptop.store, keys=laptop.keys, now=NOW)
    assert laptop.identity.device != again.device
    laptop.turn_until_delivered(laptop.uploader())
    assert len(laptop.service.counted) == laptop.measured


def test_receipts_settle_what_was_accepted(laptop: Laptop) -> None:
    laptop.service.page = 2
    uploader = laptop.uploader()
    uploader._receipts_timer.at = laptop.clock.wall() + DAY / 2  # this test asks itself
    uploader._receipts_timer.period = DAY
    for _ in range(5):
        laptop.measure(3)
        laptop.turn_until_delivered(uploader)
    assert laptop.store.envelopes.summary().accepted == 5
    laptop.service.receipts[laptop.service.posted[-1]]["outcome"] = "set_aside"
    assert uploader.ask_receipts() == 5
    summary = laptop.store.envelopes.summary()
    assert (summary.opened, summary.set_aside, summary.accepted) == (4, 1, 0)
    asked = len(laptop.service.requests)
    assert uploader.ask_receipts() == 0 and len(laptop.service.requests) == asked


def test_new_documents_are_taken_and_old_ones_refused(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader.turn()
    laptop.service.policy = laptop.service.org.policy(2, interval_seconds=30)
    assert uploader.refresh_documents()
    assert uploader.documents.policy is not None and uploader.documents.policy.id == "p-2"
    laptop.service.policy = laptop.service.org.policy(1)
    uploader.refresh_documents()
    assert uploader.documents.policy.id == "p-2" and "seen before" in uploader.documents.problem
    assert laptop.uploader().documents.policy == uploader.documents.policy


def test_an_expired_keyset_stops_looking_and_comes_back_by_itself(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader.turn()
    laptop.clock.advance(91 * DAY)
    uploader.turn()
    assert "expired" in uploader.documents.standing(laptop.clock.wall()).reason
    laptop.service.keyset = laptop.service.org.keyset(2, at=int(laptop.clock.wall()))
    laptop.service.policy = laptop.service.org.policy(2, at=int(laptop.clock.wall()))
    laptop.clock.advance(3600)
    uploader.turn()
    assert uploader.documents.standing(laptop.clock.wall()).may_look


def test_stopping_takes_less_than_a_second_while_the_service_hangs(laptop: Laptop) -> None:
    laptop.service.trouble = lambda _method, _path: "hang"
    laptop.measure(3)
    laptop.clock.advance(900)
    stop = threading.Event()
    thread = threading.Thread(target=laptop.uploader().run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 5
    while not laptop.service.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    started = time.monotonic()
    stop.set()
    thread.join(5)
    assert not thread.is_alive() and time.monotonic() - started < 1.0


def test_nothing_of_the_environment_changes_where_it_goes(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    laptop.measure(3)
    laptop.turn_until_delivered(laptop.uploader())
    laptop.check_everything_arrived()
    proxied = Link(laptop.service.endpoint, proxy="http://127.0.0.1:1").request("GET", "/v1/keyset")
    assert proxied == Failure(FailureKind.PROXY)


def test_flush_seals_and_sends_at_once(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(1)
    assert uploader.flush()
    laptop.check_everything_arrived()


def test_the_rhythm_of_posts_says_nothing_about_a_pause(laptop: Laptop) -> None:
    """The same seconds on the clock, measured or not observed at all: the same moments and the same sizes."""
    uploader = laptop.uploader()
    seen = []
    for _ in range(12):
        first = int(laptop.clock.wall())
        laptop.clock.advance(300)
        laptop.store.commit(windows(first, 1), b"", policy="p-1", models=MODELS)
        uploader.turn()
        seen += [(summary.windows[0].start, len(summary.windows)) for summary in laptop.service.summaries]
        laptop.service.summaries.clear()
    assert seen == [(NOW + 900 * i, 3) for i in range(len(seen))] and len(seen) >= 3


def test_the_log_of_a_stormy_day_is_clean(laptop: Laptop, tmp_path: Path) -> None:
    set_up(tmp_path / "framekeep.log", "debug")
    uploader = laptop.uploader()
    kinds = list(OUTAGES.values())
    laptop.service.trouble = lambda _method, _path: random.Random(len(laptop.service.requests)).choice(kinds)
    for _ in range(20):
        laptop.measure(3)
        uploader.turn()
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    key = device_key(laptop.keys)
    assert key is not None
    text = (tmp_path / "framekeep.log").read_text()
    assert "Sealed" in text and "Posted" in text
    assert_log_is_clean(text, [STORE_KEY, key.private_bytes_raw()])


def test_what_the_service_lost_is_sent_again_and_counted_once(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader._receipts_timer.at = laptop.clock.wall() + 1800
    for _ in range(3):
        laptop.measure(3)
        laptop.turn_until_delivered(uploader)
        laptop.service.trouble = lambda _method, path: answer(503, {}) if path == "/v1/me/receipts" else None
    laptop.service.trouble = None
    lost, kept = laptop.service.posted[0], set(laptop.service.posted[1:])
    del laptop.service.receipts[lost]  # as if its inbox had been damaged before anything was opened
    for start in [window.start for window in laptop.service.summaries[0].windows]:
        del laptop.service.counted[start]
    for _ in range(3):
        uploader.turn()
        laptop.clock.advance(DAY / 2)
    assert laptop.store.envelopes.summary().accepted == 1 and laptop.service.posted.count(lost) == 1
    for _ in range(6):
        uploader.turn()
        laptop.clock.advance(DAY / 2)
    assert laptop.service.posted.count(lost) == 2 and laptop.service.repeated == 0
    assert len(laptop.service.counted) == laptop.measured
    assert all(laptop.service.posted.count(each) == 1 for each in kept)
    assert laptop.store.envelopes.summary().opened == 3


def test_nothing_is_sent_again_before_the_service_was_asked(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader._receipts_timer.at = laptop.clock.wall() + 1800
    laptop.measure(3)
    laptop.turn_until_delivered(uploader)
    laptop.service.trouble = lambda _method, path: answer(503, {}) if path == "/v1/me/receipts" else None
    for _ in range(10):
        laptop.clock.advance(DAY)
        uploader.turn()
    assert len(laptop.service.posted) == 1 and laptop.store.envelopes.summary().accepted == 1
    assert laptop.store.envelopes.retry() == 1, "asked by a person, it is"
    uploader.turn()
    assert len(laptop.service.posted) == 2 and laptop.service.conflicts == 0
    laptop.service.trouble = None
    assert uploader.ask_receipts() == 1, "the receipt is ten days older than the last acceptance"


@pytest.mark.parametrize("cursor", [True, False])
def test_receipts_of_one_second_fill_several_pages(laptop: Laptop, cursor: bool) -> None:
    laptop.service.page, laptop.service.cursor = (2, True) if cursor else (5, False)
    uploader = laptop.uploader()
    uploader._receipts_timer.at, uploader._receipts_timer.period = laptop.clock.wall() + DAY / 2, DAY
    for _ in range(5):
        laptop.measure(3)
        laptop.turn_until_delivered(uploader)
    for receipt in laptop.service.receipts.values():
        receipt["at"] = int(laptop.clock.wall())
    assert uploader.ask_receipts() == 5


def test_a_service_that_moves_is_followed(laptop: Laptop) -> None:
    """Its keyset names the new address; the old one goes on answering for documents, and for nothing else."""
    new = LoopbackService(laptop.service.org, laptop.clock.wall)
    new.devices, new.policy = laptop.service.devices, laptop.service.policy
    uploader = laptop.uploader()
    uploader.turn()
    new.keyset = laptop.service.keyset = laptop.service.org.keyset(2, endpoint=new.endpoint)
    laptop.service.trouble = lambda _method, path: None if path == "/v1/keyset" else (410, {}, b"")
    try:
        laptop.clock.advance(3 * 3600)
        laptop.measure(3)
        laptop.turn_until_delivered(uploader)
        assert len(new.counted) == laptop.measured and uploader.documents.standing(laptop.clock.wall()).may_look
        assert uploader.ask_receipts() == 1 or laptop.store.envelopes.summary().opened == 1
        moved = load_identity(laptop.store)
        assert moved is not None and moved.endpoint == new.endpoint and moved.device == laptop.identity.device
        # Killed between keeping the keyset and the identity: the next start follows too.
        laptop.store.put_identity(laptop.identity.to_bytes())
        asked = len(laptop.service.requests)
        laptop.uploader().turn()
        again = load_identity(laptop.store)
        assert again == moved and len(laptop.service.requests) == asked
    finally:
        new.down()
