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
    writes: list[tuple[str, str]] = field(default_factory=list)
    """The id and the status of each row that was written, oldest first."""
    free: threading.Event = field(default_factory=threading.Event)
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
        self.tables.setdefault(place, {})[row["PartitionKey"]] = dict(row)
        self.writes.append((row["PartitionKey"], row["RuntimeStatus"]))

    def delete_row(self, place: Place, partition_key: str) -> None:
        assert self.free.wait(30)
        self.tables.get(place, {}).pop(partition_key, None)

    def rows(self, place: Place) -> Iterator[Row]:
        yield from list(self.tables.get(place, {}).values())

    def change_row(self, place: Place, row: Row, change: Callable[[Row], Row | None]) -> None:
        table = self.tables[place]
        if table.get(row["PartitionKey"]) != row:
            return
        changed = change(row)
        if changed is None:
            del table[row["PartitionKey"]]
        else:
            table[row["PartitionKey"]] = changed

    def row(self, place: Place, partition_key: str) -> Row | None:
        return self.tables.get(place, {}).get(partition_key)
