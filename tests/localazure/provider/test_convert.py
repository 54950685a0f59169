from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localazure.provider.catalogue import Catalogue, Kind, Properties, ResourceType, Shape
from localazure.provider.check import check
from localazure.provider.convert import preview, project, to_body, to_outputs
from localazure.provider.diff import diff
from localazure.provider.wire import UNKNOWN

KINDS = (
    "resources:ResourceGroup",
    "storage:StorageAccount",
    "storage:BlobContainer",
    "web:AppServicePlan",
    "web:WebApp",
    "web:WebAppSlot",
    "web:WebAppApplicationSettingsSlot",
    "web:WebAppConnectionStrings",
    "web:WebAppSlotConfigurationNames",
    "authorization:RoleAssignment",
    "managedidentity:UserAssignedIdentity",
    "applicationinsights:Component",
    "operationalinsights:Workspace",
)

texts = st.text("abcxyz.-", min_size=1, max_size=5)


def of_shape(catalogue: Catalogue, shape: Shape, depth: int = 2) -> st.SearchStrategy[Any]:
    """Values that Check lets pass."""
    match shape.kind:
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER | Kind.NUMBER:
            return st.integers(0, 9)
        case Kind.STRING_SET:
            return st.lists(texts, unique=True, max_size=3)
        case Kind.ARRAY if shape.item:
            return st.lists(of_shape(catalogue, shape.item, depth - 1), max_size=2 if depth > 0 else 0)
        case Kind.MAP if shape.item:
            return st.dictionaries(texts, of_shape(catalogue, shape.item, depth - 1), max_size=2 if depth > 0 else 0)
        case Kind.OBJECT:
            return of_object(catalogue, catalogue.object(shape), depth - 1)
    return texts


def of_object(catalogue: Catalogue, properties: Properties, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    taken = {name: declared for name, declared in properties.items() if declared.required or depth > 0}
    required = {n: of_shape(catalogue, p.shape, depth) for n, p in taken.items() if p.required}
    optional = {n: of_shape(catalogue, p.shape, depth) for n, p in list(taken.items())[:10] if not p.required}
    return st.fixed_dictionaries(required, optional=optional)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_arm_was_given_comes_back_as_the_same_inputs(catalogue: Catalogue, kind: str, data: st.DataObject) -> None:
    resource = catalogue.resource(f"azure-native:{kind}")
    inputs = data.draw(of_object(catalogue, resource.inputs, 2))
    if "location" in resource.inputs:
        inputs["location"] = "westeurope"
    assert check(catalogue, resource, inputs) == []

    body = to_body(catalogue, resource.inputs, inputs)
    outputs = to_outputs(catalogue, resource.outputs, as_arm_answers(body))
    path = {name: inputs[name] for name in resource.parameters}
    back = {**path, **project(catalogue, resource.inputs, outputs)}
    # Write-only properties, of which ARM answers nothing, can't come back.
    given_back = {name: value for name, value in inputs.items() if name in back}
    assert set(inputs) - set(given_back) <= set(resource.inputs) - set(resource.outputs)
    assert diff(catalogue, resource, pruned(catalogue, resource, given_back), back).changes == {}


def as_arm_answers(body: dict[str, Any]) -> dict[str, Any]:
    """With what ARM adds and no program gives."""
    identity = body.get("identity", {})
    for key in identity.get("userAssignedIdentities", {}):
        identity["userAssignedIdentities"][key] = {"principalId": "p", "clientId": "c"}
    return {"id": "an-id", "name": "a-name", "type": "a/type", "systemData": {}, **body}


def pruned(catalogue: Catalogue, resource: ResourceType, inputs: dict[str, Any]) -> dict[str, Any]:
    """Without nested properties that the outputs' types don't have, such as a site's push settings."""
    return {
        name: value
        if name in resource.parameters
        else both(catalogue, resource.inputs[name].shape, resource.outputs[name].shape, value)
        for name, value in inputs.items()
    }


def both(catalogue: Catalogue, given_as: Shape, answered_as: Shape, value: Any) -> Any:
    match given_as.kind, value:
        case Kind.OBJECT, dict():
            ins, outs = catalogue.object(given_as), catalogue.object(answered_as)
            return {n: both(catalogue, ins[n].shape, outs[n].shape, v) for n, v in value.items() if n in outs}
        case Kind.ARRAY, list() if given_as.item and answered_as.item:
            return [both(catalogue, given_as.item, answered_as.item, item) for item in value]
        case Kind.MAP, dict() if given_as.item and answered_as.item:
            return {key: both(catalogue, given_as.item, answered_as.item, item) for key, item in value.items()}
    return value


def test_a_sites_body_has_its_envelope_at_the_top_and_the_rest_under_properties(catalogue: Catalogue) -> None:
    inputs = {
        "name": "app",
        "resourceGroupName": "rg",
        "location": "w",
        "kind": "functionapp",
        "tags": {"a": "1"},
        "httpsOnly": True,
        "siteConfig": {"alwaysOn": True, "appSettings": []},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": ["id1"]},
    }
    assert to_body(catalogue, catalogue.resource("azure-native:web:WebApp").inputs, inputs) == {
        "location": "w",
        "kind": "functionapp",
        "tags": {"a": "1"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"id1": {}}},
        "properties": {"httpsOnly": True, "siteConfig": {"alwaysOn": True, "appSettings": []}},
    }


