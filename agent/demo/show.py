"""What the demonstration prints: the employee's own timeline and the manager's table. Never colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.attention.observation import State
from agent.wire.summary import STATES, Window

WORDS = {
    "at_screen": "at the screen",
    "looking_away": "looking away",
    "on_phone": "on the phone",
    "absent": "absent",
    "unknown": "could not tell",
    "not_observed": "not observed",
}
_SHORT = dict(zip(WORDS, ("screen", "away", "phone", "absent", "unclear", "unseen"), strict=True))
_WIDE = 100
"""Columns of a terminal from which on headings are written out."""
SHARES = ("at_screen", "looking_away", "on_phone", "absent", "unknown")
_ACTS = {"person_added": "put you into the team"}
_LETTERS = {"at_screen": "S", "looking_away": "A", "on_phone": "P", "absent": "-", "unknown": "?", "not_observed": "·"}
# Okabe and Ito's palette, which people with colour-vision deficiencies can tell apart; black text is readable on all.
_STYLES = {
    "at_screen": "black on #56B4E9",
    "looking_away": "black on #E69F00",
    "on_phone": "black on #CC79A7",
    "absent": "black on #B0B0B0",
    "unknown": "black on #F0E442",
    "not_observed": "white on #404040",
}


def ribbon(states: Sequence[State], width: int) -> Text:
    """The states in order, squeezed or stretched to `width` cells; a cell shows its most frequent state."""
    text = Text(no_wrap=True)
    if not states:
        return text
    for cell in range(width):
        first = cell * len(states) // width
        part = states[first : max(first + 1, (cell + 1) * len(states) // width)]
        state = max(set(part), key=lambda s: (part.count(s), s.value)).value
        text.append(_LETTERS[state], style=_STYLES[state])
    return text


def legend() -> Columns:
    """Letters, colours and words of the states, in as many rows as the width asks for."""
    entries = []
    for state in STATES:
        entry = Text(no_wrap=True)
        entry.append(f" {_LETTERS[state]} ", style=_STYLES[state])
        entry.append(f" {WORDS[state]}")
        entries.append(entry)
    return Columns(entries, padding=(0, 2))


def own_timeline(
    console: Console, source: str, windows: Sequence[Window], states: Sequence[State], *, observations: int
) -> None:
    """The employee's part: everything measured, as they would see it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("window")
    for state in STATES:
        table.add_column(_heading(console, state), justify="right", no_wrap=True)
    for window in windows:
        begin = datetime.fromtimestamp(window.start)
        table.add_row(f"{begin:%H:%M}", *(_clock(window.seconds[state]) for state in STATES))
    if len(windows) > 1:
        table.add_row("together", *(_clock(sum(w.seconds[state] for w in windows)) for state in STATES), style="bold")
    width = max(20, min(console.width - 6, 96))
    parts: list[Any] = [
        Text(f"{observations} looks at {source}; every picture was thrown away after its look."),
        Text(),
    ]
    parts += [ribbon(states, width), legend(), Text(), table]
    console.print(Panel(Group(*parts), title="What you see: your own timeline", title_align="left", padding=(1, 2)))


def manager_table(console: Console, report: Mapping[str, Any], *, team: str, day: date, simulated: int) -> None:
    """The manager's part: released team blocks, and nothing else."""
    table = Table(box=None, pad_edge=False)
    table.add_column("block", no_wrap=True)
    table.add_column("people", justify="right", no_wrap=True)
    for state in SHARES:
        table.add_column(_heading(console, state), justify="right", no_wrap=True)
    table.add_column("observed", justify="right", no_wrap=True)
    why = ""
    for row in report["rows"]:
        if row["status"] != "released":
            why = str(row["explanation"])
            continue
        table.add_row(f"{row['start'][11:16]}-{row['end'][11:16]}", *_numbers(row))
    if report["total"] is not None:
        table.add_row("whole day", *_numbers(report["total"]), style="bold")
    note = (
        f"Percent of observed time. The {simulated} colleagues are simulated. {report['rule']['text']} A short"
        " recording of you is therefore not in these numbers. Here everybody counts from their first day on; at work,"
        " after ten active days, and two administrators decide who comes into a team."
    )
    body = [table if table.row_count else Text(why), Text(), Text(note, style="dim")]
    title = f"What a manager sees: {team}, {day:%A} {day.isoformat()}"
    console.print(Panel(Group(*body), title=title, title_align="left", padding=(1, 2)))


def own_access_log(console: Console, entries: Sequence[Mapping[str, Any]]) -> None:
    """Who read something about this person or changed where they count, as their own laptop is told; their own requests
    are left out here.
    """
    for entry in entries:
        if entry["reader"] != "self":
            at = datetime.fromtimestamp(entry["at"])
            did = _ACTS.get(entry["action"], f"read {entry['action'].replace('_', ' ')}")
            console.print(
                f"Your access log: {at:%H:%M:%S} {entry['reader_name']} {did} ({entry['allowed_because']}).",
                markup=False,
                highlight=False,
            )


def _numbers(row: Mapping[str, Any]) -> list[str]:
    return [str(row["people"]), *(_percent(row["shares"][state]) for state in SHARES), _percent(row["coverage"])]


def _percent(told: Mapping[str, Any]) -> str:
    """A rounded share; the outermost ones stand for everything beyond."""
    return {5: "≤ 5", 95: "≥ 95"}.get(told["percent"], str(told["percent"]))


def _heading(console: Console, state: str) -> str:
    return WORDS[state] if console.width >= _WIDE else _SHORT[state]


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds else "·"
