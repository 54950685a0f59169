"""The durable connection: what is refused differs from a good program in one thing, and nothing else is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from policies import resources as r
from policies.config import Config
from policies.values import UNKNOWN
from tests.policies.world import DURABLE, HUB_OVERRIDE, World, app, key_connection

Change = Callable[[World], object]


def test_the_good_program_passes_without_a_word() -> None:
    world = app("orders")
    assert world.refused() == set()
    assert {rule for rule, _ in world.advised()} <= {"secret-by-reference"}


PRESENT = "durable-storage-setting-present"


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda w: w.unset("production", DURABLE), "production"),
        (lambda w: w.unset("staging", DURABLE), "staging"),
        (lambda w: w.put("staging", "DurableStorage", w["staging"].inputs["properties"].pop(DURABLE)), "staging"),
    ],
)
def test_a_slot_without_the_connection_is_refused(spoil: Change, where: str) -> None:
    world = app("orders")
    spoil(world)
    assert world.refused() == {(PRESENT, where)}


def test_a_slot_without_any_settings_lacks_the_connection() -> None:
    world = app("orders")
    world.remove("staging")
    assert world.refused() == {(PRESENT, "staging-slot"), ("host-storage-shared", "staging-slot")}


def test_a_cloned_slot_has_settings_that_the_program_doesnt_show() -> None:
    world = app("orders")
    world.remove("staging")
    world["staging-slot"].put("cloningInfo", {"sourceWebAppId": "/subscriptions/s"})
    assert world.refused() == set()


@pytest.mark.parametrize(
    "name",
    [DURABLE, DURABLE.upper(), f"AzureWebJobs{DURABLE}", f"{DURABLE}__accountName", f"{DURABLE}__credential"],
)
def test_a_sticky_member_of_the_family_is_refused(name: str) -> None:
    world = app("orders")
    world.stick(name)
    assert world.refused() == {("durable-storage-setting-not-sticky", "sticky")}


def test_a_family_that_is_partly_sticky_is_told_apart() -> None:
    world = app("orders")
    for slot, account in (("production", "ordersblue"), ("staging", "ordersstaging")):
        world.unset(slot, DURABLE)
        world.put(slot, f"{DURABLE}__accountName", account)
        world.put(slot, f"{DURABLE}__credential", "managedidentity")
    assert world.refused() == set()
    world.stick(f"{DURABLE}__credential")
    ((_, finding),) = [found for found in world.findings() if found[0] == "durable-storage-setting-not-sticky"]
    assert f"'{DURABLE}__credential' of site 'orders' is sticky and '{DURABLE}__accountName' not" in finding.message


def test_a_sticky_connection_of_another_name_is_refused_once_config_tells_the_name() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, "Store", world[slot].inputs["properties"].pop(DURABLE))  # type: ignore[index]
    world.stick("Store")
    assert world.refused(Config(connections=("Store",))) == {("durable-storage-setting-not-sticky", "sticky")}


def test_a_sticky_connection_string_is_refused_as_a_sticky_setting_is() -> None:
    world = app("orders")
    world["sticky"].put("connectionStringNames", [DURABLE])
    assert world.refused() == {("durable-storage-setting-not-sticky", "sticky")}


DIFFERS = "durable-storage-differs-per-slot"


@pytest.mark.parametrize(
    "connection",
    [
        key_connection("ordersblue"),
        key_connection("OrdersBlue"),
        key_connection("ordersblue", "core.chinacloudapi.cn"),
        "BlobEndpoint=https://ordersblue.blob.core.windows.net/;SharedAccessSignature=sig",
    ],
)
def test_two_slots_on_one_account_and_hub_are_refused(connection: str) -> None:
    world = app("orders")
    world.put("staging", DURABLE, connection)
    assert world.refused() == {(DIFFERS, "staging")}


def test_one_account_with_two_hub_names_is_the_articles_alternative() -> None:
    world = app("orders")
    world.put("staging", DURABLE, key_connection("ordersblue"))
    world.put("staging", HUB_OVERRIDE, "OrdersHub2")
    assert world.refused() == set()


@pytest.mark.parametrize("name", ["TaskHubName", "TASKHUB_NAME", "DurableTaskHub"])
def test_hub_names_are_taken_from_a_setting_of_a_usual_name(name: str) -> None:
    world = app("orders")
    world.put("staging", DURABLE, key_connection("ordersblue"))
    for slot, hub in (("production", "HubA"), ("staging", "HubB")):
        world.unset(slot, HUB_OVERRIDE)
        world.put(slot, name, hub)
    assert world.refused() == set()
    world.put("staging", name, "huba")
    assert world.refused() == {(DIFFERS, "staging")}


def test_an_equal_key_vault_reference_is_one_account_and_another_one_may_be_another() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, DURABLE, "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/store)")
    assert world.refused() == {(DIFFERS, "staging")}
    world.put("staging", DURABLE, "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/other)")
    assert world.refused() == set()


def test_of_three_slots_the_two_that_share_are_named() -> None:
    world = app("orders", slots=("staging", "canary"))
    assert world.refused() == set()
    world.put("canary", DURABLE, key_connection("ordersstaging"))
    assert world.refused() == {(DIFFERS, "canary")}
    ((_, finding),) = world.findings()[:1]
    assert "slot 'staging' of site 'orders'" in finding.message
    assert "slot 'canary' of site 'orders'" in finding.message


SEPARATE = "host-storage-separate"


def test_a_store_in_the_account_of_the_host_is_refused() -> None:
    world = app("orders")
    world.put("staging", DURABLE, key_connection("ordershost"))
    assert world.refused() == {(SEPARATE, "staging")}


SHARED = "host-storage-shared"


def test_hosts_in_two_accounts_are_refused() -> None:
    world = app("orders")
    world.put("staging", "AzureWebJobsStorage", key_connection("otherhost"))
    assert world.refused() == {(SHARED, "staging")}


def test_a_slot_without_host_storage_is_refused() -> None:
    world = app("orders")
    world.unset("staging", "AzureWebJobsStorage")
    assert world.refused() == {(SHARED, "staging")}


def test_the_same_host_account_by_key_and_by_identity_is_shared() -> None:
    world = app("orders")
    world.unset("staging", "AzureWebJobsStorage")
    world.put("staging", "AzureWebJobsStorage__accountName", "ordershost")
    assert (SHARED, "staging") not in world.refused()


HUB_STICKY = "task-hub-name-not-sticky"


@pytest.mark.parametrize("name", [HUB_OVERRIDE, HUB_OVERRIDE.lower(), HUB_OVERRIDE.replace("__", ":")])
def test_a_sticky_override_of_the_hub_name_is_refused(name: str) -> None:
    world = app("orders")
    world.stick(name)
    assert world.refused() == {(HUB_STICKY, "sticky")}


def test_a_sticky_setting_that_gives_the_hub_name_is_refused() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, HUB_OVERRIDE, "%MyHub%")
        world.put(slot, "MyHub", "OrdersHub")
    assert world.refused() == set()
    world.stick("MyHub")
    assert world.refused() == {(HUB_STICKY, "sticky")}


class TestInAFirstPreviewValuesAreUnknownAnd:
    """… the accounts that went into them are known by the engine's property dependencies."""

    def world(self, production: set[str], staging: set[str]) -> World:
        world = app("orders")
        for slot, accounts in (("production", production), ("staging", staging)):
            world.put(slot, DURABLE, UNKNOWN)
            world.put(slot, "AzureWebJobsStorage", UNKNOWN)
            world[slot].sources["properties"] = {world[account].urn for account in accounts}
        return world

    def test_what_can_be_right_is_left_alone_without_a_word(self) -> None:
        world = self.world({"ordershost", "ordersblue"}, {"ordershost", "ordersstaging"})
        assert world.refused() == set()
        assert world.advised() == set()

    def test_what_is_wrong_whichever_it_is_is_refused(self) -> None:
        world = self.world({"ordersblue"}, {"ordersblue"})
        assert world.refused() == {(DIFFERS, "staging"), (SEPARATE, "production"), (SEPARATE, "staging")}

    def test_hosts_without_a_common_account_are_refused(self) -> None:
        world = self.world({"ordersblue", "ordershost"}, {"ordersstaging"})
        assert world.refused() == {(SHARED, "staging"), (SEPARATE, "staging")}

    def test_a_value_of_unknown_origin_is_left_to_the_update_with_one_word_a_rule(self) -> None:
        world = self.world(set(), set())
        assert world.refused() == set()
        assert {rule for rule, _ in world.advised()} == {DIFFERS, SHARED, SEPARATE}
        assert len([rule for rule, _ in world.findings() if rule == SEPARATE]) == 1

    def test_a_key_vault_that_went_in_too_may_hold_the_connection(self) -> None:
        vault = "urn:pulumi:test::project::azure-native:keyvault:Secret::store"
        world = self.world({"ordersblue"}, {"ordersblue"})
        for slot in ("production", "staging"):
            world[slot].sources["properties"].add(vault)
        world.add("keyvault:Secret", "store")
        assert world.refused() == set()

    def test_settings_that_are_unknown_as_a_whole_are_left_to_the_update(self) -> None:
        world = app("orders")
        world["staging"].put("properties", UNKNOWN)
        assert world.refused() == set()
        assert {DIFFERS, SEPARATE, SHARED, PRESENT} <= {rule for rule, _ in world.advised()}
        world["production"].put("properties", UNKNOWN)
        assert world.refused() == set()
        assert PRESENT in {rule for rule, _ in world.advised()}

    def test_a_child_whose_name_is_made_as_its_sites_is_belongs_to_it(self) -> None:
        world = app("orders")
        for name in ("site", "production", "staging", "sticky", "staging-slot"):
            world[name].put("name", UNKNOWN)
            world[name].sources["name"] = {"urn:pulumi:test::project::random:index/randomPet:RandomPet::pet"}
        assert world.refused() == set()
        world.unset("staging", DURABLE)
        assert world.refused() == {(PRESENT, "staging")}

    def test_names_as_outputs_lead_to_their_site_and_slot(self) -> None:
        world = app("orders")
        for name in ("production", "staging", "sticky", "staging-slot"):
            world[name].put("name", UNKNOWN)
            world[name].sources["name"] = {world["site"].urn}
        world["staging"].put("slot", UNKNOWN)
        world["staging"].sources["slot"] = {world["staging-slot"].urn}
        assert world.refused() == set()
        world.unset("staging", DURABLE)
        assert world.refused() == {(PRESENT, "staging")}

    def test_a_child_of_no_site_that_can_be_told_is_said_once(self) -> None:
        world = app("orders")
        world["staging"].put("name", UNKNOWN)
        assert world.refused() == set()
        assert (PRESENT, "staging") in world.advised() or (PRESENT, "staging-slot") in world.advised()


