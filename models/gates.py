"""What each stage of the cascade (agent/detect/look.py) saves, costs and is worth: `make gates`.

Costs are taken from recordings, as a laptop sees them: how often each stage ran, and its milliseconds when it did, at
one look a second and at one in ten seconds, the interval as shipped, in which a picture changes more between two looks.
A recording looked at that seldom is played ten times, from its first second, its second second, and so on.
What a gate saves is that cost times the looks it spared. Worth is taken from labelled pictures, each judged alone: the
phones found with and without the two stages of the second look, over the same detections.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))

import metrics  # noqa: E402 - found by the line above
from conditions.looking import open_picture  # noqa: E402
from evaluation import places, readme  # noqa: E402
from evaluation.labels import Picture, read  # noqa: E402
from ways import Chances, Pixels, Ways  # noqa: E402

from agent.attention.rules import Rules  # noqa: E402
from agent.bench_child import LOOK_EVERY  # noqa: E402
from agent.camera.base import Frame  # noqa: E402
from agent.detect.assemble import assemble, face_detector  # noqa: E402
from agent.detect.phone_verifier import PhoneVerifier  # noqa: E402
from agent.errors import FramekeepError, UnreadableSource, UsageError  # noqa: E402
from agent.samples import sample_clip  # noqa: E402
from agent.sources import FACE_ENGINES  # noqa: E402

BEGIN = "<!-- begin: written by make gates ARGS=--update-readme -->"
END = "<!-- end: written by make gates -->"
WAYS = {
    "detector alone": "detector",
    "and closer": "closer",
    "and verify": "verified",
    "and both": "both",
}
STAGES = ("lens", "still", "face", "objects", "closer", "verify")
WARM_UP = 10


@dataclass
class Spent:
    """What a recording cost: the looks, per stage the milliseconds of every time it ran, and the processor seconds of
    all looks, `every` seconds apart.
    """

    every: float = 1.0
    looks: int = 0
    processor: float = 0.0
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    totals: list[float] = field(default_factory=list)

    def add(self, stages: dict[str, float]) -> None:
        """One look."""
        self.looks += 1
        self.totals.append(sum(stages.values()))
        for name, milliseconds in stages.items():
            self.stages[name].append(milliseconds)


SHIFTS = ((1, 0), (0, 1), (-1, 1), (2, -1), (-2, -2))
"""Pixels right and down by which a picture is moved, to see how much hangs on single pixels."""


@dataclass(frozen=True)
class Detected:
    """One labelled picture, its chances, and those of the picture moved (empty where it shows a phone)."""

    picture: Picture
    chances: Chances
    moved: tuple[Chances, ...]


def main(arguments: list[str]) -> int:
    """Measure and print. Answers the exit code."""
    shared = Path(os.environ.get("FRAMEKEEP_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(prog="make gates", description="What each stage saves, costs and is worth.")
    parser.add_argument("folder", nargs="?", type=Path, default=shared / "eval", help="labelled pictures, with clips/")
    parser.add_argument("--face", choices=FACE_ENGINES, default=FACE_ENGINES[0])
    parser.add_argument("--update-readme", action="store_true", help="put the tables into models/README.md")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        if options.update_readme:
            if options.face != FACE_ENGINES[0]:
                raise UsageError("models/README.md takes the figures of the agent's default engine only.")
            readme.refuse_other_than(shared / "eval", options.folder)
            if not webcam_clips(options.folder):
                raise UsageError(f"models/README.md also takes the webcam clips; {options.folder / 'clips'} has none.")
        text = measure(options.folder, options.face)
        places.say(f"{text}\n")
        if options.update_readme:
            readme.update(text, BEGIN, END)
    except FramekeepError as error:
        print(f"gates: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(folder: Path, face: str) -> str:
    """Every table. Raises FramekeepError."""
    parts = [worth(list(detections(folder, face)))]
    clips = webcam_clips(folder)
    recordings = [
        ("bundled sample", [sample_clip()], LOOK_EVERY),
        ("bundled sample", [sample_clip()], 1.0),
        ("working at a webcam", clips, 1.0),
    ]
    for name, files, every in recordings:
        if files:
            parts.insert(0, costs(f"{name}, {every:.0f} s", recording(files, every, face)))
    return "\n\n".join(parts)


def webcam_clips(folder: Path) -> list[Path]:
    """The labelled folder's recordings of somebody at work."""
    return sorted((folder / "clips").glob("*.mp4"))


