"""What a task hub needs of storage: the seam between hubs and what really holds their tables, queues and containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Row = dict[str, Any]
"""A row of a table by its columns."""


@dataclass(frozen=True)
class Place:
    """An Instances table: the account's name, and the table's."""

    account: str
    table: str


class HubStorage(Protocol):
    """Is called from several threads and may block. Errors of the storage may be raised as they are."""

    def make(
        self, account: str, *, queues: Iterable[str] = (), tables: Iterable[str] = (), containers: Iterable[str] = ()
    ) -> None:
        """Make what isn't there yet."""

    def put_row(self, place: Place, row: Row) -> None:
        """Write a row, in place of any with its key."""

    def delete_row(self, place: Place, partition_key: str) -> None:
        """Delete a row; one that is gone already is no error."""

    def rows(self, place: Place) -> Iterator[Row]:
        """All rows; none if there is no such table."""

    def change_row(self, place: Place, row: Row, change: Callable[[Row], Row | None]) -> None:
        """Write what becomes of a row that `rows` gave, or delete it for None, unless it has changed since."""
