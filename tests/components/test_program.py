"""The whole program with mocks, as its stack's config and its package make it."""

from __future__ import annotations

import hashlib
import json
import runpy
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest

from release import journal
from release.endings import Ending
from tests.components.engine import Claims, Live, ProviderError, Run, run

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = "durable-zero-downtime"
SWAP = "pulumi-python:dynamic/durable-zero-downtime:SlotSwap"

Program = Callable[..., Run]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "app.zip"
    write_package(path)
    return path


def write_package(
    path: Path, hub: str = "OrdersHub", connection: str = "DurableManagementStorage", tracking: str | None = None
) -> None:
    provider = {"connectionName": connection} | ({"trackingStoreConnectionName": tracking} if tracking else {})
    section = {"hubName": hub, "storageProvider": provider}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("host.json", json.dumps({"version": "2.0", "extensions": {"durableTask": section}}))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, package: Path) -> Program:
    """Runs the program with these keys in place of, or beside, the least that it needs."""

    def go(
        live: Live | None = None,
        *,
        preview: bool = False,
        operations: Sequence[str] = (),
        claims: Claims | None = None,
        **keys: Any,
    ) -> Run:
        values = {"site": "orders-dev", "taskHub": "OrdersHub", "package": str(package), "access": "keys"} | keys
        config = {f"{NAMESPACE}:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azure-native:location": "westeurope", **config}))
        return run(
            lambda: runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__"),
            live,
            preview=preview,
            operations=operations,
            claims=claims,
        )

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


def test_a_hub_name_that_the_package_takes_from_a_setting_is_set_with_the_package(
    program: Program, package: Path
) -> None:
    write_package(package, hub="%TaskHub%")
    production, staging = settings(program())
    assert (production["RELEASE_HUB_SETTING"], production["TaskHub"]) == ("TaskHub", "OrdersHub")
    assert "TaskHub" not in staging


def test_a_plan_with_a_content_share_gives_each_store_one(program: Program) -> None:
    done = program(plan={"sku": "EP1"})
    production, staging = settings(done)
    assert production["WEBSITE_CONTENTSHARE"].endswith("-blue")
    assert staging["WEBSITE_CONTENTSHARE"].endswith("-green")
    assert "properties.WEBSITE_CONTENTAZUREFILECONNECTIONSTRING" in done.one("web:WebAppApplicationSettings").secrets


def slot(account: str, package: str | None = None, **more: str) -> dict[str, str]:
    """The live settings of a slot."""
    found = {
        "AzureWebJobsStorage": "AccountName=ordersdeve387dehost;AccountKey=hush",
        "DurableManagementStorage": f"AccountName={account};AccountKey=hush",
    }
    return found | ({"WEBSITE_RUN_FROM_PACKAGE": f"https://host/packages/{package}.zip"} if package else {}) | more


OLD, OLDER = "a" * 64, "b" * 64
BLUE, GREEN = "ordersdeve387deblue", "ordersdeve387degreen"
DEPLOYED = {"production": slot(BLUE, OLD, RELEASE_VERSION="1.0"), "staging": slot(GREEN, OLDER)}


def test_a_new_package_goes_into_staging_and_production_keeps_its_own_until_the_swap(
    program: Program, package: Path
) -> None:
    done = program(live=DEPLOYED, version="2.0")
    production, staging = settings(done)
    sha = hashlib.sha256(package.read_bytes()).hexdigest()
    assert f"AccountName={BLUE};" in production["DurableManagementStorage"]
    assert production["WEBSITE_RUN_FROM_PACKAGE"].endswith(f"/packages/{OLD}.zip")
    assert production["RELEASE_VERSION"] == "1.0"
    assert f"AccountName={GREEN};" in staging["DurableManagementStorage"]
    assert staging["WEBSITE_RUN_FROM_PACKAGE"].endswith(f"/packages/{sha}.zip")
    assert staging["RELEASE_VERSION"] == "2.0"
    swap = done.one(SWAP)
    assert (swap.inputs["production"], swap.inputs["package"]) == (OLD, sha)
    assert {"settings-production", "settings-staging"} <= swap.after
    assert done.outputs["slots"]["production"]["package"] == sha
    assert done.outputs["slots"]["staging"]["package"] == OLD


