"""What the resource manager needs of storage: the seam between ARM's storage accounts and what really holds data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from localazure.hubs.table import HubStorage


@dataclass(frozen=True)
class Grant:
    """What one role assignment lets a principal do with the data of an account."""

    assignment: str
    """Tells it from other assignments, earlier ones included."""
    principal: str
    """The object id in its tokens."""
    permits: frozenset[str]
    """Such as blob/read, queue/write, blob/tags."""
    container: str | None = None
    """The one blob container that it holds for; None for all of the account."""
    denials: int = 0
    """How many requests to each service it is denied before it takes effect."""


@dataclass(frozen=True)
class Access:
    """Who may use an account's data."""

    keys: bool = True
    """Whether the account's keys open it, and signatures made with them."""
    grants: tuple[Grant, ...] = ()


class StorageBackend(Protocol):
    """Serves the data of all storage accounts. Its methods are called from several threads and may block.

    A `key` is one of the account's two keys, in base64; it works here even where `Access` says that keys don't.
    Errors of the backend may be raised as they are.
    """

    def trust(self, token_key: str) -> None:
        """Take tokens signed with this key (HS256) from now on, for what `Access` grants."""

    def set_accounts(self, accounts: Mapping[str, tuple[str, str]], access: Mapping[str, Access] | None = None) -> None:
        """Serve exactly these accounts (name to its two keys) from now on; returns when that is in force.

        An account without `access` is open to its keys alone.
        """

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
