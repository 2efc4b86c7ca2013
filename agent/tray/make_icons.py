"""Write the icons' SVG files anew from their drawings: python -m agent.tray.make_icons."""

from __future__ import annotations

from pathlib import Path

from agent.tray.drawing import svg
from agent.tray.icon import Icon

FOLDER = Path(__file__).with_name("icons")
"""Where hosts are told to look for our icons."""

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for icon in Icon:
        (FOLDER / f"{icon.file}.svg").write_text(svg(icon), encoding="utf-8")