def test_slots_that_were_swapped_outside_are_declared_as_they_are(program: Program) -> None:
    swapped = {"production": DEPLOYED["staging"], "staging": DEPLOYED["production"]}
    done = program(live=swapped, promote="manual")
    production, staging = settings(done)
    assert f"AccountName={GREEN};" in production["DurableManagementStorage"]
    assert production["WEBSITE_RUN_FROM_PACKAGE"].endswith(f"/packages/{OLDER}.zip")
    assert f"AccountName={BLUE};" in staging["DurableManagementStorage"]
    assert done.one(SWAP).inputs["package"] == done.one(SWAP).inputs["production"] == OLDER


def test_blobs_are_declared_for_what_slots_run_and_for_the_new_package_and_no_other(
    program: Program, package: Path
) -> None:
    sha = hashlib.sha256(package.read_bytes()).hexdigest()
    done = program(live=DEPLOYED)
    blobs = {r.inputs["blobName"]: r for r in done.resources if r.type == "azure-native:storage:Blob"}
    assert blobs.keys() == {f"{OLD}.zip", f"{sha}.zip"}
    assert list(blobs[f"{OLD}.zip"].options.ignoreChanges) == ["source"]
    assert blobs[f"{sha}.zip"].inputs["source"]["path"] == str(package)


def test_a_package_named_by_its_hash_is_swapped_in_without_its_file(program: Program) -> None:
    done = program(live=DEPLOYED, package=f"sha256:{OLDER}")
    assert done.one(SWAP).inputs["package"] == OLDER
    blobs = {r.inputs["blobName"]: r for r in done.resources if r.type == "azure-native:storage:Blob"}
    assert blobs.keys() == {f"{OLD}.zip", f"{OLDER}.zip"}
    assert not any("source" in blob.inputs for blob in blobs.values())
    assert done.outputs["slots"]["production"]["package"] == OLDER


@pytest.mark.parametrize(
    ("live", "keys", "ending", "says"),
    [
        (DEPLOYED, {"package": f"sha256:{'c' * 64}"}, Ending.REFUSED, "takes a slot that holds it"),
        ({"production": ProviderError("connection refused")}, {}, Ending.UNKNOWN, "connection refused"),
        ({}, {"colour": "red"}, Ending.ERROR, "colour"),
    ],
)
def test_whoever_started_the_program_learns_why_it_stops(
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    live: Live,
    keys: dict[str, str],
    ending: Ending,
    says: str,
) -> None:
    told = tmp_path / "journal"
    monkeypatch.setenv(journal.VARIABLE, str(told))
    with pytest.raises(pulumi.RunError) as raised:
        program(live=live, **keys)
    (stop,) = journal.read(told).stops
    assert stop.ending is ending
    assert stop.reason == str(raised.value)
    assert says in stop.reason


