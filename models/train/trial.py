"""How well a verifier does on pictures it was not trained on, in the agent's own look at a picture (models/ways.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from metrics import average_precision, precision_recall, recall_at_precision, share
from pool import Picture, pixels
from ways import Chances, Ways

from agent.detect.assets import Model
from agent.detect.face_onnx import OnnxFaces
from agent.detect.phone_verifier import PhoneVerifier

WAYS = {"detector": "detector", "verified": "verified", "cascade": "both"}
"""What a trial compares: the detector's first pass alone, with the verifier, and with the closer look besides."""


def look(model: onnx.ModelProto, pictures: Sequence[Picture]) -> dict[str, Chances]:
    """The chances of a phone by the picture's name, with this verifier."""
    ways = Ways(OnnxFaces(), PhoneVerifier(Model("trial", model.SerializeToString(), "")))
    found = {picture.name: ways.look(pixels(picture)) for picture in pictures}
    ways.close()
    return found


def by_way(
    found: Mapping[str, Chances], pictures: Sequence[Picture], others: Sequence[Picture], threshold: float
) -> dict[str, Any]:
    """`summary` of every way of looking."""
    return {
        name: summary({file: getattr(each, way) for file, each in found.items()}, pictures, others, threshold)
        for name, way in WAYS.items()
    }


def summary(
    found: Mapping[str, float], pictures: Sequence[Picture], others: Sequence[Picture], threshold: float
) -> dict[str, Any]:
    """Per use (in hand, at the ear, close up) against the source's pictures without a phone, or `others` where it has none."""
    empty = [p for p in pictures if not p.phone] or [p for p in others if not p.phone]
    false = [found[p.name] for p in empty if p.name in found]
    result: dict[str, Any] = {
        "empty": len(false),
        "false_alarms": share(sum(v >= threshold for v in false), len(false)),
    }
    for use in ("in_hand", "at_ear", "closeup", "on_desk"):
        true = [found[p.name] for p in pictures if p.phone and p.use == use]
        if len(true) < 10:
            continue
        result[use] = {"pictures": len(true), "found": share(sum(v >= threshold for v in true), len(true))}
        if not false:  # against nothing every order is right
            continue
        curve = precision_recall(true + false, [True] * len(true) + [False] * len(false))
        best = recall_at_precision(curve, 0.95)
        result[use] |= {"average_precision": average_precision(curve), "recall_at_95": best[0] if best else 0.0}
    return result
