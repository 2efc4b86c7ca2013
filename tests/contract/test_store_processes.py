"""Several processes and connections share the store: what one commits the others see, and nobody's log is deleted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent.control import ControlWatch
from agent.store import Store

KEY = bytes(range(32))
LOOK = """
import sys
from pathlib import Path
from agent.control import pause, read_pause
from agent.store import Store
path = Path(sys.argv[1])
store = Store(path, bytes(range(32)))
print((store.status() or b"none").decode(), read_pause(path).paused)
store.close()
if len(sys.argv) > 2:
    pause(path, now=1.0)
"""


def another_process(path: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", LOOK, str(path), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_the_agent_commits_is_seen_while_other_processes_come_and_go(tmp_path: Path) -> None:
    """The agent holds two connections. A second one being opened must not cost the first its locks: then a process that
    merely looked would delete the write-ahead log behind the agent's back, and everything committed later with it.
    """
    path = tmp_path / "store.sqlite"
    store = Store(path, KEY)
    watch = ControlWatch(path)
    assert not watch.poll().paused
    for number in range(5):
        store.commit([], b"{}", policy=None, status=str(number).encode())
        assert another_process(path) == f"{number} False"
    assert another_process(path, "pause") == "4 False"
    assert watch.poll().paused
    watch.close()
    watch = ControlWatch(path)
    watch.poll()
    store.commit([], b"{}", policy=None, status=b"after")
    assert another_process(path) == "after True"
    store.close()
    watch.close()
    assert another_process(path) == "after True"
