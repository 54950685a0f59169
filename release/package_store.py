"""The packages that are uploaded: blobs in the host's storage account, each named by its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from durable.app_settings import PACKAGES, package_file, packaged
from durable.connections import HOST_STORAGE, account_of_connection_string, parse_connection_string

_TIMEOUT: Final = 30
"""Seconds for one answer."""


@dataclass(frozen=True)
class Stored:
    """A package as it is stored: its SHA-256, its size in bytes, and when it was uploaded, in UTC."""

    sha256: str
    size: int
    uploaded: datetime


class PackageStoreError(Exception):
    """The stored packages can't be read. The text says what was seen and what to do."""


class PackageStore(Protocol):
    """Both methods raise PackageStoreError."""

    def all(self) -> tuple[Stored, ...]:
        """Each package, the one uploaded first first; other blobs are left out."""

    def delete(self, stored: Stored) -> None:
        """Delete a package unless it has been uploaded anew since; one that is gone already is no error."""


def open_package_store(settings: Mapping[str, str]) -> PackageStore:
    """The packages beside the host storage in a slot's app settings. Raises PackageStoreError; asks nothing yet."""
    connection = settings.get(HOST_STORAGE, "")
    account = account_of_connection_string(connection)
    if account is None or not parse_connection_string(connection).keys() & {"accountkey", "sharedaccesssignature"}:
        raise PackageStoreError(
            f"{HOST_STORAGE} of the production slot is no connection string with a key, so the stored packages can't "
            "be read. What to do: run `pulumi up`, which writes it."
        )
    client = ContainerClient.from_connection_string(
        connection, PACKAGES, connection_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retry_total=3
    )
    return BlobPackages(account, client)


class BlobPackages:
    """Implements PackageStore with azure-storage-blob."""

    def __init__(self, account: str, client: ContainerClient) -> None:
        self._account = account
        self._client = client

    def all(self) -> tuple[Stored, ...]:
        with self._explained("listing"):
            try:
                blobs = list(self._client.list_blobs())
            except ResourceNotFoundError:
                return ()
        found = ((packaged(str(blob.name)), blob) for blob in blobs)
        stored = [Stored(sha256, int(blob.size), blob.last_modified) for sha256, blob in found if sha256]
        return tuple(sorted(stored, key=lambda one: (one.uploaded, one.sha256)))

    def delete(self, stored: Stored) -> None:
        with self._explained("deleting one of"):
            try:
                self._client.delete_blob(package_file(stored.sha256), if_unmodified_since=stored.uploaded)
            except ResourceNotFoundError:
                return

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            raise PackageStoreError(
                f"The storage account {self._account} gave no answer to go by when {doing} the packages "
                f"({_told(error)}). What to do: check its network rules and its keys, and run again."
            ) from error


def _told(error: AzureError) -> str:
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return f"{error.status_code} {getattr(error, 'error_code', '') or ''}".rstrip()
    return type(error).__name__
