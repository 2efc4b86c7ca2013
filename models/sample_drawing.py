"""What is drawn in the sample clip: an empty room, a phone, and what happens to the lens. BGR, 640x480."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 640, 480
FINE = 4
"""Shapes are drawn this many times larger and averaged down, for smooth edges."""


def room() -> Picture:
    """An empty room: a wall, a window, a picture, a cupboard."""
    light = np.linspace(1.0, 0.86, HEIGHT)[:, None, None] * np.linspace(1.0, 0.94, WIDTH)[None, :, None]
    canvas = (np.array([196, 208, 212]) * light).astype(np.uint8)
    _rectangle(canvas, (30, 40, 150, 200), (150, 160, 165))
    sky = np.linspace(0, 1, 184)[:, None, None]
    canvas[48:232, 38:172] = (np.array([235, 205, 165]) * (1 - sky) + np.array([240, 232, 220]) * sky).astype(np.uint8)
    _rectangle(canvas, (101, 48, 8, 184), (150, 160, 165))
    _rectangle(canvas, (38, 136, 134, 6), (150, 160, 165))
    _rectangle(canvas, (470, 70, 110, 80), (70, 95, 120))
    _rectangle(canvas, (478, 78, 94, 64), (190, 200, 180))
    cv2.ellipse(canvas, (525, 142), (40, 26), 0, 180, 360, (120, 160, 110), -1, cv2.LINE_AA)
    _rectangle(canvas, (450, 300, 190, 180), (95, 125, 150))
    _rectangle(canvas, (450, 292, 190, 10), (80, 108, 132))
    _rectangle(canvas, (542, 310, 3, 170), (75, 100, 124))
    return cv2.GaussianBlur(canvas, (0, 0), 0.8).astype(np.uint8)


def phone(width: int) -> Picture:
    """The back of a phone, BGRA, `width` pixels wide with a margin around it, FINE times enlarged."""
    height, margin = int(width * 2.05), width // 4
    canvas = np.zeros(((height + 2 * margin) * FINE, (width + 2 * margin) * FINE, 4), np.uint8)
    body = (margin, margin, width, height)
    _rounded(canvas, body, 0.13 * width, (72, 70, 70))
    _rounded(canvas, (margin + 1.5, margin + 1.5, width - 3, height - 3), 0.12 * width, (20, 18, 18))
    shine = np.linspace(30, 0, canvas.shape[1])[None, :, None]
    inside = (canvas[:, :, :1] == 20) & (canvas[:, :, 3:] > 0)
    canvas[:, :, :3] = np.where(inside, canvas[:, :, :3] + shine, canvas[:, :, :3]).astype(np.uint8)
    corner = margin + 0.08 * width
    _rounded(canvas, (corner, corner, 0.42 * width, 0.48 * width), 0.1 * width, (50, 50, 52))
    for x, y, radius, colour in (
        (0.20, 0.20, 0.075, (8, 8, 8)),
        (0.38, 0.20, 0.075, (8, 8, 8)),
        (0.20, 0.42, 0.075, (8, 8, 8)),
        (0.20, 0.20, 0.040, (35, 40, 60)),
        (0.38, 0.20, 0.040, (35, 40, 60)),
        (0.20, 0.42, 0.040, (35, 40, 60)),
        (0.38, 0.42, 0.030, (235, 230, 220)),
    ):
        centre = int((margin + x * width) * FINE), int((margin + y * width) * FINE)
        cv2.circle(canvas, centre, int(radius * width * FINE), (*colour, 255), -1)
    return cv2.GaussianBlur(canvas, (0, 0), FINE * 0.45).astype(np.uint8)


def paste(picture: Picture, layer: Picture, scale: float, angle: float, shift: tuple[float, float]) -> Picture:
    """`layer` (BGRA) over `picture`: turned by `angle` degrees about its centre, scaled, its centre at `shift`."""
    height, width = layer.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += (shift[0] - width / 2, shift[1] - height / 2)
    moved = cv2.warpAffine(layer, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    alpha = moved[:, :, 3:] / 255.0
    return (picture * (1 - alpha) + moved[:, :, :3] * alpha).astype(np.uint8)


def covered(seed: int) -> Picture:
    """A thumb on the lens: dim, reddish, nearly even, with the sensor's noise."""
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    glow = 1.0 - 0.18 * np.sqrt(rows**2 + columns**2)
    picture = glow[:, :, None] * np.array([10.0, 12.0, 26.0])
    return _noisy(picture, seed, 1.0)


def dark(picture: Picture, seed: int) -> Picture:
    """The same scene with the light off."""
    return _noisy(picture.astype(np.float64) * 0.11, seed, 1.5)


def blurred(picture: Picture) -> Picture:
    """The same scene through a steamed lens."""
    return cv2.GaussianBlur(picture, (0, 0), 9).astype(np.uint8)


def _noisy(picture: npt.NDArray[np.float64], seed: int, amount: float) -> Picture:
    noise = np.random.default_rng(seed).normal(0, amount, (HEIGHT // 2, WIDTH // 2, 1))
    noise = np.repeat(np.repeat(noise, 2, axis=0), 2, axis=1)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _rectangle(canvas: Picture, box: tuple[int, int, int, int], colour: Colour) -> None:
    x, y, width, height = box
    cv2.rectangle(canvas, (x, y), (x + width - 1, y + height - 1), colour, -1)


def _rounded(canvas: Picture, box: tuple[float, float, float, float], radius: float, colour: Colour) -> None:
    x, y, width, height, radius = (int(value * FINE) for value in (*box, radius))
    fill = (*colour, 255)
    cv2.rectangle(canvas, (x + radius, y), (x + width - radius, y + height), fill, -1)
    cv2.rectangle(canvas, (x, y + radius), (x + width, y + height - radius), fill, -1)
    for column in (x + radius, x + width - radius):
        for row in (y + radius, y + height - radius):
            cv2.circle(canvas, (column, row), radius, fill, -1)
