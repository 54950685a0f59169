"""A store's orchestrations, as the Instances tables of its storage account tell them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.transport import HttpTransport
from azure.data.tables import TableClient, TableEntity, TableErrorCode

from durable.entities import is_entity
from durable.instance_ids import from_partition_key, to_partition_key
from durable.statuses import is_active
from release.tables import StoreUnknownError, Tables, error_word, open_tables

__all__ = ["Instance", "Instances", "Listing", "StoreUnknownError", "TableInstances", "open_store"]

_COLUMNS: Final = ["PartitionKey", "Name", "RuntimeStatus", "CreatedTime"]
_AT_ONCE: Final = 8
"""Point reads under way at a time: fewer than the 10 connections that the transport keeps open."""


@dataclass(frozen=True)
class Instance:
    """An orchestration that may still need its code.

    `status` is the text in the table, "" if it has none; so is `name`, the orchestrator function's. `created` is UTC.
    `tracking` is the prefix of the tracking store's table that its row is in, "" for one in its hub's own table; in
    the former `hub` is "" where the row tells none.
    """

    hub: str
    id: str
    name: str
    status: str
    created: datetime | None
    tracking: str = ""


@dataclass(frozen=True)
class Listing:
    """One full reading of a store: each `<hub>Instances` table there is, sorted, and what is active in them.

    Entities and finished orchestrations are left out; `rows` counts them too. `tracking` is the account of the tracking
    store that was read as well, "" if there is none; `named` are those of its hubs that were asked for and that a row
    of any kind names.
    """

    hubs: tuple[str, ...]
    active: tuple[Instance, ...]
    rows: int = 0
    tracking: str = ""
    named: frozenset[str] = frozenset()


class Instances(Protocol):
    """The orchestrations of one store. Both methods raise StoreUnknownError."""

    @property
    def account(self) -> str:
        """The storage account of the store."""

    def all(self) -> Listing:
        """Read every page of every Instances table in the store."""

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        """Those of the known instances that are active now, as they stand now; one whose row is gone is not.

        Costs one request for each, however large the tables are.
        """


def open_store(
    settings: Mapping[str, str],
    connection: str,
    credential: Callable[[], TokenCredential] | None = None,
    *,
    transport: HttpTransport[Any, Any] | None = None,
) -> Instances:
    """The store that a connection in a slot's app settings leads to, as open_tables opens it."""
    return TableInstances(open_tables(settings, connection, credential, transport=transport))


class TableInstances:
    """Implements Instances with azure-data-tables, for the tables of hubs of their own."""

    columns: Collection[str] = _COLUMNS

    def __init__(self, tables: Tables) -> None:
        self.account = tables.account
        self.tables = tables

    def all(self) -> Listing:
        hubs = self.tables.prefixes()
        rows = 0
        active: list[Instance] = []
        for hub in hubs:
            for row in self.rows(hub):
                rows += 1
                if instance := self.instance(row, hub):
                    active.append(instance)
        return Listing(hubs, tuple(active), rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        tables = {prefix: self.tables.of(prefix) for prefix in set(map(_prefix, known))}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            rows = list(pool.map(lambda instance: self._row(tables[_prefix(instance)], instance), known))
        seen = (self.again(one, row) for one, row in zip(known, rows, strict=True) if row is not None)
        return tuple(instance for instance in seen if instance is not None)

    def rows(self, prefix: str) -> Iterator[TableEntity]:
        """All rows of an Instances table, with these columns."""
        with self.tables.explained(f"reading the task hub {prefix}"):
            # No filter on the server: it would compare, and a row without a status is equal to nothing.
            yield from self.tables.of(prefix).list_entities(select=[*self.columns])

    def again(self, known: Instance, row: TableEntity) -> Instance | None:
        """What the row of a known instance says now; None if it is no longer active."""
        return self.instance(row, known.hub)

    def _row(self, table: TableClient, known: Instance) -> TableEntity | None:
        with self.tables.explained(f"reading an instance of the task hub {known.hub or known.tracking}"):
            try:
                return table.get_entity(to_partition_key(known.id), "", select=[*self.columns])
            except ResourceNotFoundError as error:
                if error_word(error) in (TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND):
                    return None
                raise

    def instance(self, row: TableEntity, hub: str, tracking: str = "") -> Instance | None:
        """What a row of an Instances table stands for (azure_facts.md 3.1) if that is active, and no entity."""
        if not is_active(row.get("RuntimeStatus", "")):
            return None
        key = row["PartitionKey"]
        try:
            instance_id = from_partition_key(key)
        except ValueError as error:
            problem = (
                f"the task hub {hub or tracking} has a row whose partition key, {key!r}, Durable Functions doesn't "
                "write; find out what made it, and delete the row if it stands for no orchestration"
            )
            raise StoreUnknownError(self.account, problem) from error
        if is_entity(instance_id):
            return None
        created = row.get("CreatedTime")
        return Instance(
            hub,
            instance_id,
            str(row.get("Name") or ""),
            str(row.get("RuntimeStatus") or ""),
            created if isinstance(created, datetime) else None,
            tracking,
        )


def _prefix(instance: Instance) -> str:
    return instance.tracking or instance.hub
