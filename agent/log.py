"""The log: one rotating file for this user, in which nothing measured, sealed or secret can end up.

What may be written is listed, not what may not: messages are fixed text; the values in them, and named extras, must
be plain numbers, short words or ids. Anything else (bytes, lists, windows, responses) is written as [refused], and
of an exception only its type and place are kept, because its text may quote data.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any
from uuid import UUID

from agent.errors import FramekeepError

MAX_BYTES = 1024 * 1024
BACKUPS = 3
MAX_TEXT = 300
REFUSED = "[refused]"
EXTRAS = frozenset(
    {"envelope", "seq", "status", "attempt", "wait", "count", "state", "policy", "camera", "pid", "seconds"}
)
"""Names `extra=` may carry; others are refused."""
LEVELS = ("debug", "info", "warning", "error")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class AllowListFormatter(logging.Formatter):
    """`2026-11-21T22:29:00Z INFO agent.outbox.uploader sent envelope=... status=202`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def converter(timestamp: float | None = None) -> time.struct_time:
        """Log times are UTC."""
        return time.gmtime(timestamp)

    def format(self, record: logging.LogRecord) -> str:
        """One line (more for an exception's places)."""
        safe = logging.makeLogRecord(dict(record.__dict__))
        safe.exc_text = None  # another handler may have cached the full text there
        safe.stack_info = None
        if isinstance(record.args, tuple):
            safe.args = tuple(_plain(value) for value in record.args)
        elif record.args:
            safe.args = {name: _plain(value) for name, value in record.args.items()}
        if not isinstance(record.msg, str):
            # A FramekeepError's message is one of our own sentences; anything else is data.
            safe.msg, safe.args = (str(record.msg) if isinstance(record.msg, FramekeepError) else REFUSED), ()
        extras = [
            f"{name}={_plain(value) if name in EXTRAS else REFUSED}"
            for name, value in sorted(record.__dict__.items())
            if name not in _STANDARD
        ]
        safe.msg = " ".join([safe.getMessage().replace("\n", " "), *extras])
        safe.args = ()
        return super().format(safe)

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Type and places, without the exception's text."""
        lines = []
        error = ei[1]
        while error is not None:
            lines.append(type(error).__name__)
            lines += [
                f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)
            ]
            error = error.__cause__
        return "\n".join(lines)


class PrivateFileHandler(RotatingFileHandler):
    """Rotates at MAX_BYTES, mode 0600. A full disk costs log lines, never the agent; `failed` counts them."""

    def __init__(self, path: Path) -> None:
        self.failed = 0
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return TextIOWrapper(os.fdopen(handle, "ab"), encoding="utf-8", line_buffering=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002  the base class's signature
        """Count the line that could not be written."""
        self.failed += 1


def set_up(path: Path, level: str = "info", *, terminal: bool = False) -> PrivateFileHandler:
    """Send the log of all our modules to `path`, and to stderr as well when `terminal`. Other libraries' logs are
    not written at all. Calling it again replaces what was set up before.
    """
    close()
    logger = logging.getLogger("agent")
    logger.setLevel(level.upper())
    logger.propagate = False
    handler = PrivateFileHandler(path)
    for each in (handler, *((logging.StreamHandler(sys.stderr),) if terminal else ())):
        each.setFormatter(AllowListFormatter())
        logger.addHandler(each)
    return handler


def close() -> None:
    """Let go of the log file: nothing is written until `set_up` is called again."""
    logger = logging.getLogger("agent")
    for old in list(logger.handlers):
        logger.removeHandler(old)
        with suppress(OSError):  # a full disk: its last lines are lost, and it is closed all the same
            old.close()


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, str | UUID | PurePath | FramekeepError):
        text = str(value).replace("\n", " ")
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
    return REFUSED
