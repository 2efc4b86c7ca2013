"""After something was asked of the agent: wait until it says that it did so, so that the next page does not show what was."""

from __future__ import annotations

import threading
from collections.abc import Container

from agent.panel.parts import Panel
from agent.status import AgentState

PATIENCE_SECONDS = 1.0
"""The agent looks five times a second for what is asked of it (agent/control.py) and says at once what it does then."""
_BETWEEN_SECONDS = 0.05

LOOKING = frozenset({AgentState.OPENING, AgentState.WATCHING})
"""What a pause and a refusal end."""
UNANSWERED = frozenset({AgentState.UNDECIDED, AgentState.NOT_PARTICIPATING})
"""What an acceptance ends."""


def leaves(panel: Panel, states: Container[AgentState]) -> bool:
    """Wait until the running agent's state is none of `states`, for PATIENCE_SECONDS at most. Whether that is so; True at
    once where no agent runs.
    """
    never, deadline = threading.Event(), panel.clock.monotonic() + PATIENCE_SECONDS
    while (status := panel.status()).running and status.state in states:
        if panel.clock.monotonic() >= deadline:
            return False
        panel.clock.wait(never, _BETWEEN_SECONDS)
    return True
