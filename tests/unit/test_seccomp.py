"""Holds the promise that the eyes process's filter refuses what it names, on both architectures: the program is run
here by a small interpreter of the kernel's instructions, so that the architecture the tests do not run on is read too.
"""

from __future__ import annotations

import errno
import struct

import pytest

from agent.seccomp import DENIED, MACHINES, program

PID = 4711
ALLOW, KILL = 0x7FFF0000, 0x80000000
DENY, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
O_RDWR, O_CREAT, O_TRUNC, TMPFILE = 2, 0o100, 0o1000, 0o20200000


def judged(name: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter of an architecture returns for a system call."""
    machine = MACHINES[name]
    call = struct.pack("<iIQ6Q", number, machine.audit if audit is None else audit, 0, *(*arguments, *[0] * 6)[:6])
    code = list(struct.iter_unpack("<HBBI", program(machine, PID)))
    assert len(code) <= 4096  # BPF_MAXINSNS
    loaded, at = 0, 0
    while True:
        operation, yes, no, operand = code[at]
        at += 1
        match operation:
            case 0x20:
                (loaded,) = struct.unpack_from("<I", call, operand)
            case 0x15:
                at += yes if loaded == operand else no
            case 0x35:
                at += yes if loaded >= operand else no
            case 0x45:
                at += yes if loaded & operand else no
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"the filter has an instruction {operation:#x}")


def by_name(name: str, call: str, *arguments: int) -> int:
    number = MACHINES[name].number(call)
    assert number is not None
    return judged(name, number, *arguments)


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_named_is_refused(name: str) -> None:
    numbers = [number for call in DENIED if (number := MACHINES[name].number(call)) is not None]
    assert len(set(numbers)) == len(numbers)
    assert {judged(name, number) for number in numbers} == {DENY}


@pytest.mark.parametrize("name", MACHINES)
def test_files_are_opened_but_not_made_or_emptied(name: str) -> None:
    assert by_name(name, "openat", 0, 0, 0) == by_name(name, "openat", 0, 0, O_RDWR) == ALLOW
    for flags in (1, O_RDWR | O_CREAT, O_TRUNC, O_RDWR | TMPFILE):
        assert by_name(name, "openat", 0, 0, flags) == DENY
    if name == "x86_64":
        assert (by_name(name, "open", 0, O_RDWR), by_name(name, "open", 0, O_TRUNC)) == (ALLOW, DENY)


@pytest.mark.parametrize("name", MACHINES)
def test_threads_but_no_processes_and_signals_to_itself_only(name: str) -> None:
    assert by_name(name, "clone", 0x10000 | 0x100) == ALLOW
    assert by_name(name, "clone", 17) == DENY
    assert by_name(name, "clone3") == MISSING
    for call in ("kill", "tgkill", "rt_tgsigqueueinfo"):
        assert by_name(name, call, PID) == ALLOW
        for other in (0, 1, PID + 1, 2**32 - 1):
            assert by_name(name, call, other) == DENY
    assert by_name(name, "prlimit64", 0) == ALLOW
    assert by_name(name, "prlimit64", 1) == DENY


@pytest.mark.parametrize("name", MACHINES)
def test_the_parent_s_death_and_terminals_are_out_of_reach(name: str) -> None:
    assert by_name(name, "prctl", 1, 0) == DENY
    assert by_name(name, "prctl", 15) == ALLOW  # a thread's name
    for control in (0x540E, 0x5412, 0x541C):
        assert by_name(name, "ioctl", 3, control) == DENY
    assert by_name(name, "ioctl", 3, 0xC0D05605) == ALLOW  # a camera's picture format


@pytest.mark.parametrize("name", MACHINES)
def test_another_architecture_s_numbers_are_no_way_around(name: str) -> None:
    assert judged(name, 0, audit=0x40000003) == KILL
    if name == "x86_64":
        assert judged(name, 0x40000000 | 41) == DENY
