"""Holds the promise that only code that is as it is on disk is given back: anything else would be lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent.footprint import untouched_code

SMAPS = """\
7f0000000000-7f0000010000 r-xp 00001000 08:01 42                         /usr/lib/libclean.so
Size:                 64 kB
Private_Clean:        64 kB
Private_Dirty:         0 kB
VmFlags: rd ex mr mw me
7f0000020000-7f0000030000 r-xp 00001000 08:01 43                         /usr/lib/libpatched.so
Private_Dirty:         4 kB
VmFlags: rd ex mr mw me
7f0000040000-7f0000050000 r--p 00001000 08:01 42                         /usr/lib/libclean.so
Private_Dirty:         0 kB
VmFlags: rd mr mw me
7f0000060000-7f0000070000 rw-p 00001000 08:01 42                         /usr/lib/libclean.so
Private_Dirty:         0 kB
VmFlags: rd wr mr mw me
7f0000080000-7f0000090000 r-xp 00000000 00:00 0
Private_Dirty:         0 kB
VmFlags: rd ex mr mw me
7f00000a0000-7f00000b0000 r-xp 00000000 00:00 0                          [vdso]
Private_Dirty:         0 kB
VmFlags: rd ex mr mw me
"""


def test_only_unchanged_code_of_files_goes() -> None:
    assert list(untouched_code(SMAPS.splitlines())) == [(0x7F0000000000, 0x7F0000010000)]


def test_what_cannot_be_read_to_its_end_stays() -> None:
    assert list(untouched_code(SMAPS.splitlines()[:4])) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells what is mapped")
def test_a_process_works_on_and_is_smaller() -> None:
    script = (
        "import cv2, numpy as np; from agent.footprint import proportional_set_size, release_code\n"
        "before = proportional_set_size(); assert release_code() > 1e6; after = proportional_set_size()\n"
        "assert cv2.resize(np.eye(4, dtype=np.float32), (8, 8)).sum() > 0\n"
        "print(before - after)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks GNU's C library")
def test_freed_memory_goes_back() -> None:
    script = (
        "from agent.footprint import proportional_set_size, release_freed\n"
        "held = [bytes(60_000) for _ in range(500)]; kept = held[-1]; before = proportional_set_size()\n"
        "del held; release_freed(); print(before - proportional_set_size())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 20e6
