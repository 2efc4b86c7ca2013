"""Promise: the panel costs the agent at most 30 MB while it is open, and its first page is there within 300 ms of asking
for it, imports included. After that a page takes milliseconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

MOST_MEGABYTES = 30
MOST_MILLISECONDS = 300
TRIES = 3


def test_the_panel_is_light_and_quick(tmp_path: Path) -> None:
    costs = []
    for number in range(TRIES):  # the machine may be busy with something else once
        command = [sys.executable, "-m", "tests.real.panel_cost", str(tmp_path / str(number))]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        costs.append(json.loads(done.stdout))
        if costs[-1]["ms"] < MOST_MILLISECONDS:
            break
    assert costs[-1]["first"][0] == 200 and costs[-1]["first"][1] > 1000
    assert set(costs[-1]["statuses"].values()) <= {200, 303, 404}, costs[-1]["statuses"]
    assert min(cost["ms"] for cost in costs) < MOST_MILLISECONDS, costs
    assert max(cost["mb"] for cost in costs) < MOST_MEGABYTES, costs
