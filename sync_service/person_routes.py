"""What a person asks for through their own laptop: enrolment, and their rights over what is kept about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from agent.wire.errors import WireError
from agent.wire.strict import exact_fields, strict_json
from sync_service import access_log, own_data, own_team
from sync_service.authz import enter
from sync_service.device_auth import DeviceGate
from sync_service.enroll import enrol
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, refusal, refuses
from sync_service.own_export import export as export_of
from sync_service.participation import keep_participation
from sync_service.ports import Database, Device, DeviceRegistry, Documents
from sync_service.schemas import (
    ACCESS_LOG,
    CORRECTION,
    CORRECTION_KEPT,
    DAY,
    ENROLLED,
    ENROLMENT,
    ERASURE,
    EXPORT,
    OPEN_ERASURE,
    OWN_REPORTS,
    OWN_TEAM,
    PARTICIPATION,
    PARTICIPATION_KEPT,
)
from sync_service.timetable import Timing

MAX_BODY = 4096
MAX_DAYS = 35
"""Person rollups are kept this long."""
DEFAULT_DAYS = 14

_DEVICE_REFUSES = {"s401": "not_authenticated", "s403": "revoked", "s503": "unavailable"}


@dataclass(frozen=True, slots=True)
class PersonParts:
    """What these endpoints need. `person` speaks as framekeep_person; `enrolling`, `registry` and `documents` as
    framekeep_enroll.
    """

    gate: DeviceGate
    person: Database
    enrolling: Database
    registry: DeviceRegistry
    documents: Documents
    timing: Timing
    clock: Callable[[], int]


def person_endpoints(parts: PersonParts) -> list[Endpoint]:
    """The lines of the table for people."""

    def devices(request: Request) -> Answer:
        return enrol(
            request.body, db=parts.enrolling, registry=parts.registry, documents=parts.documents, now=parts.clock()
        )

    def log(request: Request) -> Answer:
        device = parts.gate.device(request)
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            rows = access_log.about_person(tx, device.person, limit=access_log.MOST_ROWS + 1)
        return Answer(200, access_log.told(rows))

    def reports(request: Request) -> Answer:
        device = parts.gate.device(request)
        today = datetime.fromtimestamp(parts.clock(), UTC).date()
        first, last = asked_days(request, today, default=DEFAULT_DAYS, most=MAX_DAYS)
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            return Answer(200, own_data.reports(tx, device.person, first, last, parts.timing))

    def team(request: Request) -> Answer:
        device, now = parts.gate.device(request), parts.clock()
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            zone = own_data.place_of(tx, device.person, datetime.fromtimestamp(now, UTC).date()).zone
            return Answer(200, own_team.team_of(tx, device.person, zone, now=now))

    def export(request: Request) -> Answer:
        device = _noted(parts, request, "export")
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            whole = export_of(tx, device.org, device.person, now=parts.clock())
        return Answer(200, whole, {"Content-Disposition": 'attachment; filename="framekeep-export.json"'})

    def corrections(request: Request) -> Answer:
        device, now = parts.gate.device(request), parts.clock()
        try:
            fields = exact_fields(strict_json(request.body, MAX_BODY), ("id", "from", "to", "as", "note"))
            with parts.person.transaction() as tx:
                enter(tx, device.org, device.person)
                wanted = own_data.Correction.parse(fields, now)
                return Answer(201, own_data.correct(tx, device.org, device.person, wanted, parts.timing, now=now))
        except WireError as error:
            return refusal(413 if error.code == "too_large" else 400, error.code)
        except own_data.BadCorrection as error:
            return refusal(400, str(error))

    def participation(request: Request) -> Answer:
        device = parts.gate.device(request)
        try:
            wanted = exact_fields(strict_json(request.body, MAX_BODY), ("participating",))["participating"]
        except WireError as error:
            return refusal(413 if error.code == "too_large" else 400, error.code)
        if not isinstance(wanted, bool):
            return refusal(400, "malformed")
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            return Answer(200, keep_participation(tx, device.org, device.id, wanted, now=parts.clock()))

    def erasure(request: Request) -> Answer:
        device = parts.gate.device(request)
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            return Answer(200, {"erasure": own_data.open_erasure(tx, device.person)})

    def erase(request: Request) -> Answer:
        device = _noted(parts, request, "erasure_requested")
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            return Answer(202, own_data.request_erasure(tx, device.org, device.person, now=parts.clock()))

    def keep(request: Request) -> Answer:
        device = _noted(parts, request, "erasure_cancelled")
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            asked = own_data.open_erasure(tx, device.person)
            if asked is None:
                return refusal(404, "nothing_to_cancel")
            if not own_data.cancel_erasure(tx, device.person, now=parts.clock()):
                return refusal(409, "too_late")
            return Answer(200, {**asked, "step": "cancelled"})

    return [
        Endpoint(
            "POST",
            "/v1/devices",
            devices,
            "Enrol a laptop with a one-time code",
            {
                201: ("Enrolled. The same code and key before expiry get the same answer.", ENROLLED),
                **refuses(
                    s400="malformed, unsupported_version",
                    s403="code_refused: unknown, used, expired, or not known to the sender",
                    s413="too_large",
                    s503="unavailable",
                ),
            },
            body=ENROLMENT,
        ),
        Endpoint(
            "GET",
            "/v1/me/access-log",
            log,
            "Who read something about me",
            {200: ("Reads, newest first.", ACCESS_LOG), **refuses(**_DEVICE_REFUSES)},
            auth="device",
        ),
        Endpoint(
            "GET",
            "/v1/me/reports",
            reports,
            "My own quarter hours, and my team's page before managers see it",
            {
                200: ("Own measurements, when corrections close, and the team's page.", OWN_REPORTS),
                **refuses(s400="malformed, from_after_to, range_too_long", **_DEVICE_REFUSES),
            },
            auth="device",
            query=(
                Parameter("from", f"First day; {DEFAULT_DAYS} days before `to` when left out.", DAY),
                Parameter("to", f"Last day; today (UTC) when left out. At most {MAX_DAYS} days.", DAY),
            ),
        ),
        Endpoint(
            "GET",
            "/v1/me/team",
            team,
            "Who is in my team, and how each stands to its numbers",
            {
                200: ("Members by name: counted, not yet counted, or not at all. Nothing that was measured.", OWN_TEAM),
                **refuses(**_DEVICE_REFUSES),
            },
            auth="device",
        ),
        Endpoint(
            "GET",
            "/v1/me/export",
            export,
            "Everything kept under my name",
            {200: ("One JSON object.", EXPORT), **refuses(**_DEVICE_REFUSES)},
            auth="device",
        ),
        Endpoint(
            "POST",
            "/v1/me/corrections",
            corrections,
            "Contradict a measurement",
            {
                201: ("Kept. Says whether it still changes the team's number of that day.", CORRECTION_KEPT),
                **refuses(
                    s400="malformed, whole_quarter_hours_of_one_day_only, not_in_the_future, too_old: measurements are "
                    f"kept {MAX_DAYS} days, too_many: {own_data.MOST_CORRECTIONS} of one day",
                    s413="too_large",
                    **_DEVICE_REFUSES,
                ),
            },
            auth="device",
            body=CORRECTION,
        ),
        Endpoint(
            "PUT",
            "/v1/me/participation",
            participation,
            "Say whether this laptop's person takes part",
            {
                200: ("Kept, by day. Saying the same again changes nothing.", PARTICIPATION_KEPT),
                **refuses(s400="malformed", s413="too_large", **_DEVICE_REFUSES),
            },
            auth="device",
            body=PARTICIPATION,
        ),
        Endpoint(
            "GET",
            "/v1/me/erasure",
            erasure,
            "The erasure I have asked for",
            {200: ("The one asked for and not cancelled, or null.", OPEN_ERASURE), **refuses(**_DEVICE_REFUSES)},
            auth="device",
        ),
        Endpoint(
            "POST",
            "/v1/me/erasure",
            erase,
            "Have everything about me erased",
            {202: ("Held for 24 hours, then carried out.", ERASURE), **refuses(**_DEVICE_REFUSES)},
            auth="device",
        ),
        Endpoint(
            "DELETE",
            "/v1/me/erasure",
            keep,
            "Cancel the erasure while it is held",
            {
                200: ("Cancelled.", ERASURE),
                **refuses(s404="nothing_to_cancel", s409="too_late: it has begun", **_DEVICE_REFUSES),
            },
            auth="device",
        ),
    ]


def _noted(parts: PersonParts, request: Request, action: str) -> Device:
    """The device asking, after its person's access log says so: a stolen laptop leaves a trace."""
    device = parts.gate.device(request)
    entry = access_log.by_self(device.person, action)
    access_log.record(parts.person, device.org, entry, now=parts.clock())
    return device


def asked_days(request: Request, today: date, *, default: int, most: int) -> tuple[date, date]:
    """The range in `from` and `to`, both included. Raises Refused for anything else."""
    try:
        last = date.fromisoformat(request.query["to"]) if "to" in request.query else today
        first = date.fromisoformat(request.query["from"]) if "from" in request.query else last - timedelta(default - 1)
    except (ValueError, OverflowError):
        raise Refused(refusal(400, "malformed")) from None
    if first > last:
        raise Refused(refusal(400, "from_after_to"))
    if (last - first).days >= most:
        raise Refused(refusal(400, "range_too_long"))
    if not 2000 <= first.year <= last.year <= 2999:
        raise Refused(refusal(400, "malformed"))
    return first, last
