"""Promise: what the store acknowledged is there, in one order, once; what it had to drop is counted and shown."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from agent.consent import Acknowledgement, Decision
from agent.errors import StoreError
from agent.store import (
    DocumentKind,
    Draft,
    EnvelopeRow,
    EnvelopeState,
    RowDamaged,
    SealedDraft,
    Store,
    StoreTooNew,
    open_store,
)
from agent.store.schema import PAGE_BYTES, connect
from tests.builders import DAY, MODELS, NOW, windows

KEY = bytes(range(32))


def seal(draft: Draft) -> SealedDraft:
    return SealedDraft(uuid4(), NOW, b"%d" % draft.seq * 400)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.sqlite", KEY, now=NOW)
    assert opened.problems == ()
    opened.store.envelopes.start_numbering()
    yield opened.store
    opened.store.close()


def commit(store: Store, first: int, count: int, policy: str | None = "p-1") -> None:
    store.commit(windows(first, count), b"open", policy=policy, models=MODELS)


def sealed(store: Store, limit: int = 3) -> EnvelopeRow:
    row = store.envelopes.seal(seal, now=NOW, limit=limit)
    assert row is not None
    return row


def test_windows_checkpoint_and_status_come_back_as_they_were(store: Store) -> None:
    measured = windows(NOW, 5)
    assert store.commit(measured, b"the open window", policy="p-1", models=MODELS, status=b"watching") == 5
    again = Store(store.path, KEY)
    assert [kept.window for kept in again.windows(NOW, NOW + 1500)] == measured
    assert (again.checkpoint(), again.status()) == (b"the open window", b"watching")
    assert again.unsealed() == [window.start for window in measured]
    again.close()


def test_every_answer_to_the_notice_stays_on_record(store: Store) -> None:
    assert store.acknowledgements() == ()
    answers = (
        Acknowledgement("2026-01-01", "en", Decision.ACCEPTED, NOW),
        Acknowledgement("2026-01-01", "de", Decision.DECLINED, NOW + 60),
    )
    for answer in answers:
        store.acknowledge(answer)
    again = Store(store.path, KEY)
    assert again.acknowledgements() == answers
    again.close()


def test_the_first_window_of_a_start_stands(store: Store) -> None:
    commit(store, NOW, 2)
    other = windows(NOW, 3)
    assert store.commit(other, b"", policy="p-2", models=MODELS) == 1
    assert [kept.policy for kept in store.windows(NOW, NOW + 900)] == ["p-1", "p-1", "p-2"]


def test_windows_without_a_policy_stay_here_for_good(store: Store) -> None:
    commit(store, NOW, 3, policy=None)
    assert store.unsealed() == [] and store.envelopes.seal(seal, now=NOW) is None
    assert all(kept.local for kept in store.windows(NOW, NOW + 900))


def test_an_envelope_carries_windows_of_one_policy(store: Store) -> None:
    commit(store, NOW, 2, policy="p-1")
    commit(store, NOW + 600, 2, policy="p-2")
    drafts: list[Draft] = []

    def note(draft: Draft) -> SealedDraft:
        drafts.append(draft)
        return seal(draft)

    while store.envelopes.seal(note, now=NOW) is not None:
        pass
    assert [(draft.policy, len(draft.windows), draft.seq) for draft in drafts] == [("p-1", 2, 1), ("p-2", 2, 2)]


def test_a_seal_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    commit(store, NOW, 3)

    def fail(draft: Draft) -> SealedDraft:
        raise KeyError("no key")

    with pytest.raises(KeyError):
        store.envelopes.seal(fail, now=NOW)
    assert len(store.unsealed()) == 3 and store.envelopes.waiting() == []
    assert sealed(store).seq == 1


def test_sealing_again_keeps_windows_place_and_number_under_a_new_id(store: Store) -> None:
    commit(store, NOW, 6)
    first, second = sealed(store), sealed(store)
    again = store.envelopes.reseal(first.seq, seal, attempts=3, not_before=NOW + 9)
    assert again is not None and again.id != first.id
    assert (again.seq, again.first, again.windows, again.attempts) == (first.seq, first.first, 3, 3)
    assert [row.id for row in store.envelopes.waiting(9)] == [again.id, second.id]


def test_the_life_of_an_envelope(store: Store) -> None:
    commit(store, NOW, 12)
    a, b, c, d = (sealed(store) for _ in range(4))
    store.envelopes.accept(a.seq, now=NOW + 1)
    store.envelopes.postpone(b.seq, until=NOW + 60, reason="The service is away.")
    store.envelopes.set_aside(c.seq, reason="Refused.", now=NOW + 2)
    outcomes = {a.id: EnvelopeState.OPENED, d.id: EnvelopeState.OPENED, UUID(int=5): EnvelopeState.OPENED}
    assert store.envelopes.settle_receipts(outcomes, now=NOW + 3) == 1  # d was never accepted
    assert [row.state.value for row in store.envelopes.recent()] == ["waiting", "set_aside", "waiting", "opened"]
    kept = store.envelopes.get(b.seq)
    assert kept is not None and (kept.attempts, kept.next_try, kept.last_error) == (1, NOW + 60, "The service is away.")
    summary = store.envelopes.summary()
    assert (summary.waiting, summary.opened, summary.set_aside, summary.lost) == (2, 1, 1, 0)
    assert summary.waiting_bytes == len(b.body) + len(d.body) and summary.last_delivery == NOW + 1
    assert store.envelopes.retry() == 3
    assert {row.seq for row in store.envelopes.waiting(9)} == {b.seq, c.seq, d.seq}


def test_only_what_was_opened_ages_out(store: Store) -> None:
    commit(store, NOW, 9)
    commit(store, NOW + 9000, 1, policy=None)
    opened, accepted, waiting = (sealed(store) for _ in range(3))
    for row in (opened, accepted):
        store.envelopes.accept(row.seq, now=NOW)
    store.envelopes.settle_receipts({opened.id: EnvelopeState.OPENED}, now=NOW)
    store.envelopes.age_out(now=NOW + 59 * DAY)
    assert len(store.windows(0, NOW * 2)) == 10
    store.envelopes.age_out(now=NOW + 61 * DAY)
    assert {row.seq for row in store.envelopes.recent()} == {accepted.seq, waiting.seq}
    assert len(store.windows(0, NOW * 2)) == 6


def test_the_budget_drops_the_least_needed_first_and_counts_what_the_service_never_took(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite", KEY, now=NOW, budget=60 * PAGE_BYTES).store
    store.envelopes.start_numbering()
    opened = []
    for i in range(40):
        commit(store, NOW + 900 * i, 3)
        row = sealed(store)
        if i < 10:
            store.envelopes.accept(row.seq, now=NOW)
            opened.append(row.id)
    store.envelopes.settle_receipts(dict.fromkeys(opened, EnvelopeState.OPENED), now=NOW)
    assert store.lost() == 0
    for i in range(40, 200):
        commit(store, NOW + 900 * i, 3)
        sealed(store)
        if store.envelopes.summary().opened:
            assert store.lost() == 0, "something undelivered was dropped while delivered things were kept"
    summary = store.envelopes.summary()
    assert summary.opened == 0 and summary.waiting + summary.lost / 3 == 190
    newest = store.envelopes.recent(1)[0]
    assert newest.first == NOW + 900 * 199
    store.close()
    assert store.path.stat().st_size <= 70 * PAGE_BYTES
    again = open_store(tmp_path / "store.sqlite", KEY, now=NOW)
    assert again.problems == () and again.store.lost() == summary.lost
    again.store.close()


def test_numbers_never_repeat_even_when_the_store_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    taken: list[int] = []
    for life in range(6):
        store = open_store(path, KEY, now=NOW + life).store
        if life == 0:
            store.envelopes.start_numbering()
        for i in range(20):
            commit(store, NOW + 9000 * life + 300 * i, 1)
            taken.append(sealed(store).seq)
        store.close()
        path.unlink()
        if life == 3:
            path.with_suffix(".counters").write_text("{}")
    assert taken == sorted(set(taken))
    assert taken[0] == 1 and taken[79] < 80 + 4 * 32 and taken[80] >= NOW


def test_documents_and_identity(store: Store) -> None:
    assert store.document(DocumentKind.KEYSET) is None and store.identity() is None
    store.put_document(DocumentKind.KEYSET, seq=4, body=b"\0body\0", etag='"x"')
    store.put_identity(b"me")
    kept = store.document(DocumentKind.KEYSET)
    assert kept is not None and (kept.seq, kept.body, kept.etag) == (4, b"\0body\0", '"x"')
    assert store.identity() == b"me"
    store.put_identity(None)
    assert store.identity() is None and store.document(DocumentKind.KEYSET) is None


def test_nothing_measured_or_sent_stands_in_the_file_in_clear(store: Store) -> None:
    commit(store, NOW, 3)
    sealed(store)
    store.put_identity(b"a recognisable identity")
    store.commit([], b"a recognisable checkpoint", policy="p-1", status=b"a recognisable status")
    files = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    for clear in (b"at_screen", b"recognisable", b"p-1", MODELS.encode(), b"1111"):
        assert clear not in files


def test_rows_cannot_be_swapped_or_moved(store: Store) -> None:
    commit(store, NOW, 2)
    with sqlite3.connect(store.path) as raw:
        (first,), (second,) = raw.execute("SELECT sealed FROM windows ORDER BY start").fetchall()
        raw.execute("UPDATE windows SET sealed=? WHERE start=?", (second, NOW))
    raw.close()
    assert first != second
    with pytest.raises(RowDamaged):
        store.windows(NOW, NOW + 300)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_files_are_this_users_alone(store: Store) -> None:
    commit(store, NOW, 1)
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_store_of_a_newer_version_is_left_alone(store: Store) -> None:
    with sqlite3.connect(store.path) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(StoreTooNew, match="newer"):
        Store(store.path, KEY)


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(tmp_path / "missing" / "store.sqlite", KEY, now=NOW)


def test_opening_at_the_same_time_from_two_connections(tmp_path: Path) -> None:
    first, second = connect(tmp_path / "store.sqlite"), connect(tmp_path / "store.sqlite")
    tables = "SELECT count(*) FROM sqlite_schema"
    assert first.execute(tables).fetchone() == second.execute(tables).fetchone()
    first.close()
    second.close()


def test_a_damaged_envelope_never_blocks_the_rest(store: Store) -> None:
    commit(store, NOW, 6)
    first, second = sealed(store), sealed(store)
    with sqlite3.connect(store.path) as raw:
        raw.execute("UPDATE envelopes SET sealed=zeroblob(length(sealed)) WHERE seq=?", (first.seq,))
    raw.close()
    assert [row.seq for row in store.envelopes.waiting(9)] == [second.seq]
    again = sealed(store)
    assert again.seq > second.seq and again.first == first.first
    assert [row.seq for row in store.envelopes.waiting(9)] == [again.seq, second.seq], "in the order of the windows"
