"""Reads the whole store once and says whether anything in it changed since it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agent.errors import StoreError
from agent.store.control_row import row_digest
from agent.store.rows import RowCipher, RowDamaged
from agent.store.schema import SQLITE_ERRORS, StoreUnavailable, connect, explain, migrate, table_list
from agent.store.windows import read_window

SELECTS = {
    "meta": "SELECT id, sealed FROM meta",
    "control": "SELECT id, value, digest FROM control",
    "current": "SELECT id, sealed FROM current",
    "documents": "SELECT id, seq, sealed FROM documents",
    "identity": "SELECT id, sealed FROM identity",
    "envelopes": "SELECT seq, id, created, first, windows, bytes, state, attempts, next_try, last_error, settled, sealed"
    " FROM envelopes",
    "windows": "SELECT start, local, envelope, sealed FROM windows",
}
"""Every table with its columns; the first is the primary key. The order is that in which they may be written."""

TEXT_COLUMNS = {"control": (1,), "envelopes": (6, 9)}
"""Columns (by place in SELECTS) that hold text; one flipped bit can make text of bytes or bytes of text."""

Row = tuple[object, ...]


class _Text(bytes):
    """How `find_damage` sees text, to tell it from bytes."""


def find_damage(connection: sqlite3.Connection, cipher: RowCipher) -> str | None:
    """What is wrong, in a few words; None when every page, index and row is sound. The connection's text_factory
    is changed. Raises sqlite3.DatabaseError when the file cannot even be walked through.
    """
    connection.text_factory = _Text  # as str, text that is no longer UTF-8 would raise in the middle of a scan
    if table_list(connection) != _expected_tables():
        return "its list of tables is wrong"
    if connection.execute("PRAGMA integrity_check(1)").fetchall() != [(b"ok",)]:
        return "its pages do not fit together"
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        return "windows and envelopes do not fit together"
    for table, select in SELECTS.items():
        for row in connection.execute(select):
            typed = all(
                isinstance(value, _Text) == (place in TEXT_COLUMNS.get(table, ())) for place, value in enumerate(row)
            )
            if not typed or not is_sound(cipher, table, row):
                return f"a row of {table} does not decrypt" if table != "control" else "a row of control is wrong"
    return None


def holds_rows(path: Path) -> bool:
    """Whether a store holds anything that was encrypted; of a damaged one: yes. A pause alone is not. Raises
    StoreUnavailable.
    """
    if not path.exists():
        return path.with_suffix(".rebuilt").exists()
    try:
        with closing(connect(path)) as connection:
            return any(
                connection.execute(f"SELECT EXISTS(SELECT 1 FROM {table})").fetchone()[0]
                for table in SELECTS
                if table != "control"
            )
    except (*SQLITE_ERRORS, StoreError) as error:
        wrong = error if isinstance(error, StoreError) else explain(error, path)
        if isinstance(wrong, StoreUnavailable):
            raise wrong from error
        return True


def is_sound(cipher: RowCipher, table: str, row: Row) -> bool:
    """Whether a row (columns as in SELECTS) is as it was written."""
    try:
        if table == "control":
            return row_digest(row[0], row[1]) == row[2]
        if table == "windows":
            read_window(cipher, row)
        else:
            cipher.open(row[-1], table, *_bound(table, row))
            if table == "envelopes":
                _, _, _, _, _, size, _, attempts, next_try, last_error, settled, _ = row
                numbers = all(isinstance(value, int) for value in (size, attempts, settled))
                return numbers and isinstance(next_try, int | float) and _is_text(last_error)
    except (RowDamaged, TypeError, AttributeError):
        return False
    return True


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, bytes) and value.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _expected_tables() -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.text_factory = _Text
        migrate(connection)
        return table_list(connection)


def _bound(table: str, row: Row) -> Iterator[int | bytes]:
    """The plain columns a row's ciphertext is bound to."""
    fixed = {"documents": 2, "envelopes": 5}.get(table, 1)
    for value in row[:fixed]:
        if not isinstance(value, int | bytes):
            raise RowDamaged(f"A row of {table} has a column of the wrong type.")
        yield value
