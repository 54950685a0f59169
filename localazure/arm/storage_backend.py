"""What the resource manager needs of storage: the seam between ARM's storage accounts and what really holds data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from localazure.hubs.table import HubStorage


class StorageBackend(Protocol):
    """Serves the data of all storage accounts. Its methods are called from several threads and may block.

    A `key` is one of the account's two keys, in base64. Errors of the backend may be raised as they are.
    """

    def set_accounts(self, accounts: Mapping[str, tuple[str, str]]) -> None:
        """Serve exactly these accounts (name to its two keys) from now on; returns when that is in force."""

    def endpoints(self, account: str) -> Mapping[str, str]:
        """The account's URLs by service (blob, queue, table), each with a slash at its end."""

    def create_container(self, account: str, key: str, name: str) -> None:
        """Make a blob container; one that exists already is left as it is."""

    def delete_container(self, account: str, key: str, name: str) -> None:
        """Delete a blob container and its blobs; one that is gone already is no error."""

    def list_containers(self, account: str, key: str) -> list[str]:
        """The names of the account's blob containers."""

    def wipe(self, account: str, key: str) -> None:
        """Delete all data of the account."""

    def read_blob(self, url: str, key: str) -> bytes | None:
        """The content of the blob at this URL, read with the key; None if there is none."""

    @property
    def hubs(self) -> HubStorage:
        """What task hubs have in storage."""