def test_a_targeted_update_shows_only_its_targets() -> None:
    world = app("orders")
    world["staging"].inputs = None
    world["staging"].sources["properties"] = set()
    assert world.refused() == set()


def test_what_the_program_only_reads_is_someone_elses_to_judge() -> None:
    """`WebApp.get` and the like: no resource policy sees them, and stack policies see what Azure answered."""
    world = app("orders")
    for name in ("site", "staging-slot", "ordersblue"):
        world[name].outputs = {"name": {"site": "orders", "ordersblue": "ordersblue"}.get(name, "orders/staging")}
        world[name].inputs = None
        world[name].protect = False
    assert world.refused() == set()
    assert {rule for rule, _ in world.advised()} == {"secret-by-reference"}
    world.put("staging", DURABLE, key_connection("ordersblue"))
    assert world.refused() == {(DIFFERS, "staging")}


def test_a_connection_that_an_override_names_is_a_durable_one() -> None:
    world = app("orders")
    for slot in ("production", "staging"):
        world.put(slot, "Store", world[slot].inputs["properties"].pop(DURABLE))  # type: ignore[index]
        name = HUB_OVERRIDE.replace("hubName", "storageProvider__connectionName")
        world.put(slot, name, "Store")
    assert world.refused() == set()
    world.stick("Store")
    assert world.refused() == {("durable-storage-setting-not-sticky", "sticky")}