def test_whoever_started_the_program_learns_the_plan(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "journal"
    monkeypatch.setenv(journal.VARIABLE, str(told))
    done = program(live=DEPLOYED)
    assert "\n".join(journal.read(told).plan) == next(text for text in done.log if text.startswith("Plan:"))


def test_a_swap_under_way_is_awaited_before_the_slots_are_looked_at_and_told_in_a_preview(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("release.clock.SystemClock.sleep", lambda _, seconds: slept.append(seconds))
    done = program(live=DEPLOYED, operations=["a swap", "a swap", "a swap"])
    assert len(slept) == 3
    assert "another operation is in progress on the site, such as a swap: waiting for its end" in done.log
    slept.clear()
    done = program(live=DEPLOYED, operations=["a swap"], preview=True)
    assert slept == []
    assert any("this plan is made in its middle" in text for text in done.log)


def test_the_plan_is_logged_step_by_step(program: Program) -> None:
    done = program(live=DEPLOYED)
    logged = next(text for text in done.log if text.startswith("Plan:"))
    assert [line.split()[:2] for line in logged.splitlines()[1:]] == [
        ["1.", "wait"],
        ["2.", "stage"],
        ["3.", "warm"],
        ["4.", "wait"],
        ["5.", "swap:"],
    ]


def test_writes_and_the_swap_are_guarded_and_nothing_switches_that_off(program: Program) -> None:
    for keys in ({}, {"promote": "manual"}, {"drain": "after-swap", "warmUp": False, "gate": {"timeout": 0}}):
        done = program(live=DEPLOYED, **keys)
        for type_, hook in (
            ("web:WebAppApplicationSettings", "production-gate"),
            ("web:WebAppApplicationSettingsSlot", "staging-gate"),
            (SWAP, "swap-gate"),
        ):
            hooks = done.one(type_).options.hooks
            assert list(hooks.before_create) == list(hooks.before_update) == [hook]
            assert hook in done.hooks


def test_the_swap_knows_the_app_by_name_and_no_secret(program: Program) -> None:
    swap = program(live=DEPLOYED, warmUp=False).one(SWAP)
    assert {name: value for name, value in swap.inputs.items() if name not in ("__provider", "package")} == {
        "resourceGroup": "orders-dev-rg",
        "site": "orders-dev",
        "stagingSlot": "staging",
        "stores": {"blue": BLUE, "green": GREEN},
        "connectionName": "DurableManagementStorage",
        "taskHub": "OrdersHub",
        "production": OLD,
        "check": False,
    }


@pytest.mark.parametrize(
    ("live", "says"),
    [
        (DEPLOYED | {"staging": slot(BLUE)}, "Both slots have their task hub in"),
        (DEPLOYED | {"staging": slot("strangers")}, "strangers, which is none of this app's stores"),
        (
            {"production": ProviderError('Status=403 Code="AuthorizationFailed" Message="no"')},
            "Microsoft.Web/sites/config/list/action",
        ),
        (
            DEPLOYED | {"staging": ProviderError('Status=403 Code="AuthorizationFailed" Message="no"')},
            "Microsoft.Web/sites/slots/config/list/action",
        ),
        ({"production": ProviderError('Status=503 Code="ServiceUnavailable" Message="later"')}, "later"),
        ({"production": ProviderError('Status=404 Code="SubscriptionNotFound" Message="x"')}, "SubscriptionNotFound"),
        ({"production": ProviderError("connection refused")}, "connection refused"),
    ],
)
def test_what_is_unclear_in_live_azure_ends_the_program_before_it_declares_anything(
    program: Program, live: Live, says: str
) -> None:
    with pytest.raises(pulumi.RunError, match=says) as raised:
        program(live=live)
    assert "Nothing was changed" in str(raised.value)
    assert "hush" not in str(raised.value)


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


VIEW = {"trackingStore": {"account": "ordersview"}}
SHARED = {"trackingStore": {"account": "sharedview", "resourceGroup": "shared-rg"}}
ME = "orders-dev-rg/orders-dev"


@pytest.fixture
def tracked(package: Path) -> None:
    write_package(package, hub="%TaskHub%", tracking="DurableTrackingStorage")


@pytest.mark.usefixtures("tracked")
def test_a_package_with_a_tracking_store_gets_its_connection_and_a_hub_name_of_its_store(program: Program) -> None:
    done = program(**VIEW)
    production, staging = settings(done)
    assert production["RELEASE_TRACKING"] == "DurableTrackingStorage"
    assert "AccountName=ordersview;" in production["DurableTrackingStorage"]
    assert production["TaskHub"] == "OrdersHubBlue"
    assert not {"RELEASE_TRACKING", "DurableTrackingStorage", "TaskHub"} & staging.keys()
    assert "properties.DurableTrackingStorage" in done.one("web:WebAppApplicationSettings").secrets
    assert sticky(done) == set()
    for type_ in ("web:WebAppApplicationSettings", "web:WebAppApplicationSettingsSlot"):
        assert {"ordershubblue-claim", "ordershubgreen-claim"} <= done.one(type_).after
    assert done.one(SWAP).inputs["trackingAccount"] == "ordersview"


TRACKING_SLOT = slot(
    BLUE,
    OLD,
    RELEASE_HUB_SETTING="Hub",
    Hub="OldHubBlue",
    RELEASE_TRACKING="OldView",
    OldView="AccountName=ordersview;AccountKey=hush",
)


@pytest.mark.usefixtures("tracked")
def test_a_release_that_stays_keeps_its_hub_and_its_tracking_store_by_their_names(program: Program) -> None:
    live = {"production": TRACKING_SLOT, "staging": slot(GREEN)}
    production, staging = settings(program(live=live, claims={}, promote="manual", **VIEW))
    assert (production["RELEASE_HUB_SETTING"], production["Hub"]) == ("Hub", "OldHubBlue")
    assert production["RELEASE_TRACKING"] == "OldView"
    assert "AccountName=ordersview;" in production["OldView"]
    assert not {"TaskHub", "DurableTrackingStorage"} & production.keys()
    assert (staging["TaskHub"], staging["RELEASE_TRACKING"]) == ("OrdersHubGreen", "DurableTrackingStorage")


@pytest.mark.usefixtures("tracked")
def test_a_tracking_store_of_another_stack_must_be_there_and_is_not_made(program: Program) -> None:
    with pytest.raises(pulumi.RunError, match=r"no storage account sharedview in the resource group shared-rg"):
        program(**SHARED)
    done = program(claims={}, **SHARED)
    assert "sharedview" not in {
        r.inputs.get("accountName") for r in done.resources if r.type.endswith(":StorageAccount")
    }
    assert "AccountName=sharedview;" in settings(done)[0]["DurableTrackingStorage"]


@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize("preview", [True, False])
def test_a_hub_name_that_another_app_has_ends_the_program_before_it_declares_anything(
    program: Program, preview: bool
) -> None:
    claims = {"ordershubgreen-claim": {"app": "billing-rg/billing"}, "ordershubblue-claim": {"app": ME}}
    with pytest.raises(pulumi.RunError, match=r"OrdersHubGreen belongs to billing-rg/billing, and this app is"):
        program(claims=claims, preview=preview, **SHARED)
    claims["ordershubgreen-claim"] = {}
    with pytest.raises(pulumi.RunError, match="belongs to an app that its claim does not name"):
        program(claims=claims, preview=preview, **SHARED)
    claims["ordershubgreen-claim"] = {"app": ME}
    program(claims=claims, preview=preview, **SHARED)


@pytest.mark.usefixtures("tracked")
def test_claims_that_can_not_be_read_are_refused_with_the_right_that_is_missing(program: Program) -> None:
    forbidden = ProviderError('Status=403 Code="AuthorizationFailed" Message="no"')
    with pytest.raises(pulumi.RunError) as raised:
        program(claims={"ordershubblue-claim": forbidden}, **SHARED)
    text = str(raised.value)
    assert (
        "The tracking store sharedview can't be looked at, so it is unknown which app has which task hub in it" in text
    )
    assert "Microsoft.Storage/storageAccounts/blobServices/containers/read" in text


def test_a_tracking_store_that_a_slot_needs_can_not_be_taken_out_of_the_config(program: Program) -> None:
    with pytest.raises(pulumi.RunError, match="in the tracking store ordersview, and config has no trackingStore"):
        program(live={"production": TRACKING_SLOT, "staging": slot(GREEN)})
