"""What a swap moves and keeps, and what the site's resources need for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from policies import resources as r
from policies.config import Config
from policies.values import UNKNOWN
from tests.policies.world import DURABLE, World, app

Change = Callable[[World], object]

SHARE = "content-share-per-slot"


def shares(staging: str) -> World:
    world = app("orders")
    for slot, share in (("production", "orders-a"), ("staging", staging)):
        world.put(slot, "WEBSITE_CONTENTSHARE", share)
    return world


def test_content_shares_are_two_and_travel() -> None:
    assert shares("orders-b").refused() == set()
    assert shares("ORDERS-A").refused() == {(SHARE, "staging")}
    world = shares("orders-b")
    world.stick("WEBSITE_CONTENTSHARE")
    assert world.refused() == {(SHARE, "sticky")}


@pytest.mark.parametrize(
    "name", ["WEBSITE_RUN_FROM_PACKAGE", "website_run_from_package", "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"]
)
def test_a_sticky_package_is_refused(name: str) -> None:
    world = app("orders")
    world.stick(name)
    assert world.refused() == {("package-setting-not-sticky", "sticky")}


STARTERS = "staging-starters-disabled"
TOLD = Config(starters={"orders": ("nightly",)})


@pytest.mark.parametrize("name", ["AzureWebJobs.nightly.Disabled", "AzureWebJobs_nightly_Disabled"])
def test_a_starter_is_off_in_staging_and_stays_so(name: str) -> None:
    world = app("orders")
    assert world.refused(TOLD) == {(STARTERS, "staging")}
    world.put("staging", name, "true")
    assert world.refused(TOLD) == {(STARTERS, "staging")}
    world.stick(name)
    assert world.refused(TOLD) == set()
    world.put("staging", name, "false")
    assert world.refused(TOLD) == {(STARTERS, "staging")}


def test_a_listed_event_source_is_sticky() -> None:
    told = Config(event_sources=("OrdersQueue", "Unused"))
    world = app("orders")
    assert world.refused(told) == set()
    world.put("production", "OrdersQueue", "orders")
    assert world.refused(told) == {("event-source-setting-sticky", "production")}
    world.stick("OrdersQueue")
    assert world.refused(told) == set()


SUB_RESOURCE = "settings-in-sub-resource"


def test_settings_in_the_site_are_refused_though_they_count() -> None:
    world = app("orders")
    properties = world["staging"].inputs["properties"]  # type: ignore[index]
    world["staging-slot"].put(
        "siteConfig/appSettings", [{"name": name, "value": value} for name, value in properties.items()]
    )
    assert world.refused() == {(SUB_RESOURCE, "staging-slot")}
    world.remove("staging")
    assert world.refused() == {(SUB_RESOURCE, "staging-slot")}


def test_two_lists_of_sticky_settings_are_refused() -> None:
    world = app("orders")
    world.add(r.SLOT_NAMES, "more", name="orders", appSettingNames=[])
    assert world.refused() == {("slot-settings-names-once", "more")}
    world["more"].put("name", "billing")
    assert world.refused() == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kind", "app,linux"),
        ("siteConfig/linuxFxVersion", "NODE|20"),
    ],
)
def test_a_slot_of_another_kind_is_refused(path: str, value: Any) -> None:
    world = app("orders")
    if "Fx" in path:
        for slot in ("production", "staging"):
            world.unset(slot, "FUNCTIONS_WORKER_RUNTIME")
    assert world.refused() == set()
    world["staging-slot"].put(path, value)
    assert world.refused() == {("slot-kind-matches-site", "staging-slot")}


def test_a_slot_on_another_operating_system_is_refused() -> None:
    world = app("orders")
    for name, value in (("kind", "functionapp"), ("reserved", False)):
        world["staging-slot"].put(name, value)
    world["staging-slot"].drop("siteConfig/linuxFxVersion")
    assert world.refused() == {("slot-kind-matches-site", "staging-slot")}


@pytest.mark.parametrize(
    ("own", "theirs", "fits"), [("python", "node", False), ("dotnet", "dotnet-isolated", True), ("Node", "node", True)]
)
def test_the_worker_runtime_is_the_same_in_all_slots(own: str, theirs: str, fits: bool) -> None:
    world = app("orders")
    world.put("production", "FUNCTIONS_WORKER_RUNTIME", own)
    world.put("staging", "FUNCTIONS_WORKER_RUNTIME", theirs)
    assert world.refused() == (set() if fits else {("slot-kind-matches-site", "staging-slot")})


def test_a_newer_version_of_the_language_may_come_by_a_slot() -> None:
    world = app("orders")
    world["staging-slot"].put("siteConfig/linuxFxVersion", "PYTHON|3.12")
    assert world.refused() == set()


PLAN = "plan-supports-slots"


@pytest.mark.parametrize(
    ("sku", "slots", "fits"),
    [
        ("Y1", 1, True),
        ("Y1", 2, False),
        ("EP1", 2, True),
        ("EP1", 3, False),
        ("S1", 4, True),
        ("S1", 5, False),
        ("FC1", 1, False),
        ("B1", 1, False),
        ("F1", 1, False),
        ("D1", 1, False),
        ("Z9", 9, True),
    ],
)
def test_a_plan_has_so_many_slots(sku: str, slots: int, fits: bool) -> None:
    world = app("orders", slots=tuple(f"s{number}" for number in range(slots)))
    world["plan"].put("sku/name", sku)
    assert world.refused() == (set() if fits else {(PLAN, f"s{slots - 1}")})


def test_a_plan_that_the_site_names_by_an_output_is_found() -> None:
    world = app("orders")
    world["site"].put("serverFarmId", UNKNOWN)
    world["site"].sources["serverFarmId"] = {world["plan"].urn}
    assert world.refused() == set()
    world["plan"].put("sku/name", "B1")
    assert world.refused() == {(PLAN, "staging")}


def test_a_flex_app_has_no_slots() -> None:
    world = app("orders")
    world["site"].put("functionAppConfig", {"runtime": {"name": "python"}})
    assert world.refused() == {(PLAN, "staging")}


def test_auto_swap_is_refused() -> None:
    world = app("orders")
    world["staging-slot"].put("siteConfig/autoSwapSlotName", "production")
    assert world.refused() == {("auto-swap-off", "staging-slot")}


CONSISTENT = "durable-storage-connection-consistent"


def identity(**parts: str) -> World:
    """The good app with staging's store by identity."""
    world = app("orders")
    world.unset("staging", DURABLE)
    for part, value in parts.items():
        world.put("staging", f"{DURABLE}__{part}", value)
    return world


