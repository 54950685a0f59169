"""Identities, accounts and apps: who may reach what, and what lies open."""

from __future__ import annotations

from typing import Any

import pytest

from durable.roles import StorageRole
from policies import resources as r
from policies.finding import Weight
from policies.values import UNKNOWN
from tests.policies.world import DURABLE, World, app, key_connection

REACHES = "identity-reaches-every-store"
ROLES = (StorageRole.BLOB_DATA_OWNER, StorageRole.QUEUE_DATA_CONTRIBUTOR, StorageRole.TABLE_DATA_CONTRIBUTOR)
ACCOUNTS = ("ordershost", "ordersblue", "ordersstaging")


def scope(account: str) -> str:
    return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{account}"


def role_id(role: str) -> str:
    return (
        f"/subscriptions/00000000-0000-4000-8000-000000000000/providers/Microsoft.Authorization/roleDefinitions/{role}"
    )


def by_identity() -> World:
    """The good app with all its storage by each slot's own identity, which has every role that it needs."""
    world = app("orders")
    for slot, own, account in (("production", "site", "ordersblue"), ("staging", "staging-slot", "ordersstaging")):
        world[own].put("identity", {"type": "SystemAssigned"})
        world[own].outputs = {"identity": {"principalId": f"principal-{slot}"}}
        for name, target in ((DURABLE, account), ("AzureWebJobsStorage", "ordershost")):
            world.unset(slot, name)
            world.put(slot, f"{name}__accountName", target)
        world[account].put("allowSharedKeyAccess", False)
        for target in ACCOUNTS:
            for role in ROLES:
                world.add(
                    r.ROLE_ASSIGNMENT,
                    f"{slot}-{role.name}-{target}",
                    principalId=f"principal-{slot}",
                    roleDefinitionId=role_id(role),
                    scope=scope(target),
                )
    return world


def test_identities_with_all_roles_on_all_stores_pass() -> None:
    world = by_identity()
    assert world.refused() == set()
    assert world.advised() == set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_missing_role_on_any_store_or_the_host_account_is_refused(role: StorageRole, account: str) -> None:
    world = by_identity()
    world.remove(f"staging-{role.name}-{account}")
    assert world.refused() == {(REACHES, "staging-slot")}


def test_a_role_on_the_resource_group_covers_its_accounts() -> None:
    world = by_identity()
    world.remove(*(f"staging-{ROLES[1].name}-{account}" for account in ACCOUNTS))
    world.add(
        r.ROLE_ASSIGNMENT,
        "wide",
        principalId="principal-staging",
        roleDefinitionId=role_id(ROLES[1]),
        scope="/subscriptions/s/resourceGroups/g",
    )
    assert world.refused() == set()


def test_one_user_assigned_identity_for_all_slots_needs_each_role_once() -> None:
    world = by_identity()
    world.add(r.IDENTITY, "shared", resourceName="orders-identity")
    world["shared"].outputs = {"principalId": "principal-production"}
    for slot, own in (("production", "site"), ("staging", "staging-slot")):
        world[own].put("identity", {"type": "UserAssigned", "userAssignedIdentities": [UNKNOWN]})
        world[own].sources["identity"] = {world["shared"].urn}
        for name in (DURABLE, "AzureWebJobsStorage"):
            world.put(slot, f"{name}__credential", "managedidentity")
            world.put(slot, f"{name}__clientId", "client")
    assert world.refused() == set()
    world.remove(f"production-{ROLES[0].name}-ordersblue")
    assert world.refused() == {(REACHES, "shared")}


def shared_identity() -> World:
    """The same with one user-assigned identity for both slots."""
    world = by_identity()
    world.add(r.IDENTITY, "shared", resourceName="orders-identity")
    world["shared"].outputs = {"principalId": "principal-production", "clientId": "client"}
    for slot, own in (("production", "site"), ("staging", "staging-slot")):
        world[own].put("identity", {"type": "UserAssigned", "userAssignedIdentities": ["/x/orders-identity"]})
        for name in (DURABLE, "AzureWebJobsStorage"):
            world.put(slot, f"{name}__credential", "managedidentity")
            world.put(slot, f"{name}__clientId", "client")
    return world


def test_a_client_id_is_that_of_an_identity_of_its_slot() -> None:
    world = shared_identity()
    assert world.refused() == set()
    world.put("staging", f"{DURABLE}__clientId", "another")
    assert world.refused() == {(REACHES, "staging")}
    world = shared_identity()
    world["staging-slot"].put("identity", {"type": "SystemAssigned"})
    assert (REACHES, "staging") in world.refused()


