"""Orchestrations of whole storage accounts, finished ones too: which are asked for, and their rows, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Any, Final

from azure.data.tables import TableEntity

from durable.entities import is_entity
from durable.instance_ids import from_partition_key, to_partition_key
from durable.statuses import InstanceStatus, is_active
from release.tables import Tables

_COLUMNS: Final = ["PartitionKey", "Name", "Version", "RuntimeStatus", "CreatedTime", "LastUpdatedTime", "TaskHubName"]
_MOST_COMPARISONS: Final = 15
"""Those that the table service takes in one filter (Querying tables and entities, Azure Storage documentation)."""

_EARLIEST: Final = datetime(1601, 1, 1, tzinfo=UTC)
"""The first moment that a table can hold."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_GLOB: Final = frozenset("*?[")


@dataclass(frozen=True)
class Row:
    """An instance as its row tells it (azure_facts.md 3.1): an orchestration, or an entity.

    `hub` is None where a row of a shared table names none. `name` is the orchestrator function's, `version` the
    orchestration version; they and `status` are "" where the row has none. Times are UTC.
    """

    account: str
    hub: str | None
    id: str
    name: str
    version: str
    status: str
    created: datetime | None
    updated: datetime | None

    @property
    def entity(self) -> bool:
        return is_entity(self.id)

    @property
    def active(self) -> bool:
        """Whether a gate waits for it."""
        return is_active(self.status) and not self.entity


@dataclass(frozen=True)
class Query:
    """A filter for the table service, and the values of the `@names` in it."""

    text: str
    parameters: Mapping[str, str | datetime]


@dataclass(frozen=True)
class Filter:
    """Which instances are asked for: those that all conditions hold for. A set that is empty is no condition.

    `hubs` are compared without case, all else exactly. A row whose hub isn't known is of every hub, as for a gate.
    A version "" is that of an instance without one. `name` is a glob. `before` and `since` are about the creation, in
    UTC, and hold for no row without a time; an instance created at that moment isn't before it.
    """

    hubs: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    statuses: frozenset[InstanceStatus] = frozenset()
    active: bool = False
    name: str | None = None
    id_prefix: str = ""
    before: datetime | None = None
    since: datetime | None = None
    entities: bool = False

    def accepts(self, row: Row) -> bool:
        return (
            self.accepts_hub(row.hub)
            and (not self.versions or row.version in self.versions)
            and (not self.statuses or row.status in self.statuses)
            and (not self.active or row.active)
            and (self.name is None or fnmatchcase(row.name, self.name))
            and row.id.startswith(self.id_prefix)
            and (self.before is None or (row.created is not None and row.created < self.before))
            and (self.since is None or (row.created is not None and row.created >= self.since))
            and (self.entities or not row.entity)
        )

    def accepts_hub(self, hub: str | None) -> bool:
        return hub is None or not self.hubs or hub.casefold() in {wanted.casefold() for wanted in self.hubs}

    def query(self) -> Query | None:
        """A filter that keeps the table service from sending most of what isn't asked for, None if there is no such.

        It lets through all that `accepts` does, and more. What a row without the column may hold for is left out of
        it, since any comparison with such a column fails: an active status, no version, a hub. So are entities, since
        a range of keys takes ids for entities that only look like ones.
        """
        parts: list[str] = []
        values: dict[str, str | datetime] = {}
        for alternatives in self._comparisons():
            if len(values) + len(alternatives) > _MOST_COMPARISONS:
                continue
            names = [f"p{len(values) + index}" for index in range(len(alternatives))]
            # The library takes a name for one only between spaces.
            one_of = " or ".join(
                f"{column} {operator} @{name}" for name, (column, operator, _) in zip(names, alternatives, strict=True)
            )
            parts.append(f"( {one_of} )")
            values |= {name: value for name, (_, _, value) in zip(names, alternatives, strict=True)}
        return Query(" and ".join(parts), values) if parts else None

    def _comparisons(self) -> Iterator[list[tuple[str, str, str | datetime]]]:
        """What must hold for an instance that is asked for: of each list one comparison at least."""
        if prefix := _plain(self.id_prefix):
            yield [("PartitionKey", "ge", prefix)]
            yield [("PartitionKey", "lt", prefix[:-1] + chr(ord(prefix[-1]) + 1))]
        if self.name is not None and self.name and not _GLOB & set(self.name):
            yield [("Name", "eq", self.name)]
        # Local storage compares times to the millisecond.
        if self.before is not None:
            yield [("CreatedTime", "lt", _moment(self.before) + _MILLISECOND)]
        if self.since is not None:
            yield [("CreatedTime", "ge", _moment(self.since))]
        if self.statuses:
            yield [("RuntimeStatus", "eq", str(status)) for status in sorted(self.statuses)]
        if self.versions and "" not in self.versions:
            yield [("Version", "eq", version) for version in sorted(self.versions)]


@dataclass(frozen=True)
class Source:
    """An account to read. In a `shared` one each row says itself which hub it is of, else the table's name does."""

    tables: Tables
    shared: bool = False

    def pages(self, wanted: Filter) -> Iterator[tuple[Row, ...]]:
        """What is asked for on each page of each Instances table, where there is something on it.

        A page is asked for when the one before has been taken; it is 1,000 rows of the table at most. The order is
        that of the tables' names, and within a table that of the keys. Raises StoreUnknownError.
        """
        for prefix in self.tables.prefixes():
            if not self.shared and not wanted.accepts_hub(prefix):
                continue
            for page in self._pages(prefix, wanted.query()):
                rows = (self._row(prefix, row) for row in page)
                if found := tuple(filter(wanted.accepts, rows)):
                    yield found

    def _pages(self, prefix: str, query: Query | None) -> Iterator[list[TableEntity]]:
        explained = self.tables.explained
        doing = f"reading the {'tracking table' if self.shared else 'task hub'} {prefix}"
        with explained(doing):
            table = self.tables.of(prefix)
            if query is None:
                pages = table.list_entities(select=_COLUMNS).by_page()
            else:
                parameters = dict(query.parameters)
                pages = table.query_entities(query.text, parameters=parameters, select=_COLUMNS).by_page()
        while True:
            with explained(doing):
                page = next(pages, None)
                rows = None if page is None else list(page)
            if rows is None:
                return
            yield rows

    def _row(self, prefix: str, row: Mapping[str, Any]) -> Row:
        return Row(
            account=self.tables.account,
            hub=(_text(row, "TaskHubName") or None) if self.shared else prefix,
            id=_id(row["PartitionKey"]),
            name=_text(row, "Name"),
            version=_text(row, "Version"),
            status=_text(row, "RuntimeStatus"),
            created=_time(row, "CreatedTime"),
            updated=_time(row, "LastUpdatedTime"),
        )


def first(pages: Iterable[tuple[Row, ...]], limit: int) -> Iterator[tuple[Row, ...]]:
    """The pages up to this number of rows, above 0; with the last of them no further page is asked for."""
    for page in pages:
        yield page[:limit]
        limit -= len(page)
        if limit <= 0:
            return


def _plain(text: str) -> str:
    """The beginning of an instance id that is the same in its key, and that every server orders alike."""
    return "".join(takewhile(lambda char: " " <= char < "~" and to_partition_key(char) == char, text))


def _moment(time: datetime) -> datetime:
    """A time that a table may hold, with whole milliseconds."""
    earliest = max(time, _EARLIEST)
    return earliest.replace(microsecond=earliest.microsecond // 1000 * 1000)


def _id(key: str) -> str:
    """The instance id behind a partition key; the key itself where Durable Functions hasn't written it."""
    try:
        return from_partition_key(key)
    except ValueError:
        return key


def _text(row: Mapping[str, Any], column: str) -> str:
    return str(row.get(column) or "")


def _time(row: Mapping[str, Any], column: str) -> datetime | None:
    value = row.get(column)
    return value if isinstance(value, datetime) else None
