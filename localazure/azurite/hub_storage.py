"""What task hubs ask of storage, answered by Azurite through Microsoft's own client libraries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from localazure.azurite.process import AzuriteProcess
from localazure.environment import Endpoints
from localazure.hubs.table import Place, Row

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient

_CALL: Final[dict[str, Any]] = {
    "connection_timeout": 5,
    "read_timeout": 20,
    "retry_total": 4,
    "retry_backoff_factor": 0.1,
}
"""A row that can't be written holds an orchestration up, so a call is tried again. Times are in seconds."""


class AzuriteHubStorage:
    """Implements localazure.hubs.table.HubStorage. Safe to call from several threads.

    It has all accounts' present keys from the process that it serves them with, and comes in where an account takes
    none. A client stays open for its rows.
    """

    def __init__(self, process: AzuriteProcess, endpoints: Endpoints) -> None:
        self._process = process
        self._endpoints = endpoints
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], TableServiceClient] = {}

    def make(
        self, account: str, *, queues: Iterable[str] = (), tables: Iterable[str] = (), containers: Iterable[str] = ()
    ) -> None:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobServiceClient
        from azure.storage.queue import QueueServiceClient

        self._process.ensure()
        credential = {"account_name": account, "account_key": self._key(account)}
        with QueueServiceClient(f"{self._endpoints.queue}/{account}", credential, **self._call) as queue_client:
            for name in queues:
                with suppress(ResourceExistsError):
                    queue_client.create_queue(name)
        with BlobServiceClient(f"{self._endpoints.blob}/{account}", credential, **self._call) as blob_client:
            for name in containers:
                with suppress(ResourceExistsError):
                    blob_client.create_container(name)
        for name in tables:
            self._client(account).create_table_if_not_exists(name)

    def put_row(self, place: Place, row: Row) -> None:
        from azure.data.tables import UpdateMode

        self._again(place, lambda table: table.upsert_entity(row, mode=UpdateMode.REPLACE))

    def delete_row(self, place: Place, partition_key: str) -> None:
        self._again(place, lambda table: table.delete_entity(partition_key, ""))

    def rows(self, place: Place) -> Iterator[Row]:
        from azure.core.exceptions import ResourceNotFoundError

        self._process.ensure()
        with suppress(ResourceNotFoundError):
            yield from self._client(place.account).get_table_client(place.table).list_entities()

    def change_row(self, place: Place, row: Row, change: Callable[[Row], Row | None]) -> None:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.data.tables import UpdateMode

        table = self._client(place.account).get_table_client(place.table)
        etag = row.metadata["etag"]  # type: ignore[attr-defined]  # a TableEntity: it came from `rows`
        only = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with suppress(ResourceModifiedError, ResourceNotFoundError):
            changed = change(row)
            if changed is None:
                table.delete_entity(row["PartitionKey"], row["RowKey"], **only)
            else:
                table.update_entity(changed, mode=UpdateMode.REPLACE, **only)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _again(self, place: Place, call: Callable[[TableClient], object]) -> None:
        """Make a call; once more if Azurite has died, or has other keys by now."""
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

        try:
            call(self._client(place.account).get_table_client(place.table))
        except (ServiceRequestError, ClientAuthenticationError):
            self._process.ensure()
            call(self._client(place.account).get_table_client(place.table))

    def _client(self, account: str) -> TableServiceClient:
        from azure.core.credentials import AzureNamedKeyCredential
        from azure.data.tables import TableServiceClient

        key = self._key(account)
        with self._lock:
            client = self._clients.get((account, key))
            if client is None:
                client = self._clients[account, key] = TableServiceClient(
                    f"{self._endpoints.table}/{account}", credential=AzureNamedKeyCredential(account, key), **self._call
                )
            return client

    @property
    def _call(self) -> dict[str, Any]:
        return {**_CALL, "headers": self._process.pass_header}

    def _key(self, account: str) -> str:
        return self._process.accounts[account][0]
