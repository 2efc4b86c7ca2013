"""What holds now, of the settings, the organisation's documents and the enrolment together. For everything that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.attention.hours import common, parse_hours
from agent.attention.rules import SENSITIVITY, Rules
from agent.attention.schedule import Hours
from agent.clock import Clock
from agent.config import Config
from agent.errors import FramekeepError
from agent.identity import load_identity
from agent.keys import KeyStore, device_key
from agent.outbox.documents import Documents
from agent.outbox.link import Link
from agent.own_data import OwnData
from agent.policy import locks
from agent.sources import Source, parse_source
from agent.store import Store


def config_in_force(config: Config, documents: Documents | None) -> Config:
    """The settings, with what the signed policy decides on top."""
    if documents is None or documents.keyset is None or documents.policy is None:
        return config
    return config.with_policy(locks(documents.keyset, documents.policy), documents.policy.id)


def rules_in_force(config: Config) -> Rules:
    """The judge's thresholds."""
    yaw, pitch = SENSITIVITY[config.sensitivity]
    return Rules(interval=float(config.interval_seconds), yaw_away=yaw, pitch_down=pitch)


def hours_in_force(config: Config, documents: Documents | None) -> Sequence[Hours] | None:
    """The hours in which the agent may look; None: at any time."""
    policy = documents.policy if documents is not None else None
    if policy is None:
        return None
    own = parse_hours(config.hours)
    return common(policy.work_hours, own) if own else policy.work_hours


def may_quit(documents: Documents | None) -> bool:
    """Whether the policy lets a person end Framekeep."""
    return documents is None or documents.policy is None or documents.policy.may_quit


def source_in_force(before: Source, config: Config) -> Source:
    """The camera of the settings, where it is one; a recording is chosen on the command line and stays."""
    if before.device is None:
        return before
    try:
        chosen = parse_source(config.camera)
    except FramekeepError:
        return before  # it names nothing that is there: what was looked at goes on
    return chosen if chosen.device is not None else before


def own_data(store: Store, keys: KeyStore, config: Config, clock: Clock) -> OwnData | None:
    """The service's side of the employee's rights; None while not enrolled. Whoever asked closes its link."""
    identity = load_identity(store)
    key = device_key(keys) if identity is not None else None
    if identity is None or key is None:
        return None
    return OwnData(identity, key, Link(identity.endpoint, proxy=config.proxy), clock=clock)
