"""Promise: a link opens the panel once and within a minute; what it opened ends after half an hour without a request; a
form counts only with the token of the very browser it was sent to. And the user at the other end of a connection is read
from the kernel's table, not guessed.
"""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from agent.panel import access
from agent.panel.access import (
    CODE_SECONDS,
    IDLE_SECONDS,
    MOST_CODES,
    MOST_ENTRIES,
    Access,
    Entry,
    admit,
    carries_token,
    exchange,
    issue,
)
from agent.panel.browser import has_display
from agent.panel.peer import find_uids

T = 5000.0


def opened(at: float = T, name: str = "a", before: Access | None = None) -> Access:
    held = issue(before or Access(), f"code {name}", at)
    held, done = exchange(held, f"code {name}", cookie=f"cookie {name}", csrf=f"token {name}", now=at)
    assert done
    return held


def entry_of(held: Access, cookie: str, now: float) -> Entry | None:
    return admit(held, cookie, now)[1]


def test_a_code_opens_once() -> None:
    held = opened()
    again, done = exchange(held, "code a", cookie="another", csrf="t", now=T)
    assert not done and entry_of(again, "another", T) is None
    assert entry_of(again, "cookie a", T) is not None, "a used code takes nothing from who used it first"


@pytest.mark.parametrize(("age", "opens"), [(0.0, True), (CODE_SECONDS - 0.1, True), (CODE_SECONDS, False)])
def test_a_code_lives_for_a_minute(age: float, opens: bool) -> None:
    assert CODE_SECONDS == 60
    held, done = exchange(issue(Access(), "code", T), "code", cookie="c", csrf="t", now=T + age)
    assert done is opens
    assert (entry_of(held, "c", T + age) is not None) is opens


@pytest.mark.parametrize("wrong", ["", "cod", "code ", "CODE", "code\x00", "c\udcff", "ü"])
def test_a_wrong_code_opens_nothing_and_uses_nothing_up(wrong: str) -> None:
    held, done = exchange(issue(Access(), "code", T), wrong, cookie="c", csrf="t", now=T)
    assert not done and not held.entries
    assert exchange(held, "code", cookie="c", csrf="t", now=T)[1]


def test_an_entry_ends_after_half_an_hour_without_a_request() -> None:
    held = opened()
    at = T
    for _ in range(5):
        at += IDLE_SECONDS - 1
        held, entry = admit(held, "cookie a", at)
        assert entry is not None and entry.used == at
    assert entry_of(held, "cookie a", at + IDLE_SECONDS) is None
    assert admit(held, "cookie a", at + IDLE_SECONDS)[0].entries == (), "nothing of it is kept"


def test_a_wrong_cookie_prolongs_nothing() -> None:
    held = opened()
    held, entry = admit(held, "cookie b", T + IDLE_SECONDS - 1)
    assert entry is None
    assert entry_of(held, "cookie a", T + IDLE_SECONDS) is None


def test_a_form_counts_with_the_token_of_its_own_entry_only() -> None:
    held = opened(name="b", before=opened())
    one, other = entry_of(held, "cookie a", T), entry_of(held, "cookie b", T)
    assert one is not None and other is not None
    assert carries_token(one, "token a") and carries_token(other, "token b")
    assert not carries_token(one, other.csrf) and not carries_token(other, one.csrf)
    for wrong in ("", "token", "token a ", "\udcff"):
        assert not carries_token(one, wrong)


def test_codes_and_entries_are_bounded_and_the_oldest_goes() -> None:
    held = Access()
    for number in range(50):
        held = issue(held, f"waiting {number}", T)
    assert len(held.codes) == MOST_CODES
    assert not exchange(held, "waiting 0", cookie="c", csrf="t", now=T)[1]
    for number in range(50):
        held = opened(name=str(number), before=held)
    assert len(held.entries) == MOST_ENTRIES
    assert entry_of(held, "cookie 0", T) is None and entry_of(held, "cookie 49", T) is not None


def test_secrets_are_compared_in_constant_time_and_kept_as_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    constant_time = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return constant_time(one, other)

    monkeypatch.setattr(access.hmac, "compare_digest", compare)
    held = opened(name="b", before=opened())
    held = issue(issue(held, "first", T), "second", T)
    compared.clear()
    exchange(held, "first", cookie="c", csrf="t", now=T)
    assert len(compared) == 2, "every code is compared, found or not"
    compared.clear()
    entry = entry_of(held, "cookie a", T)
    assert entry is not None and len(compared) == 2
    carries_token(entry, "x")
    assert {len(each) for pair in compared for each in pair} == {32}
    assert "first" not in repr(held) and "cookie" not in repr(held)


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1
   1: 0100007F:A000 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 222 1
   2: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000  1000        0 333 1
   3: 0100007F:A001 0100007F:1F90 06 00000000:00000000 00:00000000 00000000     0        0 0 3
   4: 0200007F:A002 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 444 1
"""
TABLE6 = """\
  sl  local_address                         remote_address                        st tx rx tr tm uid timeout inode
   0: 0000000000000000FFFF00000100007F:A003 0000000000000000FFFF00000100007F:1F90 01 0:0 00:0 0 1003 0 555 1
"""


def test_the_user_at_the_other_end_is_read_from_the_kernels_table() -> None:
    assert find_uids(TABLE, 8080).get(0xA000) == 1001, "the other end, not ours"
    assert find_uids(TABLE6, 8080).get(0xA003) == 1003, "an IPv6 socket on an IPv4 address"
    assert 0xA001 not in find_uids(TABLE, 8080), "closed, and its user reads as root's"
    assert 0xA002 not in find_uids(TABLE, 8080), "another address of this computer"
    assert 0xA000 not in find_uids(TABLE, 8081) and not find_uids("", 2)


def test_no_browser_is_started_where_it_could_not_be_seen() -> None:
    assert not has_display({}, "linux") and not has_display({"DISPLAY": ""}, "linux")
    assert has_display({"DISPLAY": ":0"}, "linux") and has_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_display({}, "darwin") and has_display({}, "win32")


def test_only_a_snap_s_own_folder_takes_the_place_of_ours() -> None:
    from agent.panel.browser import snap_folder

    assert snap_folder("firefox.desktop", Path("/nowhere")) is None
    assert snap_folder("firefox_firefox.desktop", Path("/nowhere")) is None
    assert snap_folder("", Path("/nowhere")) is None
