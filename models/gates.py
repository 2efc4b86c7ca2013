"""What each stage of the cascade (agent/detect/look.py) saves, costs and is worth: `make gates`.

Costs are taken from recordings, as a laptop sees them: how often each stage ran, and its milliseconds when it did.
What a gate saves is that cost times the looks it spared. Worth is taken from labelled pictures, each judged alone: the
phones found with and without the two stages of the second look, over the same detections.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))

import metrics  # noqa: E402 - found by the line above
from evaluation import readme  # noqa: E402
from evaluation.labels import read  # noqa: E402

from agent.attention.observation import Phone  # noqa: E402
from agent.camera.base import Frame  # noqa: E402
from agent.detect.assemble import assemble  # noqa: E402
from agent.detect.face_onnx import OnnxFaces  # noqa: E402
from agent.detect.phone_onnx import NanoDetPhones  # noqa: E402
from agent.detect.phone_verifier import PhoneVerifier  # noqa: E402
from agent.detect.second_look import SecondLook, chance, worth_a_closer_look  # noqa: E402
from agent.samples import sample_clip  # noqa: E402
from agent.sources import FACE_ENGINES  # noqa: E402

BEGIN = "<!-- begin: written by make gates ARGS=--update-readme -->"
END = "<!-- end: written by make gates -->"
STAGES = ("lens", "still", "face", "objects", "closer", "verify")
WARM_UP = 10


@dataclass
class Spent:
    """What a recording cost: the looks, and per stage the milliseconds of every time it ran."""

    looks: int = 0
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    totals: list[float] = field(default_factory=list)

    def add(self, stages: dict[str, float]) -> None:
        """One look."""
        self.looks += 1
        self.totals.append(sum(stages.values()))
        for name, milliseconds in stages.items():
            self.stages[name].append(milliseconds)


@dataclass(frozen=True)
class Detected:
    """One labelled picture: whether a phone is in use, and the chance of one with each way of looking."""

    phone: bool
    lookalike: bool
    detector: float
    closer: float
    verified: float
    both: float


def main(arguments: list[str]) -> int:
    """Measure and print. Answers the exit code."""
    shared = Path(os.environ.get("FRAMEKEEP_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(prog="make gates", description="What each stage saves, costs and is worth.")
    parser.add_argument("folder", nargs="?", type=Path, default=shared / "eval", help="labelled pictures, with clips/")
    parser.add_argument("--face", choices=FACE_ENGINES, default=FACE_ENGINES[0])
    parser.add_argument("--update-readme", action="store_true", help="put the tables into models/README.md")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    clips = sorted((options.folder / "clips").glob("*.mp4"))
    recordings = [("working at a webcam, 1 s", clips, 1.0), ("bundled sample, 1 s", [sample_clip()], 1.0)]
    parts = [costs(name, recording(files, every, options.face)) for name, files, every in recordings if files]
    parts.append(worth(list(detections(options.folder))))
    text = "\n\n".join(parts)
    print(text)
    if options.update_readme:
        readme.update(text, BEGIN, END)
    return 0


def recording(files: Sequence[Path], every: float, face: str) -> Spent:
    """Every look at these recordings, one each `every` seconds, from the first that is not a warm-up."""
    spent = Spent()
    looker = assemble(face)
    for _ in range(WARM_UP):
        looker.observe(Frame(np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8), 0.0))
    for file in files:
        looker.forget()
        for at, pixels in frames(file, every):
            spent.add(looker.observe(Frame(pixels, at))[1])
    looker.close()
    return spent


def frames(file: Path, every: float) -> Iterator[tuple[float, np.ndarray]]:
    """Time and picture of one frame each `every` seconds."""
    video = cv2.VideoCapture(str(file))
    rate = video.get(cv2.CAP_PROP_FPS) or 1.0
    step, index = max(1, round(rate * every)), 0
    while video.grab():
        if index % step == 0:
            yield index / rate, video.retrieve()[1]
        index += 1
    video.release()


def costs(name: str, spent: Spent) -> str:
    """One recording's table."""
    rows = [f"| {name}, {spent.looks} looks | ran in | ms when it ran | saved a look |", "|---|---|---|---|"]
    for stage in STAGES:
        ran = spent.stages.get(stage, [])
        share = len(ran) / spent.looks
        mean = float(np.median(ran)) if ran else 0.0
        cost, saved = (f"{mean:.1f}", f"{(1 - share) * mean:.1f} ms") if ran else ("-", "-")
        rows.append(f"| {stage} | {share:.0%} | {cost} | {saved} |")
    rows.append(f"| all, mean of a look | | **{np.mean(spent.totals):.1f}** (worst {max(spent.totals):.0f}) | |")
    return "\n".join(rows)


def detections(folder: Path) -> Iterator[Detected]:
    """Every judgeable picture, looked at in each way."""
    faces, objects, verifier = OnnxFaces(), NanoDetPhones(), PhoneVerifier()
    second = SecondLook(objects, verifier)
    for picture in read(folder).pictures:
        if not picture.judgeable or picture.phone_in_use is None:
            continue
        pixels = cv2.imread(str(folder / picture.file))
        frame = Frame(pixels, 0.0)
        found = faces.detect(frame)
        _, phones = objects.detect(frame)
        region = worth_a_closer_look(found, phones, pixels.shape[1], pixels.shape[0])
        more = second.closer(frame, region, phones) if region else phones
        yield Detected(
            phone=picture.phone_in_use,
            lookalike=bool(picture.lookalike),
            detector=_unverified(phones),
            closer=_unverified(more),
            verified=_best(second.verified(frame, phones)),
            both=_best(second.verified(frame, more)),
        )
    second.close()


def worth(detected: Sequence[Detected]) -> str:
    """Accuracy with and without the second look's stages."""
    rows = [
        "| phone in use, each picture alone | average precision | the same without look-alikes | recall at 95 % precision there |",
        "|---|---|---|---|",
    ]
    for title, name in (
        ("detector alone", "detector"),
        ("and closer", "closer"),
        ("and verify", "verified"),
        ("and both", "both"),
    ):
        plain = [d for d in detected if d.phone or not d.lookalike]
        curves = [
            metrics.precision_recall([getattr(d, name) for d in some], [d.phone for d in some])
            for some in (detected, plain)
        ]
        best = metrics.recall_at_precision(curves[1], 0.95)
        precisions = [metrics.average_precision(curve) or 0.0 for curve in curves]
        rows.append(f"| {title} | {precisions[0]:.2f} | {precisions[1]:.2f} | {best[0] if best else 0.0:.2f} |")
    return "\n".join(rows)


def _unverified(phones: Sequence[Phone]) -> float:
    return max((chance(phone.score) for phone in phones), default=0.0)


def _best(phones: Sequence[Phone]) -> float:
    return phones[0].score if phones else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
