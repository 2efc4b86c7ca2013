"""Opens the panel in a process that holds what the agent holds, visits every page, and prints what that cost as JSON:
milliseconds from asking for a link to the whole first page, megabytes more than before (proportional set size).
"""

from __future__ import annotations

import gc
import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil

import agent.desk
import agent.run  # noqa: F401  what the agent holds anyway is not the panel's cost
from agent.panel.host import PanelHost
from tests.panel_site import make_panel


def megabytes() -> float:
    memory = psutil.Process().memory_full_info()
    return float(getattr(memory, "pss", memory.uss)) / 1024**2


def main(home: Path) -> None:
    panel, store = make_panel(home)
    host = PanelHost(panel)
    gc.collect()
    before, began = megabytes(), time.perf_counter()
    link = urlsplit(host.link())
    connection = http.client.HTTPConnection(link.netloc)

    def get(address: str, cookie: str = "") -> http.client.HTTPResponse:
        connection.request("GET", address, headers={"Cookie": cookie, "Accept-Language": "de"})
        return connection.getresponse()

    answer = get(f"{link.path}?{link.query}")
    answer.read()
    cookie = str(answer.headers["set-cookie"]).partition(";")[0]
    base = link.path.removesuffix("enter")
    first = get(base, cookie)
    size = len(first.read())
    milliseconds = 1000 * (time.perf_counter() - began)

    from agent.panel.pages import site

    statuses = {}
    for slug in [*site().pages, "static/panel.css"] * 3:
        answer = get(base + slug, cookie)
        answer.read()
        statuses[slug] = answer.status
    cost = {"ms": milliseconds, "mb": megabytes() - before, "first": [first.status, size], "statuses": statuses}
    sys.stdout.write(json.dumps(cost))
    host.close()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
