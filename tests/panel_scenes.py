"""Laptops to look at the panel with: a full day at work, an empty one, a paused one, one that belongs to nobody, one
before the decision. Store, keys, documents, envelopes, client and camera check are the real ones; the service's answers
are written down here in the shapes of its schemas and travel over a real loopback socket.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from agent.attention import meter
from agent.attention.meter import Meter
from agent.attention.observation import Face, Lens, Observation, Person, Phone
from agent.attention.rules import Rules
from agent.check import CameraCheck
from agent.commands.local import Local
from agent.config import load_config
from agent.consent import NOTICE_VERSION, Acknowledgement, Decision
from agent.control import InstanceLock, pause
from agent.key_changes import KeyChange, What, write_changes
from agent.keys import FileKeyStore
from agent.panel.alone import Alone
from agent.panel.host import PanelHost
from agent.panel.parts import Panel
from agent.paths import Paths
from agent.status import AgentState, Report
from agent.store import DocumentKind, Store
from agent.store.rows import EnvelopeState
from agent.wire.documents import WorkHours
from agent.wire.ids import signer_id
from agent.wire.summary import STATES, Window
from tests.builders import DAY, MODELS, ManualClock
from tests.laptop import STORE_KEY, Laptop, enrolled_laptop
from tests.loopback import Answer, answer

HOURS = (WorkHours((1, 2, 3, 4), 9 * 60, 17 * 60 + 30), WorkHours((5,), 9 * 60, 15 * 60))
TODAY = date(2025, 11, 27)
"""A Thursday."""
NOW = int(datetime.combine(TODAY, time(14, 22, 40), UTC).timestamp())
TEAM = "5e0c1a4b7d2f4c83a9160b27e8d3f915"
LOOK = Observation(
    1000.0,
    (640, 480),
    Lens.CLEAR,
    (Face((250, 110, 390, 290), 0.94, 6.0, -3.0),),
    (Phone((110, 330, 170, 420), 0.31),),
    (Person((150, 80, 520, 478), 0.88),),
)
TURNED = replace(LOOK, faces=(replace(LOOK.faces[0], yaw=48.0),))
SCENES = ("day", "empty", "paused", "alone", "new")


@dataclass
class Scene:
    """A panel to open, and what stands behind it."""

    host: PanelHost
    panel: Panel
    store: Store
    paths: Paths
    clock: ManualClock
    service: Any


@contextmanager
def scene(name: str, folder: Path, *, language: str = "") -> Iterator[Scene]:
    """The laptop called `name` (one of SCENES), its panel ready to give out links."""
    paths = Paths(data=folder / "data", config=folder, logs=folder / "logs", portable=True).create()
    if language:
        paths.config_file.write_text(f'# chosen long ago\nlanguage = "{language}"\n', encoding="utf-8")
    with ExitStack() as held:
        clock, laptop = ManualClock(NOW), None
        if name in ("day", "empty", "paused"):
            laptop = held.enter_context(enrolled_laptop(paths.data))
            clock = laptop.clock
            _prepare(laptop)
            store, keys = laptop.store, laptop.keys
        else:
            keys = FileKeyStore(paths.key_file)
            keys.put("store-key", STORE_KEY)
            store = Store(paths.store, STORE_KEY)
            held.callback(store.close)
        _fill(name, store, laptop, clock)
        clock.set_wall(NOW)
        lock = InstanceLock(paths.lock)
        assert lock.acquire()
        held.callback(lock.release)
        if name == "paused":
            pause(paths.store, now=NOW - 400, seconds=3600)
        check = CameraCheck(clock)
        _serve(name, check, held)
        local = Local(paths, load_config(paths.config_file), keys, store)
        alone = Alone(local, clock)
        panel = replace(alone.panel(), check=check)
        host = PanelHost(panel)
        held.callback(host.close)
        yield Scene(host, panel, store, paths, clock, laptop.service if laptop else None)


def _prepare(laptop: Laptop) -> None:
    org = laptop.service.org
    began = NOW - 20 * DAY
    digest = org.agreement_value(2, at=began).digest
    terms: dict[str, Any] = {"work_hours": HOURS, "agreement": digest}
    changes = [KeyChange(began, What.COUNCIL, signer_id(org.council_public))]
    for kind, seq, body in (
        (DocumentKind.KEYSET, 3, org.keyset(3, at=began, council=org.council_public)),
        (DocumentKind.AGREEMENT, 2, org.agreement(2, at=began)),
        (DocumentKind.POLICY, 7, org.policy(7, at=began, **terms)),
        (DocumentKind.COMING_POLICY, 8, org.policy(8, at=began, **terms, k=8, effective=NOW + 7 * DAY)),
        (DocumentKind.KEY_CHANGES, 1, write_changes(changes)),
    ):
        laptop.store.put_document(kind, seq=seq, body=body)
    laptop.service.trouble = _answers


def _fill(name: str, store: Store, laptop: Laptop | None, clock: ManualClock) -> None:
    """Windows, envelopes, answer, checkpoint and status."""
    if name != "new":
        store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", Decision.ACCEPTED, NOW - 9 * DAY))
    policy = "p-7" if laptop else None
    days = {"day": 11, "paused": 11, "alone": 1, "empty": 0, "new": 0}[name]
    for back in range(days - 1, -1, -1):
        day = TODAY - timedelta(days=back)
        if day.weekday() < 5:
            store.commit(day_of_work(day, until=NOW), b"{}", policy=policy, models=MODELS, lost=int(back == 6))
    if laptop is not None and days:
        _seal(laptop, clock)
    state = {"paused": AgentState.PAUSED, "new": AgentState.UNDECIDED, "empty": AgentState.RESTING}.get(
        name, AgentState.WATCHING
    )
    report = Report(
        state,
        NOW - 4000,
        NOW,
        camera="camera 0" if state is AgentState.WATCHING else "",
        policy=policy,
        key_store="file",
        reason="locked" if name == "empty" else "",
        participation="accepted" if name != "new" else "undecided",
    )
    checkpoint = json.dumps(_meter(measuring=state is AgentState.WATCHING).to_json()).encode()
    store.commit((), checkpoint, policy=policy, status=report.to_bytes())


def _meter(*, measuring: bool) -> Meter:
    """Two and a half minutes of looks at somebody at the screen, the last of them turned away."""
    carried, rules = Meter(), Rules(interval=10.0)
    for back in range(150, -1, -10) if measuring else ():
        seen = replace(TURNED if back == 0 else LOOK, at=1000.0 - back)
        carried, _ = meter.look(carried, seen, 1000.0 - back, NOW - 3.0 - back, rules)
    return carried


def day_of_work(day: date, *, until: int) -> list[Window]:
    """Five-minute windows of a day from nine on, the same for the same day: a call at eleven, lunch at half past twelve."""
    chance = random.Random(day.toordinal())
    start = int(datetime.combine(day, time(9), UTC).timestamp())
    windows = []
    for number in range(8 * 12 + 6):
        at = start + 300 * number
        if at + 300 > until:
            break
        windows.append(_window(at, number, chance))
    return windows


def _window(at: int, number: int, chance: random.Random) -> Window:
    if 24 <= number < 33:  # a call
        return Window(at, not_observed=300)
    if 42 <= number < 52:
        return Window(at, absent=300, frames=30)
    if number in (60, 61):
        return Window(at, unknown=300, frames=30)
    seconds = {"looking_away": chance.randint(0, 80), "on_phone": chance.choice((0, 0, 0, 0, 45, 120))}
    seconds["absent"] = chance.choice((0, 0, 0, 30, 100)) if number % 7 else 60
    seconds["unknown"] = chance.choice((0, 0, 0, 0, 0, 12))
    rest = 300 - sum(seconds.values())
    if rest < 0:
        seconds, rest = {"looking_away": 80}, 220
    return Window(at, at_screen=rest, frames=30, **seconds)


def _seal(laptop: Laptop, clock: ManualClock) -> None:
    """Envelopes of three windows each in every state, and two windows that are not sealed yet."""
    uploader, envelopes = laptop.uploader(), laptop.store.envelopes
    key = uploader.documents.keyset.seal_keys[0].key  # type: ignore[union-attr]  # enrolled, so there is one
    while len(starts := laptop.store.unsealed(400)) > 2:
        clock.set_wall(starts[2] + 400)
        envelopes.seal(uploader._sealer(key), now=clock.wall(), limit=3)
    rows = envelopes.recent(1000)
    opened: dict[UUID, EnvelopeState] = {}
    for back, row in enumerate(rows):
        if back == 9:
            envelopes.set_aside(row.seq, reason="The service answered 413: too large.", now=row.created + 30)
        elif back > 1:
            envelopes.accept(row.seq, now=row.created + 20)
            if back > 4:
                opened[row.id] = EnvelopeState.OPENED
    envelopes.settle_receipts(opened, now=NOW - 300)


def _serve(name: str, check: CameraCheck, held: ExitStack) -> None:
    """The camera check of an agent that looks, or why it does not."""
    if name not in ("day", "alone"):
        reason = {"paused": (AgentState.PAUSED, "paused"), "new": (AgentState.UNDECIDED, "")}
        check.stand(*reason.get(name, (AgentState.RESTING, "locked")))
        return
    check.stand(AgentState.WATCHING)
    stop, judged = threading.Event(), _meter(measuring=True).judge
    jpeg = a_picture()

    def look() -> None:
        while not stop.wait(0.05):
            if check.delay() is not None:
                check.serve(LOOK, jpeg, judged, Rules(interval=10.0), wall=NOW)

    check.serve(TURNED, b"", judged, Rules(interval=10.0), wall=NOW)
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    held.callback(thread.join, 2)
    held.callback(stop.set)


def a_picture() -> bytes:
    """A drawn stand-in for somebody at a desk: nobody's face is needed to look at a page."""
    import cv2
    import numpy as np

    picture = np.full((480, 640, 3), (168, 160, 150), np.uint8)
    cv2.ellipse(picture, (330, 470), (180, 190), 0, 180, 360, (110, 92, 70), -1)
    cv2.ellipse(picture, (320, 200), (70, 92), 0, 0, 360, (150, 175, 205), -1)
    cv2.rectangle(picture, (110, 330), (170, 420), (40, 40, 40), -1)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())


