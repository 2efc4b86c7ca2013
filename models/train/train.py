"""Train the phone verifier from the pool of labelled pictures beside the checkout.

    python models/train/train.py [POOL] [--trial] [--everything | --without-stock] [--output FILE]

Without options: train on the pictures whose licence allows it and write models/phone_verifier.onnx. `--trial` writes
nothing to models/: it leaves out one source after the other, trains on the rest, and reports what the result makes of
the source left out. `--everything` also trains on the pictures that may only be used for research, for comparison:
such weights are not shipped, so it needs `--trial` or an `--output` elsewhere. `--without-stock` leaves out what looks
like stock photographs, of whose licence there is no more than an uploader's word.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from checkout import MODELS, ROOT
from cuts import Cut, find_cuts, varied
from export import check, to_onnx
from fit import Maps, fit
from network import Lower, Weights
from pool import Picture, read_pool
from proposals import propose
from published import published_weights
from trial import by_way, look

from agent.detect.phone_verifier import SIDE, prepare
from agent.errors import UsageError

SHIPPED = MODELS / "phone_verifier.onnx"
SEED = 20
VARIANTS = 5
"""How often each cut is varied. The maps of `Lower` are computed once and kept; training draws among them."""
EVEN_CHANCE = 0.5
"""The chance from which a picture counts as one with a phone in a trial's report."""
LEAST = 100
"""Pictures a source must have to be left out in a trial."""
AT_ONCE = 64
THREADS = 2
"""What the shipped file was made with, on whatever machine: sums in another order end in other bytes."""
CHECKED = 100
"""Cuts on which the written file is compared with the trained network."""


def main(arguments: list[str]) -> int:
    """Train, or try. Answers the exit code."""
    parser = argparse.ArgumentParser(description="Train the phone verifier.")
    shared = Path(os.environ.get("FRAMEKEEP_SHARED", ROOT.parent / "shared"))
    parser.add_argument("pool", nargs="?", type=Path, default=shared / "train", help="folder with labels.csv")
    parser.add_argument("--trial", action="store_true", help="leave out one source after the other and report")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--everything", action="store_true", help="also learn from research-only pictures")
    which.add_argument(
        "--without-stock", action="store_true", help="learn from nothing that looks like a stock photograph"
    )
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--threads", type=threads, default=THREADS, help="another number gives other bytes")
    options = parser.parse_args(arguments)
    if options.everything and not options.trial and options.output.parent == MODELS:
        print("train: weights from research-only pictures are not shipped; name an --output elsewhere", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(mode=True)
    cv2.setNumThreads(1)
    try:
        pictures = read_pool(options.pool, everything=True)
    except OSError as error:
        print(f"train: {error}; name the folder of the training pool", file=sys.stderr)
        return 1
    except UsageError as error:
        print(f"train: {error}", file=sys.stderr)
        return error.exit_code
    _say(f"{len(pictures)} pictures, {sum(p.free for p in pictures)} of them may shape what is shipped")
    proposals = propose(pictures)
    learned = [p for p in pictures if options.everything or (p.free and not (options.without_stock and p.stock))]
    published = published_weights()
    lower = Lower(published)
    random = np.random.default_rng(SEED)
    cuts = find_cuts(learned, proposals, random)
    _say(f"{len(cuts)} cuts, {sum(cut.phone for cut in cuts)} of phones")
    maps = lower_maps(lower, cuts, random)
    if options.trial:
        print(json.dumps(try_out(lower, published, maps, cuts, pictures), indent=1))
        return 0
    upper = fit(maps, cuts, published, SEED)
    some = np.concatenate([prepare(varied(cut, random)) for cut in cuts[:: max(1, len(cuts) // CHECKED)]])
    _say("odds differ from PyTorch's by at most {:.5f}, with weights rounded {:.3f}".format(*check(lower, upper, some)))
    data = to_onnx(lower, upper, SIDE).SerializeToString(deterministic=True)
    options.output.write_bytes(data)
    _say(f"{options.output}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    if options.output == SHIPPED:
        record(data)
    return 0


def threads(text: str) -> int:
    """A number of threads that a person typed. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


def record(data: bytes) -> None:
    """Write the new file's size and SHA-256 into the manifest: the agent refuses any other."""
    manifest = MODELS / "manifest.toml"
    head, section = manifest.read_text("utf-8").split("[phone_verifier]\n", 1)
    section = re.sub(r'^sha256 = ".*"$', f'sha256 = "{hashlib.sha256(data).hexdigest()}"', section, count=1, flags=re.M)
    section = re.sub(r"^bytes = \d+$", f"bytes = {len(data)}", section, count=1, flags=re.M)
    manifest.write_text(f"{head}[phone_verifier]\n{section}", "utf-8")


def lower_maps(lower: Lower, cuts: Sequence[Cut], random: np.random.Generator) -> Maps:
    """What `Lower` makes of every cut, VARIANTS times varied."""
    maps = np.zeros((VARIANTS, len(cuts), 80, 7, 7), np.float16)
    for variant in maps:
        for start in range(0, len(cuts), AT_ONCE):
            batch = np.concatenate([prepare(varied(cut, random)) for cut in cuts[start : start + AT_ONCE]])
            with torch.no_grad():
                variant[start : start + AT_ONCE] = lower(torch.from_numpy(batch)).numpy()
        _say("maps of one variant")
    return maps


def try_out(
    lower: Lower, published: Weights, maps: Maps, cuts: Sequence[Cut], pictures: Sequence[Picture]
) -> dict[str, object]:
    """Every large source scored by a verifier that has not seen it, beside the detector alone."""
    learned = {cut.picture.source for cut in cuts}
    report: dict[str, object] = {}
    whole: onnx.ModelProto | None = None
    for source in sorted({p.source for p in pictures}):
        held = [p for p in pictures if p.source == source]
        if len(held) < LEAST:
            continue
        if source in learned:
            kept = [i for i, cut in enumerate(cuts) if cut.picture.source != source]
            model = to_onnx(lower, fit(maps[:, kept], [cuts[i] for i in kept], published, SEED), SIDE)
        else:
            whole = whole or to_onnx(lower, fit(maps, cuts, published, SEED), SIDE)
            model = whole
        # Beside a source of phones alone: pictures nobody learned from, or its false alarms would be those of training.
        others = [p for p in pictures if p.source not in {source, *learned} and not p.phone]
        asked = held + ([] if any(not p.phone for p in held) else others)
        report[source] = by_way(look(model, asked), held, others, EVEN_CHANCE)
        _say(f"left out {source}: {json.dumps(report[source])}")
    return report


_STARTED = time.monotonic()


def _say(text: str) -> None:
    print(f"{time.monotonic() - _STARTED:6.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
