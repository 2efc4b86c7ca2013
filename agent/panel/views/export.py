"""What is kept on this laptop, as files to take away: one JSON object, or windows as CSV. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from agent.attention.meter import Meter
from agent.consent import Acknowledgement
from agent.store.rows import EnvelopeRow, StoredWindow
from agent.version import VERSION
from agent.wire.strict import to_b64
from agent.wire.summary import STATES

COLUMNS = ("start", "start_utc", *STATES, "frames", "policy", "models", "envelope")


def to_json(
    windows: Iterable[StoredWindow],
    envelopes: Iterable[EnvelopeRow],
    answers: Sequence[Acknowledgement],
    *,
    settings: Sequence[dict[str, object]],
    meter: Meter | None,
    paused: bool,
    paused_until: int | None,
    now: float,
) -> bytes:
    """Everything, readable: windows and the one that is still open, the neutral pose, envelopes with what was sealed, the
    sealed bytes and the body they are posted in, the pause (until None: until resumed), answers to the notice, settings.
    `meter` is the checkpoint; None where there is none.
    """
    whole = {
        "format": "framekeep-laptop-export-1",
        "exported_at": _iso(now),
        "agent": VERSION,
        "windows": [
            {**one.window.to_dict(), "policy": one.policy, "models": one.models, "envelope": one.envelope}
            for one in windows
        ],
        "open_window": _open_window(meter),
        "neutral_pose": _neutral_pose(meter),
        "pause": {"paused": paused, "until": paused_until},
        "envelopes": [_envelope(row) for row in envelopes],
        "answers": [answer.to_json() for answer in answers],
        "settings": list(settings),
    }
    return json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8")


def to_csv(windows: Iterable[StoredWindow]) -> bytes:
    """A line a window (RFC 4180 with a header): epoch seconds and UTC, seconds per state, pictures looked at, the
    policy's id, the models' hash, and the number of the envelope it went out in.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in windows:
        seconds = one.window.seconds
        writer.writerow(
            [
                one.window.start,
                _iso(one.window.start),
                *(seconds[state] for state in STATES),
                one.window.frames,
                one.policy,
                one.models,
                "" if one.envelope is None else one.envelope,
            ]
        )
    return out.getvalue().encode("utf-8")


def _open_window(meter: Meter | None) -> dict[str, object] | None:
    """Seconds per state so far; `told_until` (epoch seconds) is how far they reach."""
    opened = meter.tally.open if meter is not None else None
    if opened is None:
        return None
    told = opened.covered_until / 1000
    return {"start": opened.start, "told_until": told, **opened.seconds, "frames": opened.frames}


def _neutral_pose(meter: Meter | None) -> dict[str, object] | None:
    """In degrees, and the minutes it was learned from."""
    if meter is None:
        return None
    baseline = meter.judge.baseline
    return {"yaw": baseline.yaw, "pitch": baseline.pitch, "origin": baseline.origin.value, **asdict(baseline)}


def _envelope(row: EnvelopeRow) -> dict[str, object]:
    return {
        "seq": row.seq,
        "id": str(row.id),
        "created": row.created,
        "state": row.state.value,
        "plaintext": row.plain.decode("ascii", "replace"),
        "sealed": json.loads(row.body)["sealed"],
        "body": to_b64(row.body),
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
