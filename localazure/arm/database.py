"""The SQLite file under local Azure: what is committed survives kill -9, what isn't leaves no trace."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localazure.errors import LocalAzureError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, hidden TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS resources_by_type ON resources (type);
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL, state TEXT NOT NULL,
    error TEXT, result TEXT, started TEXT NOT NULL, ended TEXT
);
CREATE INDEX IF NOT EXISTS operations_by_status ON operations (status);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, event TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hub_runs (run TEXT PRIMARY KEY, account TEXT NOT NULL, instances TEXT NOT NULL);
"""


class Database:
    """One connection and one lock: a transaction has the file to itself, so readers never see half of it.

    Raises LocalAzureError for a file that SQLite can't use.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._follow_ups: list[Callable[[], None]] = []
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            raise LocalAzureError(
                f"{path}, which holds all resources of local Azure, can't be used: {error}. "
                "`python -m localazure reset` (with the same --state) forgets them, to start anew."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commits at its end, rolls back on an exception; inside another one it is a part of that."""
        follow_ups: list[Callable[[], None]] = []
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                if self._depth == 1:
                    self._follow_ups.clear()
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
                    follow_ups, self._follow_ups = self._follow_ups, []
            finally:
                self._depth -= 1
        for follow_up in follow_ups:
            follow_up()

    def after_commit(self, follow_up: Callable[[], None]) -> None:
        """Call this once the transaction around it is committed, and never if it isn't; without one, at once."""
        with self.transaction():
            self._follow_ups.append(follow_up)

    def secret(self, name: str) -> str:
        """64 random hexadecimal digits, the same ones each time that they are asked for under this name."""
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_hex(32)))
            (value,) = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
        return str(value)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
