"""The SDK's in-memory backend, completed where a worker that dies, or a long run, shows that it was made for tests."""

from __future__ import annotations

import copy
import sys
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs
from durabletask.testing.in_memory_backend import (
    ActivityWorkItem,
    EntityState,
    InMemoryOrchestrationBackend,
    OrchestrationInstance,
)

from localazure.hubs.timers import Timers
from localazure.state import HOST

_CALLS_AT_ONCE: Final = 256
"""A stream of work items takes a thread as long as it lives, and so does each call that waits for an instance."""

_SECONDS_BEFORE_ANOTHER_TRY: Final = 0.5
"""How long a work item rests that a worker gave back: the worker itself may get it again."""


@dataclass(frozen=True)
class Snapshot:
    """An instance or an entity at one moment; both are None of what isn't there (any more).

    Of two snapshots the one with the higher version is the later. `execution` tells the runs of an instance apart:
    each start, and each continue-as-new, begins another. Of an orchestration that is about to begin, the snapshot has
    the state that it will have then.
    """

    id: str
    version: int
    orchestration: OrchestrationInstance | None = None
    entity: EntityState | None = None
    execution: int = 0


class Ledger(Protocol):
    """Is told of instances, to keep them elsewhere, too."""

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        """Note orchestrations that will be active once this has returned."""

    def changed(self, instance_id: str) -> None:
        """Hear that an instance or an entity may be another than before; doesn't block."""

    def settle(self, instance_ids: Iterable[str]) -> None:
        """Return when all that was heard of these is noted."""


@dataclass
class _Worker:
    """The stream of work items to one worker."""

    gone: bool = False


@dataclass(frozen=True)
class _Given:
    """A work item that a worker has and hasn't completed."""

    worker: _Worker
    item: pb.WorkItem


@dataclass(frozen=True)
class _Parent:
    """An orchestration that awaits a sub-orchestration, and the token that it had when it made it."""

    instance_id: str
    task_id: int
    token: int


