"""The README's pictures of the managers' pages, over made-up days that agents sealed and sent.

python -m tests.dashboard_screenshots [FOLDER]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from sync_service.local.pages import FOLDER
from sync_service.local.postgres import FAST, Postgres
from sync_service.migrate import migrate, read_migrations
from tests.dashboard_visitor import look, reader
from tests.dashboard_world import World, fill, running
from tests.panel_browser import ARGUMENTS, CHROMIUM
from tests.pg import FreshDatabase
from tests.screenshots import _shrink as shrink  # the same palette as the panel's pictures


def shots(world: World) -> tuple[tuple[str, str, str, str, int, int], ...]:
    """Name, role, address, theme, width and height of each picture."""
    care = world.companies["acme"].teams["Customer care"]
    return (
        ("week", "manager", f"#/teams/{care}/week/2026-10-12", "light", 1280, 1400),
        ("month", "manager", f"#/teams/{care}/month/2026-10-12", "dark", 1280, 1150),
        ("day", "manager", f"#/teams/{care}/day/2026-10-14", "light", 1280, 1200),
        ("teams", "admin", "#/teams?week=2026-10-12", "light", 1280, 720),
        ("log", "auditor", "#/log", "dark", 1280, 800),
        ("narrow", "manager", f"#/teams/{care}/week/2026-10-12", "dark", 360, 780),
    )


def main(arguments: list[str]) -> int:
    """Write every picture into the folder."""
    folder = Path(arguments[0]) if arguments else FOLDER / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fkd", ignore_cleanup_errors=True) as home, sync_playwright() as playwright:
        Path(home).chmod(0o711)
        data = Path(home) / "data"
        data.mkdir()
        with Postgres(Path(home) / "pg", settings=FAST) as server:
            pg = FreshDatabase(server, "postgres")
            migrate(pg.owner, read_migrations())
            with running(pg, data) as world:
                fill(world, whole_month=True)
                browser = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=ARGUMENTS)
                for name, role, address, theme, width, height in shots(world):
                    size = {"width": width, "height": height}
                    token = world.tokens["acme", role]
                    with reader(browser, world, token, viewport=size, color_scheme=theme) as somebody:
                        look(somebody, world, address).screenshot(path=folder / f"{name}.png")
                    shrink(folder / f"{name}.png")
                    print(folder / f"{name}.png")
                browser.close()
            pg.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
