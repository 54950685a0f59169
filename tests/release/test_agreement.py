from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from release.agreement import agreed_host_json
from release.config import load
from release.package import Package, PackageError
from release.settings import Settings

CONFIG = {
    "durable-zero-downtime:site": "orders-dev",
    "durable-zero-downtime:taskHub": "OrdersHub",
    "azure-native:location": "westeurope",
}
SETTINGS = load(CONFIG)
GOOD = {"hubName": "OrdersHub", "storageProvider": {"connectionName": "DurableManagementStorage"}}


def package(section: dict[str, Any], **root: Any) -> Package:
    host_json = {"version": "2.0", "extensions": {"durableTask": section}, **root}
    return Package(Path("build/app.zip"), "0" * 64, json.dumps(host_json))


def problems(section: dict[str, Any], settings: Settings = SETTINGS, **root: Any) -> list[str]:
    with pytest.raises(PackageError) as raised:
        agreed_host_json(settings, package(section, **root))
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    "section",
    [
        GOOD,
        GOOD | {"storageProvider": {"connectionStringName": "DurableManagementStorage"}},
        GOOD | {"storageProvider": {"connectionName": "DurableManagementStorage", "type": "azurestorage"}},
    ],
)
def test_a_host_json_that_says_the_same_is_agreed(section: dict[str, Any]) -> None:
    assert agreed_host_json(SETTINGS, package(section)).hub_name == "OrdersHub"


def test_a_hub_name_from_an_app_setting_is_agreed() -> None:
    assert agreed_host_json(SETTINGS, package(GOOD | {"hubName": "%TaskHub%"})).hub_setting == "TaskHub"


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (GOOD | {"hubName": "OtherHub"}, "extensions.durableTask.hubName is 'OtherHub'"),
        ({"storageProvider": GOOD["storageProvider"]}, "extensions.durableTask.hubName is missing"),
        (GOOD | {"storageProvider": {}}, "extensions.durableTask.storageProvider.connectionName must name"),
        (
            GOOD | {"storageProvider": {"connectionStringName": "Other"}},
            "extensions.durableTask.storageProvider.connectionStringName must name",
        ),
        (
            GOOD | {"storageProvider": {"connectionName": "DurableManagementStorage", "type": "mssql"}},
            "extensions.durableTask.storageProvider.type is 'mssql'",
        ),
        (
            GOOD
            | {
                "storageProvider": {
                    "connectionName": "DurableManagementStorage",
                    "trackingStoreConnectionName": "Tracking",
                }
            },
            "extensions.durableTask.storageProvider.trackingStoreConnectionName names a tracking store by the app "
            "setting 'Tracking', and config has none: set durable-zero-downtime:trackingStore",
        ),
        (
            GOOD
            | {
                "storageProvider": {
                    "connectionName": "DurableManagementStorage",
                    "connectionStringName": "DurableManagementStorage",
                }
            },
            "extensions.durableTask.storageProvider.connectionStringName and",
        ),
    ],
)
def test_a_disagreement_names_the_file_and_the_key(section: dict[str, Any], says: str) -> None:
    (problem,) = problems(section)
    assert problem.startswith(f"build/app.zip, host.json: {says}")


def test_the_article_s_key_of_durable_1_is_told_to_be_ignored_by_durable_2() -> None:
    found = problems({"hubName": "OrdersHub", "azureStorageConnectionStringName": "DurableManagementStorage"})
    assert any(
        "extensions.durableTask.azureStorageConnectionStringName is ignored" in problem
        and "write extensions.durableTask.storageProvider.connectionName instead" in problem
        for problem in found
    )


def test_the_same_key_is_right_where_the_bundle_brings_durable_1() -> None:
    section = {"hubName": "OrdersHub", "azureStorageConnectionStringName": "DurableManagementStorage"}
    bundle = {"extensionBundle": {"version": "[1.*, 2.0.0)"}}
    assert agreed_host_json(SETTINGS, package(section, **bundle)).connection_name == "DurableManagementStorage"


def test_what_is_no_json_names_the_package() -> None:
    with pytest.raises(PackageError, match=r"build/app\.zip: host\.json is no valid JSON"):
        agreed_host_json(SETTINGS, Package(Path("build/app.zip"), "0" * 64, "{"))


@pytest.mark.parametrize("place", [{"common": {"TaskHub": "x"}}, {"sticky": {"staging": {"TaskHub": "x"}}}])
def test_a_hub_name_cannot_come_from_a_setting_of_the_user_s_own(place: dict[str, Any]) -> None:
    settings = load(CONFIG | {"durable-zero-downtime:settings": json.dumps(place)})
    with pytest.raises(PackageError, match="take it out of durable-zero-downtime:settings"):
        agreed_host_json(settings, package(GOOD | {"hubName": "%TaskHub%"}))


