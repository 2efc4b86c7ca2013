"""The walls of the eyes process: no network, no new programs, no new files, no core dump, no life after its parent.

Linux (x86_64, aarch64): a seccomp filter, put in place before anything heavy is imported, for all threads and for
good. Whatever runs in the process afterwards, a bug in a codec too, gets EPERM for

- making or using a socket (also through io_uring),
- starting a program, reading or steering another process, taking its files,
- creating a file, or opening one only to write: pixels have no place on disk to go to. (Reading and writing an
  existing file stays possible, because that is how a camera device is opened.)

macOS and Windows have no such door that a process may close behind itself without being signed for it; there the
process holds no socket because nothing in it opens one, which the no-egress test watches. `apply` says so, and
`doctor` repeats it.
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
from dataclasses import dataclass

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1

# Classic BPF: load a word of seccomp_data, jump if equal / greater or equal / any bit set, return.
_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_NUMBER, _ARCH = 0, 4
_X32 = 0x40000000

_NEW_OR_WRITE_ONLY = 0o1 | 0o100 | 0o20000000
"""O_WRONLY, O_CREAT, and the bit that makes O_TMPFILE of O_DIRECTORY."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """Kernel numbers of one architecture (linux/audit.h, asm/unistd.h)."""

    audit: int
    seccomp: int
    denied: tuple[int, ...]
    open_flags: tuple[tuple[int, int], ...]
    """System calls that take open flags, with the argument's index."""


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        seccomp=317,
        denied=(
            41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55,  # socket to getsockopt, with socketpair
            288, 299, 307,  # accept4, recvmmsg, sendmmsg
            425, 426, 427,  # io_uring
            59, 322,  # execve, execveat
            101, 310, 311, 438, 434,  # ptrace, process_vm_readv, process_vm_writev, pidfd_getfd, pidfd_open
            85, 133, 259, 86, 265, 88, 266, 437,  # creat, mknod, mknodat, link, linkat, symlink, symlinkat, openat2
            298, 321, 323, 304, 272, 308, 165, 428,  # perf, bpf, userfaultfd, by handle, unshare, setns, mounts
        ),
        open_flags=((2, 1), (257, 2)),
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        seccomp=277,
        denied=(
            198, 199, 200, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 242, 243, 269,
            425, 426, 427,
            221, 281,
            117, 270, 271, 438, 434,
            33, 37, 36, 437,
            241, 280, 282, 265, 97, 268, 40, 428,
        ),
        open_flags=((56, 2),),
    ),
}  # fmt: skip


def apply() -> str:
    """Put up the walls this system has. Returns "seccomp", or a sentence saying why there is none."""
    _no_core_dump()
    if not sys.platform.startswith("linux"):
        return f"not available on {platform.system()}: no sandbox is built in there"
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return f"not available on {platform.machine()} processors"
    program = _program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    fprog = ctypes.create_string_buffer(head, len(head))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return f"not available: the kernel refused ({os.strerror(ctypes.get_errno())})"
    if libc.syscall(machine.seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, fprog) != 0:
        return f"not available: the kernel refused ({os.strerror(ctypes.get_errno())})"
    return "seccomp"


def probe() -> dict[str, str]:
    """Try what must not work, from inside; per attempt "denied" or "possible". For tests and `doctor`.

    Every attempt is harmless where it succeeds; what it makes, it takes away.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    pair = (ctypes.c_int * 2)(-1, -1)
    path = f"/tmp/framekeep-probe-{os.getpid()}".encode()
    attempts: dict[str, Callable[[], int]] = {
        "inet": lambda: _descriptor(libc.socket(2, 1, 0)),
        "inet6": lambda: _descriptor(libc.socket(10, 2, 0)),
        "unix": lambda: _descriptor(libc.socket(1, 1, 0)),
        "netlink": lambda: _descriptor(libc.socket(16, 3, 0)),
        "socketpair": lambda: libc.socketpair(1, 1, 0, pair) or sum(map(_descriptor, pair)),
        "create_file": lambda: _descriptor(libc.open(path, os.O_CREAT | os.O_RDWR, 0o600)),
        "program": lambda: libc.execv(b"/nonexistent/program", None),
        # Reading nothing, from itself.
        "process_memory": lambda: libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0),
    }
    result = {}
    for name, attempt in attempts.items():
        denied = attempt() < 0 and ctypes.get_errno() == errno.EPERM
        result[name] = "denied" if denied else "possible"
    libc.unlink(path)
    return result


def _descriptor(number: int) -> int:
    """Give a file descriptor back; a failed call's -1 is passed on."""
    if number >= 0:
        os.close(number)
    return number


def _no_core_dump() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit, and writes no dump unless told to
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _program(machine: _Machine) -> bytes:
    """The filter as BPF instructions: (code, jump if true, jump if false, operand), eight bytes each."""
    code: list[tuple[int, int, int, int]] = [
        (_LD, 0, 0, _ARCH),
        (_JEQ, 1, 0, machine.audit),
        (_RET, 0, 0, _KILL),
        (_LD, 0, 0, _NUMBER),
    ]
    if machine.audit == _MACHINES["x86_64"].audit:
        code += [(_JGE, 0, 1, _X32), (_RET, 0, 0, _DENY)]
    for number in machine.denied:
        code += [(_JEQ, 0, 1, number), (_RET, 0, 0, _DENY)]
    for number, argument in machine.open_flags:
        low_word = 16 + 8 * argument
        code += [
            (_JEQ, 0, 4, number),
            (_LD, 0, 0, low_word),
            (_JSET, 0, 1, _NEW_OR_WRITE_ONLY),
            (_RET, 0, 0, _DENY),
            (_RET, 0, 0, _ALLOW),
        ]
    code.append((_RET, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
