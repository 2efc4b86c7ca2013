"""Promise: the panel is this user's alone. Its link opens once, within a minute, and stands on no command line; another
name for this computer, another origin, another port's page, another user of the computer and a request without cookie or
token get nothing, not even a hint whose port it is. It stops when nobody asks, and the next one shares nothing with it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from starlette.responses import Response

from agent.control import ControlWatch, InstanceLock
from agent.log import set_up
from agent.panel.access import CODE_SECONDS, IDLE_SECONDS
from agent.panel.answers import NoPanel, ask_running_agent
from agent.panel.browser import open_link
from agent.panel.files import panel_folder, tidy
from agent.panel.guard import MAX_BODY
from agent.panel.host import PanelHost
from agent.panel.peer import Peer, peer_uids
from agent.panel.server import MOST_CONNECTIONS, PanelServer
from agent.panel.socket_diag import diagnose
from tests.builders import ManualClock, assert_log_is_clean
from tests.panel_site import SECRET, Acts, hosted

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def panel(home: Path, **settings: Any) -> Iterator[tuple[PanelHost, Acts, requests.Session, str]]:
    """A running panel, somebody who has entered it, and its base address."""
    with hosted(home, **settings) as (host, acts), requests.Session() as session:
        link = host.link()
        assert session.get(link).status_code == 200
        yield host, acts, session, base_of(link)


def base_of(link: str) -> str:
    return link.partition("enter?")[0]


def code_of(link: str) -> str:
    return link.partition("code=")[2]


def token(session: requests.Session, base: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', session.get(base).text)
    assert found is not None
    return found[1]


def raw(base: str, request: str) -> bytes:
    """An answer to bytes no client library would send."""
    with socket.create_connection(("127.0.0.1", urlsplit(base).port), timeout=10) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return got


def closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# The way in.


def test_a_link_opens_once_and_its_cookie_is_out_of_reach(tmp_path: Path) -> None:
    with hosted(tmp_path) as (host, _):
        link = host.link()
        base = base_of(link)
        first = requests.get(link)
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and f"Path={urlsplit(base).path};" in cookie
        assert "Domain" not in cookie and SECRET not in first.text
        again = requests.get(link)
        assert again.status_code == 403 and "set-cookie" not in again.headers
        assert "the command framekeep panel" in again.text
        assert requests.get(base, cookies=first.cookies).text.count(SECRET) == 1
        assert requests.get(base + "plain.css").headers["content-type"].startswith("text/css"), "how that page looks"


def test_a_link_is_dead_after_a_minute_and_what_it_opened_after_half_an_hour_idle(tmp_path: Path) -> None:
    clock = ManualClock()
    with hosted(tmp_path, clock=clock, idle_seconds=10 * IDLE_SECONDS) as (host, _), requests.Session() as session:
        old, good = host.link(), host.link()
        clock.advance(CODE_SECONDS - 1)
        session.get(good)
        clock.advance(1)
        assert requests.get(old).status_code == 403
        assert session.get(base_of(good)).status_code == 200
        clock.advance(IDLE_SECONDS)
        late = session.get(base_of(good))
        assert late.status_code == 403 and SECRET not in late.text and "framekeep panel" in late.text


def test_looking_ahead_at_a_link_does_not_use_it_up(tmp_path: Path) -> None:
    with hosted(tmp_path) as (host, _):
        link = host.link()
        assert "set-cookie" not in requests.head(link).headers
        for ahead in ({"Sec-Purpose": "prefetch;prerender"}, {"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "empty"}):
            assert "set-cookie" not in requests.get(link, headers=ahead).headers
        assert "set-cookie" in requests.get(link, headers={"Sec-Fetch-Dest": "document"}).headers


def test_a_link_may_lead_to_a_page_and_to_nothing_but_a_page(tmp_path: Path) -> None:
    with hosted(tmp_path) as (host, _):
        link = host.link("sent")
        assert "url=./sent" in requests.get(link).text
        for wrong in ("//example.org", "../x", "https:example.org", "sent?a=1", "a" * 17):
            got = requests.get(host.link(), params={"to": wrong})
            assert got.status_code == 200 and 'url=./"' in got.text and wrong not in got.text


# Strangers.


def test_who_does_not_know_the_address_learns_nothing(tmp_path: Path) -> None:
    with panel(tmp_path) as (_, acts, session, base):
        host, path = urlsplit(base).netloc, urlsplit(base).path
        root = f"http://{host}/"
        seen = len(acts.seen)
        for address in (root, root + "enter", root + path[1:-1], root + "favicon.ico", root + "static/panel.css"):
            answer = session.get(address, allow_redirects=False)
            assert (answer.status_code, answer.text) == (404, "Not Found")
            assert not re.search("framekeep|uvicorn|python|starlette", str(answer.headers) + answer.text, re.IGNORECASE)
        cookie = f"entry={session.cookies['entry']}"
        for name in (
            "attacker.example",
            f"localhost:{urlsplit(base).port}",
            "127.0.0.1",
            f"127.0.0.2:{urlsplit(base).port}",
        ):
            got = raw(base, f"GET {path} HTTP/1.1\nHost: {name}\nCookie: {cookie}\nConnection: close\n\n")
            assert got.startswith(b"HTTP/1.1 404") and got.endswith(b"Not Found"), name
        for request in (
            f"GET {path} HTTP/1.0\nCookie: {cookie}\n\n",
            f"GET {path} HTTP/1.1\nHost: {host}\nHost: {host}\nCookie: {cookie}\n\n",
            f"GET http://{host}{path} HTTP/1.1\nHost: {host}\nCookie: {cookie}\nConnection: close\n\n",
        ):
            got = raw(base, request)
            assert got.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")) and SECRET.encode() not in got
        assert len(acts.seen) == seen


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Cookie": "entry=; entry=wrong; other=1"},
        {"Cookie": ""},
    ],
    ids=str,
)
def test_another_origin_and_no_cookie_get_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    with panel(tmp_path) as (_, acts, session, base):
        csrf = token(session, base)
        seen = len(acts.seen)
        cookies = {"Cookie": f"entry={session.cookies['entry']}"}
        for method in ("GET", "HEAD", "POST"):
            answer = requests.request(method, base, headers={**cookies, **headers}, data={"csrf": csrf, "action": "x"})
            assert answer.status_code in (403, 404) and SECRET not in answer.text
        assert len(acts.seen) == seen and not acts.done


def test_another_cookie_of_the_same_name_does_not_lock_anybody_out(tmp_path: Path) -> None:
    with panel(tmp_path) as (_, _, session, base):
        both = {"Cookie": f"entry=planted; entry={session.cookies['entry']}"}
        assert requests.get(base, headers=both).status_code == 200


@pytest.mark.parametrize("at_once", [True, False], ids=["asked for one", "table"])
def test_a_connection_the_system_says_is_another_user_s_is_dropped_unread(at_once: bool) -> None:
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])

    for whose, dropped in ((os.geteuid() + 1, True), (Peer.GONE, True), (Peer.UNKNOWN, False), (os.geteuid(), False)):
        server = PanelServer(
            lambda base: app,
            clock=ManualClock(),
            peer=lambda port, mine, whose=whose: whose if at_once else None,
            peers=lambda ports, mine, whose=whose: dict.fromkeys(ports, Peer.GONE if at_once else whose),
        )
        server.start()
        link = server.link()
        assert link is not None
        if dropped:
            with pytest.raises(requests.ConnectionError):
                requests.get(link)
        else:
            assert requests.get(link).status_code == 200, "the cookie decides"
        server.stop()
    assert not asked


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_another_user_of_this_computer_gets_nothing(tmp_path: Path) -> None:
    """A process of the user nobody's, with a stolen link and a stolen cookie."""
    with panel(tmp_path) as (host, acts, session, base):
        fresh, seen = host.link(), len(acts.seen)
        parts = urlsplit(base)
        mine = f"GET {parts.path} HTTP/1.1\nHost: {parts.netloc}\nCookie: entry={session.cookies['entry']}\n\n"
        enter = f"GET {urlsplit(fresh).path}?code={code_of(fresh)} HTTP/1.1\nHost: {parts.netloc}\n\n"
        assert as_nobody(parts.port or 0, [mine, enter, "GET / HTTP/1.1\nHost: x\n\n"]) == b""
        assert len(acts.seen) == seen
        assert requests.get(fresh).status_code == 200, "and has used nothing up"


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_another_user_who_connects_without_end_neither_closes_the_panel_nor_keeps_it_busy(tmp_path: Path) -> None:
    if diagnose(1, 1) is None:
        pytest.skip("this system does not let it be asked for one connection")
    with panel(tmp_path) as (_, _, session, base):
        flooding = flood_as_nobody(urlsplit(base).port or 0, seconds=2.0)
        began, longest, pages = time.monotonic(), 0.0, 0
        while time.monotonic() - began < 2.2:
            asked = time.monotonic()
            with requests.Session() as another:  # a connection of its own, in the midst of the others
                another.cookies = session.cookies
                assert another.get(base, timeout=10).status_code == 200
            longest, pages = max(longest, time.monotonic() - asked), pages + 1
            time.sleep(0.05)
        made = flooding()
        assert made > 200 and longest < 2.5, (made, longest, pages)
        used = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - used < 0.25, "and nothing is left to work off"


