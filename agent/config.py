"""The settings: one frozen value whose every field knows where it came from.

Later wins: default, file (framekeep.toml), environment (FRAMEKEEP_NAME), command line, signed policy. What the policy
decides is locked: it shows as such and no file can change it.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from agent.attention.hours import parse_hours
from agent.attention.rules import SENSITIVITY
from agent.errors import ConfigError
from agent.log import LEVELS
from agent.sources import FACE_ENGINES
from agent.wire.documents import check_endpoint
from agent.wire.errors import WireError

ENVIRONMENT_PREFIX = "FRAMEKEEP_"
LANGUAGES = ("en", "de", "fr", "es")
"""What the panel, the tray and its notices can speak."""


class Origin(StrEnum):
    """Where a value came from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND = "command"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Config:
    """What the agent goes by.

    server: the sync service's address ("" until enrolled). camera: a device's number, or a recording or folder.
    interval_seconds: seconds between looks, where no policy decides.
    store_mib: most the local store may take, in MiB. proxy: address of an HTTP proxy ("" for none; never taken from
    the environment). log_level: debug, info, warning or error. detector_face ("detector.face" to a person): the engine
    that finds faces, one of sources.FACE_ENGINES. language: of the panel, the tray and its notices ("" for the browser's
    or the system's). hours: the employee's own, within the policy's (attention/hours.py; "" for the policy's).
    rest_on_battery: whether nobody is looked at while the laptop runs on battery. sensitivity: how far the head may be
    turned before it counts as looking away, one of rules.SENSITIVITY.
    """

    server: str = ""
    camera: str = "0"
    interval_seconds: int = 10
    store_mib: int = 64
    proxy: str = ""
    log_level: str = "info"
    detector_face: str = FACE_ENGINES[0]
    language: str = ""
    hours: str = ""
    rest_on_battery: bool = False
    sensitivity: str = "normal"
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))
    """Origin by setting; what is not in it has its default."""
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """File or variable a value came from, by setting."""

    def value(self, key: str) -> Any:
        """The value of `key`."""
        return getattr(self, _field(key))

    def origin(self, key: str) -> Origin:
        """Where the value of `key` came from."""
        return self.origins.get(key, Origin.DEFAULT)

    def with_values(self, values: Mapping[str, Any], origin: Origin, place: str) -> Config:
        """The configuration with `values` on top, checked. Raises ConfigError naming `place` and the key."""
        checked = {key: _check(key, value, place) for key, value in values.items()}
        return replace(
            self,
            **{_field(key): value for key, value in checked.items()},
            origins=MappingProxyType({**self.origins, **dict.fromkeys(checked, origin)}),
            places=MappingProxyType({**self.places, **dict.fromkeys(checked, place)}),
        )

    def with_policy(self, locked: Mapping[str, Any], policy: str) -> Config:
        """The configuration under a signed policy (its id is `policy`). Raises ConfigError."""
        return self.with_values(locked, Origin.POLICY, f"policy {policy}")

    def show(self) -> list[dict[str, Any]]:
        """For `config show --json`: key, value, origin, place, locked."""
        return [
            {
                "key": key,
                "value": self.value(key),
                "origin": self.origin(key).value,
                "place": self.places.get(key, ""),
                "locked": self.origin(key) is Origin.POLICY,
            }
            for key in KEYS
        ]


def load_config(file: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration from its file (which may be missing) and the environment. Raises ConfigError."""
    config, problems = readable_config(file, environ)
    if problems:
        raise ConfigError(problems[0])
    return config


def readable_config(file: Path, environ: Mapping[str, str] = os.environ) -> tuple[Config, tuple[str, ...]]:
    """What can be read of the configuration, the rest at its default, and what is wrong with it, a sentence each: for
    what only shows, which one bad line must not keep from its reader.
    """
    config, problems = Config(), list[str]()
    try:
        layers = [(key, value, Origin.FILE, str(file)) for key, value in _read_file(file).items()]
    except ConfigError as error:
        layers, problems = [], [str(error)]
    for key in KEYS:
        name = ENVIRONMENT_PREFIX + _field(key).upper()
        if key != "proxy" and name in environ:
            layers.append((key, _from_text(key, environ[name]), Origin.ENVIRONMENT, name))
    for key, value, origin, place in layers:
        try:
            config = config.with_values({key: value}, origin, place)
        except ConfigError as error:
            problems.append(str(error))
    return config, tuple(problems)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return _flat(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}): give your user the right to read it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML ({error}): correct that line.") from error


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """TOML takes a dotted key for a table: {"detector": {"face": 1}} becomes {"detector.face": 1}."""
    tables = {key.partition(".")[0] for key in KEYS if "." in key}
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = isinstance(value, dict) and key in tables
        flat |= {f"{key}.{name}": each for name, each in value.items()} if inner else {key: value}
    return flat


def _field(key: str) -> str:
    """The field of `Config` that holds a setting; also, in capitals, the end of its variable's name."""
    return key.replace(".", "_")


def _check(key: str, value: Any, place: str) -> Any:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the settings are {', '.join(KEYS)}."
        raise ConfigError(f"{place}: there is no setting {key!r}; {hint}")
    try:
        return KEYS[key](value)
    except ValueError as error:
        raise ConfigError(f"{place}: {key} {error}, not {value!r}.") from None


def _from_text(key: str, text: str) -> Any:
    """A number where the setting is one; whatever else stays text and is refused by its check."""
    kind = type(Config().value(key))
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text


def _integer(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def _server(value: Any) -> str:
    if value == "":
        return ""
    try:
        return check_endpoint(value)
    except WireError:
        raise ValueError("must be https://HOST[:PORT]") from None


def _proxy(value: Any) -> str:
    if value == "":
        return ""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("must be http://HOST[:PORT] without a password in it")
    return str(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError("must be one of " + ", ".join(each or '""' for each in allowed))
        return str(value)

    return check


def _hours(value: Any) -> str:
    parse_hours(value if isinstance(value, str) else "?")
    return str(value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false, without quotation marks")
    return value


def _camera(value: Any) -> str:
    if type(value) is int and value >= 0:
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError("must be a camera's number, 0 or more, or a device, recording or folder in quotation marks")
    return value


KEYS: Mapping[str, Callable[[Any], Any]] = {
    "server": _server,
    "camera": _camera,
    "interval_seconds": _integer(5, 60),
    "store_mib": _integer(4, 4096),
    "proxy": _proxy,
    "log_level": _one_of(*LEVELS),
    "detector.face": _one_of(*FACE_ENGINES),
    "language": _one_of("", *LANGUAGES),
    "hours": _hours,
    "rest_on_battery": _yes_or_no,
    "sensitivity": _one_of(*SENSITIVITY),
}
"""Every setting and its check. A check returns the value to use or raises ValueError ("must be ...")."""
