"""The whole program with mocks where storage is reached as an identity: no key anywhere, and roles before settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durable.roles import HOST_ROLES, STORE_ROLES, TITLES, StorageRole
from tests.components.engine import KEY, Declared, Run
from tests.components.test_program import BLUE, DEPLOYED, GREEN, OLD, OLDER, Program, package, program, settings

__all__ = ["package", "program"]

READER, PIPELINE = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LIST_KEYS = "azure-native:storage:listStorageAccountKeys"
HOST = "ordersdeve387dehost"


def by_identity(connection: str, account: str) -> dict[str, str]:
    return {
        f"{connection}__accountName": account,
        f"{connection}__credential": "managedidentity",
        f"{connection}__clientId": "a-client",
    }


def slot(account: str, package: str) -> dict[str, str]:
    """The live settings of a slot that reaches storage as an identity."""
    packages = {"WEBSITE_RUN_FROM_PACKAGE": f"https://host/packages/{package}.zip"}
    return by_identity("AzureWebJobsStorage", HOST) | by_identity("DurableManagementStorage", account) | packages


def roles(done: Run) -> set[tuple[str, str, str]]:
    """Who has which role on what, by the last name in each scope."""
    made = [r.inputs for r in done.resources if r.type.endswith(":RoleAssignment")]
    return {(m["principalId"], _role(m), m["scope"].rpartition("/")[2]) for m in made}


def _role(inputs: Any) -> StorageRole:
    return StorageRole(inputs["roleDefinitionId"].rpartition("/")[2])


def takes_keys(done: Run) -> list[bool]:
    stores = (done.one("storage:StorageAccount", colour) for colour in ("blue", "green"))
    return [store.inputs["allowSharedKeyAccess"] for store in stores]


def everything(done: Run) -> str:
    """All that the engine would keep: inputs, outputs of components, and the stack's outputs."""
    return json.dumps([[r.inputs for r in done.resources], done.component_outputs, done.outputs])


def test_a_new_app_asks_for_no_key_holds_none_and_has_stores_that_take_none(program: Program) -> None:
    done = program(access="identity")
    assert LIST_KEYS not in done.invokes
    assert KEY not in everything(done)
    assert "AccountKey" not in everything(done)
    assert takes_keys(done) == [False, False]
    production, staging = settings(done)
    host = by_identity("AzureWebJobsStorage", HOST)
    assert host.items() <= production.items()
    assert host.items() <= staging.items()
    assert by_identity("DurableManagementStorage", BLUE).items() <= production.items()
    assert by_identity("DurableManagementStorage", GREEN).items() <= staging.items()
    assert not {"AzureWebJobsStorage", "DurableManagementStorage"} & (production.keys() | staging.keys())


def test_a_key_would_be_found_where_it_is_used(program: Program) -> None:
    """That the test above looks where keys are."""
    assert LIST_KEYS in program(access="keys").invokes
    assert KEY in everything(program(access="keys"))


