"""The demonstration's organisation: a team of simulated colleagues and you, and a manager who may read the team.

The only place where the agent's package knows the service's: they are set up together here as an administrator would.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agent.demo.colleagues import NAMES
from sync_service.app import build_office, join_store
from sync_service.approving import ask_to_add
from sync_service.cohorts import Joining
from sync_service.issuing import new_token
from sync_service.local.alerts import LogAlerts
from sync_service.provision import create_organisation, create_team, new_code
from sync_service.publisher import Publisher
from sync_service.timetable import Timing, month_of

TEAM = "Customer care (demo)"


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """What was set up: codes for you and for each colleague, the team's id and a manager's token."""

    own_code: str
    codes: tuple[str, ...]
    team: str
    token: str


def set_up(data: Path, endpoint: str, *, zone: str, day: date, now: int) -> DemoOrganisation:
    """Create the organisation in the service's data folder, its team counted from the month of `day`."""
    with join_store(data) as store:
        office = build_office(store)
        org = create_organisation(office, "Framekeep demonstration", endpoint, now=now).id
        team = create_team(office, org, TEAM, zone, now=now)
        # By one administrator, as may be before anything is measured; it stands in the access log.
        people = [
            ask_to_add(
                office.database,
                org,
                None,
                request=secrets.token_hex(16),
                name=name,
                team=team,
                since=month_of(day),
                now=now,
            )["person"]
            for name in ("You", *(f"{name} (simulated)" for name in NAMES))
        ]
        own, *others = (new_code(office, org, person, now=now).code for person in people)
        token = new_token(office, org, "Demo manager", "manager", now=now, teams=[team]).token
    return DemoOrganisation(own, tuple(others), team, token)


def publish(data: Path, *, day: date, now: int) -> None:
    """Release the day's blocks at once, and count everybody from their first day on. Only a demonstration may: people
    need the time to see and correct them, and somebody new counts after ten active days.
    """
    with join_store(data) as store:
        publisher = store.database("publisher")
        Publisher(publisher, LogAlerts(), Timing.without_delay(), joining=Joining.at_once()).run(now, first_day=day)
