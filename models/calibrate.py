"""Find the activation ranges that `build.py` quantises with, over the labelled pictures beside the checkout.

    python models/calibrate.py [FOLDER]        # default ../shared/eval, or $FRAMEKEEP_SHARED/eval

Runs the float network over every clear picture (all but the dark, covered and blurred ones). For every tensor it
takes the 0.01 % and 99.99 % quantile of the values in each picture, then the 1 % and 99 % quantile of those over
the pictures, and writes them to models/activation_ranges.json. So neither single values nor single pictures
stretch a range: plain minima and maxima gave quantised phone scores that correlate with the float ones by 0.986,
these by 0.992. Run it again only to change the calibration: the build itself reads the stored ranges and needs no
pictures.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from build import RANGES, float_phone_model
from nanodet import SIZE, STAY_FLOAT
from onnx import TensorProto, helper
from quantize import tensors_to_observe

SKIPPED = ("dark", "covered", "blurred")
IN_A_PICTURE = (0.0001, 0.9999)
OVER_PICTURES = (0.01, 0.99)


def main(arguments: list[str]) -> int:
    """Calibrate and write the ranges. Answers the exit code."""
    shared = os.environ.get("FRAMEKEEP_SHARED", Path(__file__).resolve().parents[2] / "shared")
    folder = Path(arguments[0]) if arguments else Path(shared) / "eval"
    with (folder / "labels.csv").open(newline="") as handle:
        files = [folder / row["file"] for row in csv.DictReader(handle) if row["category"] not in SKIPPED]
    model = float_phone_model()
    names = tensors_to_observe(model, STAY_FLOAT)
    ranges = observe(model, names, files)
    document = {
        "how": "0.01 % and 99.99 % quantiles of each tensor, their 1 % and 99 % quantiles over pictures; see calibrate.py",
        "pictures": len(files),
        "onnxruntime": onnxruntime.__version__,
        "ranges": {name: list(ranges[name]) for name in names},
    }
    RANGES.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(names)} ranges over {len(files)} pictures written to {RANGES}")
    return 0


def observe(model: onnx.ModelProto, names: list[str], files: list[Path]) -> dict[str, tuple[float, float]]:
    """The range of each tensor over the pictures, to four significant digits."""
    inside = [n for n in names if n != "image"]
    for name in inside:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    seen: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in names}
    for file in files:
        picture = cv2.imread(str(file))
        if picture is None:
            raise SystemExit(f"{file} is not a readable picture; check the folder")
        image = prepare(picture.astype(np.uint8, copy=False))
        tensors = dict(zip(inside, session.run(inside, {"image": image}), strict=True), image=image)
        for name, tensor in tensors.items():
            seen[name].append(np.quantile(tensor, IN_A_PICTURE))
    return {name: _range(np.array(seen[name])) for name in names}


def _range(quantiles: npt.NDArray[np.float64]) -> tuple[float, float]:
    low = float(np.quantile(quantiles[:, 0], OVER_PICTURES[0]))
    high = float(np.quantile(quantiles[:, 1], OVER_PICTURES[1]))
    return float(f"{low:.4g}"), float(f"{high:.4g}")


def prepare(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The network's input for a BGR picture, exactly as the agent makes it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from agent.detect.phone_onnx import letterbox, normalise

    return normalise(letterbox(picture, SIZE)[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
