"""Which roles an identity needs on a durable account."""

from __future__ import annotations

import pytest

from durable.roles import HOST_ROLES, STORE_ROLES, TITLES, StorageRole, missing_roles, object_id_problem, role_of

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


@pytest.mark.parametrize("roles", [HOST_ROLES, STORE_ROLES])
def test_what_an_app_is_given_is_all_that_it_needs(roles: tuple[StorageRole, ...]) -> None:
    assert missing_roles(roles) == []


def test_each_role_has_a_title() -> None:
    assert set(TITLES) == set(StorageRole)


@pytest.mark.parametrize("text", [str(QUEUES), str(QUEUES).upper()])
def test_an_object_id_is_a_guid(text: str) -> None:
    assert object_id_problem(text) is None


@pytest.mark.parametrize("text", ["", "someone@contoso.com", f"{QUEUES}0", f"/{QUEUES}"])
def test_what_is_no_guid_is_no_object_id(text: str) -> None:
    assert repr(text) in (object_id_problem(text) or "")
