"""Fixtures every suite shares."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The labelled pictures beside the checkout. Missing: a skip on a developer's clone, a failure in CI."""
    folder = Path(os.environ.get("FRAMEKEEP_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "eval" / "labels.csv").is_file():
        skip_or_fail(f"the labelled pictures are not at {folder}; set FRAMEKEEP_SHARED to test with them")
    return folder


def skip_or_fail(reason: str) -> NoReturn:
    """Something this test needs is missing: a skip on a developer's machine, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder the database's own user can reach, which pytest's `tmp_path` is not when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="framekeep-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


# A run that quietly skips what it should test is a failure: in CI every skip must be on this list, with its reason.
ALLOWED_SKIPS: dict[str, str] = {
    "tests/real/test_models.py": "rebuilding the models needs the separate model-building environment",
    "tests/real/test_panel_security.py": "being another user needs root",
    "tests/e2e/test_full_disk.py": "mounting a small file system needs root",
}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in _unlisted(terminalreporter):
        terminalreporter.write_line(f"skipped but not on the list of allowed skips: {report.nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and _unlisted(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unlisted(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    skipped = reporter.stats.get("skipped", [])
    return [report for report in skipped if report.nodeid.split("::")[0] not in ALLOWED_SKIPS]


pytest_plugins = ("tests.pg", "tests.panel_browser")
