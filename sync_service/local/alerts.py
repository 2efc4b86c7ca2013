"""The Alerts port on one machine: a line in the log, which goes to stderr; and the loops that look and send."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sync_service.alerting import Alerting
from sync_service.local.loops import Loop
from sync_service.local.outbound import Outbound
from sync_service.ports import Alerts, Database

LOOK_SECONDS = 60.0
SEND_SECONDS = 15.0

log = logging.getLogger("framekeep.alerts")


class LogAlerts:
    """Alerts as warnings: `kind`, the sentence, then the facts as name=value."""

    def alert(self, kind: str, message: str, **facts: int | str) -> None:
        """See Alerts.alert."""
        log.warning("%s: %s %s", kind, message, " ".join(f"{name}={value}" for name, value in sorted(facts.items())))


def alert_loops(database: Database, said: Alerts, *, clock: Callable[[], int]) -> list[Loop]:
    """The loops that look and that send, over the database as framekeep_alerts. A receiver that is slow holds up sending
    and never looking.
    """
    alerting = Alerting(database, Outbound(), said, clock=clock)

    def look() -> bool:
        if alerting.look():
            sender.wake()
        return False

    sender = Loop("alert sender", alerting.deliver, idle_seconds=SEND_SECONDS)
    return [Loop("alert rules", look, idle_seconds=LOOK_SECONDS), sender]
