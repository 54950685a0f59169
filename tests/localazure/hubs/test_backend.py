"""A task hub's backend, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from durabletask.internal import orchestrator_service_pb2 as pb

from localazure.hubs.backend import HubBackend, Snapshot
from tests.localazure.hubs.hand import (
    CONTINUED,
    FAILED,
    AbortedError,
    Call,
    Told,
    Worker,
    activity,
    end,
    events,
    started,
    status,
    sub,
    timer,
)

ANY: Any = Call()


@pytest.fixture
def ledger() -> Told:
    return Told()


@pytest.fixture
def backend(ledger: Told) -> Iterator[HubBackend]:
    made = HubBackend(ledger)
    yield made
    made.stop()


@pytest.fixture
def worker(backend: HubBackend) -> Worker:
    return Worker(backend)


def test_an_activity_whose_worker_died_is_run_again_by_the_next(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.step(worker.take(), activity(1))
    lost = worker.take()
    worker.die()
    other = Worker(backend)
    again = other.take()
    assert again.activityRequest == lost.activityRequest
    other.finish(again)
    other.step(other.take(), end())
    assert status(backend, "one") == "Completed"


def test_a_step_whose_worker_died_is_taken_again_with_all_its_events(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    lost = worker.take()
    backend.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), ANY)
    worker.die()
    other = Worker(backend)
    again = other.take()
    assert events(again) == ["executionStarted", "eventRaised"]
    # Whoever lost it says nothing any more.
    worker.step(lost, end())
    assert status(backend, "one") == "Pending"
    other.step(again, end())
    assert status(backend, "one") == "Completed"


def test_an_entity_whose_worker_died_gets_its_operations_again(backend: HubBackend, worker: Worker) -> None:
    backend.SignalEntity(pb.SignalEntityRequest(instanceId="@counter@a", name="add", requestId="1"), ANY)
    lost = worker.take()
    worker.die()
    other = Worker(backend)
    again = other.take()
    assert again.entityRequestV2.operationRequests == lost.entityRequestV2.operationRequests
    done = pb.EntityBatchResult(completionToken=again.completionToken)
    done.entityState.value = "1"
    backend.CompleteEntityTask(done, ANY)
    found = backend.snapshot("@counter@a").entity
    assert found is not None
    assert found.serialized_state == "1"


def test_a_result_counts_once(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.step(worker.take(), activity(1))
    lost = worker.take()
    worker.die()
    other = Worker(backend)
    other.take()
    worker.finish(lost)
    other.finish(lost)
    assert events(other.take()) == ["taskCompleted"]


def test_a_worker_that_is_connected_is_counted(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.take()
    assert backend.workers == 1
    worker.die()
    assert backend.workers == 0


def test_a_result_from_before_a_continue_as_new_is_not_heard_after_it(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.step(worker.take(), activity(1), timer(2, datetime.now(UTC) + timedelta(seconds=0.3)))
    early = worker.take()
    backend.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), ANY)
    worker.step(worker.take(), end(CONTINUED, "2"))
    worker.step(worker.take(), activity(1), timer(2, datetime.now(UTC) + timedelta(seconds=0.5)))
    now = worker.take()
    worker.finish(early, '"early"')
    worker.finish(now, '"now"')
    heard = worker.take()
    assert [each.taskCompleted.result.value for each in heard.orchestratorRequest.newEvents[1:]] == ['"now"']
    worker.step(heard)
    fired = worker.take()
    assert events(fired) == ["timerFired"]
    worker.step(fired, end())
    assert status(backend, "one") == "Completed"


def test_what_has_finished_is_not_run_again_by_a_late_result(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.step(worker.take(), activity(1), end())
    worker.finish(worker.take())
    started(backend, "two")
    assert worker.take().orchestratorRequest.instanceId == "two"


def test_a_parent_hears_of_its_sub_orchestration_however_it_ended(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    worker.step(worker.take(), sub(1, "one:1"), sub(2, "one:2"))
    first, second = worker.take(), worker.take()
    worker.step(first, end())
    worker.step(second, end(FAILED))
    assert events(worker.take()) == ["subOrchestrationInstanceCompleted", "subOrchestrationInstanceFailed"]


def test_a_work_item_that_a_worker_gives_back_is_given_out_again(backend: HubBackend, worker: Worker) -> None:
    started(backend, "one")
    first = worker.take()
    backend.AbandonTaskOrchestratorWorkItem(
        pb.AbandonOrchestrationTaskRequest(completionToken=first.completionToken), ANY
    )
    worker.step(worker.take(), activity(1))
    second = worker.take()
    backend.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken=second.completionToken), ANY)
    assert worker.take().activityRequest == second.activityRequest


def test_the_ledger_hears_of_each_instance_before_it_is_there(
    backend: HubBackend, worker: Worker, ledger: Told
) -> None:
    active: list[tuple[str, bool]] = []

    def look(told: Snapshot) -> None:
        found = backend.snapshot(told.id).orchestration
        assert told.orchestration is not None
        assert told.orchestration.status == pb.ORCHESTRATION_STATUS_PENDING
        active.append((told.id, found is not None and found.completed_at is None))

    ledger.at_begin = look
    started(backend, "one")
    worker.step(worker.take(), sub(1, "one:1"))
    worker.step(worker.take(), end())
    worker.step(worker.take(), end())
    again = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_COMPLETED])
    started(backend, "one", orchestrationIdReusePolicy=again)
    assert active == [("one", False), ("one:1", False), ("one", False)]
    assert status(backend, "one") == "Pending"


def test_an_instance_that_is_there_already_is_refused_and_the_ledger_is_told_to_look(
    backend: HubBackend, ledger: Told
) -> None:
    started(backend, "one")
    ledger.begun.clear()
    ledger.heard.clear()
    with pytest.raises(AbortedError, match="ALREADY_EXISTS"):
        started(backend, "one")
    assert (ledger.begun, ledger.heard) == ([], ["one"])


def test_the_ledger_hears_of_what_is_purged_and_restarted(backend: HubBackend, worker: Worker, ledger: Told) -> None:
    started(backend, "one")
    worker.step(worker.take(), end())
    ledger.begun.clear()
    backend.RestartInstance(pb.RestartInstanceRequest(instanceId="one"), ANY)
    assert ledger.begun == ["one"]
    worker.step(worker.take(), end())
    ledger.heard.clear()
    backend.PurgeInstances(pb.PurgeInstancesRequest(instanceId="one"), ANY)
    assert ledger.heard == ["one"]
    assert backend.snapshot("one").orchestration is None


def test_it_listens_on_loopback_and_ends_those_who_wait(backend: HubBackend) -> None:
    from durabletask.client import TaskHubGrpcClient

    address = backend.start()
    assert address.startswith("127.0.0.1:")
    with TaskHubGrpcClient(host_address=address) as client:
        client.schedule_new_orchestration("Order", instance_id="one")
        assert [each.instance_id for each in client.get_all_orchestration_states()] == ["one"]
