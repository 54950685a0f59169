"""What sites answer under their host names."""

from __future__ import annotations

import uuid

from durable.roles import StorageRole
from localazure.identity import SUBSCRIPTION_ID
from tests.localazure.conftest import GROUP, LOCATION, Arm

SHA = "0123456789abcdef" * 4


READER_ROLE = (
    f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{StorageRole.BLOB_DATA_READER}"
)


def make_reader(arm: Arm) -> str:
    """The id of a user-assigned identity that may read the packages."""
    url = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
    made = arm.http.put(url, params={"api-version": "2023-01-31"}, json={"location": LOCATION}).json()
    role = {"roleDefinitionId": READER_ROLE, "principalId": made["properties"]["principalId"]}
    properties = {**role, "principalType": "ServicePrincipal"}
    arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), {"properties": properties})
    return str(made["id"])


def make_packaged_site(arm: Arm) -> dict[str, str]:
    """A site that reads its package with an identity; returns its settings."""
    arm.make_account()
    arm.accounts.blob_containers.create(GROUP, "account1", "packages", {})
    reader = make_reader(arm)
    arm.make_site()
    identity = {"type": "UserAssigned", "userAssignedIdentities": {reader: {}}}
    arm.web.web_apps.update(GROUP, "shop", {"identity": identity})
    settings = {
        "WEBSITE_RUN_FROM_PACKAGE": arm.storage.put_blob("account1", "packages", f"{SHA}.zip"),
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID": reader,
        "DurableManagementStorage": "DefaultEndpointsProtocol=http;AccountName=blue;AccountKey=eA==",
    }
    arm.put_settings(settings)
    return settings


def test_a_site_tells_what_it_runs_at_every_path(arm: Arm) -> None:
    make_packaged_site(arm)
    for path in ("/", "/api/orders?x=1"):
        answer = arm.site("shop", path)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["site"], told["slot"], told["production"]) == ("shop", "production", True)
        assert (told["package"], told["store"]["account"], told["phase"]) == (SHA, "blue", "running")


def test_a_host_name_may_come_with_a_port_and_in_any_case(arm: Arm) -> None:
    arm.make_site()
    answer = arm.http.get("/", headers={"Host": "SHOP.azurewebsites.localhost:1234"})
    assert answer.json()["site"] == "shop"


def test_a_site_without_a_package_has_a_landing_page_and_nothing_else(arm: Arm) -> None:
    arm.make_site()
    assert arm.site("shop").status_code == 200
    assert arm.site("shop").json()["package"] is None
    assert arm.site("shop", "/api/x").status_code == 404


def test_a_package_that_is_not_there_is_told_with_the_reason(arm: Arm) -> None:
    settings = make_packaged_site(arm)
    arm.storage.blobs.clear()
    arm.put_settings(settings)
    answer = arm.site("shop")
    assert answer.status_code == 503
    assert "there is no blob at" in answer.json()["error"]
    arm.put_settings({**settings, "WEBSITE_RUN_FROM_PACKAGE": f"http://127.0.0.1:10401/nobody/c/{SHA}.zip"})
    assert "no storage account" in arm.site("shop").json()["error"]


def test_a_worker_reads_its_package_once(arm: Arm) -> None:
    settings = make_packaged_site(arm)
    assert arm.site("shop").status_code == 200
    arm.storage.blobs.clear()
    assert arm.site("shop").status_code == 200
    arm.put_settings(settings)
    assert arm.site("shop").status_code == 503


def test_a_package_without_a_sas_needs_an_identity_that_the_site_has(arm: Arm) -> None:
    settings = make_packaged_site(arm)
    reader = settings.pop("WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID")
    arm.put_settings(settings)
    assert "no identity is named" in arm.site("shop").json()["error"]
    arm.put_settings({**settings, "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID": f"{reader}x"})
    assert "isn't assigned" in arm.site("shop").json()["error"]
    arm.put_settings({**settings, "WEBSITE_RUN_FROM_PACKAGE": f"{settings['WEBSITE_RUN_FROM_PACKAGE']}?sig=x"})
    assert arm.site("shop").status_code == 200


def test_a_site_reads_its_package_by_the_role_of_the_identity_that_it_names(arm: Arm) -> None:
    settings = make_packaged_site(arm)
    for assignment in arm.roles.role_assignments.list_for_scope(arm.group):
        arm.roles.role_assignments.delete_by_id(assignment.id)
    arm.put_settings(settings)
    answer = arm.site("shop")
    assert answer.status_code == 503
    assert "lacks on the account account1: Storage Blob Data Reader" in answer.json()["error"]


def test_a_site_that_is_not_there_is_not_found(arm: Arm) -> None:
    assert arm.site("nobody").status_code == 404
