"""What ARM asks of storage, answered by Azurite through Microsoft's own client libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from localazure.arm.storage_backend import Access
from localazure.azurite.hub_storage import AzuriteHubStorage
from localazure.azurite.process import Accounts, AzuriteProcess
from localazure.environment import Endpoints

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient


_CALL: Final[dict[str, Any]] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 20}
"""Nobody tries again: Azurite answers soon or has died, and then ARM's caller is told. Times are in seconds."""


class AzuriteStorage:
    """Implements localazure.arm.storage_backend.StorageBackend. Safe to call from several threads.

    Containers that it made or deleted are on disk when a call returns. Its own requests are signed with keys, and are
    taken even where an account takes no keys (AzuriteProcess.pass_header).
    """

    def __init__(self, process: AzuriteProcess, endpoints: Endpoints) -> None:
        self._process = process
        self._endpoints = endpoints
        self.hubs = AzuriteHubStorage(process, endpoints)

    @staticmethod
    def load() -> None:
        """Import the client libraries: it takes a second, in which the first request for data would hold up others."""
        import azure.data.tables
        import azure.storage.blob
        import azure.storage.queue  # noqa: F401

    def trust(self, token_key: str) -> None:
        self._process.trust(token_key)

    def set_accounts(self, accounts: Accounts, access: Mapping[str, Access] | None = None) -> None:
        self._process.set_accounts(accounts, access or {})

    def endpoints(self, account: str) -> Mapping[str, str]:
        at = self._endpoints
        return {
            name: f"{base}/{account}/" for name, base in (("blob", at.blob), ("queue", at.queue), ("table", at.table))
        }

    def create_container(self, account: str, key: str, name: str) -> None:
        from azure.core.exceptions import ResourceExistsError

        with self._blobs(account, key) as client:
            try:
                client.create_container(name)
            except ResourceExistsError:
                return  # ARM's PUT of a container may be repeated.
        self._process.save()

    def delete_container(self, account: str, key: str, name: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        with self._blobs(account, key) as client:
            try:
                client.delete_container(name)
            except ResourceNotFoundError:
                return
        self._process.save()

    def list_containers(self, account: str, key: str) -> list[str]:
        with self._blobs(account, key) as client:
            return [container.name for container in client.list_containers()]

    def wipe(self, account: str, key: str) -> None:
        """Delete all that the account holds."""
        with self._blobs(account, key) as blobs:
            for container in blobs.list_containers():
                blobs.delete_container(container.name)
        with self._queues(account, key) as queues:
            for queue in queues.list_queues():
                queues.delete_queue(queue.name)
        with self._tables(account, key) as tables:
            for table in tables.list_tables():
                tables.delete_table(table.name)
        self._process.save()

    def read_blob(self, url: str, key: str) -> bytes | None:
        """The content of the blob at this URL, http://HOST/ACCOUNT/CONTAINER/BLOB. No other host is ever asked."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobClient

        if not url.startswith(f"{self._endpoints.blob}/"):
            return None
        self._process.ensure()
        account = urlsplit(url).path.split("/")[1]
        credential = {"account_name": account, "account_key": key}
        with BlobClient.from_blob_url(url, credential=credential, **self._call) as client:
            try:
                return client.download_blob().readall()
            except ResourceNotFoundError:
                return None

    def close(self) -> None:
        """Close the connections that it keeps open."""
        self.hubs.close()

    @property
    def _call(self) -> dict[str, Any]:
        return {**_CALL, "headers": self._process.pass_header}

    def _blobs(self, account: str, key: str) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        self._process.ensure()
        credential = {"account_name": account, "account_key": key}
        return BlobServiceClient(self.endpoints(account)["blob"], credential, **self._call)

    def _queues(self, account: str, key: str) -> QueueServiceClient:
        from azure.storage.queue import QueueServiceClient

        self._process.ensure()
        credential = {"account_name": account, "account_key": key}
        return QueueServiceClient(self.endpoints(account)["queue"], credential, **self._call)

    def _tables(self, account: str, key: str) -> TableServiceClient:
        from azure.core.credentials import AzureNamedKeyCredential
        from azure.data.tables import TableServiceClient

        self._process.ensure()
        credential = AzureNamedKeyCredential(account, key)
        return TableServiceClient(self.endpoints(account)["table"], credential=credential, **self._call)
