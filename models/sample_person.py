"""The person of the sample clip: NASA's portrait of Eileen Collins, cut out, with a head that can turn.

Turning a photograph needs a shape. Each row of the head is taken as half an ellipse as wide as the head is in
that row, with a nose in front; the picture is laid on it, turned about the head's axis and looked at again.
The side that comes into view was never photographed: it is filled with the mirrored hair.
All numbers are pixels of the 512x512 portrait.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

AXIS = 227.0
"""Column of the head's axis."""
TOP, JAW, RIM, COLLAR = 8, 138, 156, 188
"""Rows: above the hair; below the ears; the collar's rim behind the neck; where the black collar begins."""
JAW_ROWS = (138.0, 150.0, 157.0, 165.0, 175.0, 188.0)
JAW_LEFT = (182.0, 183.0, 185.0, 185.0, 186.0, 187.0)
JAW_RIGHT = (267.0, 265.0, 262.0, 257.0, 255.0, 254.0)
"""Sides of jaw and neck, where the silhouette is the collar's."""
INSIDE_COLLAR = (14, 12, 12)
DEPTH = 1.15
"""How much deeper than wide a head is."""
NOSE, NOSE_AT, NOSE_SIZE = 24.0, (224.0, 128.0), (9.0, 14.0)
SEEN = np.radians(80.0)
"""The picture shows the head up to this angle from the front; further round it is mirrored."""

_MAYBE = [
    (150, 60), (165, 20), (230, 5), (295, 40), (308, 100), (290, 150), (312, 215), (355, 260), (370, 345),
    (512, 345), (512, 512), (15, 512), (15, 380), (35, 290), (110, 220), (112, 170), (155, 150), (148, 100),
]  # fmt: skip
_SURE = [
    (175, 60), (225, 25), (275, 50), (285, 100), (270, 150), (300, 230), (340, 280), (350, 512), (60, 512),
    (45, 400), (70, 290), (130, 240), (125, 200), (180, 160), (175, 100),
]  # fmt: skip
_BEHIND = [
    [(269, 138), (267, 147), (263, 158), (258, 166), (256, 174), (270, 182), (285, 196), (296, 212), (301, 224),
     (335, 224), (335, 100), (292, 118), (281, 135)],
    [(180, 133), (182, 147), (165, 147), (150, 151), (138, 160), (120, 160), (120, 100), (165, 118), (172, 130)],
]  # fmt: skip
"""Where the studio's wall shows between hair and collar."""


def cut_out(portrait: Picture) -> Picture:
    """The portrait as BGRA, transparent around the person."""
    mask = np.full(portrait.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(_MAYBE)], cv2.GC_PR_FGD)
    cv2.fillPoly(mask, [np.array(_SURE)], cv2.GC_FGD)
    cv2.ellipse(mask, (388, 440), (105, 90), 0, 0, 360, cv2.GC_FGD, -1)  # the helmet
    for corner in _BEHIND:
        cv2.fillPoly(mask, [np.array(corner)], cv2.GC_BGD)
    cv2.setRNGSeed(1)
    behind, before = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(portrait, mask, (0, 0, 1, 1), behind, before, 5, cv2.GC_INIT_WITH_MASK)  # the mask goes, not the box
    guessed = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.erode(cv2.morphologyEx(guessed, cv2.MORPH_OPEN, np.ones((3, 3))), np.ones((3, 3)))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(inside)
    largest = 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
    alpha = cv2.GaussianBlur(np.where(labels == largest, 255, 0).astype(np.uint8), (0, 0), 1.2)
    return np.dstack([portrait, alpha])


def turn(person: Picture, yaw: float) -> Picture:
    """The cut-out with its head turned by `yaw` degrees (positive: to the picture's right)."""
    if abs(yaw) < 0.5:
        return person
    head = np.zeros((COLLAR, person.shape[1], 4), np.float32)
    for row in range(TOP, COLLAR):
        _turn_row(person, head, row, np.radians(yaw))
    head[:, :, 3] = cv2.GaussianBlur(cv2.morphologyEx(head[:, :, 3], cv2.MORPH_CLOSE, np.ones((3, 3))), (0, 0), 1.0)
    result = _without_head(person)
    alpha = head[:, :, 3:] / 255.0
    alpha *= np.clip((COLLAR - np.arange(COLLAR)) / 6.0, 0, 1)[:, None, None]
    result[:COLLAR, :, :3] = result[:COLLAR, :, :3] * (1 - alpha) + head[:, :, :3] * alpha
    result[:COLLAR, :, 3:] = np.maximum(result[:COLLAR, :, 3:], 255 * alpha)
    return result.astype(np.uint8)


def _turn_row(person: Picture, head: npt.NDArray[np.float32], row: int, angle: float) -> None:
    """Lay one row on its ellipse, turn it, and draw it from back to front."""
    columns = np.flatnonzero(person[row, :, 3] > 127)
    columns = columns[(columns > 140) & (columns < 315)]
    if len(columns) < 6:
        return
    left, right = float(columns.min()), float(columns.max())
    if row > JAW:
        left, right = _jaw(row)
    centre, half = (left + right) / 2, (right - left) / 2 - 2  # the outermost pixels are half wall
    around = np.radians(np.linspace(-140, 140, 1120))
    shown = np.where(np.abs(around) > SEEN, np.sign(around) * (2 * SEEN - np.abs(around)), around)
    source = centre + half * np.sin(shown)
    nose = ((source - NOSE_AT[0]) / NOSE_SIZE[0]) ** 2 + ((row - NOSE_AT[1]) / NOSE_SIZE[1]) ** 2
    across = centre - AXIS + half * np.sin(around)
    ahead = DEPTH * half * np.cos(around) + NOSE * np.exp(-nose / 2) * (np.abs(around) < SEEN)
    seen_at = AXIS + across * np.cos(angle) + ahead * np.sin(angle)
    order = np.argsort(ahead * np.cos(angle) - across * np.sin(angle), kind="stable")
    line = person[row : row + 1].astype(np.float32)
    colours = cv2.remap(line, source[None].astype(np.float32), np.zeros((1, len(source)), np.float32), cv2.INTER_LINEAR)
    colours[:, :, 3] = 255
    head[row, np.clip(np.rint(seen_at[order]).astype(int), 0, head.shape[1] - 1)] = colours[0, order]


def _without_head(person: Picture) -> npt.NDArray[np.float32]:
    """The cut-out without its head: nothing above the collar's rim, the collar's dark inside below it."""
    result = person.astype(np.float32)
    for row in range(COLLAR):
        left, right = (AXIS - 90, AXIS + 90) if row <= JAW else _jaw(row)
        columns = slice(int(left) - 2, int(right) + 4)
        if row < RIM:
            result[row, columns, 3] = 0
        else:
            result[row, columns] = (*INSIDE_COLLAR, 255)
    return result


def _jaw(row: int) -> tuple[float, float]:
    """The sides of jaw and neck in this row."""
    return float(np.interp(row, JAW_ROWS, JAW_LEFT)), float(np.interp(row, JAW_ROWS, JAW_RIGHT))
