"""Fixtures every suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The labelled pictures beside the checkout. Missing: a skip on a developer's clone, a failure in CI."""
    folder = Path(os.environ.get("FRAMEKEEP_SHARED", REPOSITORY.parent / "shared"))
    if (folder / "eval" / "labels.csv").is_file():
        return folder
    reason = f"the labelled pictures are not at {folder}; set FRAMEKEEP_SHARED to test with them"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