def _answers(method: str, path: str) -> Answer | None:
    """What a service that holds this laptop's weeks says."""
    if path == "/v1/me/access-log":
        return answer(200, {"entries": _reads(), "more": False})
    if path == "/v1/me/team":
        return answer(200, _team())
    if path == "/v1/me/reports":
        return answer(200, _reports())
    if path == "/v1/me/erasure":
        return answer(200, {"erasure": None})
    if path == "/v1/me/export":
        return answer(200, {"format": "framekeep-export-1", "quarter_hours": []})
    if (method, path) == ("POST", "/v1/me/corrections"):
        kept = {"id": str(UUID(int=1)), "day": TODAY.isoformat(), "changes_team_number": True}
        return answer(201, {**kept, "corrections_close_at": NOW + DAY})
    return None


def _reads() -> list[dict[str, Any]]:
    team = {"team": TEAM, "team_name": "Kundenbetreuung und Rechnungswesen", "allowed_because": "manager of the team"}
    return [
        {"at": NOW - 3 * 3600, "reader": "7", "reader_name": "Dr. Annegret Wiesenhütter-Schönfelder", **team}
        | {"reader_role": "manager", "action": "team_summary", "from_day": "2025-11-17", "to_day": "2025-11-23"},
        {"at": NOW - DAY, "reader": "self", "reader_name": "your own device", "team": None, "team_name": None}
        | {"action": "export", "from_day": None, "to_day": None, "allowed_because": "a device of this person"},
        {"at": NOW - 5 * DAY, "reader": "9", "reader_name": "J. Okafor", "team": None, "team_name": None}
        | {"reader_role": "admin", "action": "devices", "from_day": None, "to_day": None, "allowed_because": "admin"},
        {"at": NOW - 6 * DAY, "reader": "8", "reader_name": "M. Laurent", **team, "allowed_because": "refused"}
        | {"reader_role": "manager", "action": "team_summary_refused", "from_day": None, "to_day": None},
    ]


