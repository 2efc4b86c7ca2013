"""The verb `panel`: open the privacy panel in the browser, or print a fresh link to it.

The running agent serves it. Where none runs, this verb does, until nobody asks any more or Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import time

from agent import log as logs
from agent.clock import SystemClock
from agent.commands.local import open_local, say
from agent.control import InstanceLock
from agent.panel.alone import Alone
from agent.panel.answers import NoPanel, ask_running_agent
from agent.panel.browser import open_link
from agent.panel.host import NO_BROWSER, PanelHost
from agent.paths import Paths, find_paths

_LOOK_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep panel` takes."""
    parser.add_argument(
        "--url", action="store_true", help="print a link instead, good for one opening within a minute on this computer"
    )


def run(arguments: argparse.Namespace) -> int:
    """Open the panel. Raises FramekeepError."""
    paths = find_paths().create()
    if InstanceLock(paths.lock).holder() is not None:
        _hand_over(ask_running_agent(paths, now=time.time()), paths, url=arguments.url)
        return 0
    with open_local(create=True, only_shows=True) as local:
        for problem in local.problems:
            _note(problem)
        logs.set_up(paths.log_file, local.config.log_level)
        alone = Alone(local, SystemClock())
        host = PanelHost(alone.panel())
        try:
            _hand_over(host.link(), paths, url=arguments.url)
            if arguments.url:
                _note(
                    "Framekeep does not run, so this command serves the panel: until Ctrl-C, or ten minutes without a visit."
                )
            else:
                say(
                    "The panel is open in your browser. Framekeep does not run, so nothing is measured. Ctrl-C closes it."
                )
                sys.stdout.flush()
            while not host.wait(_LOOK_SECONDS):
                if alone.superseded():
                    say("Framekeep was started, so this panel is closed: framekeep panel opens its own.")
                    break
        except KeyboardInterrupt:  # the usual end
            pass
        finally:
            host.close()
            alone.close()
    return 0


def _hand_over(link: str, paths: Paths, *, url: bool) -> None:
    if url:
        say(link)
        sys.stdout.flush()
    elif not open_link(link, paths.data):
        raise NoPanel(NO_BROWSER)


def _note(text: str) -> None:
    """Beside what the verb answers, which a program may read."""
    sys.stderr.write(f"framekeep: {text}\n")
