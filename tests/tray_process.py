"""A process that is nothing but the tray, for tests: does what it reads, a JSON line each, and writes what it is told.

Reads {"show": {fields of Status}}, {"notify": {fields of Notice}}, {"withdraw": key} and {"end": true}; writes
{"action": ...}, {"visible": ...} and {"notified": ...}.
"""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC
from typing import Any

from agent.desktop_bus import Desktop
from agent.tray.base import Notice
from agent.tray.linux import LinuxTray
from agent.tray.view import Action, tray_view
from agent.tray.words import PlainEnglish
from tests.tray_status import NOW, a_status


def say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    stop = threading.Event()
    desktop = Desktop()
    tray = LinuxTray(desktop, on_visible=lambda visible: say(visible=visible))
    desktop.start()

    def obey() -> None:
        for line in sys.stdin:
            match json.loads(line):
                case {"show": fields}:
                    tray.show(tray_view(a_status(**fields), now=NOW, zone=UTC, words=PlainEnglish(UTC)))
                case {"notify": fields}:
                    actions = tuple((Action(action), label) for action, label in fields.pop("actions", ()))
                    say(notified=tray.notify(Notice(actions=actions, **fields)))
                case {"withdraw": key}:
                    tray.withdraw(key)
                case {"end": True}:
                    break
        stop.set()

    threading.Thread(target=obey, daemon=True).start()
    say(ready=True)
    tray.run(stop, lambda action: say(action=action.value))
    tray.close()
    desktop.close()
    say(ended=True)


if __name__ == "__main__":
    main()
