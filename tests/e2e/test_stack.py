"""The promises of `make up`, kept by the real engine on local Azure."""

from __future__ import annotations

from typing import Any

import pytest
from azure.mgmt.web import WebSiteManagementClient
from azure.mgmt.web.models import CsmSlotEntity, StringDictionary

from tests.clients import resource_client, web_client
from tests.e2e.conftest import LocalAzure, Stack

pytestmark = pytest.mark.e2e

DURABLE = "DurableManagementStorage"


def app_settings(web: WebSiteManagementClient, outputs: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The app settings of production and staging, as ARM has them."""
    group, site = outputs["resourceGroup"], outputs["siteName"]
    production = web.web_apps.list_application_settings(group, site).properties
    staging = web.web_apps.list_application_settings_slot(group, site, "staging").properties
    return dict(production or {}), dict(staging or {})


def account_of(connection: str) -> str:
    return dict(part.split("=", 1) for part in connection.split(";") if part)["AccountName"]


def test_a_stack_goes_up_stays_unchanged_swaps_as_the_article_asks_and_comes_down(
    azure: LocalAzure, stack: Stack
) -> None:
    up = stack.succeed("up", "--yes")
    outputs = stack.outputs()
    assert outputs["productionHostname"] in up
    assert outputs["stagingHostname"] in up
    assert outputs["slots"]["production"]["store"] == "blue"
    assert outputs["slots"]["staging"]["store"] == "green"
    stack.succeed("preview", "--expect-no-changes")
    stack.succeed("up", "--yes", "--expect-no-changes")

    web = web_client(azure.env["arm_endpoint"])
    group, site = outputs["resourceGroup"], outputs["siteName"]
    production, staging = app_settings(web, outputs)
    sticky = set(web.web_apps.list_slot_configuration_names(group, site).app_setting_names or [])
    assert production["AzureWebJobsStorage"] == staging["AzureWebJobsStorage"]
    assert account_of(production[DURABLE]) == outputs["slots"]["production"]["storageAccount"]
    assert account_of(staging[DURABLE]) == outputs["slots"]["staging"]["storageAccount"]
    assert production[DURABLE] != staging[DURABLE]
    assert DURABLE not in sticky

    web.web_apps.begin_swap_slot_with_production(
        group, site, CsmSlotEntity(target_slot="staging", preserve_vnet=True)
    ).result()
    swapped_production, swapped_staging = app_settings(web, outputs)

    def kept(own: dict[str, str], other: dict[str, str]) -> dict[str, str]:
        """A slot's sticky settings, with the other slot's travelling ones."""
        return {k: v for k, v in own.items() if k in sticky} | {k: v for k, v in other.items() if k not in sticky}

    always = "FUNCTIONS_EXTENSION_VERSION"
    assert production[always] == staging[always]
    assert swapped_production == kept(production, staging)
    assert swapped_staging == kept(staging, production)

    stack.succeed("destroy", "--yes")
    resources = resource_client(azure.env["arm_endpoint"])
    assert list(resources.resource_groups.list()) == []
    assert list(resources.resources.list()) == []

    stack.succeed("up", "--yes")
    stack.succeed("preview", "--expect-no-changes")


def test_a_setting_changed_and_a_slot_deleted_outside_are_seen_by_preview_and_mended_by_up(
    azure: LocalAzure, stack: Stack
) -> None:
    stack.succeed("up", "--yes")
    outputs = stack.outputs()
    group, site = outputs["resourceGroup"], outputs["siteName"]
    web = web_client(azure.env["arm_endpoint"])
    before = app_settings(web, outputs)

    drifted = {**before[0], "FUNCTIONS_WORKER_RUNTIME": "node"}
    web.web_apps.update_application_settings(group, site, StringDictionary(properties=drifted))
    code, preview = stack.run("preview", "--diff", "--expect-no-changes")
    assert code != 0
    assert "FUNCTIONS_WORKER_RUNTIME" in preview
    stack.succeed("up", "--yes")
    assert app_settings(web, outputs) == before

    web.web_apps.delete_slot(group, site, "staging")
    code, preview = stack.run("preview", "--expect-no-changes")
    assert code != 0
    assert "WebAppSlot" in preview
    stack.succeed("up", "--yes")
    assert app_settings(web, outputs) == before
    stack.succeed("preview", "--expect-no-changes")


def test_local_azure_killed_in_the_middle_of_up_ends_clean_after_a_start_and_another_up(
    azure: LocalAzure, stack: Stack
) -> None:
    process = stack.start("up", "--yes")
    assert process.stdout is not None
    for line in process.stdout:
        if "storage:StorageAccount" in line and "created" in line:
            azure.kill()
            break
    process.communicate(timeout=180)
    assert process.returncode != 0

    azure.start()
    stack.succeed("up", "--yes")
    stack.succeed("preview", "--expect-no-changes")
    production, staging = app_settings(web_client(azure.env["arm_endpoint"]), stack.outputs())
    assert account_of(production[DURABLE]) != account_of(staging[DURABLE])


def test_bad_configuration_is_refused_with_a_line_for_each_key_and_without_a_traceback(stack: Stack) -> None:
    (stack.folder / "Pulumi.dev.yaml").write_text(
        """config:
  azure-native:location: westeurope
  durable-zero-downtime:site: -orders-
  durable-zero-downtime:colour: red
  durable-zero-downtime:stores: {blue: Not_A_Name}
  durable-zero-downtime:plan: {sku: F1}
"""
    )
    code, output = stack.run("preview")
    assert code != 0
    assert "Traceback" not in output
    for key in ("site", "colour", "stores.blue", "plan.sku", "taskHub"):
        assert f"durable-zero-downtime:{key}: " in output


def test_a_package_that_is_missing_is_refused_with_the_command_that_makes_it(stack: Stack) -> None:
    (stack.folder / "build" / "functions.zip").unlink()
    code, output = stack.run("preview")
    assert code != 0
    assert "Traceback" not in output
    assert "make package" in output
