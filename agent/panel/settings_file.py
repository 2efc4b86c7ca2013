"""Writes settings into framekeep.toml the way a careful person would: comments, order and everything else stay."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from agent.config import Config, Origin
from agent.errors import ConfigError, StoreError


def write_settings(file: Path, values: Mapping[str, Any]) -> None:
    """Put `values` (top-level keys of the configuration) into `file`; None takes a key out. What is written is what a
    fresh start can read: values are checked first, and the file is replaced as a whole or not at all.

    Raises ConfigError (a value or the file as it stands is wrong) or StoreError (it cannot be written).
    """
    Config().with_values({key: value for key, value in values.items() if value is not None}, Origin.FILE, str(file))
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = tomlkit.document()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}): give your user the right to read it.") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML ({error}): correct that line first.") from error
    for key, value in values.items():
        if value is None:
            document.pop(key, None)
        else:
            document[key] = value
    _replace(file, tomlkit.dumps(document))


def _replace(file: Path, text: str) -> None:
    target = file.resolve()  # a link to a dotfiles folder stays one
    fresh = target.with_name(f".{target.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if target.exists():
            fresh.chmod(target.stat().st_mode & 0o777)
        fresh.replace(target)
    except OSError as error:
        with suppress(OSError):  # half a file helps nobody, least of all on a full disk
            fresh.unlink(missing_ok=True)
        raise StoreError(
            f"{file} cannot be written ({error.strerror}): the settings stay as they were; give your user the right to"
            " write there."
        ) from error
