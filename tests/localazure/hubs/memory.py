"""Storage for task hubs in memory, which can be held up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from localazure.hubs.table import Place, Row


@dataclass
class MemoryHubStorage:
    """Rows by table and partition key; `made` has the names of all queues, tables and containers by account."""

    tables: dict[Place, dict[str, Row]] = field(default_factory=dict)
    made: dict[str, set[str]] = field(default_factory=dict)
    free: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    failures: int = 0
    """How many of the next writes fail."""

    def __post_init__(self) -> None:
        self.free.set()

    def make(
        self, account: str, *, queues: Iterable[str] = (), tables: Iterable[str] = (), containers: Iterable[str] = ()
    ) -> None:
        self.made.setdefault(account, set()).update(queues, tables, containers)

    def put_row(self, place: Place, row: Row) -> None:
        assert self.free.wait(30)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("a write that fails")
        with self._changed:
            self.tables.setdefault(place, {})[row["PartitionKey"]] = dict(row)
            self._changed.notify_all()

    def delete_row(self, place: Place, partition_key: str) -> None:
        assert self.free.wait(30)
        self.tables.get(place, {}).pop(partition_key, None)

    def rows(self, place: Place) -> Iterator[Row]:
        yield from list(self.tables.get(place, {}).values())

    def change_row(self, place: Place, row: Row, change: Callable[[Row], Row | None]) -> None:
        table = self.tables[place]
        if table.get(row["PartitionKey"]) != row:
            return
        with self._changed:
            changed = change(row)
            if changed is None:
                del table[row["PartitionKey"]]
            else:
                table[row["PartitionKey"]] = changed
            self._changed.notify_all()

    def await_row(self, place: Place, partition_key: str, wanted: Callable[[Row], bool]) -> Row:
        """A row, as soon as it is as wanted."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: (row := self.row(place, partition_key)) is not None and wanted(row), 30
            )
        row = self.row(place, partition_key)
        assert row is not None
        return row

    def row(self, place: Place, partition_key: str) -> Row | None:
        return self.tables.get(place, {}).get(partition_key)
