"""Light, masks, glasses and company, drawn into pictures. Pure functions: pixels in, other pixels of that size out.

These are drawings: they say where a detector begins to fail, not how often it fails on people who dress like that.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from agent.attention.observation import Box

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

GAMMA = 2.2
"""Stored brightness is light to the power of 1 / GAMMA, nearly (sRGB)."""
FULL_WELL, READ_NOISE = 4000.0, 6.0
"""Electrons a pixel of a small sensor holds when white, and the noise of reading it: usual for webcams."""


def to_light(pixels: Pixels) -> Floats:
    """Light, 0 to 1, from stored values."""
    return np.power(pixels.astype(np.float32) / 255, GAMMA)


def to_pixels(light: Floats) -> Pixels:
    """The reverse of `to_light`; what is brighter than white is white."""
    return (np.power(np.clip(light, 0, 1), 1 / GAMMA) * 255 + 0.5).astype(np.uint8)


def darkened(pixels: Pixels, stops: float, seed: int = 0) -> Pixels:
    """The picture with `stops` less light (each halves it), and the noise a sensor then has; nothing turns it up again."""
    random = np.random.default_rng(seed)
    electrons = to_light(pixels) * (FULL_WELL * 2.0**-stops)
    noisy = random.poisson(electrons) + random.normal(0, READ_NOISE, electrons.shape)
    return to_pixels((noisy / FULL_WELL).astype(np.float32))


def backlit(pixels: Pixels, face: Box, brighter: float, darker: float) -> Pixels:
    """A window behind: everything but the person `brighter` stops up, the person `darker` stops down."""
    person = _person(pixels.shape[:2], face)[..., None]
    return to_pixels(to_light(pixels) * (person * 2.0**-darker + (1 - person) * 2.0**brighter))


def lit_from_the_side(pixels: Pixels, face: Box, stops: float) -> Pixels:
    """One half of the face (the picture's left) has `stops` less light, over a soft edge a third of a face wide."""
    x1, _, x2, _ = face
    columns = np.arange(pixels.shape[1], dtype=np.float32)
    shade = 1 / (1 + np.exp((columns - (x1 + x2) / 2) / ((x2 - x1) / 12)))
    return to_pixels(to_light(pixels) * np.power(2.0, -stops * shade)[None, :, None].astype(np.float32))


def far_away(pixels: Pixels, face: Box, share: float) -> Pixels:
    """The whole picture made smaller, so that the face's width is this share of the frame's, at the lower edge of a
    frame that its blurred borders fill. The picture as it is where the face is smaller already.
    """
    height, width = pixels.shape[:2]
    factor = share * width / (face[2] - face[0])
    if factor >= 1:
        return pixels
    small = cv2.resize(pixels, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    left = (width - columns) // 2
    sides = height - rows, 0, left, width - columns - left
    around = cv2.copyMakeBorder(small, *sides, borderType=cv2.BORDER_REPLICATE)
    edge = np.pad(np.full((rows, columns), 255, np.uint8), ((sides[0], 0), (left, sides[3])))
    edge[-3:] = edge[-4]
    edge = cv2.GaussianBlur(cv2.erode(edge, np.ones((5, 5), np.uint8)), (0, 0), 2).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    blurred = cv2.GaussianBlur(around, (0, 0), 0.02 * width) + noise
    return _laid_over(blurred.clip(0, 255).astype(np.uint8), around.astype(np.float64), edge)


def masked(pixels: Pixels, points: Points, colour: tuple[int, int, int]) -> Pixels:
    """A surgical mask over nose, mouth and chin. `points`: eyes, nose, mouth, ears; colour: blue, green, red."""
    right, left, nose, mouth, ear_right, ear_left = points
    eyes = (right + left) / 2
    bridge = nose + 0.45 * (eyes - nose)
    chin = mouth + 0.95 * (mouth - nose)
    down = 0.75 * (mouth - nose)
    corners = [bridge]
    for eye, ear in ((left, ear_left), (right, ear_right)):
        cheek = eye + 0.9 * (ear - eye) + 0.8 * (nose - eyes)
        side = [cheek, cheek + down, chin + 0.35 * (eye - eyes)]
        corners += side if eye is left else side[::-1]
    cloth = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(cloth, [np.array(corners).round().astype(np.int32)], 255, cv2.LINE_AA)
    shade = 0.75 + 0.25 * cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (0, 0), 9) / 255.0
    return _laid_over(pixels, np.array(colour) * shade[..., None], cloth)


def with_sunglasses(pixels: Pixels, points: Points) -> Pixels:
    """Two dark lenses over the eyes, a bridge, and temples to the ears."""
    right, left, _, _, ear_right, ear_left = points
    apart = float(np.linalg.norm(left - right))
    tilt = float(np.degrees(np.arctan2(*(left - right)[::-1])))
    glass = np.zeros(pixels.shape[:2], np.uint8)
    thick = max(1, round(apart * 0.08))
    for start, end in ((right, left), (right, ear_right), (left, ear_left)):
        cv2.line(glass, _whole(start), _whole(end), 255, thick, cv2.LINE_AA)
    for eye in (right, left):
        size = max(1, round(apart * 0.42)), max(1, round(apart * 0.34))
        cv2.ellipse(glass, _whole(eye + np.array([0, 0.05 * apart])), size, tilt, 0, 360, 255, -1, cv2.LINE_AA)
    return _laid_over(pixels, np.full(pixels.shape, 18.0), glass)


def head_of(pixels: Pixels, face: Box) -> tuple[Pixels, Pixels]:
    """A head cut out, with its mask (0 to 255), both of the size of the part."""
    x1, y1, x2, y2 = face
    width, height = x2 - x1, y2 - y1
    part = pixels[
        max(0, int(y1 - 0.6 * height)) : int(y2 + 0.35 * height),
        max(0, int(x1 - 0.35 * width)) : int(x2 + 0.35 * width),
    ]
    rows, columns = part.shape[:2]
    mask = np.zeros((rows, columns), np.uint8)
    cv2.ellipse(mask, (columns // 2, rows // 2), (columns // 2 - 2, rows // 2 - 2), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return part, mask


def pasted(pixels: Pixels, part: Pixels, mask: Pixels, factor: float, centre: tuple[float, float]) -> Pixels:
    """`part` made `factor` times as large and laid into the picture around `centre` (shares of width and height)."""
    size = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    part, mask = (cv2.resize(one, size, interpolation=way).astype(np.uint8) for one in (part, mask))
    height, width = pixels.shape[:2]
    left = min(max(0, round(centre[0] * width - size[0] / 2)), max(0, width - size[0]))
    top = min(max(0, round(centre[1] * height - size[1] / 2)), max(0, height - size[1]))
    result = pixels.copy()
    place = result[top : top + size[1], left : left + size[0]]
    rows, columns = place.shape[:2]
    place[:] = _laid_over(place, part[:rows, :columns].astype(np.float64), mask[:rows, :columns])
    return result


def _person(shape: tuple[int, ...], face: Box) -> Floats:
    """1 where a person with this face probably is (an oval head, shoulders below), 0 elsewhere, softly."""
    x1, y1, x2, y2 = face
    width, height = x2 - x1, y2 - y1
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    body = np.zeros(shape, np.float32)
    cv2.ellipse(body, _whole((x, y - 0.1 * height)), _whole((0.7 * width, 0.95 * height)), 0, 0, 360, 1.0, -1)
    shoulders = y2 + 0.25 * height
    cv2.ellipse(body, _whole((x, shoulders + 2.2 * height)), _whole((1.7 * width, 2.2 * height)), 0, 0, 360, 1.0, -1)
    cv2.rectangle(body, _whole((x - 1.7 * width, shoulders + 2.2 * height)), _whole((x + 1.7 * width, 9999)), 1.0, -1)
    return cv2.GaussianBlur(body, (0, 0), max(1.0, 0.08 * width)).astype(np.float32)


def _laid_over(pixels: Pixels, colours: npt.NDArray[np.floating], mask: Pixels) -> Pixels:
    share = mask[..., None].astype(np.float64) / 255
    return (share * colours + (1 - share) * pixels + 0.5).clip(0, 255).astype(np.uint8)


def _whole(point: npt.ArrayLike) -> tuple[int, int]:
    x, y = np.asarray(point, np.float64).round().astype(int)
    return int(x), int(y)
