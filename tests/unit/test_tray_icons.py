"""Holds the promise that an icon is told by its shape as well as by its colour, on a light and on a dark bar, at the sizes
bars use.
"""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from agent.tray.drawing import argb, rgba, svg
from agent.tray.icon import DRAWINGS, GRID, WHITE, Colour, Icon, colour

SIZES = (16, 22, 24, 32)
LIGHT: tuple[Colour, ...] = ((255, 255, 255), (246, 245, 244))
DARK: tuple[Colour, ...] = ((43, 43, 43), (0, 0, 0))


def luminance(of: Colour) -> float:
    """WCAG 2.2, relative luminance."""
    red, green, blue = (part / 255 for part in of)
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def silhouette(icon: Icon, size: int) -> list[float]:
    return [alpha / 255 for alpha in rgba(icon, size)[3::4]]


@pytest.mark.parametrize("icon", Icon)
def test_each_colour_stands_out_from_light_and_dark_bars_and_from_the_white_on_it(icon: Icon) -> None:
    assert all(contrast(colour(icon), bar) >= 3 for bar in (*LIGHT, *DARK, WHITE))


@pytest.mark.parametrize("size", SIZES)
def test_without_colour_each_icon_still_has_an_outline_of_its_own(size: int) -> None:
    for one, other in combinations(Icon, 2):
        differs = sum(abs(a - b) for a, b in zip(silhouette(one, size), silhouette(other, size), strict=True))
        union = sum(max(a, b) for a, b in zip(silhouette(one, size), silhouette(other, size), strict=True))
        assert differs / union > 0.15, f"{one} and {other} look alike at {size} pixels"


def test_no_two_icons_share_a_colour() -> None:
    for one, other in combinations(Icon, 2):
        assert sum(abs(a - b) for a, b in zip(colour(one), colour(other), strict=True)) > 90


@pytest.mark.parametrize("icon", Icon)
def test_the_drawing_stays_on_its_canvas(icon: Icon) -> None:
    wide = silhouette(icon, 96)
    edges = wide[:96] + wide[-96:] + wide[::96] + wide[95::96]
    assert max(edges) == 0, "a host would cut the icon off"
    assert 0.25 < sum(wide) / len(wide) < 0.9


def test_pixels_are_those_of_the_shapes() -> None:
    pixels = rgba(Icon.MEASURING, 24)
    pixel = lambda x, y: tuple(pixels[4 * (24 * y + x) :][:4])  # noqa: E731  used here only
    assert pixel(12, 12) == (*WHITE, 255)
    assert pixel(12, 4) == (*colour(Icon.MEASURING), 255)
    assert pixel(0, 0)[3] == 0
    assert 0 < pixel(1, 10)[3] < 255, "the edge is smooth"
    assert argb(Icon.MEASURING, 24)[4 * (24 * 4 + 12) :][:4] == bytes((255, *colour(Icon.MEASURING)))


@pytest.mark.parametrize("icon", Icon)
def test_the_svg_holds_every_shape_and_nothing_active(icon: Icon) -> None:
    root = ElementTree.fromstring(svg(icon))
    assert root.get("viewBox") == f"0 0 {GRID:g} {GRID:g}"
    assert len(root) == len(DRAWINGS[icon])
    assert {each.tag.rpartition("}")[2] for each in root} <= {"circle", "rect", "line", "polygon"}
