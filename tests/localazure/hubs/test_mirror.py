"""A hub's Instances table beside its backend."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import EntityState, OrchestrationInstance

from localazure.arm.database import Database
from localazure.hubs.backend import Snapshot
from localazure.hubs.hub import Hub
from localazure.hubs.hubs import Hubs
from localazure.hubs.rows import row_of
from localazure.hubs.runs import LOST, Runs
from localazure.hubs.spec import HubSpec
from localazure.hubs.table import Place
from tests.localazure.hubs.hand import CONTINUED, Call, Worker, end, events, started, sub
from tests.localazure.hubs.memory import MemoryHubStorage

ANY: Any = Call()
RUN = "0123456789ab"
SPEC = HubSpec("account1", "OrdersHub", partitions=2)
PLACE = Place("account1", "OrdersHubInstances")


@pytest.fixture
def storage() -> MemoryHubStorage:
    return MemoryHubStorage()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "arm.sqlite")
    yield made
    made.close()


@pytest.fixture
def hubs(storage: MemoryHubStorage, database: Database) -> Iterator[Hubs]:
    made = Hubs(storage, Runs(database))
    yield made
    storage.free.set()
    made.close()


@pytest.fixture
def hub(hubs: Hubs) -> Hub:
    return hubs.join(SPEC)


def statuses(storage: MemoryHubStorage, place: Place = PLACE) -> dict[str, str]:
    return {row["PartitionKey"]: row["RuntimeStatus"] for row in storage.rows(place)}


def test_a_row_has_the_columns_of_azures_schema() -> None:
    at = datetime(2026, 7, 1, 8, tzinfo=UTC)
    instance = OrchestrationInstance(
        "a/b", "Order", pb.ORCHESTRATION_STATUS_SUSPENDED, "1.2", "[1]", None, '"half"', at, at, tags={"kind": "x"}
    )
    row = row_of(Snapshot("a/b", 1, instance, execution=7), "OrdersHub", RUN)
    assert row is not None
    assert row.pop("ExecutionId").startswith(RUN)
    assert row == {
        "PartitionKey": "a^0b",
        "RowKey": "",
        "Name": "Order",
        "Version": "1.2",
        "Input": "[1]",
        "CustomStatus": '"half"',
        "CreatedTime": at,
        "LastUpdatedTime": at,
        "RuntimeStatus": "Suspended",
        "Tags": '{"kind": "x"}',
        "TaskHubName": "OrdersHub",
        "Generation": 0,
    }


def test_a_failed_instance_says_why_and_a_value_that_is_too_large_is_left_out() -> None:
    failure = pb.TaskFailureDetails(errorMessage="no lamp")
    instance = OrchestrationInstance(
        "a", "Order", pb.ORCHESTRATION_STATUS_FAILED, input="x" * 40_000, failure_details=failure
    )
    row = row_of(Snapshot("a", 1, instance), "OrdersHub", RUN)
    assert row is not None
    assert (row["Output"], "Input" in row) == ('"no lamp"', False)


def test_an_entity_is_running_for_ever() -> None:
    row = row_of(Snapshot("@counter@a", 1, entity=EntityState("@counter@a", "3")), "OrdersHub", RUN)
    assert row is not None
    assert (row["PartitionKey"], row["Name"], row["RuntimeStatus"]) == ("@counter@a", "@counter", "Running")
    assert json.loads(row["Input"]) == {"exists": True, "state": "3"}


def test_each_execution_has_an_id_of_its_own() -> None:
    instance = OrchestrationInstance("a", "Order", pb.ORCHESTRATION_STATUS_RUNNING)
    one = Snapshot("a", 1, instance, execution=1)
    first, again, other = (row_of(each, "h", RUN) for each in (one, one, replace(one, execution=2)))
    assert first is not None
    assert other is not None
    assert first == again
    assert first["ExecutionId"] != other["ExecutionId"]
    assert len(first["ExecutionId"]) == 32


def test_an_instance_is_not_there_before_its_row_is(hub: Hub, storage: MemoryHubStorage) -> None:
    storage.free.clear()
    starting = threading.Thread(target=started, args=(hub.backend, "one"))
    starting.start()
    assert hub.backend.snapshot("one").orchestration is None
    storage.free.set()
    starting.join()
    assert statuses(storage) == {"one": "Pending"}
    assert hub.backend.snapshot("one").orchestration is not None


def test_a_start_whose_row_cannot_be_written_fails_and_leaves_nothing(hub: Hub, storage: MemoryHubStorage) -> None:
    storage.failures = 1
    with pytest.raises(ConnectionError):
        started(hub.backend, "one")
    assert hub.backend.snapshot("one").orchestration is None


def test_a_step_whose_sub_orchestrations_row_cannot_be_written_is_taken_again(
    hub: Hub, storage: MemoryHubStorage
) -> None:
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    hub.settle()
    storage.failures = 1
    with pytest.raises(ConnectionError):
        worker.step(worker.take(), sub(1, "one:1"))
    again = worker.take()
    assert events(again) == ["executionStarted"]
    worker.step(again, sub(1, "one:1"))
    assert statuses(storage)["one:1"] == "Pending"


def test_a_hub_that_closes_leaves_its_table_in_step(hubs: Hubs, storage: MemoryHubStorage) -> None:
    hub = hubs.join(SPEC)
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    hub.settle()
    storage.failures = 1
    worker.step(worker.take(), end())
    hubs.close()
    assert statuses(storage) == {"one": "Completed"}


def test_a_finished_status_comes_after_the_backend_has_it_and_a_failed_write_is_made_up_for(
    hub: Hub, storage: MemoryHubStorage
) -> None:
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    hub.settle()
    storage.free.clear()
    worker.step(worker.take(), end())
    assert (statuses(storage), hub.unwritten) == ({"one": "Pending"}, 1)
    storage.failures = 2
    storage.free.set()
    hub.settle()
    assert (statuses(storage), hub.unwritten) == ({"one": "Completed"}, 0)


def test_a_finished_instance_that_begins_again_is_active_in_the_table_first(
    hub: Hub, storage: MemoryHubStorage
) -> None:
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    hub.settle()
    item = worker.take()
    storage.free.clear()
    worker.step(item, end())
    again = threading.Thread(
        target=hub.backend.RestartInstance, args=(pb.RestartInstanceRequest(instanceId="one"), ANY)
    )
    again.start()
    storage.free.set()
    again.join()
    hub.settle()
    assert statuses(storage) == {"one": "Pending"}


def test_sub_orchestrations_and_continued_ones_are_told(hub: Hub, storage: MemoryHubStorage) -> None:
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    first = storage.row(PLACE, "one")
    worker.step(worker.take(), sub(1, "one:1"))
    assert statuses(storage)["one:1"] == "Pending"
    worker.step(worker.take(), end())
    worker.step(worker.take(), end(CONTINUED, "2"))
    hub.settle()
    assert statuses(storage) == {"one": "Pending", "one:1": "Completed"}
    second = storage.row(PLACE, "one")
    assert first is not None
    assert second is not None
    assert (first["ExecutionId"] != second["ExecutionId"], second["Input"]) == (True, "2")


def test_what_is_purged_leaves_the_table_before_the_purge_is_answered(hub: Hub, storage: MemoryHubStorage) -> None:
    worker = Worker(hub.backend)
    started(hub.backend, "one")
    worker.step(worker.take(), end())
    hub.backend.PurgeInstances(pb.PurgeInstancesRequest(instanceId="one"), ANY)
    assert statuses(storage) == {}


def test_a_hub_has_in_storage_what_azures_has(hub: Hub, storage: MemoryHubStorage) -> None:
    assert hub.place == PLACE
    assert storage.made == {
        "account1": {
            "ordershub-control-00",
            "ordershub-control-01",
            "ordershub-workitems",
            "OrdersHubHistory",
            "OrdersHubInstances",
            "OrdersHubPartitions",
            "ordershub-leases",
            "ordershub-applease",
        }
    }


def test_with_a_tracking_store_all_but_the_queues_is_there(hubs: Hubs, storage: MemoryHubStorage) -> None:
    hub = hubs.join(replace(SPEC, tracking="shared", tracking_prefix="Shop"))
    started(hub.backend, "one")
    assert statuses(storage, Place("shared", "ShopInstances")) == {"one": "Pending"}
    assert storage.made["account1"] == {"ordershub-control-00", "ordershub-control-01", "ordershub-workitems"}
    assert {"ShopHistory", "OrdersHubPartitions", "ordershub-leases"} <= storage.made["shared"]


def test_a_hub_that_moves_to_a_tracking_store_is_told_there_as_a_whole(hubs: Hubs, storage: MemoryHubStorage) -> None:
    hub = hubs.join(SPEC)
    started(hub.backend, "one")
    moved = hubs.join(replace(SPEC, tracking="shared"))
    assert moved is hub
    assert statuses(storage, Place("shared", "DurableTaskInstances")) == {"one": "Pending"}


def test_a_hub_is_one_for_each_account_and_name_whatever_their_case(hubs: Hubs) -> None:
    hub = hubs.join(SPEC)
    assert hubs.join(HubSpec("Account1", "ordershub")) is hub
    assert hubs.find("ACCOUNT1", "OrdersHUB") is hub
    assert hubs.join(HubSpec("account2", "OrdersHub")) is not hub
    assert hubs.find("account1", "Other") is None


def test_the_hubs_of_a_deleted_account_are_closed(hubs: Hubs) -> None:
    hubs.join(SPEC)
    kept = hubs.join(replace(SPEC, account="account2"))
    hubs.keep(["account2"])
    assert hubs.all() == [kept]


def test_what_an_earlier_process_left_active_is_failed_and_nothing_else(
    storage: MemoryHubStorage, database: Database
) -> None:
    earlier = Hubs(storage, Runs(database))
    hub = earlier.join(SPEC)
    worker = Worker(hub.backend)
    for each in ("done", "lost"):
        started(hub.backend, each)
    worker.step(worker.take(), end())
    hub.backend.SignalEntity(pb.SignalEntityRequest(instanceId="@counter@a", name="add"), ANY)
    hub.settle()
    by_hand = {"PartitionKey": "hand", "RowKey": "", "RuntimeStatus": "Running", "ExecutionId": "x"}
    storage.put_row(PLACE, by_hand)
    earlier.close()

    later = Hubs(storage, Runs(database))
    later.join(SPEC)
    started(later.all()[0].backend, "new")
    later.close_left_behind(lambda _: True)
    assert statuses(storage) == {"done": "Completed", "lost": "Failed", "hand": "Running", "new": "Pending"}
    row = storage.row(PLACE, "lost")
    assert row is not None
    assert json.loads(row["Output"]) == LOST
    assert [run.place for run in Runs(database).all()] == [PLACE]
    later.close()


def test_an_account_that_is_gone_has_left_nothing_behind(storage: MemoryHubStorage, database: Database) -> None:
    earlier = Hubs(storage, Runs(database))
    earlier.join(SPEC)
    earlier.close()
    later = Hubs(storage, Runs(database))
    later.close_left_behind(lambda _: False)
    assert Runs(database).all() == []


def test_of_two_snapshots_the_later_one_stays(storage: MemoryHubStorage) -> None:
    from localazure.hubs.mirror import Mirror

    instance = OrchestrationInstance("a", "Order", pb.ORCHESTRATION_STATUS_COMPLETED)
    later = Snapshot("a", 2, replace(instance, status=pb.ORCHESTRATION_STATUS_PENDING))
    mirror = Mirror(storage, PLACE, "OrdersHub", RUN, lambda _: Snapshot("a", 1, instance))
    mirror.begin([later])
    mirror.changed("a")
    mirror.settle()
    assert statuses(storage) == {"a": "Pending"}
    mirror.close()
