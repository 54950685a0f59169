"""The app's part in its task hub: its orchestrators, activities and entities on the durabletask SDK's worker."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator
from typing import Any, Final

from azure.durable_functions.models.DurableEntityContext import DurableEntityContext
from durabletask import task as dt
from durabletask.entities import EntityContext
from durabletask.grpc_options import GrpcChannelOptions
from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from localazure.worker.app import App, Function, Kind
from localazure.worker.calls import Calls
from localazure.worker.context import run
from localazure.worker.values import Converter, Raw

_QUIET = logging.getLogger("durabletask")
_QUIET.setLevel(logging.WARNING)
"""It has a line for each step of each orchestration."""

_UNLIMITED: Final = GrpcChannelOptions(max_receive_message_length=-1, max_send_message_length=-1)
"""A step comes with its whole history, and in Azure neither that nor an input has a limit."""


class Durable:
    """An app that takes work from its hub once it has joined it."""

    def __init__(self, app: App, calls: Calls) -> None:
        self._app = app
        self._calls = calls

    def join(self) -> None:
        """Begin to take work; nothing to do for an app without a hub."""
        address = self._calls.start.address
        if address is None:
            return
        worker = TaskHubGrpcWorker(
            host_address=address,
            data_converter=Converter(),
            concurrency_options=self._concurrency(),
            channel_options=_UNLIMITED,
            emit_trace_spans=False,
            logger=_QUIET,
        )
        for function in self._app.of(Kind.ORCHESTRATOR):
            worker.add_orchestrator(_named(function, _orchestrator(function)))
        for function in self._app.of(Kind.ACTIVITY):
            worker.add_activity(_named(function, _activity(function, self._calls)))
        for function in self._app.of(Kind.ENTITY):
            worker.add_entity(_named(function, _entity(function)))
        worker.start()  # type: ignore[no-untyped-call]

    def _concurrency(self) -> ConcurrencyOptions:
        activities, orchestrators = self._app.at_once("Activity"), self._app.at_once("Orchestrator")
        return ConcurrencyOptions(
            maximum_concurrent_activity_work_items=activities,
            maximum_concurrent_orchestration_work_items=orchestrators,
            maximum_concurrent_entity_work_items=orchestrators,
            # One for each, so that activities that take long hold up nothing else.
            maximum_thread_pool_workers=activities + 2 * orchestrators,
        )


def _named(function: Function, call: Callable[..., Any]) -> Callable[..., Any]:
    call.__name__ = function.name_at_work
    return call


def _orchestrator(function: Function) -> Callable[..., Any]:
    def orchestrator(backend: dt.OrchestrationContext, given: Raw) -> Generator[dt.Task[Any], Any, Any]:
        return run(function, backend, given)

    return orchestrator


def _activity(function: Function, calls: Calls) -> Callable[..., Any]:
    def activity(_: dt.ActivityContext, given: Any) -> Any:
        return calls.in_thread(function, given)

    return activity


def _entity(function: Function) -> Callable[..., Any]:
    def entity(backend: EntityContext, given: Raw) -> Any:
        state = backend.get_state(Raw)
        context = DurableEntityContext(backend.entity_id.entity, backend.entity_id.key, state is not None, state)
        # The SDK sets these itself, before the operations of a batch, and reads them after it.
        context._state_is_raw = state is not None
        context._operation = backend.operation
        context._input = json.dumps(given)
        function.call(context)
        if not context._state_is_raw:
            backend.set_state(context._state if context._exists else None)
        return context._result

    return entity
