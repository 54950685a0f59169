"""Storage accounts and blob containers, through azure-mgmt-storage."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.localazure.conftest import GROUP, LOCATION, Arm, code_of, serving
from tests.localazure.storage import MemoryStorage

SKU = {"name": "Standard_LRS"}


def keys(arm: Arm) -> list[str]:
    return [key.value for key in arm.accounts.storage_accounts.list_keys(GROUP, "account1").keys_property]


def test_an_account_is_made_as_an_operation_and_served_when_that_ends(arm: Arm) -> None:
    accounts = arm.accounts.storage_accounts
    body = {"location": LOCATION, "sku": SKU, "kind": "StorageV2", "properties": {"minimumTlsVersion": "TLS1_2"}}
    made = accounts.begin_create(GROUP, "account1", body).result()
    assert arm.storage.accounts == {"account1": tuple(keys(arm))}
    assert made.provisioning_state == "Succeeded"
    assert made.primary_endpoints.blob == "http://127.0.0.1:10401/account1/"
    assert (made.minimum_tls_version, made.allow_blob_public_access) == ("TLS1_2", False)
    assert (made.sku.name, made.sku.tier, made.status_of_primary) == ("Standard_LRS", "Standard", "available")
    assert made.creation_time is not None


def test_accounts_tell_where_they_are_served_after_a_start_on_other_ports(tmp_path: Path) -> None:
    with serving(tmp_path / "arm.sqlite", MemoryStorage()) as arm:
        arm.make_group()
        arm.make_account()
    with serving(tmp_path / "arm.sqlite", MemoryStorage(port=11401)) as again:
        endpoints = again.accounts.storage_accounts.get_properties(GROUP, "account1").primary_endpoints
        assert endpoints.blob == "http://127.0.0.1:11401/account1/"
        assert endpoints.table == "http://127.0.0.1:11403/account1/"


def test_the_put_of_a_new_account_answers_202_with_both_polling_addresses(arm: Arm) -> None:
    url = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/account1"
    answer = arm.http.put(
        url, params={"api-version": "2024-01-01"}, json={"location": LOCATION, "sku": SKU, "kind": "StorageV2"}
    )
    assert answer.status_code == 202
    assert "operationResults" in answer.headers["Location"]
    assert "operationStatuses" in answer.headers["Azure-AsyncOperation"]
    assert answer.headers["retry-after-ms"].isdecimal()


def test_keys_are_real_and_one_can_be_renewed(arm: Arm) -> None:
    arm.make_account()
    before = keys(arm)
    assert [len(base64.b64decode(key)) for key in before] == [64, 64]
    arm.accounts.storage_accounts.regenerate_key(GROUP, "account1", {"keyName": "key1"})
    after = keys(arm)
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert arm.storage.accounts["account1"] == tuple(after)


def test_an_accounts_update_keeps_keys_and_creation_time(arm: Arm) -> None:
    arm.make_account()
    accounts = arm.accounts.storage_accounts
    before, first = keys(arm), accounts.get_properties(GROUP, "account1")
    accounts.update(GROUP, "account1", {"tags": {"a": "1"}, "properties": {"allowSharedKeyAccess": False}})
    arm.make_account()
    after = accounts.get_properties(GROUP, "account1")
    assert (after.creation_time, after.allow_shared_key_access) == (first.creation_time, False)
    assert keys(arm) == before


def test_an_account_name_is_unique_in_all_of_azure(arm: Arm) -> None:
    arm.make_account()
    arm.resources.resource_groups.create_or_update("other", {"location": LOCATION})
    with pytest.raises(ResourceExistsError) as refused:
        arm.accounts.storage_accounts.begin_create("other", "account1", {"location": LOCATION, "sku": SKU})
    assert code_of(refused.value) == "StorageAccountAlreadyTaken"


@pytest.mark.parametrize("name", ["ab", "Upper", "with-hyphen", "x" * 25])
def test_account_names_are_checked(arm: Arm, name: str) -> None:
    url = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/{name}"
    body = {"location": LOCATION, "sku": SKU, "kind": "StorageV2"}
    answer = arm.http.put(url, params={"api-version": "2024-01-01"}, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "AccountNameInvalid")


def test_the_availability_of_a_name_can_be_asked(arm: Arm) -> None:
    arm.make_account()
    kind = "Microsoft.Storage/storageAccounts"
    answers = {
        name: arm.accounts.storage_accounts.check_name_availability({"name": name, "type": kind})
        for name in ("account1", "account2", "NO")
    }
    assert [answer.name_available for answer in answers.values()] == [False, True, False]
    assert answers["account1"].reason == "AlreadyExists"
    assert answers["NO"].reason == "AccountNameInvalid"


def test_a_deleted_account_is_no_longer_served_and_its_data_is_gone(arm: Arm) -> None:
    arm.make_account()
    arm.accounts.blob_containers.create(GROUP, "account1", "box", {})
    arm.storage.put_blob("account1", "box", "a")
    arm.accounts.storage_accounts.delete(GROUP, "account1")
    assert (arm.storage.accounts, arm.storage.blobs, arm.storage.containers) == ({}, {}, {"account1": set()})
    with pytest.raises(ResourceNotFoundError) as refused:
        arm.accounts.storage_accounts.get_properties(GROUP, "account1")
    assert code_of(refused.value) == "ResourceNotFound"
    arm.accounts.storage_accounts.delete(GROUP, "account1")


def test_accounts_can_be_made_and_deleted_all_at_once(arm: Arm) -> None:
    names = [f"account{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(arm.make_account, names))
        assert set(arm.storage.accounts) == set(names)
        list(pool.map(lambda name: arm.accounts.storage_accounts.delete(GROUP, name), names))
    assert arm.storage.accounts == {}


def test_accounts_are_listed_by_group_and_subscription(arm: Arm) -> None:
    arm.make_account()
    accounts = arm.accounts.storage_accounts
    assert [each.name for each in accounts.list()] == ["account1"]
    assert [each.name for each in accounts.list_by_resource_group(GROUP)] == ["account1"]


def test_a_container_is_really_made_and_deleted(arm: Arm) -> None:
    arm.make_account()
    containers = arm.accounts.blob_containers
    made = containers.create(GROUP, "account1", "box", {})
    assert (made.name, made.public_access) == ("box", "None")
    assert arm.storage.containers["account1"] == {"box"}
    assert [each.name for each in containers.list(GROUP, "account1")] == ["box"]
    containers.delete(GROUP, "account1", "box")
    assert arm.storage.containers["account1"] == set()
    with pytest.raises(ResourceNotFoundError) as refused:
        containers.get(GROUP, "account1", "box")
    assert code_of(refused.value) == "ContainerNotFound"


def test_a_container_keeps_its_metadata_until_it_is_deleted(arm: Arm) -> None:
    arm.make_account()
    containers = arm.accounts.blob_containers
    containers.create(GROUP, "account1", "box", {"properties": {"metadata": {"app": "orders-rg/orders"}}})
    assert containers.get(GROUP, "account1", "box").metadata == {"app": "orders-rg/orders"}
    containers.delete(GROUP, "account1", "box")
    containers.create(GROUP, "account1", "box", {})
    assert not containers.get(GROUP, "account1", "box").metadata


def test_containers_made_or_deleted_through_the_blob_service_are_seen(arm: Arm) -> None:
    arm.make_account()
    containers = arm.accounts.blob_containers
    containers.create(GROUP, "account1", "gone", {})
    arm.storage.containers["account1"] = {"own"}
    assert [each.name for each in containers.list(GROUP, "account1")] == ["own"]
    assert containers.get(GROUP, "account1", "own").public_access == "None"
    with pytest.raises(ResourceNotFoundError):
        containers.get(GROUP, "account1", "gone")
    containers.update(GROUP, "account1", "own", {"properties": {"metadata": {"a": "b"}}})
    assert containers.get(GROUP, "account1", "own").metadata == {"a": "b"}
    containers.delete(GROUP, "account1", "own")
    containers.delete(GROUP, "account1", "gone")
    assert arm.storage.containers["account1"] == set()


@pytest.mark.parametrize("name", ["Box", "a--b", "-ab", "x" * 64])
def test_container_names_are_checked(arm: Arm, name: str) -> None:
    arm.make_account()
    url = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/account1/blobServices/default/containers/{name}"
    answer = arm.http.put(url, params={"api-version": "2024-01-01"}, json={})
    assert answer.json()["error"]["code"] == "InvalidResourceName"


def test_a_container_in_a_missing_account_says_that_its_parent_is_missing(arm: Arm) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        arm.accounts.blob_containers.create(GROUP, "account1", "box", {})
    assert code_of(refused.value) == "ParentResourceNotFound"


def test_the_blob_service_keeps_its_properties(arm: Arm) -> None:
    arm.make_account()
    services = arm.accounts.blob_services
    services.set_service_properties(GROUP, "account1", {"properties": {"isVersioningEnabled": True}})
    assert services.get_service_properties(GROUP, "account1").is_versioning_enabled is True
    assert [each.name for each in services.list(GROUP, "account1")] == ["default"]


def test_an_unknown_account_sku_is_refused(arm: Arm) -> None:
    body = {"location": LOCATION, "sku": {"name": "Gold_LRS"}, "kind": "StorageV2"}
    with pytest.raises(HttpResponseError, match=r"Gold_LRS.*Standard_LRS") as refused:
        arm.accounts.storage_accounts.begin_create(GROUP, "account1", body)
    assert code_of(refused.value) == "InvalidRequestPropertyValue"


def test_an_unknown_key_name_is_refused(arm: Arm) -> None:
    arm.make_account()
    with pytest.raises(HttpResponseError, match="key1 or key2"):
        arm.accounts.storage_accounts.regenerate_key(GROUP, "account1", {"keyName": "key3"})
