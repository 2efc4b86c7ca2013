"""Where Framekeep keeps its files, per operating system; FRAMEKEEP_HOME puts everything into one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from agent.errors import StoreError

HOME_VARIABLE = "FRAMEKEEP_HOME"
"""Names one folder for everything: tests, the demo, a second trial installation."""
_APP = "Framekeep"


@dataclass(frozen=True, slots=True)
class Paths:
    """The three folders: `data` (store, lock, key file), `config` (framekeep.toml), `logs`."""

    data: Path
    config: Path
    logs: Path
    portable: bool = False
    """Everything is in one folder of the user's choice, keys included."""

    @property
    def store(self) -> Path:
        """The one SQLite file."""
        return self.data / "store.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the one agent that runs for this user."""
        return self.data / "agent.lock"

    @property
    def key_file(self) -> Path:
        """Where the keys are when the operating system has no key store (mode 0600)."""
        return self.data / "keys.json"

    @property
    def config_file(self) -> Path:
        """The user's settings."""
        return self.config / "framekeep.toml"

    @property
    def log_file(self) -> Path:
        """The newest log; older ones carry a number."""
        return self.logs / "framekeep.log"

    def create(self) -> Paths:
        """Make the folders, readable by this user only. Raises StoreError."""
        for folder in (self.data, self.config, self.logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"The folder {folder} cannot be made ({error.strerror}): give your user the right to write there,"
                    f" or set {HOME_VARIABLE} to another folder."
                ) from error
        return self


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this user; nothing is created. FRAMEKEEP_HOME overrides all three."""
    home = environ.get(HOME_VARIABLE)
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(data=root / "data", config=root, logs=root / "logs", portable=True)
    # roaming=False, appauthor=False: nothing of this may follow the user to another machine.
    return Paths(
        data=platformdirs.user_data_path(_APP, appauthor=False),
        config=platformdirs.user_config_path(_APP, appauthor=False),
        logs=platformdirs.user_log_path(_APP, appauthor=False),
    )
