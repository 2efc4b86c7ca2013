"""Promise: in a real browser the panel opens from its file, works, and asks nobody but itself; a page of any other origin,
another port of this computer included, reads nothing of it, does nothing in it and never receives its cookie, even if it
knew the panel's address.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from agent.panel.browser import redirect_folders
from agent.panel.files import panel_folder, write_redirect
from tests.panel_browser import open_panel, visitor
from tests.panel_site import SECRET, hosted

ATTACK = """<!doctype html><meta charset="utf-8"><title>attack</title><body><script>
const base = BASE, told = {};
const settle = (name, value) => { told[name] = String(value); };
const loads = (name, element, address) => new Promise((done) => {
  element.onload = () => { settle(name, "loaded"); done(); };
  element.onerror = () => { settle(name, "refused"); done(); };
  element[name === "style" ? "href" : "src"] = address;
  document.body.append(element);
  setTimeout(() => { if (!(name in told)) settle(name, "nothing"); done(); }, 1500);
});
const reads = (name, options) => fetch(base + "json", options)
  .then((answer) => answer.text()).then((text) => settle(name, "read:" + text), () => settle(name, "refused"));
(async () => {
  await reads("fetch", {});
  await reads("credentials", {credentials: "include"});
  await reads("opaque", {credentials: "include", mode: "no-cors"});
  await reads("post", {method: "POST", credentials: "include", mode: "no-cors",
    body: new URLSearchParams({action: "pause", csrf: "x"})});
  await reads("beacon", {method: "POST", credentials: "include", keepalive: true, mode: "no-cors", body: "action=pause"});
  settle("socket", await new Promise((done) => {
    const socket = new WebSocket(base.replace("http", "ws"));
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  }));
  const style = document.createElement("link"); style.rel = "stylesheet";
  await Promise.all([
    loads("script", document.createElement("script"), base + "json"),
    loads("picture", document.createElement("img"), base + "picture"),
    loads("style", style, base + "file"),
  ]);
  const frame = document.createElement("iframe"); frame.name = "inner"; frame.src = base;
  document.body.append(frame);
  const form = document.createElement("form"); form.method = "post"; form.action = base; form.target = "posted";
  form.innerHTML = '<input name="action" value="pause"><input name="csrf" value="x">';
  const target = document.createElement("iframe"); target.name = "posted"; document.body.append(target, form);
  form.submit();
  const opened = window.open(base, "opened");
  await new Promise((done) => setTimeout(done, 1200));
  for (const [name, other] of [["frame", frame.contentWindow], ["opened", opened]]) {
    try { settle(name, other ? "read:" + other.document.body.innerText : "none"); } catch { settle(name, "refused"); }
  }
  document.title = JSON.stringify(told);
})();
</script>"""


@contextmanager
def other_server(base: str) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Somebody else's web server on this computer, with a page that attacks `base`, and all headers it was sent."""
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append({name.lower(): value for name, value in self.headers.items()})
            body = ATTACK.replace("BASE", repr(base)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", "entry=planted; Path=/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        server.server_close()


def test_the_panel_opens_from_its_file_works_and_asks_nobody_else(tmp_path: Path, chromium: Browser) -> None:
    with hosted(tmp_path) as (host, acts), visitor(chromium) as somebody:
        file = write_redirect(panel_folder(host.paths.data), host.link())
        assert host.paths.data / "panel" in redirect_folders(host.paths.data)
        page = somebody.page
        page.goto(file.as_uri())
        page.wait_for_selector("#said")
        assert page.text_content("#said") == SECRET and "code=" not in page.url
        assert not file.exists(), "used"
        page.click("button")
        page.wait_for_load_state()
        assert [form["action"] for form in acts.done] == ["pause"], "our own form comes through"
        assert page.evaluate("document.cookie") == "", "no script sees the cookie"
        assert all(
            address.startswith(("file:", somebody.base[: somebody.base.index("/", 8)])) for address in somebody.requests
        )
        page.go_back()
        assert "enter" not in page.url


def test_a_file_that_leads_to_one_page_goes_too_when_it_was_used(tmp_path: Path, chromium: Browser) -> None:
    with hosted(tmp_path) as (host, _), visitor(chromium) as somebody:
        folder = panel_folder(host.paths.data)
        for slug in ("json", "picture"):
            file = write_redirect(folder, host.link(slug))
            somebody.page.goto(file.as_uri())
            somebody.page.wait_for_url(f"**/{slug}")
            assert list(folder.iterdir()) == [], "used"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["the same site, another port", "another site"])
def test_a_page_of_another_origin_gets_nothing(tmp_path: Path, chromium: Browser, name: str) -> None:
    with hosted(tmp_path) as (host, acts), open_panel(chromium, host.link()) as somebody:
        base, seen = somebody.base, len(acts.seen)
        with other_server(base) as (port, received):
            attack = somebody.context.new_page()
            attack.goto(f"http://{name}:{port}/")
            attack.wait_for_function("document.title.startsWith('{')")
            told = attack.evaluate("JSON.parse(document.title)")
            assert SECRET not in str(told)
            assert told["opaque"] in ("refused", "read:") and told["post"] in ("refused", "read:"), told
            for what in ("fetch", "credentials", "socket", "script", "picture", "style"):
                assert told[what] in ("refused", "nothing"), told
            shown = [
                frame.content() for page in somebody.context.pages if page != somebody.page for frame in page.frames
            ]
            assert len(shown) >= 3 and not [text for text in shown if SECRET in text], (
                "neither framed nor in a new window"
            )
            attack.goto(f"http://{name}:{port}/again")
            sent = {headers.get("cookie", "") for headers in received}
            assert sent == {"", "entry=planted"}, "its own cookie comes back, ours never does"
        assert len(acts.seen) == seen and not acts.done
        somebody.page.reload()
        assert somebody.page.text_content("#said") == SECRET, "and the panel's own page goes on"


def test_a_used_link_says_what_to_do(tmp_path: Path, chromium: Browser) -> None:
    with hosted(tmp_path) as (host, _):
        link = host.link()
        with open_panel(chromium, link) as first:
            first.page.goto(link)
            first.page.wait_for_selector("#said")
        with visitor(chromium, locale="en-GB") as second:
            second.page.goto(link)
            assert "the command framekeep panel" in (second.page.text_content("main") or "")
            assert second.page.title() == "This page is closed"
