"""Which hub an app joins: the rules of azure_facts.md 1.2, 1.3, 1.6 and 2.1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localazure.functions.binding import bind
from localazure.functions.errors import HostError
from localazure.hubs.spec import HubSpec

KEYS = {"blue": ("one", "two"), "host": ("one", "two"), "shared": ("one", "two")}
BUNDLE = {"extensionBundle": {"version": "[4.*, 5.0.0)"}}
OLD_BUNDLE = {"extensionBundle": {"version": "[1.*, 2.0.0)"}}


def connection(account: str, key: str = "one") -> str:
    return f"AccountName={account};AccountKey={key}"


SETTINGS = {"AzureWebJobsStorage": connection("host"), "Store": connection("blue", "two")}


def bound(section: dict[str, Any], slot: str = "production", bundle: Any = BUNDLE, **settings: Any) -> Any:
    host_json = {**bundle, "extensions": {"durableTask": section}}
    found = bind(json.dumps(host_json), {**SETTINGS, **settings}, "shop-dev", slot, KEYS.get)
    return found.hub, found.connection


def test_the_connection_is_the_one_that_host_json_names() -> None:
    section = {"hubName": "OrdersHub", "storageProvider": {"connectionName": "Store", "partitionCount": 2}}
    assert bound(section) == (HubSpec("blue", "OrdersHub", 2), "Store")


@pytest.mark.parametrize(
    "section",
    [
        {"hubName": "OrdersHub"},
        # Keys of Durable 1.x count for nothing in 2.x.
        {"hubName": "OrdersHub", "azureStorageConnectionStringName": "Store"},
    ],
)
def test_a_host_json_that_names_none_in_a_way_that_counts_leads_to_the_hosts_own_storage(
    section: dict[str, Any],
) -> None:
    assert bound(section) == (HubSpec("host", "OrdersHub"), "AzureWebJobsStorage")


def test_the_flat_key_counts_with_a_bundle_of_durable_1() -> None:
    section = {"hubName": "OrdersHub", "azureStorageConnectionStringName": "Store"}
    assert bound(section, bundle=OLD_BUNDLE)[0].account == "blue"


def test_a_setting_gives_the_hubs_name_whatever_its_case() -> None:
    assert bound({"hubName": "%Hub_Name%"}, HUB_NAME="GreenHub")[0].name == "GreenHub"


def test_a_setting_overrides_host_json() -> None:
    settings = {"AzureFunctionsJobHost__extensions__DurableTask__storageProvider__connectionName": "Store"}
    assert bound({"hubName": "OrdersHub"}, **settings)[0].account == "blue"


def test_the_default_name_is_the_sites_and_is_refused_in_a_slot_even_if_it_is_written_out() -> None:
    assert bound({})[0].name == "shopdev"
    for section in ({}, {"hubName": "shopdev"}):
        with pytest.raises(HostError, match=r"Task Hub name must be specified in host\.json when using slots"):
            bound(section, "staging")
    assert bound({}, "staging", bundle=OLD_BUNDLE)[0].name == "DurableFunctionsHub"


def test_a_tracking_store_takes_the_tables() -> None:
    provider = {"trackingStoreConnectionName": "Tracking", "trackingStoreNamePrefix": "Shop"}
    section = {"hubName": "OrdersHub", "storageProvider": provider}
    found = bound(section, Tracking=connection("shared"))[0]
    assert (found.account, found.place.account, found.place.table) == ("host", "shared", "ShopInstances")


def test_an_identity_leads_to_the_account_that_it_names() -> None:
    section = {"hubName": "OrdersHub", "storageProvider": {"connectionName": "Mine"}}
    assert bound(section, Mine__accountName="blue")[0].account == "blue"


@pytest.mark.parametrize(
    ("section", "settings", "words"),
    [
        ({"storageProvider": {"connectionName": "Other"}}, {}, "set Other"),
        ({"storageProvider": {"connectionName": "Store"}}, {"Store": connection("blue", "old")}, "present keys"),
        ({"storageProvider": {"connectionName": "Store"}}, {"Store": connection("gone")}, "doesn't exist"),
        ({"storageProvider": {"trackingStoreConnectionName": "Tracking"}}, {}, "set Tracking"),
        ({"hubName": "%Hub%"}, {}, "app setting Hub, which isn't set"),
        ({"hubName": "1-2"}, {}, "is no task hub name"),
        ({"storageProvider": {"type": "mssql"}}, {}, "storageProvider.type is mssql"),
        ({"storageProvider": {"partitionCount": 40}}, {}, "partitionCount"),
        ({}, {"AzureWebJobsStorage": connection("host", "old")}, "The connection AzureWebJobsStorage has no key"),
    ],
)
def test_what_the_extension_does_not_start_with_is_refused_in_words(
    section: dict[str, Any], settings: dict[str, str], words: str
) -> None:
    with pytest.raises(HostError, match=words):
        bound({"hubName": "OrdersHub", **section}, **settings)


def test_a_host_json_that_is_none_is_refused_and_no_key_is_told() -> None:
    with pytest.raises(HostError, match="no valid JSON"):
        bind("{", SETTINGS, "shop", "production", KEYS.get)
    with pytest.raises(HostError) as refused:
        bound({"storageProvider": {"connectionName": "Store"}}, Store=connection("blue", "c2VjcmV0"))
    assert "c2VjcmV0" not in str(refused.value)


STORE = json.dumps({**BUNDLE, "extensions": {"durableTask": {"storageProvider": {"connectionName": "Store"}}}})


def test_an_identity_that_lacks_something_is_refused_with_what_it_lacks() -> None:
    by_identity = {**SETTINGS, "Store__accountName": "blue", "Store__credential": "managedidentity"}
    del by_identity["Store"]
    asked: list[str] = []

    def denied(connection: str) -> str | None:
        asked.append(connection)
        return "the identity lacks a role" if connection == "Store" else None

    with pytest.raises(HostError, match=r"^The identity lacks a role\.$"):
        bind(STORE, by_identity, "shop-dev", "production", KEYS.get, denied)
    assert asked == ["Store"]
    assert bind(STORE, SETTINGS, "shop-dev", "production", KEYS.get, denied).hub.account == "blue"


def test_a_key_is_refused_by_an_account_that_takes_none() -> None:
    keys = {**KEYS, "blue": ()}
    with pytest.raises(HostError, match=r"Store is by key, and the storage account blue takes no keys"):
        bind(STORE, SETTINGS, "shop-dev", "production", keys.get)
