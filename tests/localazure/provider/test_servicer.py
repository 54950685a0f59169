"""The provider as the engine meets it: over gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc
import httpx
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from localazure.provider import arm_client
from localazure.provider.wire import UNKNOWN, decode
from tests.localazure.provider.conftest import Engine
from tests.localazure.provider.fake_arm import GROUP, HOST, FakeArm, error

APP = {"resourceGroupName": "rg", "name": "app", "location": "westeurope", "kind": "functionapp"}
APP_ID = f"{GROUP}/providers/Microsoft.Web/sites/app"
SETTINGS = {"resourceGroupName": "rg", "name": "app", "properties": {"A": "1", "B.c": "2"}}
SETTINGS_ID = f"{APP_ID}/config/appsettings"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_client, "FIRST_DELAY", 0)
    monkeypatch.setattr(arm_client, "POLL_INTERVAL", 0)


@dataclass
class Refusal:
    code: grpc.StatusCode = grpc.StatusCode.OK
    text: str = ""
    partial: provider_pb2.ErrorResourceInitFailed | None = None


@contextmanager
def refused() -> Iterator[Refusal]:
    """What the engine is told in place of an answer."""
    told = Refusal()
    with pytest.raises(grpc.RpcError) as caught:
        yield told
    told.code, told.text = caught.value.code(), caught.value.details() or ""
    trailing: dict[str, Any] = dict(cast("Iterable[tuple[str, Any]]", caught.value.trailing_metadata() or ()))
    if details := trailing.get("grpc-status-details-bin"):
        told.partial = provider_pb2.ErrorResourceInitFailed()
        status_pb2.Status.FromString(details).details[0].Unpack(told.partial)


def test_the_handshake_declines_secrets_and_takes_autonaming(engine: Engine) -> None:
    answer = engine.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
    assert not answer.accept_secrets
    assert answer.supports_autonaming_configuration
    assert engine.stub.GetPluginInfo(empty_pb2.Empty()).version.startswith("3.")


def test_an_outside_address_is_refused_when_configured(unconfigured: Engine, arm: FakeArm) -> None:
    with refused() as told:
        unconfigured.configure(metadataHost="https://management.azure.com")
    assert "let Pulumi install the real provider" in told.text
    assert arm.requests == []


def test_check_completes_name_location_and_api_version(engine: Engine, arm: FakeArm) -> None:
    arm.resources[GROUP.lower()] = {"location": "northeurope"}
    inputs = engine.checked("web:WebApp", {"resourceGroupName": "rg"})
    assert inputs["name"].startswith("thing")
    assert inputs["location"] == "northeurope"
    assert inputs["azureApiVersion"] == "2025-05-01"


def test_the_stacks_location_wins_over_the_groups(unconfigured: Engine, arm: FakeArm) -> None:
    unconfigured.configure(metadataHost=HOST, location="swedencentral")
    assert unconfigured.checked("web:WebApp", {"resourceGroupName": "rg"})["location"] == "swedencentral"
    assert arm.requests == []


def test_the_location_of_an_unknown_group_is_unknown(engine: Engine) -> None:
    assert engine.checked("web:WebApp", {"resourceGroupName": UNKNOWN})["location"] is UNKNOWN


def test_check_tells_what_is_wrong_by_property(engine: Engine) -> None:
    answer = engine.check("web:WebAppApplicationSettings", {"resourceGroupName": 1, "properties": {"A": 1}})
    assert {failure.property: failure.reason for failure in answer.failures} == {
        "name": "missing required property 'name'",
        "resourceGroupName": "'resourceGroupName' should be of type 'string' but got an integer",
        "properties.A": "'properties.A' should be of type 'string' but got an integer",
    }


def test_a_type_that_local_azure_lacks_is_named_with_those_it_has(engine: Engine) -> None:
    with refused() as told:
        engine.check("network:VirtualNetwork", {})
    assert "Local Azure has no resource type 'azure-native:network:VirtualNetwork'" in told.text
    assert "azure-native:web:WebApp\n" in told.text


def test_an_api_version_in_the_token_is_the_one_that_arm_is_asked(engine: Engine, arm: FakeArm) -> None:
    inputs = engine.checked("web/v20231201:WebApp", APP)
    engine.create("web/v20231201:WebApp", inputs)
    assert inputs["azureApiVersion"] == "2023-12-01"
    assert {request.url.params["api-version"] for request in arm.requests[1:]} == {"2023-12-01"}


def test_equal_inputs_are_no_difference(engine: Engine) -> None:
    answer = engine.diff("web:WebApp", APP, {**APP, "location": "West Europe"})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not answer.detailedDiff


def test_a_difference_is_told_in_detail(engine: Engine) -> None:
    answer = engine.diff("web:WebApp", APP, {**APP, "kind": "app", "httpsOnly": True})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["kind"]
    assert answer.deleteBeforeReplace
    assert {path: difference.kind for path, difference in answer.detailedDiff.items()} == {
        "kind": provider_pb2.PropertyDiff.UPDATE_REPLACE,
        "httpsOnly": provider_pb2.PropertyDiff.ADD,
    }


def test_a_previewed_create_sends_nothing_and_knows_only_the_inputs(engine: Engine, arm: FakeArm) -> None:
    resource_id, outputs = engine.create("web:WebApp", APP, preview=True)
    assert resource_id == ""
    assert outputs["kind"] == "functionapp"
    assert outputs["defaultHostName"] is UNKNOWN
    assert arm.requests == []


def test_a_previewed_update_keeps_the_name(engine: Engine) -> None:
    olds = {"name": "app/staging", "location": "westeurope", "state": "Running"}
    outputs = engine.update("web:WebAppSlot", f"{APP_ID}/slots/staging", olds, {**APP, "slot": "staging"}, preview=True)
    assert outputs["name"] == "app/staging"
    assert outputs["state"] is UNKNOWN


def test_create_puts_the_body_and_answers_what_arm_reads(engine: Engine, arm: FakeArm) -> None:
    arm.defaults = {"state": "Running"}
    resource_id, outputs = engine.create("web:WebApp", {**APP, "httpsOnly": True})
    assert resource_id == APP_ID
    assert arm.body("PUT")["properties"]["httpsOnly"] is True
    assert outputs["state"] == "Running"
    assert outputs["siteConfig"] == {"alwaysOn": False}
    assert outputs["azureApiVersion"] == "2025-05-01"
    assert "resourceGroupName" not in outputs


def test_the_outputs_of_settings_are_arms(engine: Engine) -> None:
    resource_id, outputs = engine.create("web:WebAppApplicationSettings", SETTINGS)
    assert resource_id == SETTINGS_ID
    assert outputs == {
        "azureApiVersion": "2025-05-01",
        "name": "appsettings",
        "type": "a/type",
        "properties": {"A": "1", "B.c": "2"},
    }


def test_a_resource_that_exists_is_not_overwritten_by_a_create(engine: Engine, arm: FakeArm) -> None:
    engine.create("web:WebApp", APP)
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert f"cannot create already existing resource '{APP_ID}'" in told.text
    assert arm.sent("PUT") == [APP_ID]


def test_settings_that_exist_are_taken_over_by_a_create(engine: Engine) -> None:
    engine.create("web:WebAppApplicationSettings", SETTINGS)
    _, outputs = engine.create("web:WebAppApplicationSettings", {**SETTINGS, "properties": {"C": "3"}})
    assert outputs["properties"] == {"C": "3"}


def test_a_failing_existence_check_stops_the_create(engine: Engine, arm: FakeArm) -> None:
    arm.next("GET .*/sites/app", error(403, "AuthorizationFailed"))
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert "cannot check existence of resource" in told.text
    assert arm.sent("PUT") == []


def test_arms_refusal_is_told_in_its_words_and_leaves_the_state_clean(engine: Engine, arm: FakeArm) -> None:
    arm.next("PUT", error(400, "BadRequest", "no such plan"))
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert told.text == 'Status=400 Code="BadRequest" Message="no such plan"'
    assert told.code is grpc.StatusCode.FAILED_PRECONDITION
    assert told.partial is None


def failing_operation(arm: FakeArm) -> None:
    arm.next("PUT", httpx.Response(202, headers={"azure-asyncoperation": f"{HOST}/operations/1"}))
    arm.next("GET /operations/1", httpx.Response(200, json={"status": "Failed", "error": {"code": "Oops"}}))


def lost_answer(arm: FakeArm) -> None:
    for _ in range(arm_client.ATTEMPTS):
        arm.next("PUT", httpx.RemoteProtocolError("the server died"))


def unreadable_result(arm: FakeArm) -> None:
    arm.next("GET .*/sites/app", error(404, "ResourceNotFound"))
    arm.next("GET .*/sites/app", error(403, "AuthorizationFailed"))


@pytest.mark.parametrize("trouble", [failing_operation, lost_answer, unreadable_result])
def test_a_write_that_arm_may_have_taken_is_kept_for_the_next_run(
    engine: Engine, arm: FakeArm, trouble: Callable[[FakeArm], None]
) -> None:
    trouble(arm)
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert told.code is grpc.StatusCode.UNKNOWN
    assert told.partial is not None
    assert told.partial.id == APP_ID
    assert list(told.partial.reasons) == [told.text]
    assert decode(told.partial.inputs) == APP


def test_a_request_that_never_left_leaves_nothing_behind(engine: Engine, arm: FakeArm) -> None:
    for _ in range(arm_client.ATTEMPTS):
        arm.next("PUT", httpx.ConnectError("refused"))
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert told.partial is None
    assert "python -m localazure start" in told.text


def test_cancel_ends_a_running_create_as_a_partial_failure(engine: Engine, arm: FakeArm) -> None:
    def cancelling(_: httpx.Request) -> httpx.Response:
        engine.stub.Cancel(empty_pb2.Empty())
        return httpx.Response(202, headers={"location": "/operations/1", "retry-after": "600"})

    arm.next("PUT", cancelling)
    with refused() as told:
        engine.create("web:WebApp", APP)
    assert told.partial is not None
    assert "the update was cancelled" in told.text


def test_a_refresh_without_drift_gives_the_same_inputs(engine: Engine, arm: FakeArm) -> None:
    arm.defaults = {"state": "Running", "clientAffinityEnabled": True}
    resource_id, outputs = engine.create("web:WebApp", APP)
    assert engine.read("web:WebApp", resource_id, APP, outputs) == (resource_id, APP, outputs)


def test_a_refresh_shows_drifted_settings_in_the_inputs(engine: Engine, arm: FakeArm) -> None:
    resource_id, outputs = engine.create("web:WebAppApplicationSettings", SETTINGS)
    arm.resources[SETTINGS_ID.lower()]["properties"] = {"A": "other", "NEW": "x"}
    _, inputs, now = engine.read("web:WebAppApplicationSettings", resource_id, SETTINGS, outputs)
    assert inputs == {**SETTINGS, "properties": {"A": "other", "NEW": "x"}}
    assert now["properties"] == {"A": "other", "NEW": "x"}


def test_a_refresh_shows_a_sites_drifted_configuration(engine: Engine, arm: FakeArm) -> None:
    given = {**APP, "siteConfig": {"alwaysOn": False}}
    resource_id, outputs = engine.create("web:WebApp", given)
    arm.resources[f"{APP_ID}/config/web".lower()] = {"alwaysOn": True}
    _, inputs, _ = engine.read("web:WebApp", resource_id, given, outputs)
    assert inputs == {**APP, "siteConfig": {"alwaysOn": True}}


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceGroupNotFound"])
def test_what_is_gone_reads_as_an_empty_id(engine: Engine, arm: FakeArm, code: str) -> None:
    arm.next("GET .*/sites/app", error(404, code))
    assert engine.read("web:WebApp", APP_ID, APP, {"name": "app"}) == ("", {}, {})


def test_any_other_failure_to_read_is_an_error_not_an_absence(engine: Engine, arm: FakeArm) -> None:
    arm.next("GET .*/sites/app", error(403, "AuthorizationFailed"))
    with refused() as told:
        engine.read("web:WebApp", APP_ID, APP, {"name": "app"})
    assert 'Status=403 Code="AuthorizationFailed"' in told.text


def test_an_import_gives_inputs_that_differ_in_nothing_from_a_program_that_says_the_same(
    engine: Engine, arm: FakeArm
) -> None:
    given = engine.checked("web:WebAppSlot", {**APP, "slot": "staging", "tags": {"a": "1"}})
    resource_id, _ = engine.create("web:WebAppSlot", given)
    arm.resources[f"{resource_id}/config/web".lower()] = {}
    imported_id, inputs, outputs = engine.read("web:WebAppSlot", resource_id)
    assert imported_id == resource_id
    assert outputs["tags"] == {"a": "1"}
    assert inputs == {**given, "siteConfig": {}}


def test_an_id_of_another_kind_can_not_be_imported(engine: Engine, arm: FakeArm) -> None:
    arm.resources["/subscriptions/s/thing"] = {"name": "thing"}
    with refused() as told:
        engine.read("web:WebApp", "/subscriptions/s/thing")
    assert "is not the id of an azure-native:web:WebApp, which is /subscriptions/{subscriptionId}" in told.text


def test_update_puts_the_whole_new_state(engine: Engine, arm: FakeArm) -> None:
    resource_id, outputs = engine.create("web:WebAppApplicationSettings", SETTINGS)
    now = engine.update("web:WebAppApplicationSettings", resource_id, outputs, {**SETTINGS, "properties": {"C": "3"}})
    assert now["properties"] == {"C": "3"}
    assert arm.body("PUT") == {"properties": {"C": "3"}}


def test_a_deleted_site_leaves_its_plan(engine: Engine, arm: FakeArm) -> None:
    resource_id, _ = engine.create("web:WebApp", APP)
    engine.delete("web:WebApp", resource_id)
    assert arm.requests[-1].url.params["deleteEmptyServerFarm"] == "false"
    assert arm.resources == {}


@pytest.mark.parametrize(
    ("kind", "segment", "empty"),
    [
        ("web:WebAppApplicationSettings", "appsettings", {}),
        ("web:WebAppConnectionStrings", "connectionstrings", {}),
        (
            "web:WebAppSlotConfigurationNames",
            "slotConfigNames",
            {"appSettingNames": [], "azureStorageConfigNames": [], "connectionStringNames": []},
        ),
    ],
)
def test_deleted_settings_are_emptied(engine: Engine, arm: FakeArm, kind: str, segment: str, empty: Any) -> None:
    engine.delete(kind, f"{APP_ID}/config/{segment}")
    assert arm.body("PUT") == {"properties": empty}
    assert arm.sent("DELETE") == []


def test_settings_of_a_site_that_is_gone_are_gone(engine: Engine, arm: FakeArm) -> None:
    arm.next("PUT", error(404, "ResourceNotFound"))
    engine.delete("web:WebAppApplicationSettings", SETTINGS_ID)


def test_a_resource_that_is_gone_already_is_deleted(engine: Engine) -> None:
    engine.delete("web:WebApp", APP_ID)


def test_an_invoke_answers_the_settings(engine: Engine) -> None:
    engine.create("web:WebAppApplicationSettings", SETTINGS)
    answer = engine.invoke("web:listWebAppApplicationSettings", {"name": "app", "resourceGroupName": "rg"})
    assert answer["properties"] == SETTINGS["properties"]


def test_a_getter_answers_flattened_properties_and_the_api_version(engine: Engine) -> None:
    engine.create("web:WebApp", {**APP, "httpsOnly": True})
    answer = engine.invoke("web:getWebApp", {"name": "app", "resourceGroupName": "rg"})
    assert answer["httpsOnly"] is True
    assert answer["id"] == APP_ID
    assert answer["azureApiVersion"] == "2025-05-01"


def test_an_invoke_on_what_is_missing_carries_arms_status_and_code(engine: Engine) -> None:
    with refused() as told:
        engine.invoke("web:listWebAppApplicationSettings", {"name": "app", "resourceGroupName": "rg"})
    assert told.text == (f'request failed {SETTINGS_ID}/list: Status=404 Code="ResourceNotFound" Message="said ARM"')


@pytest.mark.parametrize(
    ("token", "arguments", "text"),
    [
        ("web:listWebAppApplicationSettings", {"name": "app"}, "missing required argument 'resourceGroupName'"),
        ("web:getWebApp", {"name": "a", "resourceGroupName": "rg", "x": 1}, "unknown argument 'x'"),
        ("web:listNothing", {}, "Local Azure has no invoke 'azure-native:web:listNothing'"),
    ],
)
def test_a_wrong_invoke_is_told(engine: Engine, token: str, arguments: dict[str, Any], text: str) -> None:
    with refused() as told:
        engine.invoke(token, arguments)
    assert text in told.text


def test_the_client_is_known_without_asking_arm(engine: Engine, arm: FakeArm) -> None:
    config = engine.invoke("authorization:getClientConfig", {})
    assert config["subscriptionId"] == "00000000-0000-4000-8000-000000000001"
    assert set(config) == {"clientId", "objectId", "subscriptionId", "tenantId"}
    assert engine.invoke("authorization:getClientToken", {})["token"]
    assert arm.requests == []
