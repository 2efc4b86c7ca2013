"""The icon files are what their drawing makes: whoever changes one changes both, and no file from elsewhere slips in."""

from __future__ import annotations

from agent.tray.drawing import svg
from agent.tray.icon import Icon
from agent.tray.make_icons import FOLDER


def test_the_files_are_what_the_drawings_make() -> None:
    made = {f"{icon.file}.svg": svg(icon) for icon in Icon}
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == made, "run python -m agent.tray.make_icons"
