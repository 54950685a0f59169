"""Plans, sites and their settings, through azure-mgmt-web."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.localazure.conftest import GROUP, LOCATION, Arm, code_of


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ({"name": "ep1"}, ("EP1", "ElasticPremium", "EP")),
        ({"name": "P1V3"}, ("P1v3", "PremiumV3", "Pv3")),
        ({"tier": "Dynamic"}, ("Y1", "Dynamic", "Y")),
        ({"name": "S1", "capacity": 3}, ("S1", "Standard", "S")),
    ],
)
def test_a_plan_has_its_sku_in_azures_spelling(arm: Arm, sku: dict[str, Any], expected: tuple[str, str, str]) -> None:
    body = {"location": "West Europe", "sku": sku, "properties": {"reserved": True}}
    plan = arm.web.app_service_plans.begin_create_or_update(GROUP, "plan", body).result()
    assert (plan.sku.name, plan.sku.tier, plan.sku.family) == expected
    assert plan.sku.capacity == sku.get("capacity", 0 if expected[0] == "Y1" else 1)
    assert (plan.location, plan.reserved, plan.provisioning_state) == (LOCATION, True, "Succeeded")


def test_an_unknown_sku_is_refused(arm: Arm) -> None:
    with pytest.raises(HttpResponseError, match="'Z9'"):
        arm.make_plan(sku="Z9")


def test_a_plan_counts_its_sites_and_stays_while_it_has_any(arm: Arm) -> None:
    arm.make_site()
    plans = arm.web.app_service_plans
    assert plans.get(GROUP, "plan").number_of_sites == 1
    with pytest.raises(HttpResponseError, match="shop") as refused:
        plans.delete(GROUP, "plan")
    assert refused.value.status_code == 409
    arm.web.web_apps.delete(GROUP, "shop", delete_empty_server_farm=False)
    plans.delete(GROUP, "plan")
    assert list(plans.list_by_resource_group(GROUP)) == []


def test_deleting_the_last_site_takes_the_empty_plan_along_unless_told_otherwise(arm: Arm) -> None:
    arm.make_site()
    arm.web.web_apps.delete(GROUP, "shop")
    assert list(arm.web.app_service_plans.list_by_resource_group(GROUP)) == []


def test_a_site_shows_what_azure_shows_and_none_of_its_settings(arm: Arm) -> None:
    arm.make_site(siteConfig={"appSettings": [{"name": "Secret", "value": "x"}], "alwaysOn": True}, httpsOnly=True)
    site = arm.web.web_apps.get(GROUP, "shop")
    assert site.default_host_name == "shop.azurewebsites.localhost"
    assert (site.kind, site.state, site.https_only, site.enabled) == ("functionapp", "Running", True, True)
    assert site.site_config.app_settings is None
    assert arm.settings() == {"Secret": "x"}
    config = arm.web.web_apps.get_configuration(GROUP, "shop")
    assert (config.always_on, config.app_settings) == (True, None)


def test_a_put_of_a_site_may_be_repeated_and_keeps_its_settings(arm: Arm) -> None:
    arm.make_site()
    arm.put_settings({"A": "1"})
    first = arm.web.web_apps.get(GROUP, "shop")
    arm.make_site(plan=first.server_farm_id)
    again = arm.web.web_apps.get(GROUP, "shop")
    assert again.id == first.id
    assert arm.settings() == {"A": "1"}


def test_settings_are_replaced_as_a_whole_and_read_by_post_alone(arm: Arm) -> None:
    arm.make_site()
    arm.put_settings({"A": "1", "B": "2"})
    arm.put_settings({"B": "3"})
    assert arm.settings() == {"B": "3"}
    url = f"{arm.group}/providers/Microsoft.Web/sites/shop/config/appsettings"
    read = arm.http.post(f"{url}/list", params={"api-version": "2025-05-01"}).json()
    assert (read["name"], read["type"]) == ("appsettings", "Microsoft.Web/sites/config")
    assert arm.http.get(url, params={"api-version": "2025-05-01"}).status_code == 405


def test_a_connection_string_needs_a_type_that_azure_knows(arm: Arm) -> None:
    arm.make_site()
    apps = arm.web.web_apps
    apps.update_connection_strings(GROUP, "shop", {"properties": {"db": {"value": "v", "type": "sqlazure"}}})
    assert apps.list_connection_strings(GROUP, "shop").properties["db"].type == "SQLAzure"
    with pytest.raises(HttpResponseError, match="'db' has the type 'Oracle'"):
        apps.update_connection_strings(GROUP, "shop", {"properties": {"db": {"value": "v", "type": "Oracle"}}})


def test_metadata_and_slot_config_names_are_kept(arm: Arm) -> None:
    arm.make_site()
    apps = arm.web.web_apps
    apps.update_metadata(GROUP, "shop", {"properties": {"CURRENT_STACK": "python"}})
    assert apps.list_metadata(GROUP, "shop").properties == {"CURRENT_STACK": "python"}
    assert apps.list_slot_configuration_names(GROUP, "shop").app_setting_names is None
    apps.update_slot_configuration_names(GROUP, "shop", {"properties": {"appSettingNames": ["A"]}})
    assert apps.list_slot_configuration_names(GROUP, "shop").app_setting_names == ["A"]


def test_config_web_takes_a_patch(arm: Arm) -> None:
    arm.make_site()
    arm.web.web_apps.update_configuration(GROUP, "shop", {"properties": {"linuxFxVersion": "Python|3.11"}})
    arm.web.web_apps.update_configuration(GROUP, "shop", {"properties": {"alwaysOn": True}})
    config = arm.web.web_apps.get_configuration(GROUP, "shop")
    assert (config.linux_fx_version, config.always_on) == ("Python|3.11", True)


def test_a_patch_changes_what_it_names_and_keeps_the_rest(arm: Arm) -> None:
    arm.make_site(httpsOnly=True)
    arm.web.web_apps.update(GROUP, "shop", {"properties": {"clientAffinityEnabled": True}})
    site = arm.web.web_apps.get(GROUP, "shop")
    assert (site.https_only, site.client_affinity_enabled, site.kind) == (True, True, "functionapp")


@pytest.mark.parametrize("name", ["-shop", "shop-", "s", "sh_op", "x" * 61])
def test_site_names_are_checked(arm: Arm, name: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        arm.make_site(name)
    assert refused.value.status_code == 400


def test_a_site_name_is_taken_in_all_of_azure_even_by_a_slots_host_name(arm: Arm) -> None:
    arm.make_site()
    arm.make_slot()
    plan = arm.web.web_apps.get(GROUP, "shop").server_farm_id
    arm.resources.resource_groups.create_or_update("other", {"location": LOCATION})
    for name in ("SHOP", "shop-staging"):
        body = {"location": LOCATION, "properties": {"serverFarmId": plan}}
        with pytest.raises(HttpResponseError, match="already exists") as refused:
            arm.web.web_apps.begin_create_or_update("other", name, body)
        assert refused.value.status_code == 409


def test_a_site_needs_a_plan_that_is_there(arm: Arm) -> None:
    with pytest.raises(ResourceNotFoundError, match="nowhere"):
        arm.make_site(plan=f"{arm.group}/providers/Microsoft.Web/serverfarms/nowhere")


def test_settings_of_a_missing_site_are_not_found(arm: Arm) -> None:
    for call in (lambda: arm.settings("missing"), lambda: arm.put_settings({}, "missing")):
        with pytest.raises(ResourceNotFoundError) as refused:
            call()
        assert code_of(refused.value) == "ResourceNotFound"
        assert "'Microsoft.Web/sites/missing' under resource group 'rg'" in str(refused.value)


def test_identities_of_a_site_have_their_ids_filled_in_and_keep_them(arm: Arm) -> None:
    url = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
    query = {"api-version": "2023-01-31"}
    made = arm.http.put(url, params=query, json={"location": LOCATION}).json()
    plan = arm.make_plan()
    identity = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {made["id"]: {}}}
    body = {"location": LOCATION, "identity": identity, "properties": {"serverFarmId": plan}}
    first = arm.web.web_apps.begin_create_or_update(GROUP, "shop", body).result().identity
    again = arm.web.web_apps.begin_create_or_update(GROUP, "shop", body).result().identity
    assert first.principal_id == again.principal_id
    assert again.user_assigned_identities[made["id"]].client_id == made["properties"]["clientId"]
    missing = {**body, "identity": {"type": "UserAssigned", "userAssignedIdentities": {made["id"] + "x": {}}}}
    with pytest.raises(ResourceNotFoundError, match="identity"):
        arm.web.web_apps.begin_create_or_update(GROUP, "shop", missing)


def test_host_keys_are_the_slots_own(arm: Arm) -> None:
    arm.make_site()
    arm.make_slot()
    production = arm.web.web_apps.list_host_keys(GROUP, "shop")
    staging = arm.web.web_apps.list_host_keys_slot(GROUP, "shop", "staging")
    assert production.master_key != staging.master_key
    assert set(production.system_keys) == {"durabletask_extension"}


def test_stop_start_and_restart_are_seen_at_the_site_and_in_the_event_log(arm: Arm) -> None:
    arm.make_site()
    apps = arm.web.web_apps
    apps.stop(GROUP, "shop")
    assert arm.site("shop").status_code == 403
    assert apps.get(GROUP, "shop").state == "Stopped"
    arm.put_settings({"A": "1"})
    assert arm.site("shop").status_code == 403
    apps.start(GROUP, "shop")
    assert arm.site("shop").status_code == 200
    apps.restart(GROUP, "shop")
    events = arm.events("shop")
    seen = ["created", "stopped", "settings-changed", "started", "restarted"]
    assert [event["phase"] for event in events] == seen
    assert events[-1]["settings"] == {"A": "1"}


def test_a_deleted_site_is_gone_with_its_slots_and_settings(arm: Arm) -> None:
    arm.make_site()
    arm.make_slot()
    arm.put_settings({"A": "1"})
    plan = arm.web.web_apps.get(GROUP, "shop").server_farm_id
    arm.web.web_apps.delete(GROUP, "shop", delete_empty_server_farm=False)
    assert arm.site("shop").status_code == 404
    assert arm.site("shop-staging").status_code == 404
    arm.make_site(plan=plan)
    assert arm.settings() == {}
    with pytest.raises(ResourceNotFoundError):
        arm.web.web_apps.get_slot(GROUP, "shop", "staging")


def test_account_keys_are_redacted_in_the_event_log_and_account_names_are_not(arm: Arm) -> None:
    arm.make_site()
    arm.put_settings({"Store": "AccountName=blue;AccountKey=c2VjcmV0;EndpointSuffix=x"})
    assert arm.events("shop")[-1]["settings"]["Store"] == "AccountName=blue;AccountKey=***;EndpointSuffix=x"


@pytest.mark.parametrize("content", ["[1]", "{", '"text"', '{"properties": 3}', '{"properties": {"A": {}}}'])
def test_a_body_that_makes_no_sense_is_refused_in_words(arm: Arm, content: str) -> None:
    arm.make_site()
    url = f"{arm.group}/providers/Microsoft.Web/sites/shop/config/appsettings"
    answer = arm.http.put(url, params={"api-version": "2025-05-01"}, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidRequestContent"
