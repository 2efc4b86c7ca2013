"""What must not exist: no word for inner states, no field for landmarks or pixels, no way to print or pickle a frame."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from agent.attention.observation import Face, Lens, Observation, Person, Phone, State
from agent.camera.base import Frame
from agent.wire import summary

REPOSITORY = Path(__file__).resolve().parents[2]
INNER = re.compile(r"emotion|\bmood|sentiment|stress_?level|drowsi|fatigue|engagement|productivity|happiness", re.I)
BIOMETRIC = re.compile(r"face_?embedding|faceprint|face_?recogni|identify_person|age_?range|gender", re.I)
DENIALS = re.compile(r"never|no |not |nor |cannot|without|denie|forbid|outlaw", re.I)


def code_lines() -> list[tuple[str, int, str]]:
    files = [p for folder in ("agent", "sync_service") for p in (REPOSITORY / folder).rglob("*") if p.is_file()]
    return [
        (str(path.relative_to(REPOSITORY)), number, line)
        for path in files
        if path.suffix in {".py", ".sql", ".html", ".js", ".json"}
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
    ]


def test_no_code_names_an_inner_state_or_a_biometric_template() -> None:
    found = [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, number, line in code_lines()
        if (INNER.search(line) or BIOMETRIC.search(line)) and not DENIALS.search(line)
    ]
    assert not found


def test_the_states_are_exactly_the_observable_ones() -> None:
    assert {state.value for state in State} == set(summary.STATES)


def test_an_observation_has_room_for_numbers_only() -> None:
    """The pipe between the eyes process and its parent carries these fields and no others."""
    observation = Observation(
        1.0,
        (640, 480),
        Lens.CLEAR,
        (Face((1, 2, 3, 4), 0.9, 1.0, 2.0),),
        (Phone((1, 2, 3, 4), 0.5),),
        (Person((1, 2, 3, 4), 0.7),),
    )
    data = observation.to_json()
    assert set(data) == {"at", "size", "lens", "faces", "phones", "persons"}
    assert set(data["faces"][0]) == {"box", "score", "yaw", "pitch"}
    assert set(data["phones"][0]) == set(data["persons"][0]) == {"box", "score"}
    assert len(json.dumps(data)) < 400
    assert Observation.from_json(json.loads(json.dumps(data))) == observation


def test_a_summary_has_room_for_seconds_only() -> None:
    content = summary.Summary(1, (summary.Window(0, at_screen=300),), 0, "1.0.0", "abcd", "p-1")
    data = json.loads(summary.readable(content))
    assert set(data) == {"v", "seq", "windows", "lost", "agent", "models", "policy"}
    assert set(data["windows"][0]) == {"start", "seconds", "frames", *summary.STATES}


def test_a_frame_cannot_be_printed_pickled_or_copied() -> None:
    frame = Frame(np.full((2, 2, 3), 211, np.uint8), 1.0)
    assert "211" not in repr(frame) + str(frame) + f"{frame}"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never leaves"):
            leave(frame)
    with pytest.raises(AttributeError):
        frame.pixels = np.zeros((1, 1, 3), np.uint8)  # type: ignore[misc]  # that it is frozen is what is tested
