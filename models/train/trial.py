"""How well a verifier does on pictures it was not trained on, in the agent's own second look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from metrics import average_precision, precision_recall, recall_at_precision, share
from pool import Picture, pixels

from agent.attention.observation import Phone
from agent.camera.base import Frame
from agent.detect.assets import Model
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.phone_verifier import PhoneVerifier
from agent.detect.second_look import SecondLook, chance

Scores = dict[str, float]
"""Chance of a phone by the picture's name."""


def scores(
    model: onnx.ModelProto | None, pictures: Sequence[Picture], proposals: Mapping[str, tuple[Phone, ...]]
) -> Scores:
    """The best candidate's chance on each picture; without a model the detector's word alone."""
    if model is None:
        return {p.name: max((chance(phone.score) for phone in proposals[p.name]), default=0.0) for p in pictures}
    verifier = PhoneVerifier(Model("trial", model.SerializeToString(), ""))
    second = SecondLook(NanoDetPhones(), verifier)
    result = {}
    for picture in pictures:
        frame = Frame(np.ascontiguousarray(pixels(picture)), 0.0)
        phones = second.verified(frame, proposals[picture.name])
        result[picture.name] = phones[0].score if phones else 0.0
    second.close()
    return result


def summary(found: Scores, pictures: Sequence[Picture], others: Sequence[Picture], threshold: float) -> dict[str, Any]:
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
