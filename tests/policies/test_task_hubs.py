"""Hub names, host ids and tracking stores."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from policies import resources as r
from policies.config import Config
from policies.values import UNKNOWN, Asset
from tests.policies.world import DURABLE, HUB_OVERRIDE, World, app, both, key_connection

EXPLICIT = "task-hub-name-explicit"


def package(folder: Path, host_json: str | dict[str, Any], name: str = "app.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("host.json", host_json if isinstance(host_json, str) else json.dumps(host_json))
    return path


def host_json(**section: Any) -> dict[str, Any]:
    return {"version": "2.0", "extensions": {"durableTask": section}}


GOOD = host_json(hubName="OrdersHub", storageProvider={"connectionName": DURABLE})


def with_package(folder: Path, content: str | dict[str, Any], name: str = "orders") -> World:
    """The good app, whose hub name comes from host.json of a package that both slots run."""
    world = app(name)
    short = name.replace("-", "")
    path = package(folder, content, f"{name}.zip")
    blob = world.add(
        r.BLOB, f"{name}-blob", blobName=f"{name}.zip", accountName=f"{short}host", containerName="packages"
    )
    blob.put("source", Asset(path=str(path)))
    for slot in ("production", "staging"):
        world.unset(slot, HUB_OVERRIDE)
        world.put(
            slot, "WEBSITE_RUN_FROM_PACKAGE", f"https://{short}host.blob.core.windows.net/packages/{name}.zip?sig=x"
        )
    return world


def test_a_hub_name_in_host_json_is_seen_in_a_local_package(tmp_path: Path) -> None:
    assert with_package(tmp_path, GOOD).refused() == set()
    assert not with_package(tmp_path, GOOD).advised() & {(EXPLICIT, "production"), (EXPLICIT, "staging")}


def test_a_package_without_a_hub_name_is_refused_where_there_are_slots(tmp_path: Path) -> None:
    world = with_package(tmp_path, host_json(storageProvider={"connectionName": DURABLE}))
    assert world.refused() == {(EXPLICIT, "production"), (EXPLICIT, "staging")}
    world.remove("staging", "staging-slot")
    assert world.refused() == set()


@pytest.mark.parametrize("name", ["1Hub", "my-hub", "ab", "H" * 46])
def test_a_bad_hub_name_is_refused(name: str) -> None:
    world = app("orders")
    world.put("staging", HUB_OVERRIDE, name)
    assert world.refused() == {(EXPLICIT, "staging")}


def test_an_override_that_names_a_setting_which_the_slot_lacks_is_refused() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, HUB_OVERRIDE, "%MyHub%")
        world.put(slot, "MyHub", "OrdersHub")
    world.unset("staging", "MyHub")
    assert world.refused() == {(EXPLICIT, "staging")}


def test_where_nothing_shows_the_hub_name_it_is_said_once_and_config_tells_it() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.unset(slot, HUB_OVERRIDE)
    assert world.refused() == set()
    assert (EXPLICIT, "production") in world.advised()
    told = Config(hub_names={"orders": "OrdersHub"})
    assert EXPLICIT not in {rule for rule, _ in world.advised(told)}
    assert world.refused(Config(hub_names={"*": "1"})) == {(EXPLICIT, "production"), (EXPLICIT, "staging")}


UNIQUE = "task-hub-unique"


def two_apps() -> World:
    return both(app("orders"), app("billing", "billing-", hub="BillingHub"))


def test_two_apps_with_one_hub_on_one_account_are_refused() -> None:
    world = two_apps()
    world.put("billing-production", DURABLE, key_connection("ordersblue"))
    assert world.refused() == set()
    world.put("billing-production", HUB_OVERRIDE, "ordershub")
    assert world.refused() == {(UNIQUE, "billing-production")}


def test_two_apps_with_one_hub_name_on_their_own_accounts_are_fine() -> None:
    assert both(app("orders"), app("billing", "billing-", hub="OrdersHub")).refused() == set()


def test_two_apps_on_one_account_whose_hubs_arent_seen_are_asked_about() -> None:
    world = two_apps()
    world.put("billing-production", DURABLE, key_connection("ordersblue"))
    world.unset("billing-production", HUB_OVERRIDE)
    assert world.refused() == set()
    assert (UNIQUE, "billing-production") in world.advised()


HOST_ID = "host-id-distinct"
LONG = "orders-of-the-western-warehouse"
"""31 characters: production and any slot are cut to the same host id."""


def test_names_that_are_cut_to_one_host_id_are_refused() -> None:
    assert len(LONG) == 31
    assert app(LONG[:30]).refused() == set()
    assert app(LONG).refused() == {(HOST_ID, "staging")}


def test_host_ids_collide_whether_or_not_a_preview_knows_the_account() -> None:
    world = app(LONG)
    for slot in ("production", "staging"):
        world.put(slot, "AzureWebJobsStorage", UNKNOWN)
    assert world.refused() == {(HOST_ID, "staging")}


def test_sticky_explicit_host_ids_keep_long_names_apart() -> None:
    name = "AzureFunctionsWebHost__hostid"
    world = app(LONG)
    world.put("production", name, "orders-1")
    world.put("staging", name, "orders-2")
    world.stick(name)
    assert world.refused() == set()
    world.put("staging", name, "orders-1")
    assert world.refused() == {(HOST_ID, "staging")}
    world.put("staging", name, "Orders_2")
    assert world.refused() == {(HOST_ID, "staging")}


def test_a_list_of_sticky_names_that_a_targeted_update_doesnt_show_may_hold_any_name() -> None:
    world = app("orders")
    world.put("staging", "AzureFunctionsWebHost__hostid", "orders-2")
    world["sticky"].inputs = None
    assert world.refused() == set()
    assert (HOST_ID, "sticky") in world.advised()


def test_an_explicit_host_id_that_isnt_sticky_is_refused() -> None:
    world = app("orders")
    world.put("staging", "AzureFunctionsWebHost__hostid", "orders-2")
    assert world.refused() == {(HOST_ID, "staging")}


def test_slots_that_are_cut_alike_collide_with_each_other() -> None:
    name = "o" * 26
    assert app(name, slots=("stage1", "stage2")).refused() == {(HOST_ID, "stage2")}
    assert app(name[:25], slots=("stage1", "stage2")).refused() == set()


def test_apps_with_equal_beginnings_collide_on_one_host_account() -> None:
    one, other = "o" * 32 + "-a", "o" * 32 + "-b"
    sites = [app(one, slots=()), app(other, "b-", slots=())]
    for world, prefix in zip(sites, ("", "b-"), strict=True):
        world.add(r.WEB_APP_SLOT, f"{prefix}s", name=one if not prefix else other, slot="s", cloningInfo={"x": "y"})
        world[f"{prefix}s"].put("httpsOnly", True)
    refused = both(*sites).refused()
    assert (HOST_ID, "b-production") not in refused
    sites[1].put("b-production", "AzureWebJobsStorage", key_connection(f"{one.replace('-', '')}host"))
    assert (HOST_ID, "b-production") in both(*sites).refused()


TRACKING = "tracking-store-consistent"
TRACKING_HUB = "tracking-store-hub-unique"
PROVIDER = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__"


def tracked() -> World:
    """Two apps without slots that share a tracking store, as the article asks."""
    world = both(app("orders", slots=()), app("billing", "billing-", slots=(), hub="BillingHub"))
    for production in ("production", "billing-production"):
        world.put(production, f"{PROVIDER}trackingStoreConnectionName", "Tracking")
        world.put(production, f"{PROVIDER}trackingStoreNamePrefix", "All")
        world.put(production, "Tracking", key_connection("tracking"))
    return world


def test_apps_that_share_a_tracking_store_alike_pass() -> None:
    assert tracked().refused() == set()


@pytest.mark.parametrize(
    ("setting", "value"),
    [(f"{PROVIDER}trackingStoreNamePrefix", "Other"), ("Tracking", key_connection("elsewhere"))],
)
def test_another_prefix_or_account_than_the_others_is_refused(setting: str, value: str) -> None:
    world = tracked()
    world.put("billing-production", setting, value)
    assert world.refused() == {(TRACKING, "billing-production")}


def test_unrelated_apps_with_the_default_prefix_dont_share_a_store() -> None:
    world = tracked()
    for production in ("production", "billing-production"):
        world.put(production, f"{PROVIDER}trackingStoreNamePrefix", "DurableTask")
    world.put("billing-production", "Tracking", key_connection("elsewhere"))
    assert world.refused() == set()


@pytest.mark.parametrize(
    "setting",
    [f"{PROVIDER}trackingStoreNamePrefix", f"{PROVIDER}trackingStoreConnectionName", "Tracking"],
)
def test_half_of_a_tracking_store_is_refused(setting: str) -> None:
    world = tracked()
    world.unset("billing-production", setting)
    assert world.refused() == {(TRACKING, "billing-production")}


def test_equal_hub_names_on_one_tracking_store_are_refused() -> None:
    world = tracked()
    world.put("billing-production", HUB_OVERRIDE, "ORDERSHUB")
    assert world.refused() == {(TRACKING_HUB, "billing-production")}


def test_slots_on_one_tracking_store_need_two_hub_names() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, f"{PROVIDER}trackingStoreConnectionName", "Tracking")
        world.put(slot, f"{PROVIDER}trackingStoreNamePrefix", "All")
        world.put(slot, "Tracking", key_connection("tracking"))
    assert world.refused() == {(TRACKING_HUB, "staging")}
    world.put("staging", HUB_OVERRIDE, "OrdersHub2")
    assert world.refused() == set()


TRACKED_HOST_JSON = {
    "connectionName": DURABLE,
    "trackingStoreConnectionName": "Tracking",
    "trackingStoreNamePrefix": "All",
}


def with_tracking_package(folder: Path, hub: str) -> World:
    """A site with slots whose package has a tracking store."""
    world = with_package(folder, host_json(hubName=hub, storageProvider=TRACKED_HOST_JSON))
    for slot in ("production", "staging"):
        world.put(slot, "Tracking", key_connection("tracking"))
        world.put(slot, "TaskHub", f"OrdersHub{slot.title()}")
    return world


def test_a_hub_name_that_host_json_takes_from_a_setting_of_each_slot_passes(tmp_path: Path) -> None:
    assert with_tracking_package(tmp_path, "%TaskHub%").refused() == set()


def test_a_literal_hub_name_beside_a_tracking_store_is_refused_with_the_fix_where_there_are_slots(
    tmp_path: Path,
) -> None:
    world = with_tracking_package(tmp_path, "OrdersHub")
    assert world.refused() == {(TRACKING_HUB, "production"), (TRACKING_HUB, "staging")}
    said = [finding.message for rule, finding in world.findings() if rule == TRACKING_HUB]
    assert len(said) == 2
    assert all('"hubName": "%TaskHub%"' in text for text in said)
    world.unset("staging", "WEBSITE_RUN_FROM_PACKAGE")
    assert world.refused() == {(TRACKING_HUB, "production")}


def test_a_literal_hub_name_of_a_hidden_host_json_is_refused_too() -> None:
    world = tracked()
    world.add(r.WEB_APP_SLOT, "s", name="orders", slot="s", cloningInfo={"x": "y"}, httpsOnly=True)
    world.unset("production", HUB_OVERRIDE)
    assert (TRACKING_HUB, "production") not in world.refused(Config(hub_names={"orders": "%TaskHub%"}))
    assert (TRACKING_HUB, "production") in world.refused(Config(hub_names={"orders": "OrdersHub"}))


AGREES = "host-json-agrees"


@pytest.mark.parametrize(
    "content",
    [
        host_json(hubName="OrdersHub", azureStorageConnectionStringName=DURABLE),
        host_json(hubName="OrdersHub", storageProvider={"connectionName": DURABLE, "connectionStringName": DURABLE}),
        {"version": "2.0", "logging": {"durableTask": {"hubName": "OrdersHub"}}}
        | host_json(hubName="OrdersHub", storageProvider={"connectionName": DURABLE}),
        "{",
    ],
)
def test_a_package_whose_own_host_json_is_wrong_is_refused(tmp_path: Path, content: str | dict[str, Any]) -> None:
    assert with_package(tmp_path, content).refused() == {(AGREES, "orders-blob")}


@pytest.mark.parametrize(
    "content",
    [
        host_json(hubName="OrdersHub", storageProvider={"connectionName": "Other"}),
        host_json(hubName="OrdersHub"),
        host_json(hubName="%MissingHub%", storageProvider={"connectionName": DURABLE}),
    ],
)
def test_a_package_that_names_what_the_settings_lack_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    assert with_package(tmp_path, content).refused() == {(AGREES, "production"), (AGREES, "staging")}


def test_an_override_against_host_json_is_refused(tmp_path: Path) -> None:
    world = with_package(tmp_path, GOOD)
    world.put("staging", HUB_OVERRIDE, "OtherHub")
    assert world.refused() == {(AGREES, "staging")}


def test_a_package_that_a_preview_links_by_its_account_is_read(tmp_path: Path) -> None:
    world = with_package(tmp_path, host_json(hubName="1"))
    for slot in ("production", "staging"):
        world.put(slot, "WEBSITE_RUN_FROM_PACKAGE", UNKNOWN)
    assert AGREES not in {rule for rule, _ in world.refused()}
    for slot in ("production", "staging"):
        world[slot].sources["properties"] = {world["ordershost"].urn}
    assert world.refused() == {
        *((AGREES, slot) for slot in ("production", "staging")),
        *((EXPLICIT, slot) for slot in ("production", "staging")),
    }


def test_of_two_packages_that_a_slot_may_run_one_that_is_right_is_enough_to_wait(tmp_path: Path) -> None:
    world = with_package(tmp_path, GOOD)
    old = world.add(r.BLOB, "old-blob", blobName="old.zip", accountName="ordershost", containerName="packages")
    wrong = host_json(hubName="OldHub", storageProvider={"connectionName": "Other"})
    old.put("source", Asset(path=str(package(tmp_path, wrong, "old.zip"))))
    world.made = {"old-blob": old, **world.made}
    assert world.refused() == set()
    for slot in ("production", "staging"):
        world.put(slot, "WEBSITE_RUN_FROM_PACKAGE", UNKNOWN)
        world[slot].sources["properties"] = {world["ordershost"].urn}
    assert world.refused() == set()
    assert (EXPLICIT, "production") in world.advised()
    for slot in ("production", "staging"):
        url = "https://ordershost.blob.core.windows.net/packages/old.zip"
        world.put(slot, "WEBSITE_RUN_FROM_PACKAGE", url)
    assert world.refused() == {(AGREES, "production"), (AGREES, "staging")}


def test_another_provider_than_azure_storage_is_left_alone(tmp_path: Path) -> None:
    world = with_package(tmp_path, host_json(hubName="OrdersHub", storageProvider={"type": "Netherite"}))
    assert world.refused() == set()


def test_a_file_of_another_content_than_the_engine_saw_is_not_read(tmp_path: Path) -> None:
    world = with_package(tmp_path, host_json(hubName="1"))
    asset = world["orders-blob"].inputs["source"]  # type: ignore[index]
    world["orders-blob"].put("source", Asset(path=asset.path, hash="0" * 64))
    assert world.refused() == set()


def test_a_durable_app_whose_host_json_names_no_connection_lacks_one(tmp_path: Path) -> None:
    world = with_package(tmp_path, host_json(hubName="OrdersHub"))
    for slot in ("production", "staging"):
        world.unset(slot, DURABLE)
    assert world.refused() == {("durable-storage-setting-present", "production")}
