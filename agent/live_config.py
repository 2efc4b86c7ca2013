"""The settings as they are now: read again when their file changed, so that the panel's changes take effect at once."""

from __future__ import annotations

import logging
from pathlib import Path

from agent.config import Config, load_config
from agent.errors import ConfigError

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]


class LiveConfig:
    """Call it for the settings. A file that does not read any more changes nothing: what held goes on to hold, and
    `problem` says what is wrong with it.
    """

    def __init__(self, file: Path, first: Config) -> None:
        """`first` is what was read from `file` at the start."""
        self.problem = ""
        self._file = file
        self._config = first
        self._stamp = _stamp(file)

    def __call__(self) -> Config:
        """The settings in force, the policy's locks aside. Costs one look at the file's dates."""
        stamp = _stamp(self._file)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._config, self.problem = load_config(self._file), ""
            except ConfigError as error:
                log.error("%s", error)
                self.problem = str(error)
        return self._config


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
