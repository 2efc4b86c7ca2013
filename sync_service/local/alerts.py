"""The Alerts port on one machine: a line in the log, which goes to stderr."""

from __future__ import annotations

import logging

log = logging.getLogger("framekeep.alerts")


class LogAlerts:
    """Alerts as warnings: `kind`, the sentence, then the facts as name=value."""

    def alert(self, kind: str, message: str, **facts: int | str) -> None:
        """See Alerts.alert."""
        log.warning("%s: %s %s", kind, message, " ".join(f"{name}={value}" for name, value in sorted(facts.items())))