def flood_as_nobody(port: int, *, seconds: float) -> Callable[[], int]:
    """Connections by the user nobody, one after the other; who calls waits for the end and gets their number."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made = 0
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with socket.socket() as connection:
                    connection.settimeout(0.02)
                    try:
                        connection.connect(("127.0.0.1", port))
                        made += 1
                    except OSError:
                        continue
        finally:
            os.write(writing, str(made).encode())
            os._exit(0)
    os.close(writing)

    def ended() -> int:
        with os.fdopen(reading, "rb") as pipe:
            number = int(pipe.read())
        os.waitpid(child, 0)
        return number

    return ended


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_what_the_kernel_says_of_one_connection_and_its_table_agree() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", mine)) as client:
            port = client.getsockname()[1]
            asked = diagnose(port, mine)
            if asked is None:
                pytest.skip("this system does not let it be asked")
            assert asked == os.geteuid() and peer_uids([port, 1], mine) == {port: os.geteuid(), 1: Peer.GONE}
            assert diagnose(1, mine) is Peer.GONE and diagnose(mine, port) is Peer.GONE, "not accepted: nobody holds it"
        assert diagnose(port, mine) is Peer.GONE and peer_uids([port], mine) == {port: Peer.GONE}, "closed"


def test_one_reading_of_the_system_s_table_answers_for_all_who_wait(tmp_path: Path) -> None:
    read: list[int] = []

    def slow(ports: Collection[int], server: int) -> dict[int, int | Peer]:
        read.append(len(ports))
        time.sleep(0.1)
        return dict.fromkeys(ports, os.geteuid())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response(b"")(scope, receive, send)

    server = PanelServer(lambda base: app, clock=ManualClock(), peer=lambda *_: None, peers=slow)
    server.start()
    link = server.link()
    assert link is not None
    with ExitStack() as held:
        for _ in range(50):
            held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        assert requests.get(link, timeout=5).status_code == 200
    server.stop()
    assert sum(read) == 51 and len(read) <= 4, read


def test_connections_that_ask_nothing_are_closed_and_stand_in_nobody_s_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.panel.connection.HEAD_SECONDS", 0.5)
    with panel(tmp_path) as (_, _, session, base), ExitStack() as held:
        open_ends = [
            held.enter_context(socket.create_connection(("127.0.0.1", urlsplit(base).port), timeout=5))
            for _ in range(MOST_CONNECTIONS + 10)
        ]
        for number, one in enumerate(open_ends):
            if number % 2:
                one.sendall(b"GET / HTTP/1.1\r\nHost: ")
        for one in open_ends:
            assert one.recv(100) == b"", "closed without a word"
        with requests.Session() as another:
            another.cookies = session.cookies
            assert another.get(base).status_code == 200


def as_nobody(port: int, texts: list[str]) -> bytes:
    """What a process of the user nobody is answered, all of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            for text in texts:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    try:
                        connection.sendall(text.replace("\n", "\r\n").encode())
                        os.write(writing, connection.recv(65536))
                    except ConnectionError:
                        pass
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return answer


