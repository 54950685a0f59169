"""The whole program with mocks, as its stack's config and its package make it."""

from __future__ import annotations

import hashlib
import json
import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components.engine import Run, run

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = "durable-zero-downtime"

Program = Callable[..., Run]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "app.zip"
    write_package(path)
    return path


def write_package(path: Path, hub: str = "OrdersHub", connection: str = "DurableManagementStorage") -> None:
    section = {"hubName": hub, "storageProvider": {"connectionName": connection}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("host.json", json.dumps({"version": "2.0", "extensions": {"durableTask": section}}))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, package: Path) -> Program:
    """Runs the program with these keys in place of, or beside, the least that it needs."""

    def go(**keys: Any) -> Run:
        values = {"site": "orders-dev", "taskHub": "OrdersHub", "package": str(package)} | keys
        config = {f"{NAMESPACE}:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azure-native:location": "westeurope", **config}))
        return run(lambda: runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__"))

    return go


def settings(done: Run) -> tuple[dict[str, str], dict[str, str]]:
    production = done.one("web:WebAppApplicationSettings").inputs["properties"]
    staging = done.one("web:WebAppApplicationSettingsSlot").inputs["properties"]
    return production, staging


def sticky(done: Run) -> set[str]:
    return set(done.one("web:WebAppSlotConfigurationNames").inputs.get("appSettingNames", []))


def test_production_is_on_blue_with_the_package_and_staging_on_green_with_none(program: Program, package: Path) -> None:
    done = program(version="1.4")
    production, staging = settings(done)
    sha = hashlib.sha256(package.read_bytes()).hexdigest()
    accounts = {r.name: r.inputs["accountName"] for r in done.resources if r.type.endswith(":StorageAccount")}
    assert len(set(accounts.values())) == 3
    assert f"AccountName={accounts['blue']};" in production["DurableManagementStorage"]
    assert f"AccountName={accounts['green']};" in staging["DurableManagementStorage"]
    assert production["AzureWebJobsStorage"] == staging["AzureWebJobsStorage"]
    assert f"AccountName={accounts['host']};" in production["AzureWebJobsStorage"]
    assert production["WEBSITE_RUN_FROM_PACKAGE"].endswith(f"/packages/{sha}.zip")
    assert "WEBSITE_RUN_FROM_PACKAGE" not in staging
    assert done.outputs == {
        "resourceGroup": "orders-dev-rg",
        "siteName": "orders-dev",
        "productionHostname": "orders-dev.azurewebsites.net",
        "stagingHostname": "orders-dev-staging.azurewebsites.net",
        "taskHub": "OrdersHub",
        "slots": {
            "production": {
                "store": "blue",
                "storageAccount": accounts["blue"],
                "package": sha,
                "version": "1.4",
            },
            "staging": {"store": "green", "storageAccount": accounts["green"], "package": None, "version": None},
        },
    }


def test_the_sticky_settings_are_those_of_the_slots_and_never_one_that_travels(program: Program) -> None:
    done = program(site="s" * 40, starters=["start_stocktaking"], settings={"sticky": {"staging": {"MODE": "quiet"}}})
    assert sticky(done) == {"AzureFunctionsWebHost__hostid", "AzureWebJobs.start_stocktaking.Disabled", "MODE"}
    production, staging = settings(done)
    travelling = {name for name in production if production[name] != staging.get(name)} - sticky(done)
    assert travelling == {
        "DurableManagementStorage",
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
    }
    assert "AzureWebJobs.start_stocktaking.Disabled" not in production


def test_connections_and_the_user_s_own_settings_are_secret_one_by_one(program: Program) -> None:
    done = program(settings={"common": {"API_KEY": "hush"}})
    for type_ in ("web:WebAppApplicationSettings", "web:WebAppApplicationSettingsSlot"):
        assert done.one(type_).secrets == {
            "properties.API_KEY",
            "properties.APPLICATIONINSIGHTS_CONNECTION_STRING",
            "properties.AzureWebJobsStorage",
            "properties.DurableManagementStorage",
        }


def test_sticky_names_come_before_settings_and_a_package_before_the_slot_that_runs_it(program: Program) -> None:
    done = program()
    for type_ in ("web:WebAppApplicationSettings", "web:WebAppApplicationSettingsSlot"):
        after = done.one(type_).after
        assert {"settings-sticky", "app-reads-packages"} <= after
        assert any(name.startswith("package-") for name in after)


def test_settings_are_left_to_the_end_of_their_site_and_follow_its_replacement(program: Program) -> None:
    done = program()
    for type_, owner in (
        ("web:WebAppApplicationSettings", done.one("web:WebApp")),
        ("web:WebAppApplicationSettingsSlot", done.one("web:WebAppSlot")),
        ("web:WebAppSlotConfigurationNames", done.one("web:WebApp")),
    ):
        options = done.one(type_).options
        assert options.deletedWith == owner.urn
        assert list(options.replace_with) == [owner.urn]


def test_every_resource_of_azure_has_a_component_as_parent_but_the_group(program: Program) -> None:
    done = program()
    azure = [r for r in done.resources if r.type.startswith("azure-native:")]
    assert len(azure) == 16
    assert [r.name for r in azure if "durable-zero-downtime:index:" not in r.parent] == ["group"]


@pytest.mark.parametrize(("keys", "protected"), [({}, True), ({"protectStores": False}, False)])
def test_stores_are_protected_unless_config_says_otherwise(
    program: Program, keys: dict[str, bool], protected: bool
) -> None:
    done = program(**keys)
    assert [done.one("storage:StorageAccount", name).options.protect for name in ("blue", "green", "host")] == [
        protected,
        protected,
        False,
    ]


def test_names_in_config_are_taken_as_they_are(program: Program) -> None:
    done = program(
        resourceGroup="rg",
        stagingSlot="next",
        plan={"sku": "p1V3", "name": "plan"},
        hostStorage="host1",
        stores={"blue": "blue1", "green": "green1"},
        connectionName="DurableManagementStorage",
        runtime={"name": "node", "version": "20"},
        insights=False,
        tags={"team": "orders"},
    )
    assert done.one("resources:ResourceGroup").inputs["resourceGroupName"] == "rg"
    assert done.one("web:WebAppSlot").inputs["slot"] == "next"
    assert done.one("web:WebAppApplicationSettingsSlot").inputs["slot"] == "next"
    assert done.one("web:AppServicePlan").inputs["sku"] == {"name": "P1v3", "tier": "PremiumV3"}
    assert done.one("web:WebApp").inputs["siteConfig"]["linuxFxVersion"] == "NODE|20"
    assert done.one("web:WebApp").inputs["tags"] == {"team": "orders"}
    assert {done.one("storage:StorageAccount", n).inputs["accountName"] for n in ("host", "blue", "green")} == {
        "host1",
        "blue1",
        "green1",
    }
    assert not [r for r in done.resources if "insights" in r.type]
    assert settings(done)[0]["FUNCTIONS_WORKER_RUNTIME"] == "node"


def test_a_hub_name_that_the_package_takes_from_a_setting_is_set_in_both_slots(program: Program, package: Path) -> None:
    write_package(package, hub="%TaskHub%")
    done = program()
    assert [values["TaskHub"] for values in settings(done)] == ["OrdersHub", "OrdersHub"]


def test_a_plan_with_a_content_share_gives_each_store_one(program: Program) -> None:
    done = program(plan={"sku": "EP1"})
    production, staging = settings(done)
    assert production["WEBSITE_CONTENTSHARE"] == "ordershub-content-blue"
    assert staging["WEBSITE_CONTENTSHARE"] == "ordershub-content-green"
    assert "properties.WEBSITE_CONTENTAZUREFILECONNECTIONSTRING" in done.one("web:WebAppApplicationSettings").secrets


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"colour": "red"}, f"{NAMESPACE}:colour"),
        ({"site": "-bad-"}, f"{NAMESPACE}:site"),
        ({"package": "nowhere.zip"}, "nowhere.zip"),
        ({"taskHub": "OtherHub"}, "hubName is 'OrdersHub'"),
    ],
)
def test_bad_config_ends_the_program_with_words_for_a_person(program: Program, keys: dict[str, str], says: str) -> None:
    with pytest.raises(pulumi.RunError, match=says):
        program(**keys)
