"""Measure other programs beside ours: `make bench-peers`.

    make bench-peers                            # the table below models/README.md's "Peers", as Markdown
    make bench-peers ARGS="--face onnx"         # ratios against our other engine
    make bench-peers ARGS="--json"              # all figures
    make bench-peers ARGS="--update-readme"     # put the table into models/README.md

Makes an environment for each peer under .build/peers (about 2.6 GB, some minutes, once), takes pictures from the
bundled sample and the clips of ../shared/eval/clips (or $FRAMEKEEP_SHARED/eval/clips) into a temporary folder, and
runs `framekeep bench --peers`, which takes some three minutes. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "models"))

from evaluation import readme  # noqa: E402 - found by the line above
from peers.environments import entries, folders  # noqa: E402
from peers.pictures import extract  # noqa: E402

from agent.bench_table import markdown  # noqa: E402
from agent.errors import FramekeepError  # noqa: E402
from agent.samples import sample_clip  # noqa: E402
from agent.sources import FACE_ENGINES  # noqa: E402

BEGIN = "<!-- begin: written by make bench-peers ARGS=--update-readme -->"
END = "<!-- end: written by make bench-peers -->"


def main(arguments: list[str]) -> int:
    """Prepare, measure, print. Answers the exit code."""
    parser = argparse.ArgumentParser(prog="make bench-peers", description="Measure other programs beside ours.")
    parser.add_argument("--face", choices=FACE_ENGINES, default=FACE_ENGINES[0], help="ratios are against this engine")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--update-readme", action="store_true", help="put the table into models/README.md")
    chosen = parser.parse_args(arguments)
    try:
        peers = [entry for folder in folders() for entry in entries(folder, REPOSITORY / ".build" / "peers")]
        with TemporaryDirectory(prefix="framekeep-peers-") as name:
            folder = Path(name)
            clips = recordings()
            source = ", ".join(f"`{clip.name}`" for clip in clips)
            plan = {"pictures": extract(clips, folder), "source": f"640x480, of {source}", "peers": peers}
            (folder / "peers.json").write_text(json.dumps(plan))
            measured = subprocess.run(
                [sys.executable, "-m", "agent.cli", "bench", "--json", "--face", chosen.face, "--peers", name],
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        if measured.returncode != 0:
            return measured.returncode
        table = markdown(json.loads(measured.stdout))
        print(measured.stdout.strip() if chosen.json else table)
        if chosen.update_readme:
            readme.update(table, BEGIN, END)
    except FramekeepError as error:
        print(f"bench-peers: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def recordings() -> list[Path]:
    """The bundled sample, and the webcam clips beside the checkout where they are."""
    shared = Path(os.environ.get("FRAMEKEEP_SHARED", REPOSITORY.parent / "shared"))
    return [sample_clip(), *sorted((shared / "eval" / "clips").glob("*.mp4"))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
