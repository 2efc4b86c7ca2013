"""Five-minute windows out of intervals: exact milliseconds inside, whole seconds that sum to 300 outside.

Rules:

- A window is 300 s, aligned to UTC. Time no interval spoke about is NOT_OBSERVED.
- A window closes when time passes its end, or when an interval falls into another window; nothing is ever added
  to a window that was closed. Seconds that would fall into one (a clock set back) are dropped, and the observed
  ones among them counted in `dropped_ms`, so they can be reported as lost.
- What was closed is remembered as a few ranges, not as one high-water mark: a clock that was ten years ahead for
  an hour must not stop measuring for ten years once it is set right.
- A NOT_OBSERVED interval longer than a window is an absence of the agent itself (asleep, switched off), since a
  resting agent reports at least once a minute. Only the windows at its two ends are emitted; the hundreds between
  would say nothing that silence does not say.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.attention.judge import Interval
from agent.attention.observation import State
from agent.wire.summary import MAX_FRAMES, STATES, WINDOW_SECONDS, Window

WINDOW_MS = WINDOW_SECONDS * 1000
MAX_RANGES = 8
"""How many ranges of closed windows are remembered before the two nearest are taken for one."""

_ORDER = tuple(State(name) for name in STATES)


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window being filled: its start (epoch seconds), milliseconds per state in the order of STATES, frames,
    and the moment (epoch milliseconds) up to which it was told about.
    """

    start: int
    millis: tuple[int, ...] = (0,) * len(_ORDER)
    frames: int = 0
    covered_until: int = 0

    @property
    def end_ms(self) -> int:
        """First millisecond after the window."""
        return (self.start + WINDOW_SECONDS) * 1000

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds per state so far, for showing."""
        return {state: ms / 1000 for state, ms in zip(STATES, self.millis, strict=True)}

    def close(self) -> Window:
        """The finished window: the rest is NOT_OBSERVED, milliseconds rounded by largest remainder to 300 s."""
        millis = list(self.millis)
        millis[_ORDER.index(State.NOT_OBSERVED)] += WINDOW_MS - sum(millis)
        seconds = [ms // 1000 for ms in millis]
        by_remainder = sorted(range(len(millis)), key=lambda i: -(millis[i] % 1000))
        for i in by_remainder[: WINDOW_SECONDS - sum(seconds)]:
            seconds[i] += 1
        counts = dict(zip(STATES, seconds, strict=True))
        return Window(start=self.start, **counts, frames=min(self.frames, MAX_FRAMES))


@dataclass(frozen=True, slots=True)
class Tally:
    """The accumulator: the open window, the ranges [start, end) in epoch seconds whose windows are closed, and the
    observed milliseconds that had to be dropped because their window was closed already.
    """

    open: OpenWindow | None = None
    closed: tuple[tuple[int, int], ...] = ()
    dropped_ms: int = 0

    @classmethod
    def knowing(cls, starts: Iterable[int]) -> Tally:
        """A fresh tally that knows the windows closed by an earlier process."""
        tally = cls()
        for start in starts:
            tally = replace(tally, closed=_merge(tally.closed, start))
        return tally

    @property
    def dropped_windows(self) -> int:
        """Dropped time in whole windows, rounded up: what to add to `lost`."""
        return -(-self.dropped_ms // WINDOW_MS)

    def is_closed(self, start: int) -> bool:
        """Whether the window that begins at `start` was closed before."""
        return any(first <= start < end for first, end in self.closed)

    def to_json(self) -> dict[str, Any]:
        """The form of the local checkpoint."""
        o = self.open
        return {
            "open": o and {"start": o.start, "millis": list(o.millis), "frames": o.frames, "until": o.covered_until},
            "closed": [list(span) for span in self.closed],
            "dropped_ms": self.dropped_ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """The reverse of `to_json`. Raises KeyError, TypeError or ValueError on anything else."""
        o = data["open"]
        window = None
        if o is not None:
            millis = tuple(int(ms) for ms in o["millis"])
            window = OpenWindow(int(o["start"]), millis, int(o["frames"]), int(o["until"]))
            if (
                len(millis) != len(_ORDER)
                or min(millis) < 0
                or sum(millis) > WINDOW_MS
                or window.start % WINDOW_SECONDS
            ):
                raise ValueError("an open window holds six counts of milliseconds, together at most 300 s")
        return cls(window, tuple((int(a), int(b)) for a, b in data["closed"]), int(data["dropped_ms"]))


def add(tally: Tally, interval: Interval) -> tuple[Tally, tuple[Window, ...]]:
    """The tally after `interval`, whose times are wall seconds (epoch), and the windows that closed, in order.

    Raises ValueError for an interval that ends before it starts.
    """
    start, end = round(interval.start * 1000), round(interval.end * 1000)
    if end < start:
        raise ValueError(f"an interval cannot end ({interval.end}) before it starts ({interval.start})")
    done: list[Window] = []
    frames = interval.frames
    for begin, until in _pieces(max(start, 0), max(end, 0), interval.state):
        tally, window = _add_piece(tally, begin, until, interval.state, frames)
        done.extend(window)
        frames = 0
    return tally, tuple(done)


def close(tally: Tally, before: float | None = None) -> tuple[Tally, tuple[Window, ...]]:
    """Close the open window as it stands (end of a finite replay); with `before`, only if it ended by that wall time."""
    window = tally.open
    if window is None or (before is not None and before * 1000 < window.end_ms):
        return tally, ()
    return replace(tally, open=None, closed=_merge(tally.closed, window.start)), (window.close(),)


def _pieces(start: int, end: int, state: State) -> list[tuple[int, int]]:
    """The interval cut at window boundaries, in milliseconds; of a long absence only the first and the last cut."""
    cuts = [start]
    first_end, last_start = (start // WINDOW_MS + 1) * WINDOW_MS, (end - 1) // WINDOW_MS * WINDOW_MS
    if state is State.NOT_OBSERVED and end - start > WINDOW_MS:
        return [(start, first_end), (last_start, end)]
    cuts += range(first_end, end, WINDOW_MS)
    return [(a, b) for a, b in zip(cuts, [*cuts[1:], end], strict=True) if b > a]


def _add_piece(tally: Tally, begin: int, until: int, state: State, frames: int) -> tuple[Tally, tuple[Window, ...]]:
    """Add milliseconds [begin, until), which lie in one window."""
    start = begin // WINDOW_MS * WINDOW_SECONDS
    if tally.is_closed(start):
        return _drop(tally, until - begin, state), ()
    done: tuple[Window, ...] = ()
    if tally.open is not None and tally.open.start != start:
        tally, done = close(tally)
    window = tally.open or OpenWindow(start, covered_until=start * 1000)
    fresh = max(begin, window.covered_until)
    tally = _drop(tally, min(fresh, until) - begin, state)
    if fresh < until:
        i = _ORDER.index(state)
        millis = (*window.millis[:i], window.millis[i] + until - fresh, *window.millis[i + 1 :])
        window = OpenWindow(start, millis, window.frames + frames, until)
    tally = replace(tally, open=window)
    tally, ended = close(tally, before=window.covered_until / 1000)
    return tally, done + ended


def _drop(tally: Tally, millis: int, state: State) -> Tally:
    lost = 0 if state is State.NOT_OBSERVED else millis
    return replace(tally, dropped_ms=tally.dropped_ms + lost) if lost else tally


def _merge(spans: tuple[tuple[int, int], ...], start: int) -> tuple[tuple[int, int], ...]:
    """The closed ranges with one more window; past `MAX_RANGES` the two nearest become one."""
    merged: list[tuple[int, int]] = []
    for first, end in sorted([*spans, (start, start + WINDOW_SECONDS)]):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    if len(merged) > MAX_RANGES:
        i = min(range(len(merged) - 1), key=lambda k: merged[k + 1][0] - merged[k][1])
        merged[i : i + 2] = [(merged[i][0], merged[i + 1][1])]
    return tuple(merged)
