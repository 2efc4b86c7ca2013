"""Simulated colleagues: each is a real enrolled device with a real store and outbox; only their day is invented.

They bring one past working day, so that a team can be shown at once. Everything that shows them says "simulated".
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from agent.clock import Clock
from agent.detect.assets import models_fingerprint
from agent.errors import FramekeepError
from agent.identity import enroll
from agent.keys import FileKeyStore, device_key, store_key
from agent.outbox.uploader import Uploader
from agent.store import Store
from agent.wire.summary import WINDOW_SECONDS, Window

NAMES = ("Ada", "Björn", "Chiara", "Daniel", "Esra", "Femke", "Goran")
_START, _LUNCH, _END = 9 * 60, 12 * 60 + 15, 17 * 60 + 30
_MORNING, _AFTERNOON = 0.0, 0.06


@dataclass(frozen=True, slots=True)
class Habits:
    """Usual shares of an observed window; what is left is at the screen."""

    away: float
    phone: float
    absent: float
    unknown: float


def last_working_day(now: datetime) -> date:
    """The newest Monday to Friday that is over."""
    day = now.date() - timedelta(days=1)
    while day.isoweekday() > 5:
        day -= timedelta(days=1)
    return day


def invented_day(day: date, zone: tzinfo, number: int) -> tuple[Window, ...]:
    """The windows of colleague `number` from nine to half past five local time; the same for the same day."""
    chance = random.Random(f"{day.isoformat()}/{number}")
    habits = Habits(
        chance.uniform(0.06, 0.16), chance.uniform(0.03, 0.16), chance.uniform(0.04, 0.12), chance.uniform(0.0, 0.04)
    )
    lunch = _LUNCH + chance.randrange(0, 30, 5)
    windows = []
    for minute in range(_START, _END, WINDOW_SECONDS // 60):
        wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
        start = int(wall.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS
        resting = lunch <= minute < lunch + 45 or chance.random() < 0.05  # lunch, calls, pauses: nobody looks
        tired = _MORNING if minute < _LUNCH else _AFTERNOON
        windows.append(Window(start, not_observed=WINDOW_SECONDS) if resting else _window(start, habits, tired, chance))
    return tuple({window.start: window for window in windows}.values())


def _window(start: int, habits: Habits, tired: float, chance: random.Random) -> Window:
    left = WINDOW_SECONDS

    def part(share: float) -> int:
        nonlocal left
        seconds = min(left, round(WINDOW_SECONDS * share * chance.uniform(0.2, 1.8)))
        left -= seconds
        return seconds

    away, phone = part(habits.away + tired), part(habits.phone + tired / 2)
    absent, unknown = part(habits.absent if chance.random() < 0.7 else 0.6), part(habits.unknown)
    return Window(start, at_screen=left, looking_away=away, on_phone=phone, absent=absent, unknown=unknown, frames=30)


def send_day(folder: Path, code: str, server: str, windows: tuple[Window, ...], clock: Clock) -> int:
    """Enrol a device of its own with `code` and deliver `windows` through its outbox. Returns how many it sent.

    Raises FramekeepError when the service does not take them.
    """
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    keys = FileKeyStore(folder / "keys.json")
    store = Store(folder / "store.sqlite", store_key(keys))
    try:
        identity = enroll(code, server, store=store, keys=keys, now=clock.wall())
        key = device_key(keys)
        assert key is not None  # enrolling made it
        uploader = Uploader(store, identity, key, clock=clock)
        policy = uploader.documents.policy
        if policy is None:
            raise FramekeepError("The demonstration's own service gave no policy; please report this.")
        store.commit(windows, b"{}", policy=policy.id, models=models_fingerprint())
        if not uploader.flush():
            raise FramekeepError(
                f"A simulated colleague could not deliver: {uploader.problem or 'no reason was given'}"
            )
    finally:
        store.close()
    return len(windows)
