"""Which roles an identity needs on a durable account."""

from __future__ import annotations

import pytest

from durable.roles import StorageRole, missing_roles, role_of

QUEUES, TABLES = StorageRole.QUEUE_DATA_CONTRIBUTOR, StorageRole.TABLE_DATA_CONTRIBUTOR
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000000"
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"


@pytest.mark.parametrize(
    "definition",
    [f"{DEFINITIONS}/{QUEUES}", f"{SUBSCRIPTION}{DEFINITIONS}/{QUEUES.upper()}", str(QUEUES)],
)
def test_a_role_is_the_last_guid_of_its_definition(definition: str) -> None:
    assert role_of(definition) == QUEUES


def test_what_holds_no_guid_is_no_role() -> None:
    assert role_of("Storage Queue Data Contributor") is None


def test_blobs_queues_and_tables_are_all_needed_and_an_owner_of_blobs_is_enough() -> None:
    assert missing_roles({StorageRole.BLOB_DATA_OWNER, QUEUES, TABLES}) == []
    assert missing_roles({StorageRole.BLOB_DATA_CONTRIBUTOR, QUEUES, TABLES}) == []
    assert missing_roles({StorageRole.BLOB_DATA_OWNER}) == [
        "Storage Queue Data Contributor",
        "Storage Table Data Contributor",
    ]
    assert missing_roles(set())[0] == "Storage Blob Data Contributor"
