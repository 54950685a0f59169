"""Resource groups, resource lists and providers, through azure-mgmt-resource; and the checks that ARM makes for all."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from localazure.identity import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from tests.localazure.conftest import GROUP, LOCATION, Arm, code_of

SITE = "/resourceGroups/rg/providers/Microsoft.Web/sites/x"
WEB = {"api-version": "2025-05-01"}


def test_a_resource_group_is_made_changed_listed_and_found(arm: Arm) -> None:
    groups = arm.resources.resource_groups
    made = groups.create_or_update("Second", {"location": "North Europe", "tags": {"a": "1"}})
    assert (made.location, made.properties.provisioning_state) == ("northeurope", "Succeeded")
    assert made.id == f"{arm.subscription}/resourceGroups/Second"
    assert groups.update("second", {"tags": {"b": "2"}}).tags == {"b": "2"}
    assert {group.name for group in groups.list()} == {GROUP, "Second"}
    assert groups.check_existence("SECOND")
    assert not groups.check_existence("third")


def test_a_resource_groups_location_is_for_ever(arm: Arm) -> None:
    with pytest.raises(HttpResponseError) as refused:
        arm.resources.resource_groups.create_or_update(GROUP, {"location": "eastus"})
    assert code_of(refused.value) == "InvalidResourceLocation"


def test_a_location_is_required(arm: Arm) -> None:
    answer = arm.http.put(f"{arm.subscription}/resourceGroups/x", params={"api-version": "2024-03-01"}, json={})
    assert answer.json()["error"]["code"] == "LocationRequired"


def test_deleting_a_group_takes_all_that_it_holds_along(arm: Arm) -> None:
    arm.make_site()
    arm.make_slot()
    arm.make_account()
    arm.accounts.blob_containers.create(GROUP, "account1", "box", {})
    poller = arm.resources.resource_groups.begin_delete(GROUP)
    poller.result()
    assert list(arm.resources.resource_groups.list()) == []
    assert list(arm.resources.resources.list()) == []
    assert arm.storage.accounts == {}
    assert arm.site("shop").status_code == 404
    assert arm.http.get("/localazure/health").json() == {"status": "ok", "resources": {}}


def test_a_missing_group_is_told_from_a_missing_resource(arm: Arm) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: arm.resources.resource_groups.get("missing"),
        lambda: arm.resources.resource_groups.begin_delete("missing"),
        lambda: arm.web.web_apps.get("missing", "shop"),
        lambda: arm.web.app_service_plans.begin_create_or_update("missing", "plan", {"location": LOCATION}),
    )
    for call in calls:
        with pytest.raises(ResourceNotFoundError) as refused:
            call()
        assert code_of(refused.value) == "ResourceGroupNotFound"
    with pytest.raises(ResourceNotFoundError) as refused:
        arm.web.web_apps.get(GROUP, "shop")
    assert code_of(refused.value) == "ResourceNotFound"


def test_resources_are_listed_in_a_group_and_in_the_subscription_by_type(arm: Arm) -> None:
    arm.make_site()
    arm.make_slot()
    arm.put_settings({"A": "1"})
    resources = arm.resources.resources
    types = {"Microsoft.Web/serverfarms", "Microsoft.Web/sites", "Microsoft.Web/sites/slots"}
    assert {each.type for each in resources.list_by_resource_group(GROUP)} == types
    wanted = "resourceType eq 'Microsoft.Web/sites'"
    assert [each.name for each in resources.list(filter=wanted)] == ["shop"]
    with pytest.raises(HttpResponseError) as refused:
        list(resources.list(filter="startswith(name, 'a')"))
    assert code_of(refused.value) == "InvalidFilterInQueryString"


def test_a_resource_is_found_and_deleted_by_its_id(arm: Arm) -> None:
    plan = arm.make_plan()
    resources = arm.resources.resources
    assert resources.check_existence_by_id(
        plan.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), api_version="2025-05-01"
    )
    assert resources.get_by_id(plan, api_version="2025-05-01").name == "plan"
    resources.begin_delete_by_id(plan, api_version="2025-05-01").result()
    assert not resources.check_existence_by_id(plan, api_version="2025-05-01")


def test_providers_are_registered_and_name_their_types(arm: Arm) -> None:
    web = arm.resources.providers.get("microsoft.web")
    assert (web.namespace, web.registration_state) == ("Microsoft.Web", "Registered")
    assert "sites/slots" in {kind.resource_type for kind in web.resource_types}
    assert arm.resources.providers.register("Microsoft.Storage").registration_state == "Registered"
    assert "Microsoft.Authorization" in {each.namespace for each in arm.resources.providers.list()}


def test_the_subscription_and_the_tenant_are_listed(arm: Arm) -> None:
    query = {"api-version": "2022-12-01"}
    assert arm.http.get("/subscriptions", params=query).json()["value"][0]["subscriptionId"] == SUBSCRIPTION_ID
    assert arm.http.get(arm.subscription, params=query).json()["state"] == "Enabled"
    assert len(arm.http.get("/tenants", params=query).json()["value"]) == 1


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/resourceGroups/rg/providers/Microsoft.Web/sites/x", {}, 400, "MissingApiVersionParameter"),
        (
            "/resourceGroups/rg/providers/Microsoft.Web/sites/x",
            {"api-version": "new"},
            400,
            "InvalidApiVersionParameter",
        ),
        ("/resourceGroups/rg", {"api-version": "1999-01-01"}, 400, "InvalidApiVersionParameter"),
        (
            "/resourceGroups/rg/providers/Microsoft.Web/sites/x",
            {"api-version": "1999-01-01"},
            400,
            "NoRegisteredProviderFound",
        ),
        ("/resourceGroups/rg/providers/Microsoft.Nothing/x/y", WEB, 404, "InvalidResourceNamespace"),
        ("/resourceGroups/rg/providers/Microsoft.Web/nothing/y", WEB, 404, "InvalidResourceType"),
        (SITE, WEB, 404, "ResourceNotFound"),
        ("/providers/Microsoft.Web/locations/local/operationStatuses/1", WEB, 404, "OperationNotFound"),
    ],
)
def test_what_arm_refuses_by_itself_has_arms_code(
    arm: Arm, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = arm.http.get(f"{arm.subscription}{path}", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("subscription", "code"), [(str(uuid.UUID(int=7)), "SubscriptionNotFound"), ("mine", "InvalidSubscriptionId")]
)
def test_another_subscription_is_not_found(arm: Arm, subscription: str, code: str) -> None:
    answer = arm.http.get(f"/subscriptions/{subscription}/resourceGroups", params={"api-version": "2024-03-01"})
    assert answer.json()["error"]["code"] == code


def test_the_metadata_document_leads_back_here(arm: Arm) -> None:
    answer: dict[str, Any] = arm.http.get("/metadata/endpoints", params={"api-version": "2022-09-01"}).json()
    assert answer["resourceManager"] == arm.url
    assert answer["authentication"]["loginEndpoint"] == arm.url
    assert arm.http.get("/metadata/endpoints", params={"api-version": "2015-01-01"}).status_code == 400


def log_in(arm: Arm, **changed: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return arm.http.post(f"/{TENANT_ID}/oauth2/v2.0/token", data={**form, "scope": f"{arm.url}/.default", **changed})


def test_the_token_endpoint_gives_a_token_with_the_claims_that_clients_read(arm: Arm) -> None:
    answer = log_in(arm, scope="https://storage.azure.com/.default").json()
    payload = answer["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["tid"], claims["oid"], claims["appid"]) == (TENANT_ID, CLIENT_ID, CLIENT_ID)
    assert claims["aud"] == "https://storage.azure.com"
    assert claims["exp"] - claims["iat"] == answer["expires_in"]


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_secret": "guessed"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 400, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": ""}, 400, "invalid_request"),
    ],
)
def test_a_login_that_is_not_the_one_clients_is_refused(
    arm: Arm, wrong: dict[str, str], status: int, error: str
) -> None:
    answer = log_in(arm, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "access_token" not in answer.json()


def test_the_parts_of_a_missing_resource_are_not_listed(arm: Arm) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        list(arm.web.web_apps.list_slots(GROUP, "shop"))
    assert code_of(refused.value) == "ResourceNotFound"


def test_storage_that_fails_is_told_as_an_error_of_the_server(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    arm.make_account()

    def fail(*_: object) -> None:
        raise ConnectionError("no storage today")

    monkeypatch.setattr(arm.storage, "wipe", fail)
    url = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/account1"
    answer = arm.http.delete(url, params={"api-version": "2024-01-01"})
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "ConnectionError: no storage today"
    assert arm.accounts.storage_accounts.get_properties(GROUP, "account1").name == "account1"


def test_a_request_under_a_foreign_host_name_is_refused(arm: Arm) -> None:
    answer = arm.http.get("/subscriptions", params=WEB, headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_workspaces_and_components_are_made_with_what_azure_computes(arm: Arm) -> None:
    workspace = f"{arm.group}/providers/Microsoft.OperationalInsights/workspaces/logs"
    body = {"location": LOCATION, "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 60}}
    made = arm.http.put(workspace, params={"api-version": "2023-09-01"}, json=body)
    assert made.status_code == 201
    assert made.json()["properties"]["retentionInDays"] == 60
    assert uuid.UUID(made.json()["properties"]["customerId"])
    component = f"{arm.group}/providers/Microsoft.Insights/components/insights"
    query = {"api-version": "2020-02-02"}
    body = {"location": LOCATION, "kind": "web", "properties": {"WorkspaceResourceId": workspace}}
    first = arm.http.put(component, params=query, json=body).json()["properties"]
    again = arm.http.put(component, params=query, json=body).json()["properties"]
    assert first["InstrumentationKey"] in first["ConnectionString"]
    assert again["ConnectionString"] == first["ConnectionString"]
    missing = {**body, "properties": {"WorkspaceResourceId": f"{workspace}x"}}
    assert arm.http.put(component, params=query, json=missing).json()["error"]["code"] == "ResourceNotFound"
