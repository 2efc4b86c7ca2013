"""Puts an empty store in the place of the one that is forgotten, so that a kill at any instant leaves one of the two.

The empty store is made complete beside the old one, under a key of its own, and given the name `.erased` in one step:
from then on everything that follows is done by whoever opens the store next, as often as it takes.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from agent import log as logs
from agent.consent import Acknowledgement
from agent.control import pause
from agent.errors import StoreError
from agent.keys import NEXT_STORE_KEY, STORE_KEY, KeyStore
from agent.paths import Paths
from agent.store import DocumentKind, RowDamaged, Store, StoredDocument, StoreUnavailable
from agent.store.recover import sync_folder
from agent.store.rows import KEY_BYTES

NOTHING_ERASED = (
    "Nothing was erased, because the empty store that takes the old one's place cannot be written: free some space on"
    " the disk, then erase again."
)


def forget(store: Store, keys: KeyStore, paths: Paths, *, now: float) -> None:
    """Delete the logs, `store` (closed here) and its key; an empty store that knows only the enrolment and the answers to
    the notice stands in its place, paused. For the process that holds the agent's lock. Raises StoreError.
    """
    held = {kind: store.document(kind) for kind in DocumentKind}
    documents = {kind: document for kind, document in held.items() if document is not None}
    identity = store.identity()
    try:
        answers = store.acknowledgements()
    except RowDamaged:
        answers = ()
    store.close()
    logs.close()  # an open file cannot be deleted everywhere
    delete_logs(paths)
    start_over(paths.store, keys, identity=identity, documents=documents, answers=answers, now=now)


def delete_logs(paths: Paths) -> None:
    """Remove this user's log files."""
    for file in paths.logs.glob("framekeep.log*"):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"The log {file} cannot be deleted ({error.strerror}): try again.") from error


def start_over(
    store: Path,
    keys: KeyStore,
    *,
    identity: bytes | None,
    documents: dict[DocumentKind, StoredDocument],
    answers: tuple[Acknowledgement, ...],
    now: float,
) -> None:
    """Replace `store` (closed) by an empty one, paused, that knows only the enrolment and what was
    answered to the notice (a refusal outlives what it was about). Raises StoreError: then the old
    one stands, or whoever opens the store next finishes what was begun.
    """
    key, making = secrets.token_bytes(KEY_BYTES), store.with_suffix(".erasing")
    with keys.alone():
        for leftover in store.parent.glob(f"{making.name}*"):
            leftover.unlink(missing_ok=True)
        try:
            keys.put(NEXT_STORE_KEY, key)
            fresh = Store(making, key)
            try:
                if identity is not None:
                    fresh.put_identity(identity)
                for kind, document in documents.items():
                    fresh.put_document(kind, seq=document.seq, body=document.body, etag=document.etag)
                for answer in answers:
                    fresh.acknowledge(answer)
                pause(making, now=now)
            finally:
                fresh.close()  # the last connection: its log is moved into the file
            making.replace(_erased(store))
        except (OSError, StoreUnavailable) as error:
            for leftover in store.parent.glob(f"{making.name}*"):
                with suppress(OSError):
                    leftover.unlink(missing_ok=True)
            raise StoreUnavailable(NOTHING_ERASED) from error
        sync_folder(store.parent)
    finish_erasure(store, keys)


def finish_erasure(store: Path, keys: KeyStore) -> None:
    """Carry an erasure that was begun to its end; nothing otherwise. Raises StoreError."""
    if not _erased(store).exists():
        return
    with keys.alone():
        if not _erased(store).exists():  # another process was faster
            return
        key = keys.get(NEXT_STORE_KEY)
        if key is None:
            raise StoreError(
                "An erasure was begun and its key is missing: run framekeep erase --everything --only-here."
            )
        keys.put(STORE_KEY, key)  # from here on the old rows can never be read again, wherever a copy may be
        try:
            # The old log must be gone before the new file has its name; the rest only waits to be cleared away.
            for file in store.parent.glob(f"{store.stem}.sqlite-*"):
                file.unlink(missing_ok=True)
            _erased(store).replace(store)
            for pattern in ("rebuil*", "corrupt*"):
                for file in store.parent.glob(f"{store.stem}.{pattern}"):
                    with suppress(OSError):  # nobody has its key any more
                        file.unlink(missing_ok=True)
            sync_folder(store.parent)
        except OSError as error:
            raise StoreUnavailable(f"The erasure cannot be finished ({error.strerror}): it is tried again.") from error
        with suppress(StoreError):  # it is the store's key now; a second copy of it does no harm
            keys.delete(NEXT_STORE_KEY)


def _erased(store: Path) -> Path:
    return store.with_suffix(".erased")
