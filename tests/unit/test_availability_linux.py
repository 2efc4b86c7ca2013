"""Holds the promise that logind's and the camera's answers are read as their documentation says."""

from __future__ import annotations

import struct
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("ioctl and D-Bus are Linux's", allow_module_level=True)

from agent.availability.linux import inotify
from agent.availability.linux.logind import is_locked
from agent.availability.linux.shutter import CID_PRIVACY, G_CTRL, parse_control


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ({"LockedHint": False, "Active": True}, False),
        ({"LockedHint": True, "Active": True}, True),
        ({"LockedHint": False, "Active": False}, True),
        ({"Active": True}, False),
        ({}, False),
    ],
)
def test_a_session_that_is_not_in_front_counts_as_locked(session: dict[str, object], expected: bool) -> None:
    """Another user's screen is; older logind has no LockedHint."""
    assert is_locked(session) is expected


def test_the_privacy_control() -> None:
    """_IOWR('V', 27, 8 bytes), put together as linux/ioctl.h does."""
    assert (3 << 30) | (struct.calcsize("=Ii") << 16) | (ord("V") << 8) | 27 == G_CTRL
    assert parse_control(struct.pack("=Ii", CID_PRIVACY, 1)) and not parse_control(struct.pack("=Ii", CID_PRIVACY, 0))


def test_the_kernels_events_are_read() -> None:
    opened = struct.pack("=iIII", 3, 0x20, 0, 0)
    closed = struct.pack("=iIII", 3, 0x10, 0, 0)
    created = struct.pack("=iIII", 1, 0x100, 0, 16) + b"video2".ljust(16, b"\0")
    events = inotify.parse_events(opened + created + closed)
    assert [(event.watch, event.name) for event in events] == [(3, ""), (1, "video2"), (3, "")]
    assert inotify.is_one_visit(inotify.parse_events(opened + closed))
    assert not inotify.is_one_visit(inotify.parse_events(opened))
    assert not inotify.is_one_visit(inotify.parse_events(opened + closed + opened))
    other = struct.pack("=iIII", 4, 0x10, 0, 0)
    assert not inotify.is_one_visit(inotify.parse_events(opened + other))
    lost = struct.pack("=iIII", -1, 0x4000, 0, 0)
    assert not inotify.is_one_visit(inotify.parse_events(lost + lost))
    assert inotify.parse_events(b"") == [] == inotify.parse_events(b"\0\0")
