"""The parent's end of the plot: hands states and seconds to a process of its own, which draws them.

Drawing needs libraries that can hold pixels, and the parent holds none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import FramekeepError

PLOT_SECONDS = 120.0


def save_plot(ribbons: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw ribbons (name, still, spans of [start, end, state]) into a PNG file. Raises FramekeepError."""
    if not ribbons:
        return
    command = [sys.executable, "_plot"] if getattr(sys, "frozen", False) else [sys.executable, "-m", "agent.plot"]
    root = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            [*command, str(file)],
            input=json.dumps(list(ribbons)).encode(),
            capture_output=True,
            timeout=PLOT_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FramekeepError(f"The plot could not be drawn ({type(error).__name__}); the rest is done.") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise FramekeepError(f"The plot could not be saved to {file} ({last[0]}); the rest is done.")
