"""Labelled pictures and recordings by the state they show, as the real detectors see them, looked at once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation import labels
from evaluation.labels import LENS_CATEGORIES

from agent.attention.observation import Observation, State
from agent.errors import EyesError, FramekeepError
from agent.eyes_link import Eyes
from agent.sources import Source

COLUMNS = ("file", "source", "category", "people", "looking")
PHONE_CATEGORIES = ("phone_in_hand", "phone_at_ear", "phone_closeup")
"""A phone in use. On the desk it is none (category no_face_desk)."""
OBJECTS = "object_not_phone"
RECORDINGS = {"webcam_center.mp4": State.AT_SCREEN, "webcam_directions.mp4": State.AT_SCREEN}
"""What the two recordings of `../shared/eval/clips` show all along: the head faces the screen (the eyes may not)."""
LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture or frame: the state it shows, whose it is, and what the detectors read from it.

    `hard`: it shows a wallet, a cup or another object held up to the camera.
    """

    name: str
    path: str
    state: State
    source: str
    hard: bool
    observation: Observation


Pools = dict[State, dict[str, list[Picture]]]
"""Pictures by state and source. A source is one person or a few in one place."""


def truth(row: dict[str, str]) -> State | None:
    """The state a row of `labels.csv` names; None where it names none (several people, only the eyes move)."""
    category = row["category"]
    if category in LENS_CATEGORIES:
        return State.UNKNOWN
    if category == "no_person":
        return State.ABSENT
    if row["people"] != "1":
        return None
    if category in PHONE_CATEGORIES:
        return State.ON_PHONE
    if category == "no_face_desk":
        return State.LOOKING_AWAY  # somebody is there, the head is out of the picture
    return {"screen": State.AT_SCREEN, "away": State.LOOKING_AWAY}.get(row["looking"])


def load(folder: Path) -> list[Picture]:
    """Every picture of `folder` whose label names a state, and a frame a second of its recordings.

    Raises UsageError for a folder that is no evaluation set, FramekeepError for a picture that cannot be looked at.
    """
    labels.read(folder)  # refuses what no evaluation can score
    rows = [(row, state) for _, row in labels.rows_of(folder, COLUMNS)[0] if (state := truth(row))]
    files = [str(folder / row["file"]) for row, _ in rows]
    clips = [folder / "clips" / name for name in RECORDINGS if (folder / "clips" / name).is_file()]
    seen = observe([*files, *map(str, clips)])
    pictures = [
        Picture(row["file"], file, state, _source(row), row["category"] == OBJECTS, seen[file][0])
        for (row, state), file in zip(rows, files, strict=True)
    ]
    for clip in clips:
        pictures += [
            Picture(f"{clip.name}@{look.at:.0f}", str(clip), RECORDINGS[clip.name], clip.stem, False, look)
            for look in seen[str(clip)]
        ]
    return pictures


def observe(files: Sequence[str]) -> dict[str, list[Observation]]:
    """What the agent's own eyes process sees in each file, looked at once a second where it is a recording."""
    seen: dict[str, list[Observation]] = defaultdict(list)
    eyes = Eyes()
    try:
        for file in files:
            eyes.open(Source(files=(file,), every=1.0))
            while not (look := eyes.look(LOOK_SECONDS)).end:
                if look.error is not None or look.observation is None:
                    raise look.error or EyesError(f"Nothing was seen in {file}.")
                seen[file].append(look.observation)
    except FramekeepError:
        eyes.kill()
        raise
    eyes.close()
    return seen


def pools(pictures: Iterable[Picture], least: int = 3) -> Pools:
    """The pictures sorted; sources with fewer than `least` of a state are one source together."""
    found: Pools = {state: defaultdict(list) for state in State if state is not State.NOT_OBSERVED}
    for picture in pictures:
        found[picture.state][picture.source].append(picture)
    for by_source in found.values():
        for source in [name for name, members in by_source.items() if len(members) < least]:
            by_source["others"] += by_source.pop(source)
    return {state: dict(by_source) for state, by_source in found.items() if by_source}


def _source(row: dict[str, str]) -> str:
    lens = f" {row['category']}" if row["category"] in LENS_CATEGORIES else ""
    return row["source"] + lens
