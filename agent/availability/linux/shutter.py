"""The camera's own shutter or switch, where the camera tells of it: V4L2's privacy control, read without streaming.

V4L2_CID_PRIVACY is documented in the kernel's "Camera Control Reference", VIDIOC_G_CTRL beside it. Opening the device
for this lights no light; it may wake a camera that saves power, so it is asked only while that costs nothing more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

SOURCE = "the camera's privacy control"
CID_PRIVACY = 0x009A0910
"""linux/v4l2-controls.h: V4L2_CID_CAMERA_CLASS_BASE (0x009a0900) + 16."""
G_CTRL = 0xC008561B
"""linux/videodev2.h: _IOWR('V', 27, struct v4l2_control), which is two 32-bit numbers."""
_CONTROL = struct.Struct("=Ii")


class NoShutter(Exception):
    """The camera tells of no shutter, and asking again is in vain."""


def read_shutter(device: Path) -> bool | None:
    """Whether the shutter is closed; None when the camera cannot be asked just now.

    Waits for the camera's hardware, seconds when it hangs: not for a thread anybody waits for. Raises NoShutter.
    """
    try:
        fd = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EIO, errno.EINTR):
            return None
        raise NoShutter(device) from error
    try:
        return parse_control(fcntl.ioctl(fd, G_CTRL, _CONTROL.pack(CID_PRIVACY, 0)))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY, errno.ENODEV):
            raise NoShutter(device) from error
        return None
    finally:
        os.close(fd)


def parse_control(answer: bytes) -> bool:
    """The value in a v4l2_control: closed when it is not 0."""
    return bool(_CONTROL.unpack(answer)[1])
