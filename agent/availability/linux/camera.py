"""Camera in use by another program, and when to look for that: pure decisions about what was found.

A program opens the device itself (V4L2), or PipeWire opens it for the program. The kernel tells of an open at once; who
it was is found among the processes' open files. So yielding takes milliseconds, and nothing is spent meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.availability.linux.holders import MEDIA_SERVERS, Holder

SOURCE = "open camera devices"
SHARE = 0.0003
"""Share of a processor that looking for what nobody told of may take."""
BUSY_SHARE = 0.02
"""The same while cameras are being opened and closed, so that a program that does so without end costs no more."""
AFTER_EVENT = (0.0, 0.2, 1.0)
"""Seconds after an event at which the processes are looked through: at once, and again since the kernel tells of an
open just before the process has its file, and since a program may hand it on."""
ASK_PIPEWIRE = (5.0, 60.0)
LOOK_UNTOLD = (30.0, 300.0)
LOOK_BLIND = (2.0, 60.0)
"""Shortest and longest seconds between two looks: at PipeWire while it keeps a camera open, at the processes where the
kernel tells of opens, and where it does not."""


def in_use(holders: Collection[Holder], pipewire: bool | None) -> bool:
    """Whether a program other than ours uses a camera.

    A media server that has one open may only be keeping it; then `pipewire` says whether it delivers pictures. When it
    does not say (None), the server that would deliver them is believed to, its manager is not.
    """
    if any(holder.name not in MEDIA_SERVERS for holder in holders):
        return True
    if pipewire is not None:
        return bool(holders) and pipewire
    return any(holder.name.startswith("pipewire") for holder in holders)


def only_kept(holders: Collection[Holder]) -> bool:
    """Whether nobody but media servers has a camera open, so that PipeWire must be asked."""
    return bool(holders) and all(holder.name in MEDIA_SERVERS for holder in holders)


def spacing(cost: float, limits: tuple[float, float], share: float = SHARE) -> float:
    """Seconds between two looks of `cost` seconds each, so that they take no more than `share`, within `limits`."""
    return min(limits[1], max(limits[0], cost / share))
