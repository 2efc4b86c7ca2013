"""Promise: without a running agent the panel shows what was measured here and forgets it when told to, at once and for
good; an agent that was started meanwhile is not robbed of its store.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pytest

from agent.commands.local import open_local
from agent.control import InstanceLock, read_pause
from agent.erased import forget
from agent.errors import FramekeepError
from agent.panel.alone import Alone
from agent.panel.page import Visit
from agent.panel.pages import welcome
from agent.panel.parts import Panel
from agent.status import AgentState
from tests.builders import NOW, ManualClock, windows


@contextmanager
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Panel]:
    monkeypatch.setenv("FRAMEKEEP_HOME", str(home))
    with open_local(create=True) as local:
        parts = Alone(local, ManualClock())
        yield parts.panel()
        parts.close()


def test_history_is_read_and_erased_without_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        assert panel.status().state is AgentState.NOT_RUNNING
        assert panel.documents() is None and panel.service() is None and panel.check is None
        panel.store.commit(windows(NOW, 3), b"{}", policy=None)
        assert len(panel.store.windows(NOW, NOW + 900)) == 3
        panel.erase()
        assert panel.store.windows(NOW, NOW + 900) == []
        assert read_pause(panel.paths.store).paused, "and nothing is measured until somebody wants it"
        panel.resume()
        assert not panel.status().paused
        panel.pause(600)
        assert panel.status().paused_until == NOW + 600
        panel.store.commit(windows(NOW, 1), b"{}", policy=None)
    with alone(tmp_path, monkeypatch) as panel:
        assert len(panel.store.windows(NOW, NOW + 900)) == 1, "the new store is the one that stays"


def test_a_store_an_agent_holds_is_not_erased_from_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        panel.store.commit(windows(NOW, 1), b"{}", policy=None)
        agent = InstanceLock(panel.paths.lock)
        assert agent.acquire()
        with pytest.raises(FramekeepError, match="started meanwhile: close this page and open its panel"):
            panel.erase()
        agent.release()
        assert len(panel.store.windows(NOW, NOW + 900)) == 1


def test_nothing_is_kept_in_a_file_that_an_agent_has_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        assert panel.store.acknowledgements() == ()
        with open_local() as other:  # as an agent does it when its employee erases
            assert other.store is not None
            forget(other.store, other.keys, other.paths, now=NOW)
        with pytest.raises(FramekeepError, match="started meanwhile: close this page"):
            welcome.act(Visit(panel, "en", "/path/", "", {}, {"action": "declined"}, NOW, UTC))
    with alone(tmp_path, monkeypatch) as panel:
        assert panel.store.acknowledgements() == ()


def test_a_panel_opened_alone_says_what_it_does_and_closes_when_an_agent_starts(tmp_path: Path) -> None:
    (tmp_path / "framekeep.toml").write_text("camera = -1\n")
    with subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "panel", "--url"],
        env={**os.environ, "FRAMEKEEP_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as verb:
        assert verb.stdout is not None and verb.stderr is not None
        assert "/enter?code=" in verb.stdout.readline()
        assert "framekeep.toml: camera must be" in verb.stderr.readline(), "one bad line does not keep the panel shut"
        assert "serves the panel: until Ctrl-C" in verb.stderr.readline()
        agent = InstanceLock(tmp_path / "data" / "agent.lock")
        try:
            assert agent.acquire()
            assert "this panel is closed" in verb.communicate(timeout=10)[0]
        finally:
            agent.release()
            verb.kill()
        assert verb.returncode == 0


def test_a_setting_changed_in_the_file_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        before = panel.rules()
        panel.paths.config_file.write_text('interval_seconds = 30\nsensitivity = "strict"\n')
        assert panel.rules().interval == 30 and panel.rules().yaw_away != before.yaw_away


def test_a_setting_that_cannot_be_read_is_named_and_the_others_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        panel.paths.config_file.write_text('camera = -1\nlanguage = "de"\n')
        assert (panel.config().language, panel.config().camera) == ("de", "0")
        assert "camera must be" in panel.status().problems[0]
