"""Where the signals are put by whoever learns of them, and read from by whoever decides. Safe for several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from agent.attention.schedule import Availability
from agent.availability.settle import CALM_SECONDS, Settled, Signal, settle


@dataclass(frozen=True, slots=True)
class Known:
    """Whether this machine tells a signal. `how` names what tells it, or says why nothing does."""

    signal: Signal
    works: bool
    how: str


@dataclass(frozen=True, slots=True)
class _Word:
    value: bool | None
    why: str


class Board:
    """What each source says of each signal. A signal holds when any source says so; a source that does not know any
    more takes its word back.
    """

    def __init__(
        self, clock: Callable[[], float], rest_on_battery: Callable[[], bool], calm: float = CALM_SECONDS
    ) -> None:
        """`clock` is monotonic seconds. `rest_on_battery` is asked at every reading; without it the battery is known
        and no reason.
        """
        self._clock, self._rest_on_battery, self._calm = clock, rest_on_battery, calm
        self._lock = threading.Lock()
        self._words: dict[tuple[Signal, str], _Word] = {}
        self._settled = Settled()

    def put(self, signal: Signal, source: str, value: bool | None, why: str = "") -> None:
        """`source` says `value` of `signal`; None when it cannot tell, with `why` as half a sentence for a person."""
        with self._lock:
            self._words[signal, source] = _Word(value, why)

    def forget(self, why: str, sources: Collection[str] | None = None) -> None:
        """Take back what these sources said (None: all of them), because nobody asks them any more."""
        with self._lock:
            for signal, source in self._words:
                if sources is None or source in sources:
                    self._words[signal, source] = _Word(None, why)

    def holds(self, signal: Signal) -> bool:
        """Whether any source says so right now, without any calm after it."""
        with self._lock:
            return any(word.value for (each, _), word in self._words.items() if each is signal)

    def read(self) -> Availability:
        """What is in force now (settle.py). Microseconds."""
        battery = self._rest_on_battery()
        with self._lock:
            raw = frozenset(signal for (signal, _), word in self._words.items() if word.value)
            raw = raw if battery else raw - {Signal.ON_BATTERY}
            self._settled = settle(self._settled, raw, self._clock(), self._calm)
            signals = self._settled.signals
        if not signals:
            return Availability()
        return Availability(**{signal.value: True for signal in signals})

    def describe(self) -> tuple[Known, ...]:
        """One row per signal."""
        with self._lock:
            words = dict(self._words)
        return tuple(_known(signal, words) for signal in Signal)


def _known(signal: Signal, words: dict[tuple[Signal, str], _Word]) -> Known:
    mine = [(source, word) for (each, source), word in words.items() if each is signal]
    telling = [source for source, word in mine if word.value is not None]
    if telling:
        return Known(signal, True, ", ".join(telling))
    reasons = [f"{source}: {word.why}" if word.why else source for source, word in mine]
    return Known(signal, False, "; ".join(reasons) or "nothing on this machine tells")