def _team() -> dict[str, Any]:
    names = ("A. Jørgensen", "Beatriz Núñez", "Chinedu Eze", "Dilek Aydın", "You Yourself", "Émile Roux")
    stands = {"Chinedu Eze": ("not_yet", None), "Dilek Aydın": ("joins", "2025-12-01"), "Émile Roux": ("reads", None)}
    members = [
        {"name": name, "me": name == "You Yourself", "standing": stand, "since": since}
        for name in names
        for stand, since in (stands.get(name, ("counted", "2025-06-01")),)
    ]
    return {
        "team": TEAM,
        "team_name": "Kundenbetreuung und Rechnungswesen",
        "month": "2025-11-01",
        "members": members,
        "own": {"counts_since": "2025-06-16", "active_days": 10},
        "rule": {"active_days": 10, "active_minutes": 30, "text": "Somebody new counts after 10 days."},
    }


def _reports() -> dict[str, Any]:
    first = TODAY - timedelta(days=13)
    days, rows = [], []
    for back in range(13, -1, -1):
        day = TODAY - timedelta(days=back)
        midnight = int(datetime.combine(day, time(), UTC).timestamp())
        worked = day_of_work(day, until=NOW) if day.weekday() < 5 else []
        correction = {"id": str(UUID(int=2)), "from": midnight + 11 * 3600, "to": midnight + 12 * 3600, "in_time": True}
        correction |= {"as": "not_observed", "note": "I was on a work call.", "made_at": midnight + 15 * 3600}
        days.append(
            {"day": day.isoformat(), "team": TEAM, "team_name": "Kundenbetreuung", "fixed": back > 2}
            | {"corrections_close_at": midnight + 2 * DAY, "managers_see_it_at": midnight + 2 * DAY + 6 * 3600}
            | {"quarter_hours": _quarters(worked), "corrections": [correction] if back in (1, 6) else []}
        )
        rows += _rows(day, back)
    total = _numbers(70, 15, 5, 10)
    page = {"team": TEAM, "time_zone": "Europe/Berlin", "from": first.isoformat(), "to": TODAY.isoformat()}
    rule = {"k": 5, "minutes_to_contribute": 30, "rounded_to": 5, "text": "A number rests on at least k people."}
    page |= {"bucket": "block", "rule": rule, "rows": rows, "total": total}
    return {"from": first.isoformat(), "to": TODAY.isoformat(), "time_zone": "UTC", "days": days, "teams": [page]}


