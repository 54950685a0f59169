"""The gate against real tables: Azurite, with rows in the schema that Durable Functions writes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import AccountSasPermissions, ResourceTypes, TableClient, generate_account_sas

from durable.connections import Endpoints, connection_string
from durable.instance_ids import to_partition_key
from release.drain import State, Verdict, read_once, wait_until_drained
from release.instances import Instance, Instances, Listing, StoreUnknownError, open_store
from release.patience import Patience
from tests.localazure.host.test_azurite import Azurite, a_name, new_key
from tests.release.clock import FakeClock

CREATED = datetime(2026, 7, 1, 8, 0, 0, 123456, tzinfo=UTC)
ODD_IDS = ("a/b#c?d\\e^f", "it's 100 % \u00fcber", "a+b&c=d", "tab\there", "@counter", "parent:0")


class Account:
    """A new storage account, as a slot's settings name it, with tables that a test writes."""

    def __init__(self, azurite: Azurite) -> None:
        self.name, self.key = a_name(), new_key()
        azurite.storage.set_accounts({self.name: (self.key, new_key())})
        self.endpoints = Endpoints(**azurite.storage.endpoints(self.name))
        self.tables = azurite.tables(self.name, self.key)

    @property
    def by_key(self) -> dict[str, str]:
        return {"X": connection_string(self.name, self.key, self.endpoints)}

    def by_signature(self, *, may_list: bool = True) -> dict[str, str]:
        signature = generate_account_sas(
            AzureNamedKeyCredential(self.name, self.key),
            ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(read=True, list=may_list),
            datetime.now(UTC) + timedelta(hours=1),
        )
        return {"X": f"TableEndpoint={self.endpoints.table};SharedAccessSignature={signature}"}

    def open(self) -> Instances:
        return open_store(self.by_key, "X")

    def hub(self, name: str) -> TableClient:
        self.tables.create_table(f"{name}History")
        return self.tables.create_table(f"{name}Instances")


def write(table: TableClient, instance_id: str, status: str | None = "Running", **columns: Any) -> None:
    """A row as azure_facts.md 3.1 has it; a value of None is a column that it lacks."""
    row = {
        "PartitionKey": to_partition_key(instance_id),
        "RowKey": "",
        "ExecutionId": "0123456789abcdef",
        "Name": "process_order",
        "Version": "",
        "Input": '{"order": 1}',
        "CustomStatus": "null",
        "CreatedTime": CREATED,
        "LastUpdatedTime": CREATED,
        "Generation": 0,
        "TaskHubName": "Orders",
    }
    cells = {**row, "RuntimeStatus": status, **columns}
    table.upsert_entity({column: value for column, value in cells.items() if value is not None})


def an_instance(instance_id: str, status: str = "Running", hub: str = "Orders") -> Instance:
    return Instance(hub, instance_id, "process_order", status, CREATED)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    process = Azurite(tmp_path_factory.mktemp("azurite"))
    yield process
    process.process.stop()


@pytest.fixture
def account(azurite: Azurite) -> Account:
    return Account(azurite)


def test_an_account_without_a_hub_is_drained(account: Account) -> None:
    account.tables.create_table("Other")
    assert wait_until_drained(account.open(), Patience(60, 30, 5), FakeClock()) == Verdict(State.DRAINED, account.name)


def test_active_instances_of_all_hubs_are_found_and_entities_and_finished_ones_are_not(account: Account) -> None:
    orders, shop = account.hub("Orders"), account.hub("Shop")
    for status in ("Pending", "Running", "Suspended", "ContinuedAsNew", "Unheard", None):
        write(orders, f"id-{status}", status)
    for status in ("Completed", "Failed", "Canceled", "Terminated"):
        write(orders, f"id-{status}", status)
    write(orders, "@counter@1")
    write(shop, "id-1", "Pending")
    listing = account.open().all()
    assert (listing.hubs, listing.rows) == (("Orders", "Shop"), 12)
    assert set(listing.active) == {
        an_instance("id-Pending", "Pending"),
        an_instance("id-Running"),
        an_instance("id-Suspended", "Suspended"),
        an_instance("id-ContinuedAsNew", "ContinuedAsNew"),
        an_instance("id-Unheard", "Unheard"),
        an_instance("id-None", ""),
        an_instance("id-1", "Pending", "Shop"),
    }


