"""Promise: without a running agent the panel shows what was measured here and forgets it when told to, at once and for
good; an agent that was started meanwhile is not robbed of its store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.commands.local import open_local
from agent.control import InstanceLock, read_pause
from agent.errors import FramekeepError
from agent.panel.alone import Alone
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
        with pytest.raises(FramekeepError, match="started meanwhile: open its panel"):
            panel.erase()
        agent.release()
        assert len(panel.store.windows(NOW, NOW + 900)) == 1


def test_a_setting_changed_in_the_file_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(tmp_path, monkeypatch) as panel:
        before = panel.rules()
        panel.paths.config_file.write_text('interval_seconds = 30\nsensitivity = "strict"\n')
        assert panel.rules().interval == 30 and panel.rules().yaw_away != before.yaw_away
