"""A worker of a hub by hand: it takes work items one by one, and completes them as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, cast

from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from grpc import ServicerContext

from localazure.hubs.backend import HubBackend, Snapshot
from localazure.hubs.rows import STATUSES

COMPLETED = pb.ORCHESTRATION_STATUS_COMPLETED
CONTINUED = pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW
FAILED = pb.ORCHESTRATION_STATUS_FAILED


class AbortedError(Exception):
    """The backend refused a call."""


class Call:
    """A gRPC call; a stream's ends with `break_off`."""

    def __init__(self) -> None:
        self._ended: list[Callable[[], None]] = []
        self._active = True

    def is_active(self) -> bool:
        return self._active

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self._ended.append(callback)
        return True

    def abort(self, code: Any, details: str) -> None:
        raise AbortedError(code.name, details)

    def break_off(self) -> None:
        self._active = False
        for each in self._ended:
            each()


class Told:
    """A ledger that only listens."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.heard: list[str] = []
        self.at_begin: Callable[[Snapshot], None] = lambda _: None

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        for each in snapshots:
            self.at_begin(each)
            self.begun.append(each.id)

    def changed(self, instance_id: str) -> None:
        self.heard.append(instance_id)

    def settle(self, instance_ids: Iterable[str]) -> None:
        pass


class Worker:
    """Connects to a backend without a network."""

    def __init__(self, backend: HubBackend) -> None:
        self._backend = backend
        self._stream = Call()
        # A call is as much of a ServicerContext as the backend uses.
        self._call = cast(ServicerContext, self._stream)
        self._items = backend.GetWorkItems(pb.GetWorkItemsRequest(), self._call)

    def take(self) -> pb.WorkItem:
        """The next work item; waits for one."""
        return next(self._items)

    def die(self) -> None:
        self._stream.break_off()

    def step(self, item: pb.WorkItem, *actions: pb.OrchestratorAction, custom_status: str = "") -> None:
        """Complete an orchestration's work item with what it does next."""
        done = pb.OrchestratorResponse(
            instanceId=item.orchestratorRequest.instanceId, completionToken=item.completionToken, actions=actions
        )
        if custom_status:
            done.customStatus.value = custom_status
        self._backend.CompleteOrchestratorTask(done, self._call)

    def finish(self, item: pb.WorkItem, result: str = '"done"') -> None:
        """Complete an activity's work item."""
        request = item.activityRequest
        done = pb.ActivityResponse(
            instanceId=request.orchestrationInstance.instanceId,
            taskId=request.taskId,
            completionToken=item.completionToken,
        )
        done.result.value = result
        self._backend.CompleteActivityTask(done, self._call)


def started(backend: HubBackend, instance_id: str, name: str = "Order", **fields: Any) -> str:
    """Start an instance; gives its id."""
    context: Any = Call()
    request = pb.CreateInstanceRequest(instanceId=instance_id, name=name, **fields)
    return str(backend.StartInstance(request, context).instanceId)


def activity(task_id: int, name: str = "reserve") -> pb.OrchestratorAction:
    return pb.OrchestratorAction(id=task_id, scheduleTask=pb.ScheduleTaskAction(name=name))


def timer(task_id: int, at: datetime | None = None) -> pb.OrchestratorAction:
    fire_at = helpers.new_timestamp((at or datetime.now(UTC)).replace(tzinfo=None))
    return pb.OrchestratorAction(id=task_id, createTimer=pb.CreateTimerAction(fireAt=fire_at))


def sub(task_id: int, instance_id: str) -> pb.OrchestratorAction:
    made = pb.CreateSubOrchestrationAction(instanceId=instance_id, name="Parcel")
    return pb.OrchestratorAction(id=task_id, createSubOrchestration=made)


def end(status: pb.OrchestrationStatus = COMPLETED, result: str = '"done"') -> pb.OrchestratorAction:
    ended = pb.CompleteOrchestrationAction(orchestrationStatus=status)
    ended.result.value = result
    return pb.OrchestratorAction(id=99, completeOrchestration=ended)


def events(item: pb.WorkItem) -> list[str]:
    """What is new to an orchestration, by kind, but for the beginning of each step."""
    kinds = [str(event.WhichOneof("eventType")) for event in item.orchestratorRequest.newEvents]
    return [kind for kind in kinds if kind != "orchestratorStarted"]


def status(backend: HubBackend, instance_id: str) -> str:
    found = backend.snapshot(instance_id).orchestration
    assert found is not None
    return STATUSES[found.status].value
