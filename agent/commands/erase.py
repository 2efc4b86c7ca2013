"""The verb `erase`: ask the service to forget you, and forget what is kept on this laptop.

The service holds an erasure for 24 hours, because a laptop can be stolen; until then `erase --cancel` takes it back.
For that the device keeps its key and its enrolment, and nothing else: the measured history is deleted at once, with
the key it was encrypted under. `--everything` forgets the enrolment too, and then nothing can be taken back.
"""

from __future__ import annotations

import argparse
import sys
import time

from agent.clock import SystemClock
from agent.commands.local import Local, clock_time, open_local, say
from agent.control import InstanceLock, pause
from agent.errors import FramekeepError, UsageError
from agent.identity import load_identity
from agent.keys import STORE_KEY, device_key, forget_keys, store_key
from agent.outbox.link import Link
from agent.outbox.signed import refused, signed_request
from agent.store import DocumentKind, Store

PATH = "/v1/me/erasure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep erase` takes."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--cancel", action="store_true", help="take back an erasure the service still holds")
    parser.add_argument("--only-here", action="store_true", help="forget on this laptop only, ask the service nothing")
    parser.add_argument(
        "--everything", action="store_true", help="also forget the enrolment and the device key; cannot be taken back"
    )


def run(arguments: argparse.Namespace) -> int:
    """Erase or cancel. Raises FramekeepError; then nothing was erased here."""
    if arguments.cancel:
        with open_local() as local:
            _ask(local, "DELETE")
        say("Cancelled: the service keeps what it has. What was deleted on this laptop stays deleted.")
        return 0
    _confirm(arguments)
    with open_local() as local:
        lock = InstanceLock(local.paths.lock)
        if local.store is None:
            say("Nothing was measured or enrolled here.")
            return 0
        if not lock.acquire():
            raise FramekeepError("Framekeep is running: stop it first, then erase.")
        try:
            if not arguments.only_here and load_identity(local.store) is not None:
                due = _ask(local, "POST").get("due_at")
                when = clock_time(due) if isinstance(due, int) else "24 hours from now"
                say(f"The service erases what it keeps about you at {when}; framekeep erase --cancel takes it back.")
            _forget(local, everything=arguments.everything)
        finally:
            lock.release()
    return 0


def _confirm(arguments: argparse.Namespace) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Erasing asks first: add --yes where nobody can answer.")
    where = "on this laptop" if arguments.only_here else "on this laptop and, after 24 hours, at the service"
    sys.stdout.write(f"Erase everything measured about you {where}? Type yes: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise UsageError("Nothing was erased.")


def _ask(local: Local, method: str) -> dict[str, object]:
    """POST or DELETE the erasure. Raises FramekeepError when the service did not do it."""
    identity = load_identity(local.store) if local.store is not None else None
    key = device_key(local.keys)
    if identity is None or key is None:
        raise FramekeepError("This laptop is not enrolled, so the service keeps nothing of it: use --only-here.")
    link = Link(identity.endpoint, proxy=local.config.proxy)
    try:
        status, value = signed_request(method, PATH, link=link, identity=identity, key=key, clock=SystemClock())
    finally:
        link.close()
    if status == 404 and method == "DELETE":
        raise FramekeepError("There is no erasure to cancel.")
    if status == 409:
        raise FramekeepError("The erasure has begun already and cannot be cancelled any more.")
    if not 200 <= status < 300:
        raise refused(status, value)
    return value


def _forget(local: Local, *, everything: bool) -> None:
    """Delete the store, its key and the logs; then start an empty store that knows only the enrolment, paused."""
    store = local.store
    assert store is not None
    identity = None if everything else store.identity()
    documents = {} if everything else {kind: store.document(kind) for kind in DocumentKind}
    store.close()
    local.keys.delete(STORE_KEY)  # from here on the old rows can never be read again, wherever a copy may be
    for pattern in ("store.sqlite*", "store.corrupt*", "store.rebuilt*"):
        for file in local.paths.data.glob(pattern):
            file.unlink(missing_ok=True)
    for file in local.paths.logs.glob("framekeep.log*"):
        file.unlink(missing_ok=True)
    if everything:
        forget_keys(local.keys)
        for file in local.paths.data.glob("store.*"):
            file.unlink(missing_ok=True)
        say("This laptop has forgotten everything, its enrolment too.")
        return
    fresh = Store(local.paths.store, store_key(local.keys))
    try:
        if identity is not None:
            fresh.put_identity(identity)
        for kind, document in documents.items():
            if document is not None:
                fresh.put_document(kind, seq=document.seq, body=document.body, etag=document.etag)
    finally:
        fresh.close()
    pause(local.paths.store, now=time.time())
    say("Everything measured on this laptop is deleted. Measuring is paused until framekeep resume.")
