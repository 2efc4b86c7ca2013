"""Who may import whom. The house's walls are these rules; a wall that nothing checks is a drawing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PIXELS = {"cv2", "mediapipe", "onnxruntime", "numpy", "PIL", "matplotlib", "skimage", "imageio"}
NETWORK = {"socket", "requests", "urllib", "http", "httpx", "aiohttp", "asyncio", "ssl", "uvicorn", "smtplib", "ftplib"}
IO = {"sqlite3", "os", "pathlib", "subprocess", "threading", "time", "random", "secrets", "logging", "shutil"}
TELEMETRY = {"sentry_sdk", "opentelemetry", "posthog", "analytics", "segment", "datadog", "newrelic", "rollbar"}
# The child of the eyes pipe, the detectors and the cameras hold pixels; `plot` draws summaries in its own process.
MAY_HOLD_PIXELS = ("agent/eyes.py", "agent/camera/", "agent/detect/", "agent/plot.py", "agent/sample/")
# Draws the tray's icons for Windows and macOS; no camera's pixels are anywhere near.
DRAWS_ICONS = "agent/tray/other.py"
PURE = (
    "agent/attention/",
    "agent/availability/settle.py",
    "agent/availability/macos_answers.py",
    "agent/availability/windows_answers.py",
    "agent/consent.py",
    "agent/outbox/delivery.py",
    "agent/outbox/schedule.py",
    "agent/outbox/receipts.py",
    "agent/outbox/telling.py",
    "agent/own_answers.py",
    "agent/team_page.py",
    "agent/panel/access.py",
    "agent/policy.py",
    "agent/acceptance.py",
    "agent/key_changes.py",
    "agent/tray/drawing.py",
    "agent/tray/icon.py",
    "agent/tray/news.py",
    "agent/tray/pauses.py",
    "agent/tray/view.py",
    "agent/tray/words.py",
    "sync_service/alert_message.py",
    "sync_service/alerts.py",
    "sync_service/approval.py",
    "sync_service/authz.py",
    "sync_service/blocks.py",
    "sync_service/cohorts.py",
    "sync_service/reports.py",
    "sync_service/timetable.py",
)
# Who may know the one-machine side of the ports: those that compose, and the commands.
COMPOSE = (
    "sync_service/app.py",
    "sync_service/cli.py",
    "sync_service/bench",
    "sync_service/admin",
    "sync_service/local/",
)


def sources() -> list[str]:
    found = [*REPOSITORY.glob("agent/**/*.py"), *REPOSITORY.glob("sync_service/**/*.py")]
    return sorted(str(path.relative_to(REPOSITORY)) for path in found)


def imports(file: str, *, at_run_time: bool = True) -> Iterator[str]:
    """Dotted names a file imports, those under `if TYPE_CHECKING` left out."""
    tree = ast.parse((REPOSITORY / file).read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in node.body
        for inner in ast.walk(child)
    }
    for node in ast.walk(tree):
        if at_run_time and id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide who imports whom"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tops(file: str) -> set[str]:
    return {name.split(".")[0] for name in imports(file)}


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 30


@pytest.mark.parametrize("file", sources())
def test_walls(file: str) -> None:
    names, roots = set(imports(file)), tops(file)
    assert not roots & TELEMETRY
    assert "opencv" not in roots
    if file.startswith("agent/wire/"):
        ours = {name for name in names if name.split(".")[0] in ("agent", "sync_service")}
        assert all(name == "agent.wire" or name.startswith("agent.wire.") for name in ours), "the wire is a leaf"
    if file.startswith("agent/"):
        if not file.startswith(MAY_HOLD_PIXELS):
            held = roots & PIXELS - ({"PIL"} if file == DRAWS_ICONS else set())
            assert not held, "only the eyes process may hold pixels"
            assert not any(
                name.startswith(("agent.camera.", "agent.detect.face", "agent.detect.phone", "agent.detect.picture"))
                for name in names
            )
        if file.startswith(MAY_HOLD_PIXELS):
            assert not roots & NETWORK, "the eyes process never holds a socket"
        if file != "agent/demo.py" and not file.startswith("agent/demo/"):
            assert "sync_service" not in roots, "only the demo may import the service"
    if file.startswith("sync_service/"):
        ours = {name for name in names if name.split(".")[0] == "agent"}
        assert all(name.startswith("agent.wire") for name in ours), "of the agent the service knows only the wire"
        assert not roots & PIXELS
        if not file.startswith(COMPOSE):
            assert not any(name.startswith("sync_service.local") for name in names), "ports, not their one-machine side"
        if not file.startswith("sync_service/aws/"):
            assert not roots & {"boto3", "botocore"}
    if file.startswith(PURE):
        assert not roots & (IO | NETWORK | PIXELS), "pure: no I/O, no clock, no chance"


def test_the_agent_package_imports_nothing_by_itself() -> None:
    """The service's Lambda zip carries `agent/__init__.py` and `agent/wire/` only."""
    assert list(imports("agent/__init__.py")) == []
    assert list(imports("agent/wire/__init__.py")) == []


@pytest.mark.parametrize("file", [f for f in sources() if not f.endswith("__init__.py")])
def test_files_stay_short(file: str) -> None:
    assert len((REPOSITORY / file).read_text().splitlines()) <= 400, "one idea a file"
