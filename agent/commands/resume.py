"""The verb `resume`: look again."""

from __future__ import annotations

import argparse
import time

from agent.commands.local import say
from agent.control import resume
from agent.paths import find_paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`framekeep resume` takes nothing."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001  every verb has this function
    """End a pause. Raises StoreError."""
    resume(find_paths().create().store, now=time.time())
    say("Resumed.")
    return 0