URIS = {
    f"{service}ServiceUri": f"https://ordersstaging.{service}.core.windows.net"
    for service in ("blob", "queue", "table")
}


@pytest.mark.parametrize(
    "parts",
    [
        {"accountName": "ordersstaging"},
        {"accountName": "ordersstaging", "credential": "managedidentity"},
        {"accountName": "ordersstaging", "credential": "managedidentity", "clientId": "c"},
        {"accountName": "ordersstaging", "tenantId": "t", "clientId": "c", "clientSecret": "s"},
        URIS,
    ],
)
def test_a_whole_identity_is_fine(parts: dict[str, str]) -> None:
    assert identity(**parts).refused() == set()


@pytest.mark.parametrize(
    "parts",
    [
        {"accountName": "ordersstaging", "clientId": "c"},
        {"accountName": "ordersstaging", "tenantId": "t"},
        {"accountName": "ordersstaging", "managedIdentityResourceId": "/subscriptions/s"},
        {"blobServiceUri": "https://ordersstaging.blob.core.windows.net"},
        {**URIS, "queueServiceUri": "https://ordersother.queue.core.windows.net"},
    ],
)
def test_half_an_identity_is_refused(parts: dict[str, str]) -> None:
    assert identity(**parts).refused() == {(CONSISTENT, "staging")}


def test_a_credential_without_client_id_is_half_where_all_identities_are_user_assigned() -> None:
    world = identity(accountName="ordersstaging", credential="managedidentity")
    world["staging-slot"].put("identity", {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/x"]})
    assert world.refused() == {(CONSISTENT, "staging")}


@pytest.mark.parametrize("name", [f"{DURABLE}__accountName", f"AzureWebJobs{DURABLE}"])
def test_two_forms_of_a_connection_are_refused(name: str) -> None:
    world = app("orders")
    value = "ordersstaging" if name.endswith("Name") else world["staging"].inputs["properties"][DURABLE]  # type: ignore[index]
    world.put("staging", name, value)
    assert world.refused() == {(CONSISTENT, "staging")}
