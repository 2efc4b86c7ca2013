"""The status to show: not the one from before a pause that was asked for a moment ago, by a command or in the tray."""

from __future__ import annotations

import threading

from agent.control import read_pause
from agent.errors import StoreError
from agent.panel.parts import Panel
from agent.status import Status

PATIENCE_SECONDS = 0.4
"""The agent looks five times a second for what is asked of it (agent/control.py)."""
_BETWEEN_SECONDS = 0.05


def settled_status(panel: Panel) -> Status:
    """The status, once the running agent knows of the pause as it stands, waited for for PATIENCE_SECONDS at most."""
    status = panel.status()
    if not status.running:
        return status
    try:
        asked = read_pause(panel.paths.store)
    except StoreError:
        return status
    never, deadline = threading.Event(), panel.clock.monotonic() + PATIENCE_SECONDS
    while status.paused != asked.holds(panel.clock.wall()) and panel.clock.monotonic() < deadline:
        panel.clock.wait(never, _BETWEEN_SECONDS)
        status = panel.status()
    return status
