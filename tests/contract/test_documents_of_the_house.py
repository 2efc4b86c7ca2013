"""What the pages for people claim can be found: every test, file and command they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.cli import VERBS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("*/README.md"), *REPOSITORY.glob("agent/*/*.md")],
    key=lambda path: str(path),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_named_path_exists(page: Path) -> None:
    text = page.read_text()
    named = set(
        re.findall(r"`((?:tests|agent|sync_service|models|installer)/[\w/.-]+\.(?:py|md|toml|sql|svg|json))`", text)
    )
    named |= {link for link in re.findall(r"\]\(([\w/.-]+)\)", text) if "://" not in link}
    missing = [name for name in named if not (REPOSITORY / name).exists() and not (page.parent / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_named_verb_exists(page: Path) -> None:
    verbs = re.findall(r"`framekeep ([a-z]+)", page.read_text())
    assert set(verbs) <= set(VERBS) | {"panel"}


def test_no_page_names_a_place_on_somebodys_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(?:root|home|opt|tmp|Users)/", page.read_text()), page
