"""What several suites of real parts share: the managers' pages as built, over a running service."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_service.local.pages import DIST, FOLDER
from sync_service.local.postgres import Postgres
from tests.conftest import skip_or_fail
from tests.dashboard_world import World, fill, running
from tests.pg import new_database


@pytest.fixture(scope="session")
def built_pages() -> Path:
    """The folder of the built pages, as new as their sources."""
    sources = [*FOLDER.glob("src/**/*.ts"), *FOLDER.glob("static/*"), FOLDER / "build.mjs"]
    script = DIST / "app.js"
    if not script.is_file() or script.stat().st_mtime < max(each.stat().st_mtime for each in sources):
        npm = shutil.which("npm")
        if npm is None or not (FOLDER / "node_modules").is_dir():
            skip_or_fail("the managers' pages are not built: cd sync_service/dashboard && npm ci && npm run build")
        subprocess.run([npm, "run", "build"], cwd=FOLDER, check=True, capture_output=True, timeout=120)
    return DIST


@pytest.fixture(scope="session")
def dashboard(postgres_server: Postgres, built_pages: Path) -> Iterator[World]:
    """One service with every organisation in it, for all suites of the pages; who changes something, changes it back."""
    with (
        new_database(postgres_server) as pg,
        tempfile.TemporaryDirectory(prefix="fkd", ignore_cleanup_errors=True) as folder,
        running(pg, Path(folder), dist=built_pages) as world,
    ):
        fill(world)
        yield world
