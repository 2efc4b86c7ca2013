"""Whether PipeWire delivers a camera's pictures to somebody: for media servers that keep cameras open all the time.

Asked only then, through `pw-dump` (its manual page; the objects are described in PipeWire's documentation of
pw_node_info and its media.class keys).
"""

from __future__ import annotations

import json
import shutil
import subprocess

SOURCE = "PipeWire"
DUMP_SECONDS = 2.0
_NODE = "PipeWire:Interface:Node"


def camera_running(dump: str) -> bool | None:
    """From pw-dump's output: whether a camera's node runs; None when the text is no such output.

    A shared screen is a running video source too; cameras are told apart by their role, or by the device behind them.
    """
    try:
        objects = json.loads(dump)
    except ValueError:
        return None
    if not isinstance(objects, list):
        return None
    return any(_is_running_camera(each) for each in objects)


def _is_running_camera(thing: object) -> bool:
    if not isinstance(thing, dict) or thing.get("type") != _NODE:
        return False
    info = thing.get("info")
    if not isinstance(info, dict) or info.get("state") != "running":
        return False
    props = info.get("props")
    if not isinstance(props, dict) or props.get("media.class") != "Video/Source":
        return False
    return props.get("media.role") == "Camera" or props.get("device.api") in ("v4l2", "libcamera")


def ask_pipewire() -> bool | None:
    """`camera_running` here and now; None when there is no pw-dump or no answer. Up to DUMP_SECONDS."""
    program = shutil.which("pw-dump")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--no-colors"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=DUMP_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return camera_running(answer.stdout.decode("utf-8", "replace")) if answer.returncode == 0 else None
