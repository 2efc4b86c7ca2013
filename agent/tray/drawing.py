"""Drawings as SVG files and as pixels. Pure, and small enough to need no graphics library.

Every shape knows how far a point is from its edge (negative inside). A pixel's share of a shape is taken from that
distance at its centre, which is exact for straight edges and good for the rest. The distances are the usual ones of
plane geometry; the polygon's sign comes from the crossing number.
"""

from __future__ import annotations

from functools import cache
from math import hypot

from agent.tray.icon import DRAWINGS, GRID, Box, Colour, Disc, Icon, Polygon, Ring, Shape, Stroke


def svg(icon: Icon) -> str:
    """The icon as an SVG document."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{GRID:g}" height="{GRID:g}" viewBox="0 0 {GRID:g} {GRID:g}">',
        *(f"  {_element(shape)}" for shape in DRAWINGS[icon]),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


@cache
def rgba(icon: Icon, size: int) -> bytes:
    """The icon `size` pixels wide and high: rows from the top, four bytes a pixel (red, green, blue, alpha; the colours
    not multiplied by alpha).
    """
    unit = GRID / size
    pixels = bytearray()
    for row in range(size):
        for column in range(size):
            pixels += bytes(_pixel(DRAWINGS[icon], (column + 0.5) * unit, (row + 0.5) * unit, unit))
    return bytes(pixels)


@cache
def argb(icon: Icon, size: int) -> bytes:
    """The same for StatusNotifierItem pixmaps: alpha, red, green, blue."""
    pixels = rgba(icon, size)
    return b"".join(pixels[at + 3 : at + 4] + pixels[at : at + 3] for at in range(0, len(pixels), 4))


def _pixel(shapes: tuple[Shape, ...], x: float, y: float, unit: float) -> tuple[int, int, int, int]:
    red = green = blue = alpha = 0.0
    for shape in shapes:
        share = min(max(0.5 - _distance(shape, x, y) / unit, 0.0), 1.0)
        if share:
            left = alpha * (1 - share)
            alpha = share + left
            red, green, blue = (
                (new * share + old * left) / alpha for new, old in zip(shape.colour, (red, green, blue), strict=True)
            )
    return round(red), round(green), round(blue), round(alpha * 255)


def _distance(shape: Shape, x: float, y: float) -> float:
    match shape:
        case Disc():
            return hypot(x - shape.x, y - shape.y) - shape.radius
        case Ring():
            return abs(hypot(x - shape.x, y - shape.y) - shape.radius) - shape.width / 2
        case Box():
            right = abs(x - shape.x - shape.width / 2) - shape.width / 2 + shape.radius
            down = abs(y - shape.y - shape.height / 2) - shape.height / 2 + shape.radius
            return hypot(max(right, 0), max(down, 0)) + min(max(right, down), 0) - shape.radius
        case Stroke():
            return _to_segment(x, y, (shape.x, shape.y), (shape.to_x, shape.to_y)) - shape.width / 2
        case Polygon():
            edges = list(zip(shape.points, shape.points[1:] + shape.points[:1], strict=True))
            away = min(_to_segment(x, y, a, b) for a, b in edges)
            crossed = sum(
                (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) for a, b in edges
            )
            return (-away if crossed % 2 else away) - shape.radius


def _to_segment(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far the point x, y is from the line between a and b."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * along_x + (y - a[1]) * along_y) / (along_x**2 + along_y**2)
    share = min(max(share, 0.0), 1.0)
    return hypot(x - a[0] - share * along_x, y - a[1] - share * along_y)


def _element(shape: Shape) -> str:
    match shape:
        case Disc():
            return f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="{shape.radius:g}" fill="{_hex(shape.colour)}"/>'
        case Ring():
            return (
                f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="{shape.radius:g}" fill="none"'
                f' stroke="{_hex(shape.colour)}" stroke-width="{shape.width:g}"/>'
            )
        case Box():
            return (
                f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}"'
                f' rx="{shape.radius:g}" fill="{_hex(shape.colour)}"/>'
            )
        case Stroke():
            return (
                f'<line x1="{shape.x:g}" y1="{shape.y:g}" x2="{shape.to_x:g}" y2="{shape.to_y:g}"'
                f' stroke="{_hex(shape.colour)}" stroke-width="{shape.width:g}" stroke-linecap="round"/>'
            )
        case Polygon():
            points = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
            return (
                f'<polygon points="{points}" fill="{_hex(shape.colour)}" stroke="{_hex(shape.colour)}"'
                f' stroke-width="{2 * shape.radius:g}" stroke-linejoin="round"/>'
            )


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
