from __future__ import annotations

from typing import Any

import pytest

from localazure.provider.catalogue import Catalogue
from localazure.provider.diff import Change, diff
from localazure.provider.wire import UNKNOWN, Asset

APP = {"resourceGroupName": "rg", "name": "app", "location": "westeurope", "kind": "functionapp"}


def changes(catalogue: Catalogue, kind: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Change]:
    return dict(diff(catalogue, catalogue.resource(f"azure-native:{kind}"), olds, news).changes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {}),
        ({"location": "West Europe"}, {"location": "westeurope"}),
        ({"__createBeforeDelete": True}, {}),
        ({"identity": {"userAssignedIdentities": ["a", "b"]}}, {"identity": {"userAssignedIdentities": ["b", "a"]}}),
        ({"tags": {"a": "1"}}, {"tags": {"a": "1"}}),
    ],
)
def test_what_azure_sees_no_difference_in_is_no_difference(
    catalogue: Catalogue, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert changes(catalogue, "web:WebApp", {**APP, **old}, {**APP, **new}) == {}


@pytest.mark.parametrize(
    ("old", "new", "path", "change"),
    [
        ({}, {"httpsOnly": True}, "httpsOnly", Change.ADD),
        ({"httpsOnly": True}, {}, "httpsOnly", Change.DELETE),
        ({"httpsOnly": True}, {"httpsOnly": False}, "httpsOnly", Change.UPDATE),
        ({"httpsOnly": True}, {"httpsOnly": UNKNOWN}, "httpsOnly", Change.UPDATE),
        ({"siteConfig": {"alwaysOn": True}}, {"siteConfig": {}}, "siteConfig.alwaysOn", Change.DELETE),
        ({"siteConfig": {"alwaysOn": True}}, {"siteConfig": UNKNOWN}, "siteConfig", Change.UPDATE),
        ({"hostNames": ["a"]}, {"hostNames": ["a", "b"]}, "hostNames[1]", Change.ADD),
        ({"hostNames": [{"n": 1}]}, {"hostNames": [{"n": 2}]}, "hostNames[0].n", Change.UPDATE),
        ({"tags": {"a.b": "1"}}, {"tags": {"a.b": "2"}}, 'tags["a.b"]', Change.UPDATE),
        ({"location": "westeurope"}, {"location": "northeurope"}, "location", Change.UPDATE_REPLACE),
        ({"kind": "app"}, {"kind": "functionapp"}, "kind", Change.UPDATE_REPLACE),
        ({"name": "app"}, {"name": "other"}, "name", Change.UPDATE_REPLACE),
        ({"resourceGroupName": "rg"}, {"resourceGroupName": UNKNOWN}, "resourceGroupName", Change.UPDATE_REPLACE),
    ],
)
def test_a_change_is_told_with_its_path_and_kind(
    catalogue: Catalogue, old: dict[str, Any], new: dict[str, Any], path: str, change: Change
) -> None:
    assert changes(catalogue, "web:WebApp", {**APP, **old}, {**APP, **new}) == {path: change}


@pytest.mark.parametrize(
    ("kind", "key", "replaces"),
    [
        ("resources:ResourceGroup", "location", True),
        ("storage:StorageAccount", "isHnsEnabled", True),
        ("storage:StorageAccount", "kind", False),
        ("web:WebAppSlot", "kind", False),
        ("web:WebAppSlot", "slot", True),
        ("web:WebAppApplicationSettingsSlot", "slot", True),
        ("web:WebAppApplicationSettings", "properties", False),
        ("authorization:RoleAssignment", "principalId", True),
        ("authorization:RoleAssignment", "scope", True),
    ],
)
def test_what_can_not_be_changed_in_place_replaces(catalogue: Catalogue, kind: str, key: str, replaces: bool) -> None:
    found = diff(catalogue, catalogue.resource(f"azure-native:{kind}"), {key: "a"}, {key: "b"})
    assert found.properties == (key,)
    assert found.replaces == ((key,) if replaces else ())
    assert found.changes == {key: Change.UPDATE_REPLACE if replaces else Change.UPDATE}


def test_a_blob_with_other_content_is_another_blob(catalogue: Catalogue) -> None:
    olds, news = ({"source": Asset(archive=False, hash=digest)} for digest in "ab")
    assert changes(catalogue, "storage:Blob", olds, news) == {"source": Change.UPDATE_REPLACE}
    assert changes(catalogue, "storage:Blob", olds, {"source": Asset(archive=False, hash="a", path="p")}) == {}


def test_a_resource_named_by_the_program_is_deleted_before_its_replacement(catalogue: Catalogue) -> None:
    web_app = catalogue.resource("azure-native:web:WebApp")
    other = {**APP, "kind": "app"}
    assert diff(catalogue, web_app, APP, other).delete_before_replace
    assert not diff(catalogue, web_app, {**APP, "__createBeforeDelete": True}, other).delete_before_replace
    assert not diff(catalogue, web_app, APP, {**APP, "httpsOnly": True}).delete_before_replace
