"""Which app has which hub name in a tracking store, asked of the provider while the program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pulumi_azure_native import storage

from components.live_settings import answer
from durable.hub_names import CLAIMANT, claim_container

_T = TypeVar("_T")


def account_exists(group: str, account: str) -> bool:
    """Whether there is a storage account. Raises LiveSettingsError."""

    def ask() -> bool:
        return bool(storage.get_storage_account(account_name=account, resource_group_name=group).id)

    return bool(_answer(ask, account, "Microsoft.Storage/storageAccounts/read"))


def claimant_of(group: str, account: str, hub: str) -> str | None:
    """The app that has claimed a hub name, "" if the claim doesn't say which, None if nobody has.

    Raises LiveSettingsError.
    """

    def ask() -> str:
        found = storage.get_blob_container(
            account_name=account, container_name=claim_container(hub), resource_group_name=group
        )
        return str((found.metadata or {}).get(CLAIMANT, ""))

    return _answer(ask, account, "Microsoft.Storage/storageAccounts/blobServices/containers/read")


def _answer(ask: Callable[[], _T], account: str, right: str) -> _T | None:
    failure = f"The tracking store {account} can't be looked at"
    return answer(ask, failure, right, "which app has which task hub in it", "Storage Account Contributor")
