"""Built-in Azure roles that a function app's identity needs on storage accounts (azure_facts.md 6)."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum


class StorageRole(StrEnum):
    """Roles by the id of their definition: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

    BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    QUEUE_DATA_CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
    TABLE_DATA_CONTRIBUTOR = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"


TITLES = {
    StorageRole.BLOB_DATA_OWNER: "Storage Blob Data Owner",
    StorageRole.BLOB_DATA_CONTRIBUTOR: "Storage Blob Data Contributor",
    StorageRole.QUEUE_DATA_CONTRIBUTOR: "Storage Queue Data Contributor",
    StorageRole.TABLE_DATA_CONTRIBUTOR: "Storage Table Data Contributor",
}

_NEEDED = (
    frozenset({StorageRole.BLOB_DATA_CONTRIBUTOR, StorageRole.BLOB_DATA_OWNER}),
    frozenset({StorageRole.QUEUE_DATA_CONTRIBUTOR}),
    frozenset({StorageRole.TABLE_DATA_CONTRIBUTOR}),
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def role_of(definition_id: str) -> str | None:
    """The role in the id of a role definition, as its GUID in lower case; None if the id holds none.

    Ids differ in their scope: `/providers/…/roleDefinitions/<guid>` and `/subscriptions/<guid>/providers/…` are both
    in use, so the last GUID counts.
    """
    found = [match[0].lower() for match in _GUID.finditer(definition_id)]
    return found[-1] if found else None


def missing_roles(granted: Collection[str]) -> list[str]:
    """The titles of the roles that an identity lacks for Durable's work on an account: blobs, queues and tables."""
    return [TITLES[sorted(choices)[-1]] for choices in _NEEDED if not choices & set(granted)]
