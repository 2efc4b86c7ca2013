"""The README's pictures: the panel of a full day, and the tray's icons on a real bar. `make screenshots` writes them.

    python -m tests.screenshots [FOLDER]

The panel is the real one over a made-up day (tests/panel_scenes.py): nobody's measurements are in a picture.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.panel_browser import ARGUMENTS, CHROMIUM, open_panel
from tests.panel_scenes import scene

FOLDER = Path(__file__).resolve().parent.parent / "agent" / "panel" / "pictures"
SHOTS = (
    ("now", "", "light", 1280, 1000),
    ("sent", "sent?seq=5", "dark", 1280, 900),
    ("readby", "readby", "light", 1280, 900),
    ("camera", "camera", "dark", 1280, 800),
    ("narrow", "", "dark", 360, 780),
)
"""Name, page, theme, width and height of each picture."""


def main(arguments: list[str]) -> int:
    """Write every picture into the folder."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright, scene("day", Path(home)) as laptop:
        browser = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=ARGUMENTS)
        for name, slug, theme, width, height in SHOTS:
            size = {"width": width, "height": height}
            with open_panel(browser, laptop.host.link(), viewport=size, color_scheme=theme, locale="en-GB") as visitor:
                page = visitor.go(slug)
                page.wait_for_load_state("networkidle" if name != "camera" else "load")
                if name == "camera":
                    page.locator("#live img:not([hidden])").wait_for()
                page.screenshot(path=folder / f"{name}.png")
                _shrink(folder / f"{name}.png")
                print(folder / f"{name}.png")
        browser.close()
    return 0


def _shrink(file: Path) -> None:
    """To 128 colours: a third of the size, and no difference to the eye on pages of few colours."""
    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
