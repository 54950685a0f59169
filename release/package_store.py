"""The packages that are uploaded: blobs in the host's storage account, each named by its hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from durable.app_settings import PACKAGES, package_file, packaged
from durable.connections import HOST_STORAGE, IdentityAccess, KeyAccess, blob_access, parse_connection_string
from durable.roles import TITLES, StorageRole
from release.plain_http import LoopbackTransport, is_for_loopback, secured

_TIMEOUT: Final = 30
"""Seconds for one answer."""

_OPTIONS: Final[dict[str, Any]] = {"connection_timeout": _TIMEOUT, "read_timeout": _TIMEOUT, "retry_total": 3}


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


def open_package_store(settings: Mapping[str, str], credential: Callable[[], TokenCredential]) -> PackageStore:
    """The packages beside the host storage in a slot's app settings. Raises PackageStoreError; asks nothing yet.

    `credential` is called if the connection is one by identity.
    """
    try:
        access = blob_access(settings, HOST_STORAGE)
    except ValueError as error:
        raise _no_connection() from error
    if isinstance(access, IdentityAccess):
        return BlobPackages(access.account, _by_identity(access, credential()))
    return BlobPackages(access.account, _by_key(access))


def _by_key(access: KeyAccess) -> ContainerClient:
    text = access.connection_string
    if not parse_connection_string(text).keys() & {"accountkey", "sharedaccesssignature"}:
        raise _no_connection()
    return ContainerClient.from_connection_string(text, PACKAGES, **_OPTIONS)


def _by_identity(access: IdentityAccess, credential: TokenCredential) -> ContainerClient:
    if is_for_loopback(credential, access.endpoint):
        options = {**_OPTIONS, "transport": LoopbackTransport()}
        return ContainerClient(secured(access.endpoint), PACKAGES, credential=credential, **options)
    try:
        return ContainerClient(access.endpoint, PACKAGES, credential=credential, **_OPTIONS)
    except ValueError as error:
        raise _no_connection() from error


def _no_connection() -> PackageStoreError:
    return PackageStoreError(
        f"{HOST_STORAGE} of the production slot is no connection with a key or by identity, so the stored packages "
        "can't be read. What to do: run `pulumi up`, which writes it."
    )


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
                f"({_told(error)}). What to do: {_repair(error)}, and run again."
            ) from error


def _repair(error: AzureError) -> str:
    if getattr(error, "error_code", None) == "AuthorizationPermissionMismatch":
        reader, writer = (TITLES[StorageRole.BLOB_DATA_READER], TITLES[StorageRole.BLOB_DATA_CONTRIBUTOR])
        return (
            f"give the identity that runs this the role {reader} on the container {PACKAGES}, by its object id under "
            f"durable-zero-downtime:readers (to delete takes {writer}), wait until it takes effect"
        )
    return "check its network rules and its keys"


def _told(error: AzureError) -> str:
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return f"{error.status_code} {getattr(error, 'error_code', '') or ''}".rstrip()
    return type(error).__name__