def test_in_a_first_preview_a_client_id_is_told_by_the_identity_that_it_is_made_from() -> None:
    world = shared_identity()
    world.add(r.IDENTITY, "other", resourceName="other-identity")
    world["shared"].outputs = {}
    world["production"].sources["properties"] = {world["shared"].urn}
    for slot, own in (("production", "site"), ("staging", "staging-slot")):
        world.put(slot, f"{DURABLE}__clientId", UNKNOWN)
        world[own].sources["identity"] = {world["shared"].urn}
    world["staging"].sources["properties"] = {world["shared"].urn, world["other"].urn}
    assert (REACHES, "staging") not in world.refused()
    world["staging"].sources["properties"] = {world["other"].urn}
    assert (REACHES, "staging") in world.refused()
    assert (REACHES, "production") not in world.refused()


KEYS = "durable-storage-keys-agree"


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_key_of_an_account_that_takes_none_is_refused_where_it_is_set(account: str) -> None:
    world = app("orders")
    world[account].put("allowSharedKeyAccess", True)
    assert world.refused() == set()
    world[account].put("allowSharedKeyAccess", False)
    slots = {"ordershost": {"production", "staging"}, "ordersblue": {"production"}, "ordersstaging": {"staging"}}
    assert world.refused() == {(KEYS, slot) for slot in slots[account]}
    assert all("AccountKey" not in finding.message for _, finding in world.findings())


def test_in_a_first_preview_a_key_is_refused_if_all_accounts_that_it_may_be_of_take_none() -> None:
    world = app("orders")
    for name in (DURABLE, "AzureWebJobsStorage"):
        world.put("production", name, UNKNOWN)
    world["production"].sources["properties"] = {world["ordershost"].urn, world["ordersblue"].urn}
    world["ordersblue"].put("allowSharedKeyAccess", False)
    assert world.refused() == set()
    world["ordershost"].put("allowSharedKeyAccess", False)
    assert (KEYS, "production") in world.refused()


@pytest.mark.parametrize("value", [None, True])
def test_a_store_that_takes_keys_which_no_setting_holds_is_advised_against(value: bool | None) -> None:
    world = by_identity()
    if value is None:
        world["ordersblue"].drop("allowSharedKeyAccess")
    else:
        world["ordersblue"].put("allowSharedKeyAccess", value)
    assert world.refused() == set()
    assert world.advised() == {(KEYS, "ordersblue")}


def test_a_store_of_which_one_slot_still_holds_a_key_may_take_it() -> None:
    world = by_identity()
    for setting in ("accountName",):
        world.unset("staging", f"{DURABLE}__{setting}")
    world.put("staging", DURABLE, key_connection("ordersstaging"))
    assert (KEYS, "staging") in world.refused()
    world["ordersstaging"].put("allowSharedKeyAccess", True)
    assert KEYS not in {rule for rule, _ in world.refused() | world.advised()}


def test_in_a_first_preview_principals_and_scopes_are_followed_by_what_they_are_made_from() -> None:
    world = by_identity()
    for name, made in list(world.made.items()):
        if made.kind == r.ROLE_ASSIGNMENT:
            slot, _, account = name.split("-")
            made.put("principalId", UNKNOWN)
            made.put("scope", UNKNOWN)
            made.sources = {
                "principalId": {world["site" if slot == "production" else "staging-slot"].urn},
                "scope": {world[account].urn},
            }
    for own in ("site", "staging-slot"):
        world[own].outputs = {"identity": UNKNOWN}
    assert world.refused() == set()
    assert world.advised() == set()
    world.remove(f"production-{ROLES[2].name}-ordersstaging")
    assert world.refused() == {(REACHES, "site")}


def test_an_assignment_that_cant_be_told_yet_is_left_to_the_update() -> None:
    world = by_identity()
    world["staging-" + ROLES[2].name + "-ordersblue"].put("roleDefinitionId", UNKNOWN)
    assert world.refused() == set()
    assert world.advised() == {(REACHES, "staging")}


def test_accounts_of_another_program_are_its_business() -> None:
    world = by_identity()
    world.remove(*ACCOUNTS)
    world.remove(*(name for name, made in world.made.items() if made.kind == r.ROLE_ASSIGNMENT))
    assert world.refused() == set()


