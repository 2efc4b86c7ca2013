"""Saves what is sound in a damaged inbox into a new file, and counts what is not.

The damaged file is kept as it was. Pages of the log are laid over the file whatever SQLite thinks of them, once with
the damaged ones and once without; each row's own digest then says whether it is what was written. A delivery that was
done with may come back this way: every window is counted once all the same.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_service.key_files import sync_folder
from sync_service.local.inbox_file import PAGE, Frame, digest, log_of, open_file, read_log

_MOST_LOOKUPS = 200_000
_MOST_ROWS = 10**8


@dataclass(frozen=True, slots=True)
class Salvaged:
    """Deliveries kept and lost (None: nobody can tell), and where the damaged file is now."""

    kept: int
    lost: int | None
    damaged: Path


def salvage(path: Path) -> Salvaged:
    """Replace the damaged inbox at `path` by a new one with its sound rows. Raises OSError or sqlite3.Error, the
    damaged file untouched, when the new one cannot be written.
    """
    draft = _draft_of(path)
    for old in (draft, log_of(draft)):
        old.unlink(missing_ok=True)
    with closing(open_file(draft)) as target, tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        target.execute("begin")
        told = _copy_sound_rows(path, target, Path(scratch))
        kept = int(target.execute("select message from tally").fetchone()[0])
        target.execute("commit")
        target.execute("pragma wal_checkpoint(truncate)")
    damaged = _put_in_place(path)
    return Salvaged(kept, None if told is None else max(0, told - kept), damaged)


def finish_salvage(path: Path) -> None:
    """Put the new file in its place where a salvage ended between taking the damaged one away and that."""
    if _draft_of(path).is_file() and not path.exists():
        _put_in_place(path)


def damaged_files(path: Path) -> list[Path]:
    """The damaged inboxes beside the one at `path`, and their logs."""
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))


def _draft_of(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _put_in_place(path: Path) -> Path:
    """The damaged file goes first: as long as there is none, `finish_salvage` knows that the new one is complete."""
    damaged = _free_name(path)
    if path.exists():
        path.rename(damaged)
    log = log_of(path)
    if log.exists():
        log.rename(log_of(damaged))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    _draft_of(path).rename(path)
    sync_folder(path.parent)
    return damaged


def _copy_sound_rows(path: Path, target: sqlite3.Connection, scratch: Path) -> int | None:
    """Into `target`; answers how many deliveries the tally says there were."""
    frames = list(read_log(log_of(path)))
    last = max((number for number, frame in enumerate(frames, start=1) if frame.commits), default=0)
    first_page = _first_page(scratch / "template")
    told: int | None = None
    for which, chosen in enumerate((frames[:last], [frame for frame in frames[:last] if frame.sound])):
        image = scratch / f"image-{which}"
        _lay_over(path, chosen, first_page, image)
        with closing(sqlite3.connect(f"{image.as_uri()}?immutable=1", uri=True)) as source:
            number = _tally(source)
            told = number if told is None else told
            for row in _sound_rows(source, "message", "null"):
                target.execute(
                    "insert or ignore into message (id, org, received, body, digest) values (?, ?, ?, ?, ?)", row[:5]
                )
            for row in _sound_rows(source, "aside", "cast(reason as blob)"):
                target.execute(
                    "insert or ignore into aside (id, org, received, body, digest, reason) values (?, ?, ?, ?, ?, ?)",
                    (*row[:5], row[5].decode(errors="replace")),
                )
        image.unlink()
        if all(frame.sound for frame in frames[:last]):
            break
    return told


def _first_page(template: Path) -> bytes:
    """Header and table definitions are the same in every inbox, so a damaged first page never matters."""
    open_file(template).close()
    return template.read_bytes()[:PAGE]


def _lay_over(path: Path, frames: list[Frame], first_page: bytes, image: Path) -> None:
    if path.is_file():
        shutil.copyfile(path, image)
    else:
        image.touch()
    with image.open("r+b") as file:
        most = image.stat().st_size // PAGE + len(frames) + 1
        for frame in frames:
            if 1 < frame.page <= most:  # a page number may be what was damaged
                file.seek((frame.page - 1) * PAGE)
                file.write(frame.content)
        pages = -(-max(file.seek(0, os.SEEK_END), PAGE) // PAGE)
        file.truncate(pages * PAGE)
        page = bytearray(first_page)
        page[18:20] = b"\1\1"  # no log beside it
        page[28:32] = struct.pack(">I", pages)
        page[92:96] = page[24:28]  # the size above is valid
        file.seek(0)
        file.write(page)


def _tally(source: sqlite3.Connection) -> int | None:
    try:
        row = source.execute("select message from tally").fetchone()
    except sqlite3.DatabaseError:
        return None
    return row[0] if row and isinstance(row[0], int) and 0 <= row[0] <= _MOST_ROWS else None


def _sound_rows(source: sqlite3.Connection, table: str, more: str) -> Iterator[tuple[Any, ...]]:
    """id, org, received, body, digest and `more` of every row whose digest fits."""
    for row in _readable_rows(source, table, more):
        number, org, received, body, mark, extra = row
        if isinstance(org, bytes) and isinstance(body, bytes) and digest(org, received, body) == mark:
            yield number, org.decode(), received, body, mark, extra


def _readable_rows(source: sqlite3.Connection, table: str, more: str) -> Iterator[tuple[Any, ...]]:
    """From the front up to the damage, from the end down to it, then one by one in between."""
    select = f"select id, cast(org as blob), received, body, digest, {more} from {table}"
    low = high = None
    try:
        for row in source.execute(f"{select} order by id"):
            low = row[0]
            yield row
    except sqlite3.DatabaseError:
        try:
            for row in source.execute(f"{select} where id > ? order by id desc", (low or 0,)):
                high = row[0]
                yield row
        except sqlite3.DatabaseError:
            low = low or 0
            for number in range(low + 1, min(high or _MOST_ROWS, low + _MOST_LOOKUPS)):
                try:
                    yield from source.execute(f"{select} where id = ?", (number,))
                except sqlite3.DatabaseError:
                    continue


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return free
