"""Keep a C++ library's start-up chatter off the terminal, without losing what it says when it fails."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

STDERR = 2


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """While inside, what native code writes to the error stream is held back; it is shown only if the block raises.

    Works on the file descriptor of the whole process, so use it before other threads start.
    """
    sys.stderr.flush()
    kept = os.dup(STDERR)
    with _memory_file() as held:
        os.dup2(held.fileno(), STDERR)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            if failed:
                held.seek(0)
                os.write(STDERR, held.read())


def _memory_file() -> IO[bytes]:
    """A file without a place on disk where there is such a thing: the sandbox lets nothing be created."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("held-back"), "w+b")
    return tempfile.TemporaryFile()
