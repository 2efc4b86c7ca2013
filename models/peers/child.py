"""The peers' end of the measured child (agent/bench_child.py). Imported in the peers' own environments, so only the
standard library may be imported before the peer, and OpenCV, which all of them bring, reads the pictures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Look = Callable[[Any], int]
"""What the peer does with one picture (height x width x 3, BGR, as from a webcam): how many people it found."""


def serve(load: Callable[[], Look]) -> None:
    """Answer pictures until standard input ends. `load` imports the peer and makes it ready."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints is not an answer
    look = load()
    import cv2

    for line in sys.stdin:
        path = json.loads(line)["picture"]
        picture = cv2.imread(path)
        if picture is None:
            raise SystemExit(f"{path} cannot be read")
        began = time.perf_counter()
        found = look(picture)
        ms = (time.perf_counter() - began) * 1000
        answers.write(json.dumps({"ms": ms, "found": found}) + "\n")
        answers.flush()
