"""The verb `version`."""

from __future__ import annotations

import argparse
import platform

from agent.commands.local import say, say_json
from agent.detect.assets import models_fingerprint
from agent.version import VERSION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep version` takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the versions."""
    value = {
        "agent": VERSION,
        "models": models_fingerprint(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    if arguments.json:
        say_json(value)
    else:
        say(f"framekeep {VERSION}, models {value['models']}, Python {value['python']}, {value['system']}")
    return 0
