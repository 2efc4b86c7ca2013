"""The tray's facts for tests."""

from __future__ import annotations

from typing import Any

from agent.status import AgentState, Status

NOW = 1_763_980_200.0
"""Monday 24 November 2025, 10:30 UTC."""


def a_status(**fields: Any) -> Status:
    """An agent that has been measuring since 09:00 and delivered at 10:15, but for `fields`."""
    values: dict[str, Any] = {
        "running": True,
        "state": AgentState.WATCHING,
        "since": int(NOW) - 5400,
        "camera": "camera 0",
        "paused": False,
        "paused_until": None,
        "outbox_depth": 0,
        "outbox_bytes": 0,
        "unsealed": 0,
        "accepted": 0,
        "set_aside": 0,
        "last_delivery": int(NOW) - 900,
        "lost": 0,
        "policy_id": "p-1",
        "key_store": "os",
        "problems": (),
    }
    return Status(**{**values, **fields, "state": AgentState(fields.get("state", AgentState.WATCHING))})