@pytest.mark.parametrize(
    ("kind", "inputs", "body"),
    [
        ("web:WebAppApplicationSettings", {"properties": {"A": "1"}}, {"properties": {"A": "1"}}),
        ("web:WebAppSlotConfigurationNames", {"appSettingNames": ["A"]}, {"properties": {"appSettingNames": ["A"]}}),
        ("web:AppServicePlan", {"sku": {"name": "EP1"}}, {"sku": {"name": "EP1"}}),
        ("operationalinsights:Workspace", {"sku": {"name": "P"}}, {"properties": {"sku": {"name": "P"}}}),
        (
            "applicationinsights:Component",
            {"kind": "web", "applicationType": "web", "workspaceResourceId": "w"},
            {"kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": "w"}},
        ),
        (
            "storage:StorageAccount",
            {"enableHttpsTrafficOnly": True, "networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1.2.3.4"}]}},
            {"properties": {"supportsHttpsTrafficOnly": True, "networkAcls": {"ipRules": [{"value": "1.2.3.4"}]}}},
        ),
        ("authorization:RoleAssignment", {"scope": "s", "principalId": "p"}, {"properties": {"principalId": "p"}}),
    ],
)
def test_bodies_are_as_the_specification_has_them(
    catalogue: Catalogue, kind: str, inputs: dict[str, Any], body: dict[str, Any]
) -> None:
    assert to_body(catalogue, catalogue.resource(f"azure-native:{kind}").inputs, inputs) == body


def test_outputs_are_those_that_the_sdk_declares(catalogue: Catalogue) -> None:
    settings_type = catalogue.resource("azure-native:web:WebAppApplicationSettings")
    body = {"id": "x", "name": "appsettings", "type": "t", "location": "w", "kind": None, "properties": {"A": "1"}}
    outputs = to_outputs(catalogue, settings_type.outputs, body)
    assert outputs == {"name": "appsettings", "type": "t", "properties": {"A": "1"}}


def test_a_preview_tells_inputs_and_leaves_the_rest_unknown(catalogue: Catalogue) -> None:
    inputs = {"name": "app", "resourceGroupName": "rg", "httpsOnly": True, "tags": {"a": UNKNOWN}, "siteConfig": {}}
    outputs = preview(catalogue, catalogue.resource("azure-native:web:WebApp"), inputs)
    assert outputs["name"] == "app"
    assert outputs["httpsOnly"] is True
    assert outputs["tags"] == {"a": UNKNOWN}
    assert outputs["siteConfig"]["alwaysOn"] is UNKNOWN
    assert outputs["defaultHostName"] is UNKNOWN
    assert "resourceGroupName" not in outputs


@pytest.mark.parametrize("kind", ["web:WebAppSlot", "web:WebAppApplicationSettings", "storage:StorageAccount"])
def test_a_preview_does_not_take_another_resources_name_for_its_own(catalogue: Catalogue, kind: str) -> None:
    outputs = preview(catalogue, catalogue.resource(f"azure-native:{kind}"), {"name": "app"})
    assert outputs["name"] is UNKNOWN