TRACKING = load(CONFIG | {"durable-zero-downtime:trackingStore": json.dumps({"account": "view", "prefix": "Shop"})})
PROVIDER = {
    "connectionName": "DurableManagementStorage",
    "trackingStoreConnectionName": "DurableTrackingStorage",
    "trackingStoreNamePrefix": "Shop",
}


def tracked(**provider: Any) -> dict[str, Any]:
    """A section that agrees with a tracking store, with these in place of its own; None takes one out."""
    changed = {name: value for name, value in (PROVIDER | provider).items() if value is not None}
    return {"hubName": "%TaskHub%", "storageProvider": changed}


@pytest.mark.parametrize(
    "section",
    [
        tracked(),
        tracked(trackingStoreNamePrefix="SHOP"),
        tracked(trackingStoreConnectionName=None, trackingStoreConnectionStringName="DurableTrackingStorage"),
    ],
)
def test_a_tracking_store_in_both_is_agreed(section: dict[str, Any]) -> None:
    assert agreed_host_json(TRACKING, package(section)).hub_setting == "TaskHub"


def test_a_prefix_that_neither_gives_is_durable_s_own() -> None:
    default = load(CONFIG | {"durable-zero-downtime:trackingStore": json.dumps({"account": "view"})})
    agreed_host_json(default, package(tracked(trackingStoreNamePrefix=None)))
    agreed_host_json(default, package(tracked(trackingStoreNamePrefix="DurableTask")))


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            tracked(trackingStoreConnectionName=None),
            "extensions.durableTask.storageProvider.trackingStoreConnectionName is missing, and config has "
            "durable-zero-downtime:trackingStore: name the app setting 'DurableTrackingStorage' there",
        ),
        (
            tracked(trackingStoreConnectionName="Other"),
            "extensions.durableTask.storageProvider.trackingStoreConnectionName is 'Other' and "
            "durable-zero-downtime:trackingStore.connectionName is 'DurableTrackingStorage'",
        ),
        (
            tracked(trackingStoreConnectionName=None, trackingStoreConnectionStringName="Other"),
            "extensions.durableTask.storageProvider.trackingStoreConnectionStringName is 'Other'",
        ),
        (
            tracked(trackingStoreNamePrefix=None),
            "extensions.durableTask.storageProvider.trackingStoreNamePrefix is 'DurableTask' and "
            "durable-zero-downtime:trackingStore.prefix is 'Shop'",
        ),
        (
            tracked() | {"hubName": "OrdersHub"},
            "extensions.durableTask.hubName is 'OrdersHub', and in a tracking store the hub of each slot has a name of "
            'its own: write "hubName": "%TaskHub%"',
        ),
        (
            {"storageProvider": PROVIDER},
            "extensions.durableTask.hubName is missing, and a staging slot doesn't start without it: write "
            '"hubName": "%TaskHub%"',
        ),
    ],
)
def test_a_disagreement_on_the_tracking_store_names_both_sides(section: dict[str, Any], says: str) -> None:
    (problem,) = problems(section, TRACKING)
    assert problem.startswith(f"build/app.zip, host.json: {says}")


def test_durable_1_has_its_own_spelling_of_a_tracking_store() -> None:
    section = {
        "hubName": "%TaskHub%",
        "azureStorageConnectionStringName": "DurableManagementStorage",
        "trackingStoreConnectionStringName": "DurableTrackingStorage",
        "trackingStoreNamePrefix": "Shop",
    }
    bundle = {"extensionBundle": {"version": "[1.*, 2.0.0)"}}
    agreed_host_json(TRACKING, package(section, **bundle))
    del section["trackingStoreConnectionStringName"]
    (problem,) = problems(section, TRACKING, **bundle)
    assert "extensions.durableTask.trackingStoreConnectionStringName is missing" in problem


def test_a_tracking_store_that_is_retired_is_in_no_new_package() -> None:
    value = json.dumps({"account": "view", "prefix": "Shop", "retire": True})
    retired = load(CONFIG | {"durable-zero-downtime:trackingStore": value})
    agreed_host_json(retired, package(GOOD))
    (problem,) = problems(tracked(), retired)
    assert "names a tracking store by the app setting 'DurableTrackingStorage', and durable-zero-downtime:" in problem
    assert "trackingStore.retire is true" in problem
