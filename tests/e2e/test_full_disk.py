"""Promise 4 and 10 together, on a disk that is really full: a small file system of its own, filled to the last byte.

Pausing works and releases the camera, the agent stays up, starts and says what is wrong.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.erased import NOTHING_ERASED
from agent.paths import HOME_VARIABLE
from agent.status import AgentState
from agent.store import StoreUnavailable
from tests.conftest import skip_or_fail
from tests.e2e.test_cli import eyes_of, framekeep, running, wait_for
from tests.e2e.test_station import ACCEPTED, a_station, state, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small file system is Linux's tmpfs")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        if os.geteuid() == 0:
            skip_or_fail("a small file system cannot be mounted here")
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_the_stop_button_works_on_a_full_disk(small: Path) -> None:
    with running(small) as agent:
        wait_for(agent, "watching")
        fill(small)
        time.sleep(2)
        assert agent.poll() is None, "the agent stays up"
        (eyes,) = eyes_of(agent)
        answer = framekeep(small, "pause", "--for", "30m")
        assert answer.returncode == 0, answer.stderr
        eyes.wait(1.0)
        status = json.loads(framekeep(small, "status", "--json").stdout)
        assert (status["state"], status["paused"], status["paused_until"]) == ("paused", True, None)
        assert "until framekeep resume" in answer.stdout and "end you asked for could not be written" in answer.stdout
        assert framekeep(small, "resume").returncode == 0
        wait_for(agent, "watching")
        (small / "ballast").unlink()
        time.sleep(2)
    status = json.loads(framekeep(small, "status", "--json").stdout)
    assert (status["state"], status["paused"], status["lost"]) == ("not_running", False, 0)


def test_starting_on_a_full_disk_waits_and_says_why(small: Path) -> None:
    with running(small) as agent:
        wait_for(agent, "watching")
    fill(small)
    with running(small) as agent:
        assert agent.stdout is not None
        line = agent.stdout.readline()
        assert "full" in line or "starting" in line, line
        assert agent.poll() is None
        (small / "ballast").unlink()
        wait_for(agent, "watching")


def test_a_first_start_on_a_full_disk_waits_for_space(small: Path) -> None:
    fill(small)
    with running(small) as agent:
        wait_for(agent, "free some space")
        (small / "ballast").unlink()
        wait_for(agent, "watching")


def test_erasing_on_a_full_disk_is_done_or_says_that_nothing_was_and_the_agent_goes_on(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(small))
    with a_station() as station:
        station.store.acknowledge(ACCEPTED)
        station.start()
        until(lambda: state(station) is AgentState.WATCHING)
        fill(small)
        logging.getLogger("agent").warning("more than the disk takes")
        try:
            station.erase()
        except StoreUnavailable as error:
            assert str(error) == NOTHING_ERASED
            until(lambda: state(station) is AgentState.WATCHING)
        else:
            until(lambda: state(station) is AgentState.PAUSED)
        assert station.agent is not None
        (small / "ballast").unlink()
        station.erase()
        until(lambda: state(station) is AgentState.PAUSED)
        assert station.store.windows(0, 2**40) == []
