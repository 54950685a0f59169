from __future__ import annotations

import json

import pytest

from localazure.provider.catalogue import Autoname, Catalogue, Kind, Shape
from localazure.provider.errors import UnknownTypeError
from localazure.provider.schema import schema

SITE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app"


@pytest.mark.parametrize(
    ("kind", "api_version", "autoname"),
    [
        ("resources:ResourceGroup", "2024-03-01", Autoname.RANDOM),
        ("storage:StorageAccount", "2024-01-01", Autoname.RANDOM),
        ("storage:BlobContainer", "2024-01-01", Autoname.COPY),
        ("storage:Blob", "", Autoname.COPY),
        ("web:AppServicePlan", "2025-05-01", Autoname.RANDOM),
        ("web:WebApp", "2025-05-01", Autoname.RANDOM),
        ("web:WebAppSlot", "2025-05-01", Autoname.COPY),
        ("web:WebAppMetadataSlot", "2025-05-01", None),
        ("web:WebAppSlotConfigurationNames", "2025-05-01", None),
        ("authorization:RoleAssignment", "2022-04-01", Autoname.UUID),
        ("managedidentity:UserAssignedIdentity", "2023-01-31", Autoname.RANDOM),
        ("applicationinsights:Component", "2020-02-02", Autoname.RANDOM),
        ("operationalinsights:Workspace", "2023-09-01", Autoname.RANDOM),
    ],
)
def test_types_have_the_api_version_of_the_sdk_and_their_way_of_naming(
    catalogue: Catalogue, kind: str, api_version: str, autoname: Autoname | None
) -> None:
    resource = catalogue.resource(f"azure-native:{kind}")
    assert resource.api_version == api_version
    assert resource.autoname == autoname


def test_each_type_has_its_path_parameters_as_required_inputs(catalogue: Catalogue) -> None:
    for token in catalogue.document["resources"]:
        resource = catalogue.resource(token)
        in_path = {name for name, declared in resource.inputs.items() if not declared.arm}
        assert in_path == set(resource.parameters), token
        assert all(resource.inputs[name].required for name in resource.parameters), token


def test_shapes_are_those_of_the_sdk(catalogue: Catalogue) -> None:
    inputs = catalogue.resource("azure-native:web:WebApp").inputs
    assert inputs["httpsOnly"].shape == Shape(Kind.BOOLEAN)
    assert inputs["tags"].shape == Shape.parse("map:string")
    site_config = catalogue.object(inputs["siteConfig"].shape)
    assert site_config["appSettings"].shape == Shape.parse("array:object:web:NameValuePairArgs")
    identity = catalogue.object(inputs["identity"].shape)
    assert identity["userAssignedIdentities"].shape == Shape(Kind.STRING_SET)
    sku = catalogue.object(catalogue.resource("azure-native:storage:StorageAccount").inputs["sku"].shape)
    assert sku["name"].required


def test_no_property_is_left_without_a_shape(catalogue: Catalogue) -> None:
    assert '"any"' not in json.dumps(catalogue.document)


@pytest.mark.parametrize("text", ["string", "set", "array:string", "map:array:integer", "object:web:SiteConfigArgs"])
def test_a_shape_is_written_as_it_is_read(text: str) -> None:
    assert str(Shape.parse(text)) == text


@pytest.mark.parametrize(
    ("token", "api_version"),
    [
        ("azure-native:web/v20231201:WebApp", "2023-12-01"),
        ("azure-native:web/v20260301preview:WebApp", "2026-03-01-preview"),
        ("azure-native_web_v20231201:web/v20231201:WebApp", "2023-12-01"),
        ("azure-native:web:WebApp", "2025-05-01"),
    ],
)
def test_a_token_with_an_api_version_is_the_type_at_that_version(
    catalogue: Catalogue, token: str, api_version: str
) -> None:
    resource = catalogue.resource(token)
    assert resource.api_version == api_version
    assert resource.path.endswith("/sites/{name}")


@pytest.mark.parametrize("token", ["azure-native:web:Nothing", "aws:web:WebApp", "nonsense"])
def test_an_unknown_type_is_refused(catalogue: Catalogue, token: str) -> None:
    with pytest.raises(UnknownTypeError, match=token):
        catalogue.resource(token)


def test_ids_are_made_and_read_without_regard_to_case(catalogue: Catalogue) -> None:
    slot = catalogue.resource("azure-native:web:WebAppSlot")
    values = {"resourceGroupName": "rg", "name": "app", "slot": "staging"}
    assert slot.id_of(values, "s") == f"{SITE}/slots/staging"
    assert slot.parse_id(f"{SITE}/slots/staging".replace("resourceGroups", "RESOURCEGROUPS")) == values
    assert slot.parse_id(SITE) is None


def test_a_scope_and_a_blobs_name_may_hold_slashes(catalogue: Catalogue) -> None:
    assignment = catalogue.resource("azure-native:authorization:RoleAssignment")
    values = {"scope": SITE.strip("/"), "roleAssignmentName": "r"}
    assignment_id = assignment.id_of({**values, "scope": SITE}, "s")
    assert assignment_id == f"{SITE}/providers/Microsoft.Authorization/roleAssignments/r"
    assert assignment.parse_id(assignment_id) == values
    blob = catalogue.resource("azure-native:storage:Blob")
    names = {"resourceGroupName": "rg", "accountName": "a", "containerName": "c", "blobName": "dir/b.zip"}
    assert blob.parse_id(blob.id_of(names, "s")) == names


def test_the_schema_lets_a_program_leave_out_what_is_named_for_it(catalogue: Catalogue) -> None:
    package = json.loads(schema(catalogue))
    assert package["resources"]["azure-native:web:WebApp"]["requiredInputs"] == ["resourceGroupName"]
    site_config = package["resources"]["azure-native:web:WebApp"]["inputProperties"]["siteConfig"]
    assert site_config["$ref"].removeprefix("#/types/") in package["types"]