# Forms.


def test_a_form_needs_the_token_of_its_own_browser(tmp_path: Path) -> None:
    with panel(tmp_path) as (host, acts, session, base), requests.Session() as other:
        other.get(host.link())
        theirs = token(other, base)
        for wrong in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": theirs}):
            answer = session.post(base, {"action": "pause", **wrong})
            assert answer.status_code == 403 and SECRET not in answer.text
        assert not acts.done
        done = session.post(base, {"csrf": token(session, base), "action": "pause"}, allow_redirects=False)
        assert done.status_code == 303 and done.headers["location"] == urlsplit(base).path
        assert [form["action"] for form in acts.done] == ["pause"]
        made_up = session.post(base, {"csrf": token(session, base), "action": "forged"})
        assert made_up.status_code == 400 and "cannot do that" in made_up.text


def test_only_forms_of_a_bounded_size_and_three_methods_are_taken(tmp_path: Path) -> None:
    with panel(tmp_path) as (_, acts, session, base):
        csrf = token(session, base)
        large = session.post(base, {"csrf": csrf, "text": "x" * MAX_BODY})
        assert large.status_code == 413
        assert session.post(base, json={"csrf": csrf}).status_code == 415
        assert session.post(base, f"csrf={csrf}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert session.post(base, b"csrf=%ff\xff&a", headers=FORM).status_code == 400
        assert session.post(base, "&".join(f"a{n}=1" for n in range(200)), headers=FORM).status_code == 400
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            assert session.request(method, base).status_code == 405
        assert not acts.done
        assert session.post(base + "json", {"csrf": csrf}).status_code == 405
        assert session.head(base).status_code == 200 and session.head(base).text == ""


# What every answer says, and what no log does.


def test_every_answer_forbids_what_the_panel_does_not_need(tmp_path: Path) -> None:
    with panel(tmp_path) as (_, _, session, base):
        answers = [
            session.get(base + slug) for slug in ("", "json", "picture", "file", "fail", "crash", "none", "enter")
        ]
        answers += [requests.get(base), requests.get(base + "../x"), session.delete(base), session.post(base)]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert (
                policy.startswith("default-src 'none';")
                and "unsafe" not in policy
                and "frame-ancestors 'none'" in policy
            )
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
            assert "camera=()" in answer.headers["permissions-policy"]
            assert "access-control-allow-origin" not in answer.headers and "server" not in answer.headers
        assert session.get(base + "file").headers["content-disposition"] == 'attachment; filename="we-ird-name.csv"'
        assert "disk is full" in session.get(base + "fail").text
        assert SECRET not in session.get(base + "crash").text


def test_neither_the_log_nor_standard_error_learns_an_address_a_code_or_a_cookie(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up(tmp_path / "framekeep.log", "debug")
    with panel(tmp_path) as (host, _, session, base):
        link = host.link()
        for address in (link, link, base + "crash", base + "fail", base + "none"):
            session.get(address)
        raw(base, "nonsense\n\n")
        raw(
            base,
            f"GET {urlsplit(base).path} HTTP/1.1\nHost: {urlsplit(base).netloc}\nUpgrade: websocket\nConnection: upgrade\n\n",
        )
        secrets = [urlsplit(base).path.strip("/"), code_of(link), str(session.cookies["entry"]), SECRET]
    written = (tmp_path / "framekeep.log").read_text()
    assert "A page of the panel could not be made." in written
    assert_log_is_clean(written, [secret.encode() for secret in secrets])
    said = capfd.readouterr()
    for text in (written, said.err, said.out):
        assert not [secret for secret in secrets if secret in text]


# The server's life.


def test_it_stops_when_nobody_asks_and_the_next_one_shares_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    with panel(tmp_path, clock=clock) as (host, _, session, base):
        clock.advance(599)
        assert session.get(base).status_code == 200, "a request keeps it"
        clock.advance(599)
        requests.get(f"http://{urlsplit(base).netloc}/"), requests.get(base)
        assert not host.wait(0.0)
        clock.advance(1)
        assert host.wait(10), "strangers do not keep it"
        assert closed(urlsplit(base).port or 0)
        cookie = str(session.cookies["entry"])
        link = host.link()
        assert urlsplit(link).path.split("/")[1] != urlsplit(base).path.split("/")[1]
        assert requests.get(base_of(link), headers={"Cookie": f"entry={cookie}"}).status_code == 403
        host.close()
        assert closed(urlsplit(link).port or 0)


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with panel(tmp_path) as (_, _, _, base):
        port = f":{urlsplit(base).port:04X} "
        listening = [
            line.split()[1]
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            if Path(table).exists()
            for line in Path(table).read_text().splitlines()
            if port in line and line.split()[3] == "0A"
        ]
        assert listening in ([], [f"0100007F{port.strip()}"])
        assert urlsplit(base).hostname == "127.0.0.1"


def test_nothing_of_a_web_server_is_loaded_before_the_first_link() -> None:
    heavy = "uvicorn starlette jinja2 babel anyio h11"
    code = (
        f"import sys, agent.panel.host, agent.commands.panel; print([n for n in '{heavy}'.split() if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# How a link travels.


@contextmanager
def somebody_s_browser(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A browser that keeps what it was started with and what was in the file, and stays open for a moment."""
    program, kept = home / "browser.sh", home / "kept"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {kept}.words\ncp "${{1#file://}}" {kept}.new\nmv {kept}.new {kept}\nsleep 1\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # what Python found when it was first asked for a browser
    yield kept


def wait_for(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def running_agent(home: Path) -> Iterator[PanelHost]:
    """What of the agent answers `framekeep panel`: its lock, and a watchman that looks five times a second."""
    with hosted(home) as (host, _):
        paths = host.paths
        lock, stop = InstanceLock(paths.lock), threading.Event()
        assert lock.acquire()

        def watchman() -> None:
            watch = ControlWatch(paths.store)
            while not stop.wait(0.2):
                watch.poll()
                host.hear(watch.panel_requests, now=time.time())
            watch.close()

        thread = threading.Thread(target=watchman)
        thread.start()
        try:
            yield host
        finally:
            stop.set()
            thread.join()
            lock.release()


def framekeep_panel(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "panel", *words],
        env={**os.environ, "FRAMEKEEP_HOME": str(home), "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def everything_processes_show() -> str:
    """Command lines and environments of all processes, as far as this user may read them."""
    shown = ""
    for file in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
        try:
            shown += file.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
    return shown


def test_the_link_reaches_the_browser_by_a_private_file_and_stands_in_no_process_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_agent(tmp_path), somebody_s_browser(tmp_path, monkeypatch) as kept:
        verb = framekeep_panel(tmp_path)
        shown = ""
        while not kept.exists():
            shown += everything_processes_show()
            assert verb.poll() in (None, 0)
        shown += everything_processes_show()
        assert verb.wait(20) == 0
        page = kept.read_text()
        found = re.search(r'url=(http://127[^"]+)"', page)
        assert found is not None
        link = found[1]
        assert "browser.sh" in shown, "the browser was seen"
        assert code_of(link) not in shown and urlsplit(link).path.split("/")[1] not in shown
        folder = tmp_path / "data" / "panel"
        files = list(folder.iterdir())
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600], (
            "the answer is gone, the browser's page there"
        )
        assert requests.get(link).status_code == 200
        wait_for(lambda: not list(folder.iterdir()), 5)


def test_a_redirect_file_nobody_opens_is_removed_and_so_is_what_a_killed_agent_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hosted(tmp_path) as (host, _), somebody_s_browser(tmp_path, monkeypatch):
        assert open_link(host.link(), host.paths.data)
        (file,) = (tmp_path / "data" / "panel").iterdir()
        long_ago = time.time() - CODE_SECONDS - 1
        os.utime(file, (long_ago, long_ago))
        wait_for(lambda: not file.exists(), 5)
        assert open_link(host.link(), host.paths.data)
        other = tmp_path / "data" / "panel" / "note.txt"
        other.write_text("not ours")
        host.tidy()
        assert list((tmp_path / "data" / "panel").iterdir()) == [other]


def test_a_file_written_while_others_are_removed_stays(tmp_path: Path) -> None:
    folder = panel_folder(tmp_path)
    for age in (-3600.0, -0.01, 0.01, CODE_SECONDS + 1):
        file = folder / f"framekeep-answer-{age}"
        file.write_text("")
        os.utime(file, (1e9 - age, 1e9 - age))
    tidy(folder, now=1e9)
    assert sorted(file.name for file in folder.iterdir()) == ["framekeep-answer--0.01", "framekeep-answer-0.01"]


def test_the_verb_prints_a_link_of_the_running_agent_and_writes_no_page(tmp_path: Path) -> None:
    with running_agent(tmp_path):
        verb = framekeep_panel(tmp_path, "--url")
        out, err = verb.communicate(timeout=20)
        assert (verb.returncode, err) == (0, "")
        assert requests.get(out.strip()).status_code == 200
        assert not list((tmp_path / "data" / "panel").iterdir())


def test_several_who_ask_at_once_get_a_link_each(tmp_path: Path) -> None:
    with running_agent(tmp_path) as host:
        links: list[str] = []
        askers = [
            threading.Thread(target=lambda: links.append(ask_running_agent(host.paths, now=time.time())))
            for _ in range(4)
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert len(set(links)) == 4, "nobody is forgotten for the next one's sake"
        assert [requests.get(link).status_code for link in links] == [200] * 4


def test_an_agent_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    with hosted(tmp_path) as (host, _):
        with pytest.raises(NoPanel, match="did not answer within 0 s: try again"):
            ask_running_agent(host.paths, now=time.time(), patience=0.3)
        assert not list((tmp_path / "data" / "panel").iterdir())
        host.serve_request("../../nonce")
        assert not list(tmp_path.rglob("*nonce*")), "what names a file comes from us"


def test_without_an_agent_the_verb_serves_the_panel_itself_and_without_a_browser_says_what_to_do(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    verb = framekeep_panel(home, "--url")
    assert verb.stdout is not None
    link = verb.stdout.readline().strip()
    try:
        with requests.Session() as session:
            session.get(link)
            assert session.get(base_of(link)).status_code == 200
    finally:
        verb.send_signal(2)
        err = verb.communicate(timeout=20)[1]
    assert verb.returncode == 0
    assert (
        err.startswith("framekeep: Framekeep does not run, so this command serves the panel") and err.count("\n") == 1
    )
    assert closed(urlsplit(link).port or 0)
    environ = {
        name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    }
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "panel"],
        env={**environ, "FRAMEKEEP_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.strip().startswith("framekeep: No browser was found here: run framekeep panel --url")
    assert json.dumps(done.stdout) == '""'
