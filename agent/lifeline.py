"""Children that must not outlive us, however we end."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: on Linux the kernel then sends the child SIGTERM when the thread that starts it ends, also by
    kill -9. None elsewhere: there the child is ended by its parent's own care only.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: in the child nothing may be imported any more

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare
