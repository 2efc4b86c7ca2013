"""The seccomp filter of the eyes process as a BPF program. Pure: a machine's numbers and a process id in, bytes out.

A filter sees a system call's number and the plain values of its arguments, never the path or memory an argument
points to. So opening an existing file for reading and writing, which is how a camera is opened, cannot be told from
doing so with a document: that wall is landlock.py's.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
"""Classic BPF: load a word of seccomp_data, jump if equal / greater or equal / any bit set, return."""
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_DENY = _ERROR | errno.EPERM
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000

_NEW_OR_WRITE_ONLY = 0o1 | 0o100 | 0o1000 | 0o20000000
"""O_WRONLY, O_CREAT, O_TRUNC, and the bit that makes O_TMPFILE of O_DIRECTORY."""
_CLONE_THREAD = 0x00010000
_PR_SET_PDEATHSIG = 1
_TERMINAL_INPUT = (0x540E, 0x5412, 0x541C)
"""TIOCSCTTY, TIOCSTI, TIOCLINUX: taking a terminal, and typing into one."""

_Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor architecture: its name in linux/audit.h, and its column in the table of numbers."""

    audit: int
    column: int

    def number(self, call: str) -> int | None:
        """The system call's number here; None where this architecture never had it."""
        return (DENIED.get(call) or _CALLS[call])[self.column]


DENIED: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "bind": (49, 200),
    "listen": (50, 201),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    "socketpair": (53, 199),
    "setsockopt": (54, 208),
    "getsockopt": (55, 209),
    "accept4": (288, 242),
    "recvmmsg": (299, 243),
    "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # programs and processes
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # memory and queues
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # names
    "creat": (85, None),
    "openat2": (437, 437),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "open_by_handle_at": (304, 265),
    # attributes
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    # system
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
}
"""System calls refused whatever their arguments are: numbers on x86_64 and aarch64 (asm/unistd_64.h, asm-generic/unistd.h)."""

_CALLS: dict[str, tuple[int | None, int | None]] = {
    "open": (2, None),
    "openat": (257, 56),
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "ioctl": (16, 29),
    "seccomp": (317, 277),
}
"""System calls that are told by their arguments, or used here."""

MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}


def program(machine: Machine, pid: int) -> bytes:
    """The filter for process `pid`: (code, jump if true, jump if false, operand) of eight bytes each.

    What is refused fails with EPERM; the numbers of another architecture end the process.
    """
    code: list[_Instruction] = [
        (_LD, 0, 0, _ARCH),
        (_JEQ, 1, 0, machine.audit),
        (_RET, 0, 0, _KILL),
        (_LD, 0, 0, _NUMBER),
    ]
    if machine is MACHINES["x86_64"]:
        code += [(_JGE, 0, 1, _X32), (_RET, 0, 0, _DENY)]
    rules = {call: [(_RET, 0, 0, _DENY)] for call in DENIED}
    for call, argument in (("open", 1), ("openat", 2)):
        rules[call] = [_load(argument), (_JSET, 0, 1, _NEW_OR_WRITE_ONLY), (_RET, 0, 0, _DENY), (_RET, 0, 0, _ALLOW)]
    # Threads, not processes. The arguments of clone3 lie in memory: without it the C library uses clone.
    rules["clone"] = [_load(0), (_JSET, 0, 1, _CLONE_THREAD), (_RET, 0, 0, _ALLOW), (_RET, 0, 0, _DENY)]
    rules["clone3"] = [(_RET, 0, 0, _ERROR | errno.ENOSYS)]
    # abort() signals its own process, and nobody else's is ours to signal.
    for call in ("kill", "tgkill", "rt_tgsigqueueinfo"):
        rules[call] = _only(0, (pid,))
    rules["prlimit64"] = _only(0, (0, pid))
    rules["prctl"] = _all_but(0, (_PR_SET_PDEATHSIG,))
    rules["ioctl"] = _all_but(1, _TERMINAL_INPUT)
    for call, body in rules.items():
        number = machine.number(call)
        if number is not None:
            code += [(_JEQ, 0, len(body), number), *body]
    code.append((_RET, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _load(argument: int) -> _Instruction:
    """The lower half of an argument: all of an int, and all flags there are."""
    return _LD, 0, 0, _ARGUMENTS + 8 * argument


def _only(argument: int, allowed: tuple[int, ...]) -> list[_Instruction]:
    tests = [step for value in allowed for step in ((_JEQ, 0, 1, value), (_RET, 0, 0, _ALLOW))]
    return [_load(argument), *tests, (_RET, 0, 0, _DENY)]


def _all_but(argument: int, denied: tuple[int, ...]) -> list[_Instruction]:
    tests = [step for value in denied for step in ((_JEQ, 0, 1, value), (_RET, 0, 0, _DENY))]
    return [_load(argument), *tests, (_RET, 0, 0, _ALLOW)]
