"""What the small verbs share: this user's folders and store, opened beside a running agent, never repaired here."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.config import Config, readable_config
from agent.control import InstanceLock
from agent.erased import finish_erasure
from agent.errors import ConfigError, UsageError
from agent.keys import KeyStore, choose_key_store, store_key
from agent.paths import Paths, find_paths
from agent.store import Store

_DURATION = re.compile(r"(\d{1,9})\s*(s|m|min|h|d)?", re.IGNORECASE)
_UNIT_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Local:
    """What a verb works on. `store` is None when nothing was ever measured or enrolled here."""

    paths: Paths
    config: Config
    keys: KeyStore
    store: Store | None
    problems: tuple[str, ...] = ()
    """What is wrong with the settings, a sentence each."""

    @property
    def running(self) -> bool:
        """Whether this user's agent runs now."""
        return InstanceLock(self.paths.lock).holder() is not None


@contextmanager
def open_local(*, create: bool = False, only_shows: bool = False) -> Iterator[Local]:
    """The user's folders, settings, keys and store. With `create`, keys and a store are made where there are none;
    without, nothing is made. A verb that `only_shows` goes by what can be read of the settings, and says what cannot.

    Raises ConfigError or StoreError.
    """
    paths = find_paths()
    config, problems = readable_config(paths.config_file)
    if problems and not only_shows:
        raise ConfigError(problems[0])
    if create:
        paths.create()
    keys = choose_key_store(paths)
    finish_erasure(paths.store, keys)
    store = None
    if create or paths.store.exists():
        store = Store(paths.store, store_key(keys, paths.store, make=create), budget=config.store_mib * 1024 * 1024)
    try:
        yield Local(paths, config, keys, store, problems)
    finally:
        if store is not None:
            store.close()


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")


def say_json(value: Any) -> None:
    """One JSON object on standard output."""
    say(json.dumps(value, ensure_ascii=False))


def seconds(text: str) -> float:
    """A duration a person typed: 90s, 30m, 2h, 1d; a bare number is minutes. Raises UsageError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"{text!r} is not a duration: write 90s, 30m, 2h or 1d.")
    return float(int(match[1]) * _UNIT_SECONDS[(match[2] or "m").lower()])


def clock_time(at: float | None) -> str:
    """A moment (epoch seconds) in local time for people; "never" for None."""
    if at is None:
        return "never"
    moment = datetime.fromtimestamp(at)
    today = moment.date() == datetime.fromtimestamp(time.time()).date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count} bytes" if count < 1024 else f"{count / 1024:.0f} KiB"
