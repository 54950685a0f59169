"""A store's orchestrations, as the Instances tables of its storage account tell them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.data.tables import TableClient, TableEntity, TableErrorCode, TableServiceClient

from durable.connections import IdentityAccess, KeyAccess, table_access
from durable.entities import is_entity
from durable.hub_names import hub_of_instances_table, hub_resources
from durable.instance_ids import from_partition_key, to_partition_key
from durable.statuses import is_active

READER_ROLE = "Storage Table Data Reader"
"""The least role that may read the tables (azure_facts.md 6)."""

_COLUMNS: Final = ["PartitionKey", "Name", "RuntimeStatus", "CreatedTime"]
_AT_ONCE: Final = 8
"""Point reads under way at a time: fewer than the 10 connections that the transport keeps open."""

_REACH: Final = "check the account's address, its network rules, and this machine's network"
_LONGEST_PAUSE: Final = 10.0
_RETRIES: Final[dict[str, Any]] = {
    "retry_total": 3,
    "retry_connect": 2,
    "retry_read": 1,
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": _LONGEST_PAUSE,
}
_TIMEOUTS: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 30}
"""Seconds. The service ends a query after 30 at most (Query timeout and pagination, Azure Storage documentation)."""


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


class StoreUnknownError(Exception):
    """A store that couldn't be read, or not to the end, so that nothing can be said about its orchestrations.

    Its text names the account, "" if that is what isn't known, then what was seen and what to do. It never holds a
    key or a signature.
    """

    def __init__(self, account: str, problem: str) -> None:
        self.account = account
        store = f"storage account {account}" if account else "the store"
        super().__init__(f"can't tell whether orchestrations still run in {store}: {problem}")


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
    return TableInstances(*open_tables(settings, connection, credential, transport))


def open_tables(
    settings: Mapping[str, str],
    connection: str,
    credential: Callable[[], TokenCredential] | None,
    transport: HttpTransport[Any, Any] | None,
) -> tuple[KeyAccess | IdentityAccess, TableServiceClient]:
    """The tables that a connection in app settings leads to. Nothing is sent before the first reading.

    `credential` is called if the connection is one by identity; without it, that is the identity which the Azure
    tools on this machine use. Raises StoreUnknownError if the connection is missing, contradictory or no such thing.
    """
    try:
        access = table_access(settings, connection)
    except ValueError as error:
        raise StoreUnknownError("", str(error)) from error
    options = {**_RETRIES, "transport": transport or _Transport(**_TIMEOUTS)}
    if isinstance(access, IdentityAccess):
        return access, _by_identity(access, (credential or _own_identity)(), options)
    return access, _by_key(access, options)


def _own_identity() -> TokenCredential:
    from azure.identity import DefaultAzureCredential  # It takes a while to load, and most stores are opened by key.

    return DefaultAzureCredential()


def _by_key(access: KeyAccess, options: Mapping[str, Any]) -> TableServiceClient:
    try:
        return TableServiceClient.from_connection_string(access.connection_string, **options)
    except ValueError:
        # The library's text may hold parts of the connection string.
        problem = "its connection string has neither a key nor a shared access signature; add the account's present key"
        raise StoreUnknownError(access.account, problem) from None


def _by_identity(access: IdentityAccess, credential: TokenCredential, options: Mapping[str, Any]) -> TableServiceClient:
    try:
        return TableServiceClient(access.endpoint, credential=credential, **options)
    except ValueError as error:
        problem = "its table service can't be asked with an identity; set an address that begins with https"
        raise StoreUnknownError(access.account, problem) from error


class _Transport(RequestsTransport):  # type: ignore[misc]  # azure-core loads the class late, without its type
    """Waits no longer before another try than a reading may take, whatever a Retry-After asks for."""

    def sleep(self, duration: float) -> None:
        super().sleep(min(duration, _LONGEST_PAUSE))


class TableInstances:
    """Implements Instances with azure-data-tables, for the tables of hubs of their own."""

    columns: Collection[str] = _COLUMNS

    def __init__(self, access: KeyAccess | IdentityAccess, client: TableServiceClient) -> None:
        self.account = access.account
        self._access = access
        self._client = client

    def all(self) -> Listing:
        hubs = self.prefixes()
        rows = 0
        active: list[Instance] = []
        for hub in hubs:
            for row in self.rows(hub):
                rows += 1
                if instance := self.instance(row, hub):
                    active.append(instance)
        return Listing(hubs, tuple(active), rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        tables = {prefix: self._table(prefix) for prefix in set(map(_prefix, known))}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            rows = list(pool.map(lambda instance: self._row(tables[_prefix(instance)], instance), known))
        seen = (self.again(one, row) for one, row in zip(known, rows, strict=True) if row is not None)
        return tuple(instance for instance in seen if instance is not None)

    def prefixes(self) -> tuple[str, ...]:
        """What is in front of `Instances` in the names of the tables that there are: hubs, or tracking prefixes."""
        with self._explained("listing the tables"):
            found = (hub_of_instances_table(table.name) for table in self._client.list_tables())
            return tuple(sorted(prefix for prefix in found if prefix is not None))

    def rows(self, prefix: str) -> Iterator[TableEntity]:
        """All rows of an Instances table, with these columns."""
        with self._explained(f"reading the task hub {prefix}"):
            # No filter on the server: it would compare, and a row without a status is equal to nothing.
            yield from self._table(prefix).list_entities(select=[*self.columns])

    def again(self, known: Instance, row: TableEntity) -> Instance | None:
        """What the row of a known instance says now; None if it is no longer active."""
        return self.instance(row, known.hub)

    def _row(self, table: TableClient, known: Instance) -> TableEntity | None:
        with self._explained(f"reading an instance of the task hub {known.hub or known.tracking}"):
            try:
                return table.get_entity(to_partition_key(known.id), "", select=[*self.columns])
            except ResourceNotFoundError as error:
                if _code(error) in (TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND):
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

    def _table(self, prefix: str) -> TableClient:
        return self._client.get_table_client(hub_resources(prefix).instances_table)

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Turn all that can go wrong in a call into a StoreUnknownError, in words of our own.

        The library's texts hold addresses, and those hold the signature where access is by one.
        """
        try:
            yield
        except StoreUnknownError:
            raise
        except AzureError as error:
            seen, repair = self._told(error)
        except Exception as error:
            # What the library raises at an answer in another form differs, and none of it is an AzureError.
            seen = f"an answer came that no table service gives ({type(error).__name__})"
            repair = f"look for a proxy in between, and {_REACH}"
        else:
            return
        raise StoreUnknownError(self.account, f"{seen} while {doing}; {repair}")

    def _told(self, error: AzureError) -> tuple[str, str]:
        """What was seen, and what to do about it."""
        match error:
            case ServiceRequestTimeoutError() | ServiceResponseTimeoutError():
                return "the table service didn't answer in time", _REACH
            case ServiceRequestError():
                return "the table service can't be reached", _REACH
            case ClientAuthenticationError(response=None):
                return self._without_credential()
            case HttpResponseError() if isinstance(self._access, IdentityAccess) and self._is_from_elsewhere(error):
                return self._without_credential()
            case HttpResponseError(status_code=int(status)) if status >= HTTPStatus.BAD_REQUEST:
                code = _code(error)
                return f"the table service answered {status}{f' ({code})' if code else ''}", self._repair(status, code)
            case _:
                return "the table service's answer broke off or can't be read", f"try again, and {_REACH}"

    def _is_from_elsewhere(self, error: HttpResponseError) -> bool:
        """Whether an error is no answer of the table service, but one about a token."""
        url = getattr(getattr(error.response, "request", None), "url", "")
        return bool(url) and urlsplit(url).netloc != urlsplit(self._client.url).netloc

    def _without_credential(self) -> tuple[str, str]:
        if isinstance(self._access, KeyAccess):
            return "the key in the connection string isn't base64", "put the account's present key into it"
        return (
            "no token can be had for this identity",
            "sign in with `az login`, or as the pipeline's service principal",
        )

    def _repair(self, status: int, code: str) -> str:
        match status, code:
            case _, "KeyBasedAuthenticationNotPermitted":
                return "the account accepts no keys: connect by identity (__accountName)"
            case 401 | 403, _ if isinstance(self._access, IdentityAccess):
                return (
                    f"give the identity that runs this the role {READER_ROLE} on the account "
                    "(a new assignment takes minutes), and let this machine through the account's network rules"
                )
            case 401 | 403, _:
                return (
                    "put the account's present key, or a signature that may list and read tables, into the connection, "
                    "and let this machine through the account's network rules"
                )
            case 404 | 409, "TableNotFound" | "TableBeingDeleted":
                return "a table is being deleted: try again when that is done"
            case 408 | 429, _:
                return "the account has too much to do: try again later"
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return "the service is failing or has too much to do: try again later"
            case _:
                return _REACH


def _prefix(instance: Instance) -> str:
    return instance.tracking or instance.hub


def _code(error: HttpResponseError) -> str:
    """The service's word for an error, such as `TableNotFound`; "" if it gave none."""
    code = getattr(error, "error_code", None)
    return str(code.value if isinstance(code, TableErrorCode) else code or "")
