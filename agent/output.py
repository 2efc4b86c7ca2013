"""Standard output of a command that prints much: what happens when nobody reads it, or it takes nothing."""

from __future__ import annotations

import os
import sys

from agent.errors import FramekeepError


class Output:
    """Standard output. `unread`: its reader (`head`, say) has gone; that is no failure, and nothing more is written."""

    def __init__(self) -> None:
        self.unread = False

    def write(self, text: str) -> None:
        """Write it out at once. Raises FramekeepError when that is not possible: it is closed, or the disk is full."""
        if self.unread:
            return
        if sys.stdout is None:
            raise FramekeepError("There is no standard output to print to; leave it open.")
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python must not try again at its end
            if not isinstance(error, BrokenPipeError):
                raise FramekeepError(f"Standard output takes no more ({error.strerror}); send it elsewhere.") from error
            self.unread = True