def test_an_active_instance_behind_a_thousand_others_is_found(account: Account) -> None:
    orders = account.hub("Orders")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write(orders, f"id-{number:04}", "Completed"), range(1001)))
    write(orders, "last")
    assert account.open().all() == Listing(("Orders",), (an_instance("last"),), 1002)


def test_ids_of_all_kinds_are_read_and_read_again(account: Account) -> None:
    orders = account.hub("Orders")
    for instance_id in ODD_IDS:
        write(orders, instance_id)
    store = account.open()
    found = store.all().active
    assert sorted(instance.id for instance in found) == sorted(ODD_IDS)
    assert store.still_active(found) == found


def test_looking_again_sees_what_has_changed_and_what_is_gone(account: Account) -> None:
    orders = account.hub("Orders")
    for instance_id in ("goes-on", "ends", "is-purged"):
        write(orders, instance_id)
    store = account.open()
    found = store.all().active
    write(orders, "goes-on", "Suspended")
    write(orders, "ends", "Completed")
    orders.delete_entity("is-purged", "")
    assert store.still_active(found) == (an_instance("goes-on", "Suspended"),)


def test_a_wait_sees_orchestrations_end_and_begin(account: Account) -> None:
    orders = account.hub("Orders")
    write(orders, "first")
    seen: list[list[str]] = []

    def go_on(verdict: Verdict) -> None:
        seen.append([instance.id for instance in verdict.active])
        if len(seen) == 1:
            write(orders, "first", "Completed")
            write(orders, "second")
        else:
            write(orders, "second", "Failed")

    verdict = wait_until_drained(account.open(), Patience(60, 10, 5), FakeClock(), go_on)
    assert verdict == Verdict(State.DRAINED, account.name, ("Orders",))
    assert seen[:3] == [["first"], ["second"], []]


@pytest.mark.parametrize("service", ["listing the tables", "reading an instance of the task hub Orders"])
def test_a_wrong_key_is_unknown_and_not_shown(account: Account, service: str) -> None:
    wrong = new_key()
    store = open_store({"X": connection_string(account.name, wrong, account.endpoints)}, "X")
    with pytest.raises(StoreUnknownError) as raised:
        store.all() if "tables" in service else store.still_active([an_instance("a")])
    assert f"storage account {account.name}: the table service answered 403" in str(raised.value)
    assert f"while {service}; put the account's present key" in str(raised.value)
    assert wrong not in str(raised.value)


def test_a_signature_opens_the_tables_if_it_may_list_and_is_not_shown_if_it_may_not(account: Account) -> None:
    write(account.hub("Orders"), "a")
    assert open_store(account.by_signature(), "X").all().active == (an_instance("a"),)
    settings = account.by_signature(may_list=False)
    with pytest.raises(StoreUnknownError, match="answered 403") as raised:
        open_store(settings, "X").all()
    assert settings["X"].partition("SharedAccessSignature=")[2] not in str(raised.value)
    assert "sig=" not in str(raised.value)


def test_a_table_that_is_deleted_between_two_readings_is_unknown(account: Account) -> None:
    write(account.hub("Orders"), "a")
    store = account.open()
    found = store.all().active
    account.tables.delete_table("OrdersInstances")
    with pytest.raises(StoreUnknownError, match=r"answered 404 \(TableNotFound\)"):
        store.still_active(found)
    assert store.all() == Listing((), (), 0)


def test_an_endpoint_that_is_down_is_unknown(tmp_path_factory: pytest.TempPathFactory) -> None:
    azurite = Azurite(tmp_path_factory.mktemp("down"))
    account = Account(azurite)
    write(account.hub("Orders"), "a")
    store = account.open()
    azurite.process.stop()
    verdict = read_once(store, Patience(0, 0, 0))
    assert verdict.state is State.UNKNOWN
    assert "the table service can't be reached while listing the tables" in verdict.reason
    assert account.key not in verdict.reason
