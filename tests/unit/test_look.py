"""Holds the promise that a doubtful face is only believed on a person, and a clear one always."""

from __future__ import annotations

from agent.attention.observation import Face, Person
from agent.detect.look import on_persons

PERSON = (Person((100.0, 100.0, 300.0, 400.0), 0.4),)


def test_a_doubtful_face_needs_a_person() -> None:
    doubtful, elsewhere = Face((150.0, 120.0, 210.0, 190.0), 0.55), Face((400.0, 120.0, 440.0, 160.0), 0.55)
    assert on_persons((doubtful, elsewhere), PERSON) == (doubtful,)
    assert on_persons((doubtful, elsewhere), ()) == ()


def test_a_clear_face_needs_nobody() -> None:
    clear = Face((400.0, 120.0, 440.0, 160.0), 0.8)
    assert on_persons((clear,), PERSON) == on_persons((clear,), ()) == (clear,)