def test_outside_the_public_cloud_accounts_are_named_by_their_addresses(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARM_ENVIRONMENT", "usgovernment")
    done = program(access="identity", preview=True)
    production, _ = settings(done)
    family = {name for name in production if name.startswith("DurableManagementStorage")}
    services = {f"DurableManagementStorage__{service}ServiceUri" for service in ("blob", "queue", "table")}
    assert family == services | {"DurableManagementStorage__credential", "DurableManagementStorage__clientId"}
    assert LIST_KEYS not in done.invokes


def test_the_identity_of_both_slots_has_its_roles_on_all_accounts_before_a_slot_needs_them(program: Program) -> None:
    done = program(access="identity")
    wanted = {("host", role) for role in HOST_ROLES}
    wanted |= {(store, role) for store in ("blue", "green") for role in STORE_ROLES}
    wanted |= {("packages", StorageRole.BLOB_DATA_READER)}
    assert roles(done) == {("a-principal", role, place) for place, role in wanted}
    names = {r.name for r in done.resources if r.type.endswith(":RoleAssignment")}
    for type_ in ("web:WebAppApplicationSettings", "web:WebAppApplicationSettingsSlot"):
        assert names <= done.one(type_).after
    for type_ in ("web:WebApp", "web:WebAppSlot"):
        (assigned,) = done.one(type_).inputs["identity"]["userAssignedIdentities"]
        assert assigned.endswith("/app-identity")


def test_readers_may_read_the_tables_and_the_packages_and_the_slots_wait_for_them_too(program: Program) -> None:
    done = program(access="identity", readers={"users": [READER], "servicePrincipals": [PIPELINE.upper()]})
    assert {found for found in roles(done) if found[0] != "a-principal"} == {
        (reader, role, place)
        for reader in (READER, PIPELINE)
        for role, place in (
            (StorageRole.TABLE_DATA_READER, "blue"),
            (StorageRole.TABLE_DATA_READER, "green"),
            (StorageRole.BLOB_DATA_READER, "packages"),
        )
    }
    made = [r for r in done.resources if r.type.endswith(":RoleAssignment")]
    kinds = {r.inputs["principalId"]: r.inputs["principalType"] for r in made}
    assert kinds == {"a-principal": "ServicePrincipal", READER: "User", PIPELINE: "ServicePrincipal"}
    assert {r.name for r in made} <= done.one("web:WebAppApplicationSettingsSlot").after
    assert TITLES[StorageRole.TABLE_DATA_READER] == "Storage Table Data Reader"


def test_with_keys_there_are_no_roles_but_that_on_the_packages(program: Program) -> None:
    done = program(access="keys", readers={"users": [READER]})
    assert roles(done) == {("a-principal", StorageRole.BLOB_DATA_READER, "packages")}
    assert takes_keys(done) == [True, True]


def test_production_on_keys_keeps_its_form_while_the_next_release_gets_the_identity(program: Program) -> None:
    done = program(live=DEPLOYED, access="identity")
    production, staging = settings(done)
    assert f"AccountName={BLUE};" in production["DurableManagementStorage"]
    assert f"AccountName={HOST};" in production["AzureWebJobsStorage"]
    assert by_identity("DurableManagementStorage", GREEN).items() <= staging.items()
    assert by_identity("AzureWebJobsStorage", HOST).items() <= staging.items()
    # Production's store is open for its key, and staging's for the old package's, should the run end here.
    assert takes_keys(done) == [True, True]
    assert any("takes its keys for the rest of this run" in text for text in done.log)


def test_the_run_after_the_switch_closes_the_store_whose_last_key_is_gone(program: Program) -> None:
    live = {"production": slot(GREEN, OLD), "staging": DEPLOYED["production"]}
    done = program(live=live, access="identity", package=f"sha256:{OLD}")
    assert takes_keys(done) == [True, False]
    production, staging = settings(done)
    assert by_identity("DurableManagementStorage", GREEN).items() <= production.items()
    assert f"AccountName={BLUE};" in staging["DurableManagementStorage"]


def test_back_from_identities_keys_open_a_store_before_a_setting_has_one(program: Program) -> None:
    live = {"production": slot(BLUE, OLD), "staging": slot(GREEN, OLDER)}
    done = program(live=live, access="keys")
    production, staging = settings(done)
    assert by_identity("DurableManagementStorage", BLUE).items() <= production.items()
    assert f"AccountName={GREEN};" in staging["DurableManagementStorage"]
    assert takes_keys(done) == [False, True]
    assert {found[2] for found in roles(done)} == {"host", "blue", "green", "packages"}
    assert_after_account(done.one("web:WebAppApplicationSettingsSlot"), "green")


def assert_after_account(found: Declared, store: str) -> None:
    """That a slot's settings wait for an account: the engine's own dependencies say so, since a key comes from it."""
    assert any(urn.endswith(f"StorageAccount::{store}") for urn in found.options.dependencies)


@pytest.mark.parametrize("sku", ["EP1", "Y1"])
def test_a_content_share_needs_a_key_of_the_hosts_account_and_no_store_s(program: Program, sku: str) -> None:
    done = program(access="identity", plan={"sku": sku})
    production, _ = settings(done)
    assert f"AccountName={HOST};" in production["WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"]
    assert "AzureWebJobsStorage" not in production
    assert done.invokes.count(LIST_KEYS) == 1
    assert takes_keys(done) == [False, False]
