"""How delivery stands, in a few sentences. Pure."""

from __future__ import annotations

from agent.panel.language import Speech
from agent.status import Status


def delivery_lines(say: Speech, status: Status, *, enrolled: bool, now: float) -> tuple[str, ...]:
    """What there is to say at `now` about what leaves this laptop."""
    _, lines = say.gettext, []
    if not enrolled:
        return (_("This laptop belongs to no organisation: what is measured stays here, and nothing is sent."),)
    if status.last_delivery is None:
        lines.append(_("Nothing was sent yet."))
    else:
        lines.append(_("The service last accepted something: %(time)s.", time=say.moment(status.last_delivery, now)))
    if status.outbox_depth:
        lines.append(
            say.ngettext(
                "%(num)s envelope waits to be sent (%(size)s).",
                "%(num)s envelopes wait to be sent (%(size)s).",
                status.outbox_depth,
                size=say.size(status.outbox_bytes),
            )
        )
    if status.unsealed:
        lines.append(
            say.ngettext(
                "%(num)s stretch of five minutes is not in an envelope yet.",
                "%(num)s stretches of five minutes are not in an envelope yet.",
                status.unsealed,
            )
        )
    if status.set_aside:
        lines.append(
            say.ngettext(
                "%(num)s envelope was set aside: the service refused it.",
                "%(num)s envelopes were set aside: the service refused them.",
                status.set_aside,
            )
        )
    if status.withheld:
        lines.append(
            say.ngettext(
                "%(num)s envelope is withheld: you declined before it was sent.",
                "%(num)s envelopes are withheld: you declined before they were sent.",
                status.withheld,
            )
        )
    if status.lost:
        lines.append(
            say.ngettext(
                "%(num)s stretch of five minutes was measured and lost.",
                "%(num)s stretches of five minutes were measured and lost.",
                status.lost,
            )
        )
    return tuple(lines)