def _quarters(windows: list[Window]) -> list[dict[str, Any]]:
    quarters: dict[int, dict[str, int]] = {}
    for one in windows:
        row = quarters.setdefault(one.start // 900 * 900, dict.fromkeys(STATES, 0))
        for state, seconds in one.seconds.items():
            row[state] += seconds
    return [{"start": start, **row} for start, row in quarters.items()]


def _rows(day: date, back: int) -> list[dict[str, Any]]:
    none: dict[str, Any] = {"minutes": None, "people": None, "shares": None, "coverage": None}
    base: dict[str, Any] = {"day": day.isoformat(), "start": None, "end": None, "corrected": False, "notes": [], **none}
    if back <= 2:
        told = "This day's numbers are not fixed yet, or it is outside what is kept."
        return [{**base, "status": "not_released", "explanation": told}]
    if day.weekday() >= 5:
        told = "The policy has no work hours on this day."
        return [{**base, "status": "suppressed", "explanation": told}]
    spans = ((9, 13, 70, 15), (13, 17, 65, 20))
    return [
        {**base, "start": f"{day}T{a:02d}:00:00+01:00", "end": f"{day}T{b:02d}:00:00+01:00", "status": "released"}
        | {"explanation": None, "corrected": back == 6, **_numbers(screen, away, 5, 10)}
        for a, b, screen, away in spans
    ]


def _numbers(screen: int, away: int, phone: int, absent: int) -> dict[str, Any]:
    def told(percent: int) -> dict[str, Any]:
        return {"percent": percent, "text": f"{percent} %"}

    shares = {"at_screen": screen, "looking_away": away, "on_phone": phone, "absent": absent, "unknown": 5}
    return {
        "minutes": 240,
        "people": "8-11",
        "shares": {state: told(percent) for state, percent in shares.items()},
        "coverage": told(85),
    }
