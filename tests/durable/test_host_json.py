from __future__ import annotations

import json
from typing import Any

import pytest

from durable.host_json import (
    DurableGeneration,
    FunctionsGeneration,
    HostJsonError,
    IgnoredKey,
    read_host_json,
)

V1, V2_0, V2_7 = DurableGeneration.V1, DurableGeneration.V2_0, DurableGeneration.V2_7_OR_LATER


def v2(section: dict[str, Any], **root: Any) -> str:
    return json.dumps({"version": "2.0", "extensions": {"durableTask": section}, **root})


@pytest.mark.parametrize(
    ("generation", "section", "connection", "tracking"),
    [
        (V1, {"azureStorageConnectionStringName": "A", "trackingStoreConnectionStringName": "T"}, "A", "T"),
        (
            V2_0,
            {"storageProvider": {"connectionStringName": "A", "trackingStoreConnectionStringName": "T"}},
            "A",
            "T",
        ),
        (V2_7, {"storageProvider": {"connectionName": "A", "trackingStoreConnectionName": "T"}}, "A", "T"),
        (
            V2_7,
            {"storageProvider": {"connectionStringName": "A", "trackingStoreConnectionStringName": "T"}},
            "A",
            "T",
        ),
        (V2_7, {"StorageProvider": {"ConnectionName": "A"}}, "A", None),
        (V2_7, {}, "AzureWebJobsStorage", None),
    ],
)
def test_each_generation_reads_its_own_keys(
    generation: DurableGeneration, section: dict[str, Any], connection: str, tracking: str | None
) -> None:
    settings = read_host_json(v2(section), generation)
    assert settings.connection_name == connection
    assert settings.tracking_connection_name == tracking
    assert settings.ignored == ()


@pytest.mark.parametrize(
    ("generation", "section", "ignored", "instead"),
    [
        (V2_7, {"azureStorageConnectionStringName": "A"}, "azureStorageConnectionStringName", "connectionName"),
        (V2_0, {"azureStorageConnectionStringName": "A"}, "azureStorageConnectionStringName", "connectionStringName"),
        (V2_0, {"storageProvider": {"connectionName": "A"}}, "storageProvider.connectionName", "connectionStringName"),
        (
            V2_7,
            {"trackingStoreConnectionStringName": "A"},
            "trackingStoreConnectionStringName",
            "trackingStoreConnectionName",
        ),
        (V2_7, {"trackingStoreNamePrefix": "A"}, "trackingStoreNamePrefix", "trackingStoreNamePrefix"),
        (V2_7, {"partitionCount": 4}, "partitionCount", "partitionCount"),
    ],
)
def test_a_key_of_another_generation_is_ignored(
    generation: DurableGeneration, section: dict[str, Any], ignored: str, instead: str
) -> None:
    settings = read_host_json(v2(section), generation)
    assert settings.connection_name == "AzureWebJobsStorage"
    assert settings.ignored == (
        IgnoredKey(f"extensions.durableTask.{ignored}", f"extensions.durableTask.storageProvider.{instead}"),
    )


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("connectionName", "azureStorageConnectionStringName"),
        ("connectionStringName", "azureStorageConnectionStringName"),
        ("trackingStoreConnectionName", "trackingStoreConnectionStringName"),
        ("partitionCount", "partitionCount"),
    ],
)
def test_durable_1_ignores_the_storage_provider(key: str, instead: str) -> None:
    settings = read_host_json(v2({"storageProvider": {key: "A"}}), V1)
    assert settings.ignored == (
        IgnoredKey(f"extensions.durableTask.storageProvider.{key}", f"extensions.durableTask.{instead}"),
    )


def test_functions_1_has_the_section_at_the_root() -> None:
    text = json.dumps({"durableTask": {"hubName": "Hub", "azureStorageConnectionStringName": "A"}})
    settings = read_host_json(text, V1, FunctionsGeneration.V1)
    assert (settings.hub_name, settings.connection_name) == ("Hub", "A")
    assert settings.connection_key == "durableTask.azureStorageConnectionStringName"


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ({"durableTask": {"hubName": "A"}}, "durableTask"),
        ({"logging": {"durableTask": {"hubName": "A"}}}, "logging.durableTask"),
        ({"extensions": {"http": {"durableTask": {"hubName": "A"}}}}, "extensions.http.durableTask"),
    ],
)
def test_a_section_in_the_wrong_place_is_ignored(root: dict[str, Any], path: str) -> None:
    settings = read_host_json(json.dumps(root))
    assert settings.hub_name is None
    assert settings.ignored == (IgnoredKey(path, "extensions.durableTask"),)


