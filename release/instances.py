"""A store's orchestrations, as the Instances tables of its storage account tell them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
    """

    hub: str
    id: str
    name: str
    status: str
    created: datetime | None


@dataclass(frozen=True)
class Listing:
    """One full reading of a store: each `<hub>Instances` table there is, sorted, and what is active in them.

    Entities and finished orchestrations are left out; `rows` counts them too.
    """

    hubs: tuple[str, ...]
    active: tuple[Instance, ...]
    rows: int = 0


class Instances(Protocol):
    """The orchestrations of one store. Both methods raise StoreUnknownError."""

    account: str

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
    """The store that a connection in a slot's app settings leads to. Nothing is sent before the first reading.

    `credential` is called if the connection is one by identity; without it, that is the identity which the Azure
    tools on this machine use. Raises StoreUnknownError if the connection is missing, contradictory or no such thing.
    """
    return TableInstances(open_tables(settings, connection, credential, transport=transport))


class TableInstances:
    """Implements Instances with azure-data-tables."""

    def __init__(self, tables: Tables) -> None:
        self.account = tables.account
        self._tables = tables

    def all(self) -> Listing:
        hubs = self._tables.prefixes()
        rows = 0
        active: list[Instance] = []
        for hub in hubs:
            with self._tables.explained(f"reading the task hub {hub}"):
                # No filter on the server: it would compare, and a row without a status is equal to nothing.
                for row in self._tables.of(hub).list_entities(select=_COLUMNS):
                    rows += 1
                    if is_active(row.get("RuntimeStatus", "")) and (instance := self._instance(hub, row)):
                        active.append(instance)
        return Listing(hubs, tuple(active), rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        tables = {hub: self._tables.of(hub) for hub in {instance.hub for instance in known}}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            seen = list(pool.map(lambda instance: self._look_again(tables[instance.hub], instance), known))
        return tuple(instance for instance in seen if instance is not None)

    def _look_again(self, table: TableClient, known: Instance) -> Instance | None:
        with self._tables.explained(f"reading an instance of the task hub {known.hub}"):
            try:
                row = table.get_entity(to_partition_key(known.id), "", select=_COLUMNS)
            except ResourceNotFoundError as error:
                if error_word(error) in (TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND):
                    return None
                raise
            return self._instance(known.hub, row) if is_active(row.get("RuntimeStatus", "")) else None

    def _instance(self, hub: str, row: TableEntity) -> Instance | None:
        """What an active row of the Instances table stands for (azure_facts.md 3.1), or None for an entity."""
        key = row["PartitionKey"]
        try:
            instance_id = from_partition_key(key)
        except ValueError as error:
            problem = (
                f"the task hub {hub} has a row whose partition key, {key!r}, Durable Functions doesn't write; "
                "find out what made it, and delete the row if it stands for no orchestration"
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
        )
