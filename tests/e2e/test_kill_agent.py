"""Promise 2 on the laptop: kill -9 of the whole agent at random moments, real eyes and all. Every window it closed is
counted by the service exactly once with its content, restarts inside a window included, and no time is invented.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from agent.identity import enroll, require_identity
from agent.keys import FileKeyStore, store_key
from agent.paths import HOME_VARIABLE
from agent.store import Store
from agent.wire.summary import Window
from tests.e2e.killing import Service, check_counts, set_up

pytestmark = pytest.mark.timeout(3000)
RATE = 100.0
"""Seconds of the measuring clock a second: a window lasts three seconds, the thirty seconds between looks 0.3."""


def kill_loop(folder: Path, kills: int) -> None:
    chance = random.Random(20261121)
    service = Service(folder / "service")
    service.start()
    code = set_up(service.data, service.url, people=1)[0][0]
    home = folder / "agent"
    (home / "data").mkdir(parents=True)
    keys = FileKeyStore(home / "data" / "keys.json")
    store = Store(home / "data" / "store.sqlite", store_key(keys))
    enroll(code, service.url, store=store, keys=keys, now=time.time())
    store.close()

    log, looks = folder / "closed.log", folder / "looks.log"
    real0 = time.time()
    epoch = real0 - 20 * 86400
    command = [
        sys.executable,
        "-m",
        "tests.e2e.killed_agent",
        str(log),
        str(looks),
        repr(epoch),
        repr(real0),
        repr(RATE),
    ]
    environment = {**os.environ, HOME_VARIABLE: str(home)}

    def start() -> subprocess.Popen[bytes]:
        errors = (folder / "agent.log").open("a")
        return subprocess.Popen(command, env=environment, stderr=errors)

    for _ in range(kills):
        agent = start()
        time.sleep(chance.uniform(0.3, 4.5))
        eyes = [child.pid for child in psutil.Process(agent.pid).children(recursive=True)]
        assert agent.poll() is None, (folder / "agent.log").read_text()[-3000:]
        agent.kill()
        agent.wait()
        for pid in eyes:
            assert ends_soon(pid), "the eyes outlived the agent, and so did the camera"
    agent = start()
    time.sleep(5)
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(20) == 0, (folder / "agent.log").read_text()[-3000:]

    store = Store(home / "data" / "store.sqlite", store_key(keys))
    kept = {stored.window.start: stored.window for stored in store.windows(0, 2**40)}
    device = require_identity(store).device
    assert store.lost() == 0
    deliver_rest(store, keys)
    store.close()
    written = [Window.from_dict(json.loads(line)) for line in log.read_text().splitlines()]
    assert len({window.start for window in written}) == len(written), "a window was closed twice"
    for window in written:
        assert kept[window.start] == window, "a closed window was lost or changed"
    assert service.stop() == 0
    counts = check_counts(service.data, {device: kept.values()})
    observed = sum(300 - window.not_observed for window in kept.values())
    elapsed = (time.time() - real0) * RATE
    print(f"{kills} kills of the agent: {dict(counts)}, {observed} s observed of {elapsed:.0f} s")
    assert 0.1 * elapsed < observed <= elapsed, "the eyes hardly ever looked"
    assert len(kept) > kills / 4
    check_looks(kept, [float(line) for line in looks.read_text().split()], kills)


def check_looks(kept: dict[int, Window], looks: list[float], kills: int) -> None:
    """Every look is in a window, but the last one or two before each kill; and no window holds a look nobody had."""
    seen = Counter(int(at) // 300 * 300 for at in looks)
    last = max(kept)
    missing = {start: n - kept[start].frames if start in kept else n for start, n in seen.items() if start <= last}
    for start, window in kept.items():
        assert window.frames <= seen[start] + 1, f"{window.frames} frames, {seen[start]} looks"
    lost = sum(n for n in missing.values() if n > 0)
    print(f"{len(looks)} looks, {lost} of them in no window")
    assert lost <= 2 * (kills + 1)


def ends_soon(pid: int) -> bool:
    for _ in range(40):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def deliver_rest(store: Store, keys: FileKeyStore) -> None:
    """What was closed in the agent's last moments waits in the store; deliver it as the next start would."""
    from agent.clock import SystemClock
    from agent.keys import device_key
    from agent.outbox.uploader import Uploader

    key = device_key(keys)
    assert key is not None
    uploader = Uploader(store, require_identity(store), key, clock=SystemClock())
    deadline = time.monotonic() + 30
    while not uploader.flush():
        store.envelopes.retry()
        assert time.monotonic() < deadline, uploader.problem


def test_twenty_kills_of_the_agent(open_folder: Path) -> None:
    kill_loop(open_folder, 20)


@pytest.mark.long
def test_two_hundred_kills_of_the_agent(open_folder: Path) -> None:
    kill_loop(open_folder, 200)