@pytest.mark.parametrize(
    ("hub", "setting"), [("OrdersHub", None), ("%TaskHub%", "TaskHub"), ("%A%B", None), ("%%", None)]
)
def test_a_hub_name_may_come_from_an_app_setting(hub: str, setting: str | None) -> None:
    settings = read_host_json(v2({"hubName": hub}))
    assert settings.hub_name == hub
    assert settings.hub_setting == setting


@pytest.mark.parametrize(
    ("section", "generation", "connection", "prefix"),
    [
        ({}, V2_7, "storageProvider.trackingStoreConnectionName", "storageProvider.trackingStoreNamePrefix"),
        (
            {"storageProvider": {"trackingStoreConnectionStringName": "A"}},
            V2_7,
            "storageProvider.trackingStoreConnectionStringName",
            "storageProvider.trackingStoreNamePrefix",
        ),
        ({}, V1, "trackingStoreConnectionStringName", "trackingStoreNamePrefix"),
    ],
)
def test_the_keys_of_a_tracking_store_are_named_as_the_file_has_them_or_should(
    section: dict[str, Any], generation: DurableGeneration, connection: str, prefix: str
) -> None:
    settings = read_host_json(v2(section), generation)
    assert settings.tracking_connection_key == f"extensions.durableTask.{connection}"
    assert settings.tracking_prefix_key == f"extensions.durableTask.{prefix}"


def test_both_spellings_at_once_are_ambiguous() -> None:
    section = {"storageProvider": {"connectionName": "A", "connectionStringName": "B"}}
    assert read_host_json(v2(section), V2_7).ambiguous == (
        (
            "extensions.durableTask.storageProvider.connectionStringName",
            "extensions.durableTask.storageProvider.connectionName",
        ),
    )


@pytest.mark.parametrize(
    ("bundle", "key_read"),
    [
        ("[1.*, 2.0.0)", "azureStorageConnectionStringName"),
        ("[2.*, 3.0.0)", "storageProvider.connectionName"),
        ("[4.*, 5.0.0)", "storageProvider.connectionName"),
        ("[10.*, 11.0.0)", "storageProvider.connectionName"),
        (None, "storageProvider.connectionName"),
    ],
)
def test_the_extension_bundle_tells_the_generation(bundle: str | None, key_read: str) -> None:
    root = {"extensionBundle": {"version": bundle}} if bundle else {}
    assert read_host_json(v2({}, **root)).connection_key == f"extensions.durableTask.{key_read}"


def test_the_key_of_the_connection_is_named_as_the_file_spells_it() -> None:
    settings = read_host_json(v2({"storageProvider": {"connectionStringName": "A"}}))
    assert settings.connection_key == "extensions.durableTask.storageProvider.connectionStringName"


@pytest.mark.parametrize(("type_", "provider"), [(None, "AzureStorage"), ("mssql", "mssql")])
def test_the_provider_is_azure_storage_unless_it_is_named(type_: str | None, provider: str) -> None:
    assert read_host_json(v2({"storageProvider": {"type": type_}})).provider == provider


@pytest.mark.parametrize(("text", "says"), [("{", "line 1"), ("[]", "JSON object"), ("", "line 1")])
def test_what_is_no_json_object_is_refused(text: str, says: str) -> None:
    with pytest.raises(HostJsonError, match=says):
        read_host_json(text)


def test_a_byte_order_mark_and_odd_shapes_do_no_harm() -> None:
    assert read_host_json("\ufeff{}").connection_name == "AzureWebJobsStorage"
    assert read_host_json('{"extensions": {"durableTask": null}}').hub_name is None
    assert read_host_json('{"extensions": [], "extensionBundle": "x"}').hub_name is None
