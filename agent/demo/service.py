"""The demonstration's own sync service: a process beside this one, on a free loopback port, with its own data folder."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from agent.errors import FramekeepError
from agent.lifeline import die_with_parent

START_SECONDS = 60.0
STOP_SECONDS = 15.0
_SERVING = re.compile(r"serving (http://\S+)")


class LocalService:
    """Runs `framekeep-sync serve`; a context manager. On Linux it ends with this process, however that ends."""

    def __init__(self, data: Path, port: int) -> None:
        self._command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", str(data), "--port", str(port)]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> LocalService:
        """Start it and wait until it serves. Raises FramekeepError with what it said."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to pass on, in order
            preexec_fn=die_with_parent(),
        )
        assert self._process.stdout is not None
        hurry = threading.Timer(START_SECONDS, self._process.kill)
        hurry.start()
        try:
            for line in self._process.stdout:
                if found := _SERVING.search(line):
                    self.url = found[1]
                    threading.Thread(target=self._drain, daemon=True).start()
                    return self
        finally:
            hurry.cancel()
        assert self._process.stderr is not None
        said = self._process.stderr.read().strip().splitlines()
        self._process.wait()
        why = said[-1] if said else f"it did not start within {START_SECONDS:.0f} s"
        raise FramekeepError(f"The demonstration's service did not start: {why}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def running(self) -> bool:
        """Whether it still serves."""
        return self._process is not None and self._process.poll() is None

    def _drain(self) -> None:
        """Keep its pipes empty, so that it never waits for us; its warnings are passed on."""
        process = self._process
        assert process is not None and process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