PROTECTED = "durable-store-protected"


def test_a_store_without_protection_is_refused() -> None:
    world = app("orders")
    world["ordersblue"].protect = False
    assert world.refused() == {(PROTECTED, "ordersblue")}
    world["ordersblue"].put("tags", {"durable-store": "disposable"})
    assert world.refused() == set()


@pytest.mark.parametrize("store", ["ordersblue", "ordersstaging"])
def test_in_a_first_preview_a_store_is_one_of_the_accounts_that_its_slot_is_made_from(store: str) -> None:
    world = app("orders")
    for slot, account in (("production", "ordersblue"), ("staging", "ordersstaging")):
        for name in (DURABLE, "AzureWebJobsStorage"):
            world.put(slot, name, UNKNOWN)
        world[slot].sources["properties"] = {world["ordershost"].urn, world[account].urn}
    assert world.refused() == set()
    world[store].protect = False
    assert world.refused() == {(PROTECTED, store)}


@pytest.mark.parametrize(
    ("path", "value"),
    [("minimumTlsVersion", "TLS1_0"), ("enableHttpsTrafficOnly", False), ("allowBlobPublicAccess", True)],
)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_open_account_of_a_function_app_is_refused(account: str, path: str, value: Any) -> None:
    world = app("orders")
    world[account].put(path, value)
    assert world.refused() == {("storage-hardened", account)}


def test_accounts_that_no_function_app_uses_are_left_alone() -> None:
    world = app("orders")
    world.add(r.ACCOUNT, "website", accountName="website", allowBlobPublicAccess=True, minimumTlsVersion="TLS1_0")
    assert world.refused() == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("httpsOnly", False),
        ("siteConfig/minTlsVersion", "1.0"),
        ("siteConfig/scmMinTlsVersion", "1.1"),
        ("siteConfig/ftpsState", "AllAllowed"),
        ("siteConfig/remoteDebuggingEnabled", True),
    ],
)
@pytest.mark.parametrize("name", ["site", "staging-slot"])
def test_an_open_function_app_is_refused(name: str, path: str, value: Any) -> None:
    world = app("orders")
    world[name].put(path, value)
    assert world.refused() == {("function-app-hardened", name)}


def test_https_that_isnt_asked_for_is_off() -> None:
    world = app("orders")
    world["site"].drop("httpsOnly")
    assert world.refused() == {("function-app-hardened", "site")}


QUOTA = "function-app-quota"


@pytest.mark.parametrize(
    ("sku", "count", "refused", "advised"),
    [
        ("Y1", 89, False, False),
        ("Y1", 90, False, True),
        ("Y1", 100, False, True),
        ("EP2", 101, True, False),
        ("P1v3", 150, False, False),
    ],
)
def test_a_plan_takes_a_hundred_function_apps(sku: str, count: int, refused: bool, advised: bool) -> None:
    world = World()
    world.add(r.PLAN, "plan", name="plan", sku={"name": sku})
    for number in range(count):
        world.add(
            r.WEB_APP,
            f"app{number}",
            name=f"app{number}",
            kind="functionapp",
            httpsOnly=True,
            serverFarmId="/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/PLAN",
        )
    world.add(r.WEB_APP, "web", name="web", kind="app", serverFarmId="/x/serverfarms/plan")
    assert world.refused() == ({(QUOTA, "plan")} if refused else set())
    assert world.advised() == ({(QUOTA, "plan")} if advised else set())


SECRET = "secret-by-reference"


def test_an_account_key_is_advised_against_once_a_site_and_never_shown() -> None:
    world = app("orders")
    found = [finding for rule, finding in world.findings() if rule == SECRET]
    assert len(found) == 1
    assert "'AzureWebJobsStorage', 'DurableManagementStorage'" in found[0].message
    assert "AccountKey" not in found[0].message
    assert found[0].weight is Weight.REFUSAL


@pytest.mark.parametrize(
    "value",
    [
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)",
        "UseDevelopmentStorage=true",
        "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=k;BlobEndpoint=http://127.0.0.1:10000/a",
    ],
)
def test_a_reference_and_an_emulators_key_are_fine(value: str) -> None:
    world = app("orders", slots=())
    for name in (DURABLE, "AzureWebJobsStorage"):
        world.unset("production", name)
    world.put("production", "Anything", value)
    world.put("production", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", key_connection("ordershost"))
    assert SECRET not in {rule for rule, _ in world.advised()}
