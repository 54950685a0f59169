"""Built-in Azure roles that a function app's identity needs on storage accounts (azure_facts.md 6)."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum


class StorageRole(StrEnum):
    """Roles by the id of their definition: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

    BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    QUEUE_DATA_CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
    TABLE_DATA_CONTRIBUTOR = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
    TABLE_DATA_READER = "76199698-9eea-4c19-bc75-cec21354c6b6"


TITLES = {
    StorageRole.BLOB_DATA_OWNER: "Storage Blob Data Owner",
    StorageRole.BLOB_DATA_CONTRIBUTOR: "Storage Blob Data Contributor",
    StorageRole.BLOB_DATA_READER: "Storage Blob Data Reader",
    StorageRole.QUEUE_DATA_CONTRIBUTOR: "Storage Queue Data Contributor",
    StorageRole.TABLE_DATA_CONTRIBUTOR: "Storage Table Data Contributor",
    StorageRole.TABLE_DATA_READER: "Storage Table Data Reader",
}

_QUEUES_AND_TABLES = (StorageRole.QUEUE_DATA_CONTRIBUTOR, StorageRole.TABLE_DATA_CONTRIBUTOR)

HOST_ROLES = (StorageRole.BLOB_DATA_OWNER, *_QUEUES_AND_TABLES)
"""What the Functions host needs on its own account: blobs, the queues of blob triggers, tables for its events."""

STORE_ROLES = (StorageRole.BLOB_DATA_CONTRIBUTOR, *_QUEUES_AND_TABLES)
"""What Durable Functions needs on the account of a task hub."""

_NEEDED = (
    frozenset({StorageRole.BLOB_DATA_CONTRIBUTOR, StorageRole.BLOB_DATA_OWNER}),
    frozenset({StorageRole.QUEUE_DATA_CONTRIBUTOR}),
    frozenset({StorageRole.TABLE_DATA_CONTRIBUTOR}),
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def object_id_problem(text: str) -> str | None:
    """What is wrong with the object id of a principal in Entra ID, or None."""
    if _GUID.fullmatch(text):
        return None
    return f"{text!r} is no object id: 32 hex digits in five groups, as Entra ID shows it for a principal"


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
