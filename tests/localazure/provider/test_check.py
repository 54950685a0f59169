from __future__ import annotations

from typing import Any

import pytest

from localazure.provider.catalogue import Catalogue
from localazure.provider.check import LOCATION_HINT, Failure, check
from localazure.provider.wire import UNKNOWN, Asset

APP = {"resourceGroupName": "rg", "name": "app", "location": "westeurope"}
BLOB = {"resourceGroupName": "rg", "accountName": "a", "containerName": "c", "blobName": "b"}


def failures(catalogue: Catalogue, kind: str, inputs: dict[str, Any]) -> list[Failure]:
    return check(catalogue, catalogue.resource(f"azure-native:{kind}"), inputs)


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("web:WebApp", APP),
        ("web:WebApp", {**APP, "azureApiVersion": "2025-05-01", "__createBeforeDelete": True}),
        ("web:WebApp", {**APP, "siteConfig": UNKNOWN, "httpsOnly": UNKNOWN, "tags": {"a": UNKNOWN}}),
        ("web:WebApp", {**APP, "siteConfig": {"appSettings": [{"name": "A", "value": "1"}], "numberOfWorkers": 2}}),
        ("web:WebApp", {**APP, "identity": {"type": "UserAssigned", "userAssignedIdentities": ["id", UNKNOWN]}}),
        (
            "applicationinsights:Component",
            {"resourceGroupName": "rg", "resourceName": "ai", "location": "x", "kind": "web", "samplingPercentage": 5},
        ),
        ("storage:Blob", {**BLOB, "source": Asset(archive=False, text="x")}),
        ("web:WebAppApplicationSettings", {"resourceGroupName": "rg", "name": "app", "properties": {"A": "1"}}),
    ],
)
def test_good_inputs_pass(catalogue: Catalogue, kind: str, inputs: dict[str, Any]) -> None:
    assert failures(catalogue, kind, inputs) == []


@pytest.mark.parametrize(
    ("inputs", "path", "wrong"),
    [
        ({"httpsOnly": "yes"}, "httpsOnly", "should be of type 'boolean' but got a string"),
        ({"httpsOnly": 1}, "httpsOnly", "should be of type 'boolean' but got an integer"),
        ({"kind": ["x"]}, "kind", "should be of type 'string' but got an array"),
        ({"containerSize": 1.5}, "containerSize", "must be an integer but got 1.500000"),
        ({"tags": {"a": 1}}, "tags.a", "should be of type 'string' but got an integer"),
        ({"tags": "a"}, "tags", "should be of type 'object' but got a string"),
        ({"siteConfig": {"alwaysOn": ""}}, "siteConfig.alwaysOn", "should be of type 'boolean' but got a string"),
        (
            {"siteConfig": {"appSettings": [{"name": 1}]}},
            "siteConfig.appSettings[0].name",
            "should be of type 'string' but got an integer",
        ),
        (
            {"identity": {"userAssignedIdentities": {"id": {}}}},
            "identity.userAssignedIdentities",
            "should be of type 'array' but got an object",
        ),
        ({"serverFarmId": Asset(archive=False)}, "serverFarmId", "should be of type 'string' but got an asset"),
    ],
)
def test_a_wrong_type_is_told_with_the_propertys_path(
    catalogue: Catalogue, inputs: dict[str, Any], path: str, wrong: str
) -> None:
    assert failures(catalogue, "web:WebApp", {**APP, **inputs}) == [Failure(path, f"'{path}' {wrong}")]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [({"siteConfg": {}}, "siteConfg"), ({"siteConfig": {"allwaysOn": True}}, "siteConfig.allwaysOn")],
)
def test_an_unknown_property_is_refused(catalogue: Catalogue, inputs: dict[str, Any], path: str) -> None:
    expected = Failure(path, f"unknown property '{path}'")
    assert failures(catalogue, "web:WebApp", {**APP, **inputs}) == [expected]


@pytest.mark.parametrize("missing", ["resourceGroupName", "accountName", "kind", "sku"])
def test_a_missing_property_is_named(catalogue: Catalogue, missing: str) -> None:
    whole = {
        "resourceGroupName": "rg",
        "accountName": "a",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
    }
    del whole[missing]
    expected = Failure(missing, f"missing required property '{missing}'")
    assert failures(catalogue, "storage:StorageAccount", whole) == [expected]


def test_a_missing_nested_property_is_named_with_its_path(catalogue: Catalogue) -> None:
    inputs = {"resourceGroupName": "rg", "accountName": "a", "location": "w", "kind": "StorageV2", "sku": {}}
    found = failures(catalogue, "storage:StorageAccount", inputs)
    assert found == [Failure("sku.name", "missing required property 'sku.name'")]


def test_a_missing_location_comes_with_the_command_that_sets_it(catalogue: Catalogue) -> None:
    found = failures(catalogue, "resources:ResourceGroup", {"resourceGroupName": "rg"})
    assert found == [Failure("location", f"missing required property 'location'{LOCATION_HINT}")]
