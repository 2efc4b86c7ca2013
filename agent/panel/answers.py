"""How `framekeep panel` gets a link from the running agent: it asks by a row of the store (`agent/control.py`), the agent
answers by a file only this user can read, whose name only the two know.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path

from agent.control import ask_for_panel
from agent.errors import FramekeepError
from agent.panel.files import panel_folder, write_private
from agent.paths import Paths

PATIENCE_SECONDS = 5.0
"""How long the agent may take to answer."""
_LOOK_SECONDS = 0.02
_NONCE = re.compile(r"[0-9a-f]{32}")


class NoPanel(FramekeepError):
    """The panel could not be opened."""


def ask_running_agent(paths: Paths, *, now: float, patience: float = PATIENCE_SECONDS) -> str:
    """A one-time link from the agent that runs for this user. `now` is epoch seconds. Raises NoPanel or StoreError."""
    nonce = secrets.token_hex(16)
    file = _answer_file(paths.data, nonce)
    ask_for_panel(paths.store, nonce, now=now)
    deadline = time.monotonic() + patience
    while not file.exists():
        if time.monotonic() >= deadline:
            raise NoPanel(
                f"Framekeep is running but did not answer within {patience:.0f} s: try again, or stop it and open the"
                " panel without it."
            )
        time.sleep(_LOOK_SECONDS)
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoPanel("The running Framekeep's answer cannot be read: try again.") from error
    finally:
        file.unlink(missing_ok=True)
    if not answer["link"]:
        raise NoPanel(answer["problem"])
    return str(answer["link"])


def write_answer(data: Path, nonce: str, *, link: str = "", problem: str = "") -> None:
    """The agent's answer to the asker who made `nonce`. Raises StoreError."""
    write_private(_answer_file(data, nonce), json.dumps({"link": link, "problem": problem}))


def is_nonce(text: str) -> bool:
    """Whether it is one of ours: it becomes part of a file's name."""
    return _NONCE.fullmatch(text) is not None


def _answer_file(data: Path, nonce: str) -> Path:
    return panel_folder(data) / f"framekeep-answer-{nonce}"
