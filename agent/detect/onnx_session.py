"""ONNX Runtime, imported quietly and set up small: one thread, no spinning, no telemetry."""

from __future__ import annotations

import os

# Read when the library is imported, so it has to be set first: later versions phone home without it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime


def open_session(data: bytes) -> onnxruntime.InferenceSession:
    """A session on one core for the model in `data`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A memory plan for the whole network costs 5 MB and saves nothing beside the arena. The arena stays: without
    # it every look takes hundreds of page faults, and the process is no smaller.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