def recording(files: Sequence[Path], every: float, face: str) -> Spent:
    """Every look at these recordings, one each `every` seconds, from the first that is not a warm-up."""
    spent = Spent(every)
    looker = assemble(face)
    for _ in range(WARM_UP):
        looker.observe(Frame(np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8), 0.0))
    for file in files:
        for second in range(round(every)):
            looker.forget()
            for at, pixels in frames(file, every, float(second)):
                began = time.process_time()
                spent.add(looker.observe(Frame(pixels, at))[1])
                spent.processor += time.process_time() - began
    looker.close()
    return spent


def frames(file: Path, every: float, first: float = 0.0) -> Iterator[tuple[float, Pixels]]:
    """Time and picture of one frame each `every` seconds, from second `first` on. Raises UnreadableSource."""
    video = cv2.VideoCapture(str(file))
    if not video.isOpened():
        raise UnreadableSource(f"{file} cannot be read as a recording; fetch it again.")
    rate = video.get(cv2.CAP_PROP_FPS) or 1.0
    step, index = max(1, round(rate * every)), -round(rate * first)
    while video.grab():
        if index >= 0 and index % step == 0:
            yield first + index / rate, video.retrieve()[1].astype(np.uint8, copy=False)
        index += 1
    video.release()


def costs(name: str, spent: Spent) -> str:
    """One recording's table."""
    rows = [f"| {name}, {spent.looks} looks | ran in | ms when it ran | saved a look |", "|---|---|---|---|"]
    for stage in STAGES:
        ran = spent.stages.get(stage, [])
        share = len(ran) / spent.looks
        usual = float(np.median(ran)) if ran else 0.0
        cost, saved = (f"{usual:.1f}", f"{(1 - share) * usual:.1f} ms") if ran else ("-", "-")
        rows.append(f"| {stage} | {share:.0%} | {cost} | {saved} |")
    rows.append(f"| all, mean of a look | | **{np.mean(spent.totals):.1f}** (worst {max(spent.totals):.0f}) | |")
    share = spent.processor / spent.looks / spent.every
    rows.append(f"| share of a core, the picture at hand | | **{share:.2%}** | |")
    return "\n".join(rows)


def detections(folder: Path, face: str) -> Iterator[Detected]:
    """Every judgeable picture, looked at in each way. Raises FramekeepError."""
    ways = Ways(face_detector(face), PhoneVerifier())
    for picture in read(folder).pictures:
        if picture.judgeable and picture.phone_in_use is not None:
            pixels = open_picture(folder / picture.file)
            shifts = () if picture.phone_in_use or picture.lookalike else SHIFTS
            moved = tuple(ways.look(shifted(pixels, x, y)) for x, y in shifts)
            yield Detected(picture, ways.look(pixels), moved)
    ways.close()


def shifted(pixels: Pixels, right: int, down: int) -> Pixels:
    """The picture moved by whole pixels; its edge goes on where nothing is known."""
    height, width = pixels.shape[:2]
    most = max(abs(right), abs(down))
    larger = cv2.copyMakeBorder(pixels, most, most, most, most, cv2.BORDER_REPLICATE)
    return larger[most - down : most - down + height, most - right : most - right + width].astype(np.uint8, copy=False)


def worth(detected: Sequence[Detected]) -> str:
    """Accuracy with and without the second look's stages; the phones found and false alarms are those of the judge."""
    enough = Rules().phone_threshold
    if {d.picture.phone_in_use for d in detected} != {True, False}:
        raise UsageError(
            "What a stage is worth shows on pictures with a phone in use and without; name a folder with both."
        )
    plain = [d for d in detected if d.picture.phone_in_use or not d.picture.lookalike]
    rows = [
        "| phone in use, each picture alone | average precision | the same without look-alikes "
        "| recall at 95 % precision there | found | false alarms | false alarms when moved by a pixel or two |",
        "|---|---|---|---|---|---|---|",
    ]
    for title, name in WAYS.items():
        curves = [
            metrics.precision_recall(
                [getattr(d.chances, name) for d in some], [bool(d.picture.phone_in_use) for d in some]
            )
            for some in (detected, plain)
        ]
        best = metrics.recall_at_precision(curves[1], 0.95)
        areas = [f"{metrics.average_precision(curve) or 0.0:.2f}" for curve in curves]
        groups = [
            [d.chances for d in plain if d.picture.phone_in_use],
            [d.chances for d in plain if not d.picture.phone_in_use],
            [chances for d in plain for chances in d.moved],
        ]
        taken = [f"{sum(getattr(c, name) >= enough for c in group)} of {len(group)}" for group in groups]
        rows.append(f"| {' | '.join([title, *areas, f'{best[0] if best else 0.0:.2f}', *taken])} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
