"""The walls of the eyes process: no network, no new programs, no new files, no core dump, no life after its parent.

Linux (x86_64, aarch64). Before anything heavy is imported, for all threads and for good:

- **seccomp** (seccomp.py) refuses making or using a socket, also through io_uring; starting a program or a process;
  reading, steering or signalling another process; shared memory and message queues; making, opening only to write,
  emptying, renaming, linking or removing a file, or changing its attributes; typing into a terminal; mounts, kernel
  modules, keys, tracing; and giving up the promise to die with the parent.
- **Landlock** (landlock.py), where the kernel has it, refuses opening an existing file to write, cameras apart, and
  looking into any other process.
- As root, every privilege is dropped but that of reading files.

The parent, which has the network, closes its own memory to others of its user (`shield`), and gives the child a
session of its own, without a terminal.

Without Landlock (Linux before 5.13, or one that was built or started without it) this stays possible for code that
takes over the process: writing into files that exist and that the user may write, a shell's start-up file or the
store among them; writing to the user's terminals; and, where the kernel does not forbid it by itself (Yama), into
the memory of the user's other programs, the parent not. `apply` says so, `probe` shows it, and `doctor` repeats it.
In any case the process reads what its user may read, and its one way out is the pipe to its parent.

macOS and Windows have no such door that a process may close behind itself without being signed for it; there the
process holds no socket because nothing in it opens one, which the no-egress test watches. `apply` says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable

from agent import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
_CAPABILITY_VERSION_3, _CAP_DAC_READ_SEARCH = 0x20080522, 2
_NOBODY = 2**30
"""A process id beyond all that Linux gives out (2**22)."""
_TIOCSTI = 0x5412

WITHOUT_LANDLOCK = "seccomp; this kernel has no Landlock, so files of this user that exist could be written to"
ONLY_LANDLOCK = frozenset({"write_to_file"})
"""What `probe` finds possible where there is no Landlock."""


def shield() -> None:
    """Close this process to others of its user: no reading or writing its memory, no tracing, no core dump.

    Linux only, and not against root. Programs started from here begin open again.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def apply() -> str:
    """Put up the walls this system has. Returns "seccomp, landlock", or a sentence saying what is missing."""
    _no_core_dump()
    if not sys.platform.startswith("linux"):
        return f"not available on {platform.system()}: no sandbox is built in there"
    libc = ctypes.CDLL(None, use_errno=True)
    _drop_capabilities(libc)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    shield()
    confined = landlock.confine()
    machine = seccomp.MACHINES.get(platform.machine())
    if machine is None:
        return f"not available on {platform.machine()} processors"
    program = seccomp.program(machine, os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    fprog = ctypes.create_string_buffer(head, len(head))
    number = machine.number("seccomp")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return f"not available: the kernel refused ({os.strerror(ctypes.get_errno())})"
    if libc.syscall(number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, fprog) != 0:
        return f"not available: the kernel refused ({os.strerror(ctypes.get_errno())})"
    return "seccomp, landlock" if confined else WITHOUT_LANDLOCK


def probe(file: str, process: int | None = None) -> dict[str, str]:
    """Try what must not work, from inside; per attempt "denied" or "possible". For tests and `doctor`.

    `file` is one the caller made for this; it is opened, not changed. `process`, if given, is one the caller started
    for this; its memory is opened, not touched. Everything else names what does not exist, so that an attempt which
    is not denied fails for that reason: a filter looks no further than the call. Where there are no walls to try,
    on macOS and Windows, it says what is possible there.
    """
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(("inet", "program", "create_file", "write_to_file"), "possible")
    libc = ctypes.CDLL(None, use_errno=True)
    pair = (ctypes.c_int * 2)(-1, -1)
    gone = f"{file}.gone/framekeep".encode()
    machine = seccomp.MACHINES.get(platform.machine(), seccomp.MACHINES["x86_64"])

    def call(name: str, *arguments: object) -> Callable[[], int]:
        return lambda: int(libc.syscall(machine.number(name), *arguments))

    attempts: dict[str, Callable[[], int]] = {
        "inet": lambda: _descriptor(libc.socket(2, 1, 0)),
        "inet6": lambda: _descriptor(libc.socket(10, 2, 0)),
        "unix": lambda: _descriptor(libc.socket(1, 1, 0)),
        "netlink": lambda: _descriptor(libc.socket(16, 3, 0)),
        "socketpair": lambda: libc.socketpair(1, 1, 0, pair) or sum(map(_descriptor, pair)),
        "create_file": lambda: _descriptor(libc.open(gone, os.O_CREAT | os.O_RDWR, 0o600)),
        "write_to_file": lambda: _descriptor(libc.open(file.encode(), os.O_RDWR)),
        "empty_file": lambda: libc.open(gone, os.O_RDONLY | os.O_TRUNC),
        "truncate": lambda: libc.truncate(gone, ctypes.c_long(0)),
        "rename": lambda: libc.rename(gone, gone),
        "link": lambda: libc.link(gone, gone + b"2"),
        "symlink": lambda: libc.symlink(b"nowhere", gone),
        "unlink": lambda: libc.unlink(gone),
        "mkdir": lambda: libc.mkdir(gone, 0o700),
        "rmdir": lambda: libc.rmdir(gone),
        "chmod": lambda: libc.chmod(gone, 0o600),
        "setxattr": lambda: libc.setxattr(gone, b"user.framekeep", b"", ctypes.c_size_t(0), 0),
        "shared_memory": lambda: libc.shmget(_NOBODY, ctypes.c_size_t(0), 0),
        "message_queue": lambda: libc.msgget(_NOBODY, 0),
        "posix_queue": call("mq_open", b"framekeep-gone", os.O_RDWR, 0, None),
        "program": lambda: libc.execv(b"/nonexistent/program", None),
        "fork": _fork,
        "signal": lambda: libc.kill(_NOBODY, 0),
        "process_handle": call("pidfd_open", _NOBODY, 0),
        "trace": lambda: libc.ptrace(16, _NOBODY, None, None),  # PTRACE_ATTACH
        "process_memory": lambda: libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0),  # nothing, from itself
        "terminal": lambda: libc.ioctl(-1, _TIOCSTI, b"x"),
        "outlive_parent": lambda: libc.prctl(_PR_SET_PDEATHSIG, 9999, 0, 0, 0),  # no such signal
    }
    if process is not None:
        attempts["other_memory"] = lambda: _descriptor(libc.open(f"/proc/{process}/mem".encode(), os.O_RDWR))
    result = {}
    for name, attempt in attempts.items():
        denied = attempt() < 0 and ctypes.get_errno() in (errno.EPERM, errno.EACCES)
        result[name] = "denied" if denied else "possible"
    return result


def _descriptor(number: int) -> int:
    """Give a file descriptor back; a failed call's -1 is passed on."""
    if number >= 0:
        os.close(number)
    return number


def _fork() -> int:
    child: int = ctypes.CDLL(None, use_errno=True).fork()
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    return child


def _no_core_dump() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit, and writes no dump unless told to
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Keep of the privileges root has only that of reading files; other users have none to drop."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    held = ctypes.create_string_buffer(24)
    if libc.capget(header, held) == 0:
        _, permitted, *_ = struct.unpack("=6I", held.raw)
        kept = permitted & (1 << _CAP_DAC_READ_SEARCH)
        libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))
