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
from agent.control import InstanceLock
from agent.erased import delete_logs, forget
from agent.errors import FramekeepError, UsageError
from agent.identity import load_identity
from agent.keys import choose_key_store, device_key
from agent.outbox.link import Link
from agent.own_data import OwnData
from agent.paths import Paths, find_paths


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
            _own_data(local).cancel_erasure()
        say("Cancelled: the service keeps what it has. What was deleted on this laptop stays deleted.")
        return 0
    _confirm(arguments)
    paths = find_paths()
    if not paths.data.exists():
        say("Nothing was measured or enrolled here.")
        return 0
    lock = InstanceLock(paths.lock)
    if not lock.acquire():
        raise FramekeepError("Framekeep is running: stop it first, then erase.")
    try:
        if not (arguments.everything and arguments.only_here):  # which needs no key: the way out when it is lost
            with open_local() as local:
                _erase(local, arguments)
        if arguments.everything:
            _forget_everything(paths)
    finally:
        lock.release()
    return 0


def _erase(local: Local, arguments: argparse.Namespace) -> None:
    if local.store is None:
        if not arguments.everything:
            say("Nothing was measured or enrolled here.")
        return
    if not arguments.only_here and load_identity(local.store) is not None:
        when = clock_time(_own_data(local).ask_erasure().due_at)
        back = "framekeep erase --cancel takes it back"
        if arguments.everything:
            back = "as this laptop forgets its key, only a laptop enrolled anew can still cancel it"
        say(f"The service erases what it keeps about you at {when}; {back}.")
    if not arguments.everything:
        forget(local.store, local.keys, local.paths, now=time.time())
        say("Everything measured on this laptop is deleted. Measuring is paused until framekeep resume.")


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


def _own_data(local: Local) -> OwnData:
    """What the service keeps about whoever uses this laptop. Raises FramekeepError when it is not enrolled."""
    identity = load_identity(local.store) if local.store is not None else None
    key = device_key(local.keys)
    if identity is None or key is None:
        raise FramekeepError(
            "This laptop is not enrolled, so it can ask the service nothing: use --only-here, or enrol again."
        )
    return OwnData(identity, key, Link(identity.endpoint, proxy=local.config.proxy), SystemClock())


def _forget_everything(paths: Paths) -> None:
    """Files first, keys last: a kill in between leaves nothing that cannot be opened."""
    keys = choose_key_store(paths)
    delete_logs(paths)
    for pattern in ("store.erased", "store.rebuil*", "store.sqlite*", "store.*"):
        for file in paths.data.glob(pattern):
            file.unlink(missing_ok=True)
    keys.clear()
    say("This laptop has forgotten everything, its enrolment too.")
