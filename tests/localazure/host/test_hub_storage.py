"""What task hubs have in Azurite, as the gate of a release reads it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb

from durable.connections import Endpoints, connection_string
from localazure.arm.database import Database
from localazure.azurite.hub_storage import AzuriteHubStorage
from localazure.hubs.hub import Hub
from localazure.hubs.runs import Runs
from localazure.hubs.spec import HubSpec
from localazure.hubs.table import Place, Row
from release.instances import open_store
from tests.localazure.host.test_azurite import Azurite, a_name, new_key
from tests.localazure.hubs.hand import Worker, end, started


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    made = Azurite(tmp_path_factory.mktemp("azurite"))
    yield made
    made.storage.close()
    made.process.stop()


@pytest.fixture
def place(azurite: Azurite) -> Place:
    """A table in an account of its own."""
    account = a_name()
    azurite.storage.set_accounts({account: (new_key(), new_key())})
    azurite.storage.hubs.make(account, tables=["OrdersHubInstances"])
    return Place(account, "OrdersHubInstances")


@pytest.fixture
def storage(azurite: Azurite) -> AzuriteHubStorage:
    return azurite.storage.hubs


def row(key: str, status: str = "Running") -> Row:
    return {"PartitionKey": key, "RowKey": "", "RuntimeStatus": status, "CreatedTime": datetime(2026, 7, 1, tzinfo=UTC)}


def statuses(storage: AzuriteHubStorage, place: Place) -> dict[str, str]:
    return {each["PartitionKey"]: each["RuntimeStatus"] for each in storage.rows(place)}


def test_what_a_hub_has_is_made_once(azurite: Azurite, storage: AzuriteHubStorage) -> None:
    account, key = a_name(), new_key()
    azurite.storage.set_accounts({account: (key, new_key())})
    for _ in range(2):
        HubSpec(account, "OrdersHub", partitions=1).make(storage)
    with azurite.queues(account, key) as queues:
        assert {queue.name for queue in queues.list_queues()} == {"ordershub-control-00", "ordershub-workitems"}
    with azurite.tables(account, key) as tables:
        names = {table.name for table in tables.list_tables()}
    assert names == {"OrdersHubHistory", "OrdersHubInstances", "OrdersHubPartitions"}
    assert set(azurite.storage.list_containers(account, key)) == {"ordershub-leases", "ordershub-applease"}


def test_a_row_is_put_replaced_and_deleted(storage: AzuriteHubStorage, place: Place) -> None:
    storage.put_row(place, {**row("a"), "Output": "1"})
    storage.put_row(place, row("a", "Completed"))
    (found,) = storage.rows(place)
    assert ("Output" in found, found["RuntimeStatus"]) == (False, "Completed")
    for _ in range(2):
        storage.delete_row(place, "a")
    assert statuses(storage, place) == {}


def test_a_row_is_not_changed_if_it_has_changed_since(storage: AzuriteHubStorage, place: Place) -> None:
    for each in ("a", "b", "c"):
        storage.put_row(place, row(each))
    seen = {each["PartitionKey"]: each for each in storage.rows(place)}
    storage.put_row(place, row("b", "Pending"))
    storage.change_row(place, seen["a"], lambda found: {**found, "RuntimeStatus": "Failed"})
    storage.change_row(place, seen["b"], lambda found: {**found, "RuntimeStatus": "Failed"})
    storage.change_row(place, seen["c"], lambda _: None)
    assert statuses(storage, place) == {"a": "Failed", "b": "Pending"}


def test_a_table_that_is_not_there_has_no_rows(storage: AzuriteHubStorage, place: Place) -> None:
    assert list(storage.rows(Place(place.account, "Nobody"))) == []


def test_rows_are_written_with_the_key_that_the_account_has_now(
    azurite: Azurite, storage: AzuriteHubStorage, place: Place
) -> None:
    storage.put_row(place, row("a"))
    azurite.storage.set_accounts({place.account: (new_key(), new_key())})
    storage.put_row(place, row("b"))
    assert set(statuses(storage, place)) == {"a", "b"}


def test_rows_are_written_to_an_azurite_that_was_killed_meanwhile(
    azurite: Azurite, storage: AzuriteHubStorage, place: Place
) -> None:
    azurite.process.save()
    assert azurite.process.pid is not None
    os.kill(azurite.process.pid, signal.SIGKILL)
    storage.put_row(place, row("a"))
    assert statuses(storage, place) == {"a": "Running"}


def test_the_gate_reads_what_a_hub_has(azurite: Azurite, place: Place, tmp_path: Path) -> None:
    key = azurite.process.accounts[place.account][0]
    endpoints = Endpoints(**azurite.storage.endpoints(place.account))
    store = open_store({"Store": connection_string(place.account, key, endpoints)}, "Store")
    database = Database(tmp_path / "arm.sqlite")
    hub = Hub(HubSpec(place.account, "OrdersHub"), azurite.storage.hubs, Runs(database))
    try:
        started(hub.backend, "a#1")
        started(hub.backend, "b")
        signal_ = pb.SignalEntityRequest(instanceId="@counter@a", name="add")
        hub.backend.SignalEntity(signal_, None)  # type: ignore[arg-type]  # the method doesn't use it
        worker = Worker(hub.backend)
        first = worker.take()
        assert [each.id for each in store.all().active] == ["a#1", "b"]
        worker.step(first, end())
        hub.settle()
        listing = store.all()
        assert ([(each.id, each.name, each.status) for each in listing.active], listing.rows) == (
            [("b", "Order", "Pending")],
            3,
        )
    finally:
        hub.close()
        database.close()
