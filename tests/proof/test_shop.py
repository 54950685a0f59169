"""The app of the proof, run by a worker: its orchestrations give what is expected, and other code breaks them."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from durabletask.client import OrchestrationState
from durabletask.history import TaskCompletedEvent

from localazure.functions.process import WorkerProcess
from proof.account import verdict
from proof.kinds import EVENT, Kind, Order
from proof.truth import State
from proof.versions import Versions, build
from tests.localazure.worker.conftest import TaskHub, document, hub
from tests.proof.told import BLUE, START

__all__ = ["hub"]

Run = Callable[[int], WorkerProcess]


@pytest.fixture
def run(hub: TaskHub, tmp_path: Path) -> Iterator[Run]:
    """Has a worker with a version of the app join the hub; the one before it is ended."""
    versions, running = Versions(seed=1), list[WorkerProcess]()

    def begin(number: int) -> WorkerProcess:
        while running:
            running.pop().kill()
        folder = tmp_path / f"version{number}"
        folder.mkdir()
        zipfile.ZipFile(build(versions[number], tmp_path).path).extractall(folder)
        worker = WorkerProcess(document(hub, folder, {}), tmp_path / "log")
        running.append(worker)
        worker.ready()
        worker.join()
        return worker

    yield begin
    for worker in running:
        worker.kill()


def start(hub: TaskHub, order: Order) -> str:
    given = {**order.body, "startedBy": 1}
    return str(hub.client.schedule_new_orchestration(str(order.kind), input=given, instance_id=order.id))


def begin(hub: TaskHub, order: Order) -> None:
    """Start an orchestration, and wait until its first step is done."""
    start(hub, order)
    deadline = time.monotonic() + 60
    while not any(isinstance(each, TaskCompletedEvent) for each in hub.client.get_orchestration_history(order.id)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def seen(found: OrchestrationState) -> State:
    failure = found.failure_details
    output = json.loads(found.serialized_output) if found.serialized_output else None
    told = f"{failure.error_type}: {failure.message}" if failure else ""
    return State(found.instance_id, BLUE, found.runtime_status.name.capitalize(), START, START, output, told)


def test_each_kind_of_orchestration_does_all_its_steps_by_the_version_that_started_it(
    hub: TaskHub,
    run: Run,
) -> None:
    run(1)
    orders = [Order(f"{kind}-1", kind, 0.3, 0.01, 3, 0.1 if kind is Kind.EVENT else None) for kind in Kind]
    for order in orders:
        start(hub, order)
    hub.client.raise_orchestration_event("event-1", EVENT, data="event-1")
    verdicts = {order.kind: verdict(order, [seen(hub.ended(order.id))]) for order in orders}
    assert verdicts == dict.fromkeys(Kind, ("completed", ""))


def test_an_orchestration_that_the_next_version_goes_on_with_is_broken(hub: TaskHub, run: Run) -> None:
    run(1)
    order = Order("event-1", Kind.EVENT, event_after=0)
    begin(hub, order)
    run(2)
    hub.client.raise_orchestration_event(order.id, EVENT, data=order.id)
    assert verdict(order, [seen(hub.ended(order.id))])[0] == "broken"


def test_an_orchestration_that_begins_with_the_next_version_tells_of_two(hub: TaskHub, run: Run) -> None:
    order = Order("chain-1", Kind.CHAIN)
    start(hub, order)
    run(2)
    assert verdict(order, [seen(hub.ended(order.id))]) == ("mixed", "run by the versions [1, 2]")
