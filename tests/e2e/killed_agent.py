"""The agent of the kill loop: the real one, with real eyes on the bundled sample, on a clock that runs faster.

    python -m tests.e2e.killed_agent CLOSED.log LOOKS.log EPOCH REAL0 RATE

Only the measuring clock is fast (a five-minute window passes in seconds); the uploader signs with the real time. Every
look is written to LOOKS.log before anything is done with it, every window to CLOSED.log right after the store has
committed it: what was seen and what was kept can be compared without believing the store.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from agent.app import Agent, build_agent, open_home
from agent.clock import SystemClock
from agent.eyes_link import Eyes, Look
from agent.identity import require_identity
from agent.keys import device_key
from agent.outbox.uploader import Uploader
from agent.samples import sample_clip
from agent.sources import Source
from agent.wire.summary import Window


class FastClock:
    """`rate` seconds a second since the real moment `real0`, which it calls `epoch`. It goes on while nobody runs."""

    def __init__(self, epoch: float, real0: float, rate: float) -> None:
        self._epoch, self._real0, self._rate = epoch, real0, rate

    def wall(self) -> float:
        return self._epoch + (time.time() - self._real0) * self._rate

    def monotonic(self) -> float:
        return self.wall()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / self._rate)


def main() -> int:
    epoch, real0, rate = map(float, sys.argv[3:])
    handle, looks = (os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for log in sys.argv[1:3])
    clock = FastClock(epoch, real0, rate)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def closed(window: Window) -> None:
        os.write(handle, json.dumps(window.to_dict()).encode() + b"\n")

    class ToldEyes(Eyes):
        """The real eyes; that they saw something is written down first."""

        def look(self, timeout: float) -> Look:
            look = super().look(timeout)
            if look.observation is not None:
                os.write(looks, f"{clock.wall()!r}\n".encode())
            return look

    home = open_home(SystemClock(), stop=stop, complain=lambda text: sys.stderr.write(text + "\n") and None)
    assert home is not None
    with home:
        source = Source(files=(str(sample_clip()),), every=0.05, realtime=True)
        agent = build_agent(home, source, clock=clock, stop=stop, on_closed=closed, interval=30.0, open_eyes=ToldEyes)
        key = device_key(home.keys)
        assert key is not None
        uploader = Uploader(home.store, require_identity(home.store), key, clock=SystemClock())
        Agent(agent.pipeline, uploader, stop).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