def test_a_list_of_sticky_names_is_judged_even_where_it_is_all_that_the_program_has() -> None:
    world = app("orders")
    world.remove(*(name for name in world.made if name != "sticky"))
    world.stick(HUB_OVERRIDE)
    assert world.refused() == {(HUB_STICKY, "sticky")}


def test_a_sticky_name_that_isnt_known_yet_is_left_to_the_update() -> None:
    world = app("orders")
    world["sticky"].put("appSettingNames", ["MY_STICKY", UNKNOWN])
    assert world.refused() == set()
    assert ("durable-storage-setting-not-sticky", "sticky") in world.advised()


def test_a_site_that_is_not_in_the_program_is_judged_by_its_settings() -> None:
    world = app("orders")
    world.remove("site", "staging-slot")
    assert world.refused() == set()
    world.put("staging", DURABLE, key_connection("ordersblue"))
    assert world.refused() == {(DIFFERS, "staging")}


def test_types_are_told_whatever_their_api_version() -> None:
    assert r.kind_of("azure-native:web:WebApp") == r.WEB_APP
    assert r.kind_of("azure-native:web/v20231201:WebApp") == r.WEB_APP
    assert r.kind_of("azure-native_web_v20231201:web:WebApp") == r.WEB_APP
    assert r.kind_of("azure:web:WebApp") == "azure:web:WebApp"