class HubBackend(InMemoryOrchestrationBackend):
    """One task hub.

    Beyond the SDK's backend:
    - what a worker was given and hadn't completed when its stream broke is given out again;
    - a result counts once, and only in the execution that asked for it: none gets into one that has begun since by
      continue-as-new, and what has finished isn't run again;
    - timers and sub-orchestrations take no thread each, and a sub-orchestration may take any time;
    - a ledger hears of each instance before it is active, and after each change.
    """

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(max_history_size=sys.maxsize)
        self._ledger = ledger
        self._timers = Timers("hub-timers")
        self._version = 0
        self._workers = 0
        self._given: dict[str, _Given] = {}
        """By completion token; in this class those of activities are unique, too."""
        self._activities: dict[str, ActivityWorkItem] = {}
        """Those that are scheduled and not completed, by completion token."""
        self._since: dict[str, int] = {}
        """The token with which an instance's present execution began; tokens only ever rise."""
        self._parents: dict[str, list[_Parent]] = {}
        self._begun: dict[str, Snapshot] = {}
        """Sub-orchestrations that the ledger knows already, and that are about to be made."""

    def start(self) -> str:
        """Serve on a free port of loopback; gives the address."""
        server = grpc.server(
            ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="hub"),
            options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
        )
        stubs.add_TaskHubSidecarServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        self._port = server.add_insecure_port(f"{HOST}:0")
        server.start()
        self._server = server
        return f"{HOST}:{self._port}"

    def stop(self, grace: float | None = None) -> None:
        super().stop(grace)
        with self._lock:
            for waiter in [each for waiters in self._state_waiters.values() for each in waiters]:
                waiter.event.set()
        self._timers.close()

    @property
    def workers(self) -> int:
        """How many workers are connected."""
        return self._workers

    def snapshot(self, instance_id: str) -> Snapshot:
        """An instance or an entity as it is now."""
        with self._lock:
            self._version += 1
            orchestration, entity = self._instances.get(instance_id), self._entities.get(instance_id)
            return Snapshot(
                instance_id,
                self._version,
                copy.copy(orchestration),
                copy.copy(entity),
                self._since.get(instance_id, 0),
            )

    def snapshots(self) -> list[Snapshot]:
        """All instances and entities as they are now, by id."""
        with self._lock:
            return [self.snapshot(each) for each in sorted({*self._instances, *self._entities})]

    # What workers and clients call.

    def GetWorkItems(  # noqa: N802
        self, request: pb.GetWorkItemsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WorkItem]:
        worker = _Worker()
        with self._lock:
            self._workers += 1
        if not context.add_callback(lambda: self._leave(worker)):
            self._leave(worker)
            return
        for item in super().GetWorkItems(request, context):
            with self._lock:
                self._given[item.completionToken] = _Given(worker, item)
                if worker.gone:
                    self._take_back(item.completionToken)
                    return
            yield item

    def StartInstance(  # noqa: N802
        self, request: pb.CreateInstanceRequest, context: grpc.ServicerContext
    ) -> pb.CreateInstanceResponse:
        request.instanceId = request.instanceId or uuid.uuid4().hex
        made = OrchestrationInstance(
            request.instanceId,
            request.name,
            pb.ORCHESTRATION_STATUS_PENDING,
            version=request.version.value if request.HasField("version") else None,
            input=request.input.value,
            tags=dict(request.tags),
        )
        new = self._future(made)
        # The ledger takes its time, so it's told outside the lock where nothing can be overwritten.
        if new.id not in self._instances:
            self._ledger.begin([new])
        try:
            with self._lock:
                known = self._instances.get(new.id)
                if known is not None and known.status in request.orchestrationIdReusePolicy.replaceableStatus:
                    new = self._future(made)
                    self._ledger.begin([new])
                reply = super().StartInstance(request, context)
                self._begin(new)
        finally:
            self._ledger.changed(new.id)
        return reply

    def PurgeInstances(  # noqa: N802
        self, request: pb.PurgeInstancesRequest, context: grpc.ServicerContext
    ) -> pb.PurgeInstancesResponse:
        with self._lock:
            before = set(self._instances)
            reply = super().PurgeInstances(request, context)
            purged = before - set(self._instances)
            for each in purged:
                self._since.pop(each, None)
                self._ledger.changed(each)
        self._ledger.settle(purged)
        return reply

    def CleanEntityStorage(  # noqa: N802
        self, request: pb.CleanEntityStorageRequest, context: grpc.ServicerContext
    ) -> pb.CleanEntityStorageResponse:
        with self._lock:
            before = set(self._entities)
            reply = super().CleanEntityStorage(request, context)
            for each in before - set(self._entities):
                self._ledger.changed(each)
        return reply

    def CompleteOrchestratorTask(  # noqa: N802
        self, request: pb.OrchestratorResponse, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        # Who has no work item has lost it, and another one may have it now.
        given = self._given.pop(request.completionToken, None)
        if given is None:
            return pb.CompleteTaskResponse()
        try:
            self._begin_made_by(request)
        except Exception:
            with self._lock:
                self._given[request.completionToken] = given
                self._take_back(request.completionToken)
            raise
        with self._lock:
            reply = super().CompleteOrchestratorTask(request, context)
            instance = self._instances.get(request.instanceId)
            if instance is not None and self._is_terminal_status(instance.status):
                instance.completed_at = instance.completed_at or datetime.now(UTC)
                self._tell_parents(instance)
        self._ledger.changed(request.instanceId)
        return reply

    def CompleteActivityTask(  # noqa: N802
        self, request: pb.ActivityResponse, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        with self._lock:
            activity = self._activities.pop(request.completionToken, None)
            self._given.pop(request.completionToken, None)
            if activity is None or not self._awaits(activity.instance_id, activity.completion_token):
                return pb.CompleteTaskResponse()
            return super().CompleteActivityTask(request, context)

    def CompleteEntityTask(  # noqa: N802
        self, request: pb.EntityBatchResult, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        with self._lock:
            given = self._given.pop(request.completionToken, None)
            if given is None:
                return pb.CompleteTaskResponse()
            reply = super().CompleteEntityTask(request, context)
        self._ledger.changed(given.item.entityRequestV2.instanceId)
        return reply

    def AbandonTaskOrchestratorWorkItem(  # noqa: N802
        self,
        request: pb.AbandonOrchestrationTaskRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.AbandonOrchestrationTaskResponse:
        self._abandon(request.completionToken)
        return pb.AbandonOrchestrationTaskResponse()

    def AbandonTaskActivityWorkItem(  # noqa: N802
        self,
        request: pb.AbandonActivityTaskRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.AbandonActivityTaskResponse:
        self._abandon(request.completionToken)
        return pb.AbandonActivityTaskResponse()

    def AbandonTaskEntityWorkItem(  # noqa: N802
        self,
        request: pb.AbandonEntityTaskRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> pb.AbandonEntityTaskResponse:
        self._abandon(request.completionToken)
        return pb.AbandonEntityTaskResponse()

    # Work items that come back.

    def _leave(self, worker: _Worker) -> None:
        with self._lock:
            if worker.gone:
                return
            worker.gone = True
            self._workers -= 1
            for token in [token for token, given in self._given.items() if given.worker is worker]:
                self._take_back(token)

    def _abandon(self, token: str) -> None:
        def take_back() -> None:
            with self._lock:
                self._take_back(token)

        self._timers.after(_SECONDS_BEFORE_ANOTHER_TRY, take_back)

    def _take_back(self, token: str) -> None:
        """Give a work item out anew, if it isn't completed; hold the lock."""
        given = self._given.pop(token, None)
        if given is None:
            return
        match given.item.WhichOneof("request"):
            case "orchestratorRequest":
                self._take_back_orchestration(given.item.orchestratorRequest.instanceId, token)
            case "activityRequest":
                if token in self._activities:
                    self._activity_queue.appendleft(self._activities[token])
                    self._work_available.set()
            case "entityRequestV2":
                self._take_back_entity(given.item.entityRequestV2.instanceId, token)

    def _take_back_orchestration(self, instance_id: str, token: str) -> None:
        self._orchestration_in_flight.discard(instance_id)
        instance = self._instances.get(instance_id)
        if instance is not None and str(instance.completion_token) == token:
            instance.pending_events[:0] = instance.dispatched_events
            instance.dispatched_events.clear()
            instance.completion_token = self._new_token()
        self._enqueue_orchestration(instance_id)

    def _take_back_entity(self, entity_id: str, token: str) -> None:
        self._entity_in_flight.discard(entity_id)
        entity = self._entities.get(entity_id)
        if entity is not None and str(entity.completion_token) == token:
            entity.pending_operations[:0] = entity.dispatched_operations
            entity.dispatched_operations.clear()
            entity.completion_token = self._new_token()
            self._enqueue_entity(entity_id)

    # Executions.

    def _awaits(self, instance_id: str, token: int) -> bool:
        """Whether an instance still runs in the execution in which it had this token."""
        instance = self._instances.get(instance_id)
        return (
            instance is not None
            and not self._is_terminal_status(instance.status)
            and token >= self._since.get(instance_id, 0)
        )

    def _enqueue_orchestration(self, instance_id: str) -> None:
        instance = self._instances.get(instance_id)
        if instance is not None and self._is_terminal_status(instance.status):
            instance.pending_events.clear()
            return
        super()._enqueue_orchestration(instance_id)

    def _process_complete_orchestration_action(
        self, instance: OrchestrationInstance, complete_action: pb.CompleteOrchestrationAction
    ) -> None:
        if complete_action.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            self._since[instance.instance_id] = self._next_completion_token
        super()._process_complete_orchestration_action(instance, complete_action)

    def _process_schedule_task_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        super()._process_schedule_task_action(instance, action)
        activity = self._activity_queue[-1]
        activity.completion_token = self._new_token()
        self._activities[str(activity.completion_token)] = activity

    def _process_create_timer_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        fire_at = action.createTimer.fireAt.ToDatetime(tzinfo=UTC)
        instance.history.append(helpers.new_timer_created_event(action.id, fire_at))
        if instance.status == pb.ORCHESTRATION_STATUS_PENDING:
            instance.status = pb.ORCHESTRATION_STATUS_RUNNING
        instance_id, token = instance.instance_id, instance.completion_token

        def fire() -> None:
            with self._lock:
                if self._awaits(instance_id, token):
                    self._deliver(instance_id, helpers.new_timer_fired_event(action.id, fire_at))

        self._timers.after((fire_at - datetime.now(UTC)).total_seconds(), fire)

    def _watch_sub_orchestration(self, parent_instance_id: str, sub_instance_id: str, task_id: int) -> None:
        token = self._instances[parent_instance_id].completion_token
        self._parents.setdefault(sub_instance_id, []).append(_Parent(parent_instance_id, task_id, token))
        made = self._instances.get(sub_instance_id)
        if made is not None and self._is_terminal_status(made.status):
            self._tell_parents(made)

    def _tell_parents(self, made: OrchestrationInstance) -> None:
        """Tell those who await a sub-orchestration that it has ended."""
        for parent in self._parents.pop(made.instance_id, []):
            if not self._awaits(parent.instance_id, parent.token):
                continue
            if made.status == pb.ORCHESTRATION_STATUS_COMPLETED:
                event = helpers.new_sub_orchestration_completed_event(parent.task_id, made.output)
            else:
                failure = made.failure_details.errorMessage if made.failure_details else "Sub-orchestration failed"
                event = helpers.new_sub_orchestration_failed_event(parent.task_id, Exception(failure))
            self._deliver(parent.instance_id, event)

    def _deliver(self, instance_id: str, event: pb.HistoryEvent) -> None:
        instance = self._instances[instance_id]
        instance.pending_events.append(event)
        instance.last_updated_at = datetime.now(UTC)
        self._enqueue_orchestration(instance_id)

    def _new_token(self) -> int:
        token = self._next_completion_token
        self._next_completion_token += 1
        return token

    # What the ledger hears.

    def _future(self, new: OrchestrationInstance) -> Snapshot:
        with self._lock:
            self._version += 1
            return Snapshot(new.instance_id, self._version, new, execution=self._next_completion_token)

    def _begin(self, told: Snapshot) -> None:
        """Have an instance that was just made be the one that the ledger was told of."""
        made = self._instances[told.id]
        self._since[told.id] = told.execution
        if told.orchestration is not None:
            made.created_at = made.last_updated_at = told.orchestration.created_at

    def _begin_made_by(self, request: pb.OrchestratorResponse) -> None:
        """Tell the ledger of the sub-orchestrations that a step makes, before the lock is taken for it."""
        made = [
            OrchestrationInstance(
                each.instanceId,
                each.name,
                pb.ORCHESTRATION_STATUS_PENDING,
                version=each.version.value if each.HasField("version") else None,
                input=each.input.value,
            )
            for each in (a.createSubOrchestration for a in request.actions if a.HasField("createSubOrchestration"))
        ]
        if made:
            begun = {each.instance_id: self._future(each) for each in made}
            self._ledger.begin(begun.values())
            self._begun.update(begun)

    def _create_instance_internal(
        self, instance_id: str, name: str, encoded_input: str | None = None, version: str | None = None
    ) -> None:
        new = self._begun.pop(instance_id, None)
        if new is None:
            new = self._future(
                OrchestrationInstance(
                    instance_id, name, pb.ORCHESTRATION_STATUS_PENDING, version=version, input=encoded_input
                )
            )
            self._ledger.begin([new])
        try:
            super()._create_instance_internal(instance_id, name, encoded_input, version)
            self._begin(new)
        finally:
            self._ledger.changed(instance_id)

    def _prepare_rewind(self, instance: OrchestrationInstance, reason: str | None = None) -> None:
        again = copy.copy(instance)
        again.status, again.output, again.failure_details = pb.ORCHESTRATION_STATUS_RUNNING, None, None
        self._ledger.begin([self._future(again)])
        super()._prepare_rewind(instance, reason)
        self._ledger.changed(instance.instance_id)

    def _enqueue_entity(self, entity_id: str) -> None:
        super()._enqueue_entity(entity_id)
        self._ledger.changed(entity_id)
