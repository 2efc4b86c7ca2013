"""The five icons of the tray: what each stands for, and its one drawing, from which every file and pixmap is made. Pure.

Each status has a silhouette of its own, so that it is told apart without its colour; each colour is neither light nor
dark, so that it stands out from a light and from a dark bar (a contrast of 3 to 1 or more, WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

GRID = 24.0
"""The drawings' width and height, in units; x goes right, y goes down."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0 to 255 (sRGB)."""


class Icon(StrEnum):
    """What the tray says without words."""

    MEASURING = "measuring"
    PAUSED = "paused"
    NOT_MEASURING = "not_measuring"
    CAMERA_ELSEWHERE = "camera_elsewhere"
    """Another program uses the camera, so Framekeep does not."""
    ATTENTION = "attention"
    """Something waits for a person."""

    @property
    def file(self) -> str:
        """The name hosts look for: without the ending, and unlike any other program's."""
        return f"framekeep-{self.value.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    x: float
    y: float
    radius: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle's line, `width` wide, its middle `radius` from the centre."""

    x: float
    y: float
    radius: float
    width: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle with rounded corners; x, y is its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line with round ends."""

    x: float
    y: float
    to_x: float
    to_y: float
    width: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon, grown by `radius` with round corners."""

    points: tuple[tuple[float, float], ...]
    radius: float
    colour: Colour


Shape: TypeAlias = Disc | Ring | Box | Stroke | Polygon

GREEN: Colour = (24, 145, 76)
BLUE: Colour = (47, 125, 225)
GREY: Colour = (132, 132, 132)
VIOLET: Colour = (164, 92, 224)
ORANGE: Colour = (212, 105, 18)
WHITE: Colour = (255, 255, 255)

DRAWINGS: dict[Icon, tuple[Shape, ...]] = {
    Icon.MEASURING: (Disc(12, 12, 10.5, GREEN), Disc(12, 12, 4.2, WHITE)),
    Icon.PAUSED: (
        Box(1.5, 1.5, 21, 21, 4.5, BLUE),
        Box(6.75, 6, 3.75, 12, 0.75, WHITE),
        Box(13.5, 6, 3.75, 12, 0.75, WHITE),
    ),
    Icon.NOT_MEASURING: (Ring(12, 12, 9, 3, GREY), Stroke(6, 18, 18, 6, 3, GREY)),
    Icon.CAMERA_ELSEWHERE: (
        Box(0.75, 5.25, 15, 13.5, 3, VIOLET),
        Polygon(((17.8, 11.2), (22.2, 7.7), (22.2, 16.3), (17.8, 12.8)), 1, VIOLET),
    ),
    Icon.ATTENTION: (
        Polygon(((12, 3.4), (21.3, 20), (2.7, 20)), 2, ORANGE),
        Stroke(12, 9, 12, 13.4, 2.7, WHITE),
        Disc(12, 17.6, 1.6, WHITE),
    ),
}
"""Each icon's shapes, the lowest first."""


def colour(icon: Icon) -> Colour:
    """The colour an icon's silhouette has."""
    return DRAWINGS[icon][0].colour
